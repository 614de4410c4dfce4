"""The commands ``dagster``, ``dg``, ``dbt`` and ``python -m`` without their start: for tests that run many of them.

Importing Dagster and dbt takes most of a command's seconds. Here one process imports them once and forks for each call:
a call is a process of its own, with its own arguments, environment, folder, output and exit code. One test of each
command runs the installed command itself, and so does every test that kills a command.
"""

import atexit
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from tests import ROOT

COMMANDS = ("dagster", "dg", "dbt", "python")

RARELY = (50_000, 20, 100)
"""How often Python looks for garbage in processes that have imported much: thresholds of ``gc``."""


def command(name: str) -> str:
    """The path of one of ``COMMANDS``, to be used as the installed command is."""
    return str(_commands() / name)


@contextmanager
def beside_python() -> Iterator[None]:
    """Lets code of this process find the warm commands where it looks for the installed ones, beside its Python."""
    with patch.object(sys, "executable", command("python")):
        yield


@cache
def _commands() -> Path:
    """The folder of the commands; the process behind them ends with the one that asked first."""
    folder = TemporaryDirectory(prefix="tracks_warm_")
    address = Path(folder.name) / "socket"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm.server", str(address)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    ready = server.stdout.readline()
    assert ready == "ready\n", "the process behind the commands did not start"
    client = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
    for name in COMMANDS:
        path = Path(folder.name) / name
        path.write_text(f"#!{sys.executable} -ISE\n{client}", encoding="utf-8")
        path.chmod(0o755)

    def stop() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(stop)
    return Path(folder.name)
