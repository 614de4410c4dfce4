"""The wheel by itself: an empty environment, a two-line workspace, and an hour from its files to tracks."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path

import pytest

from examples.export_generator.generate import ExportPlan, write_hour
from tests import ROOT
from tracks_assets.defs.shared.catalogue import RepositoryPaths
from tracks_assets.defs.shared.dbt_manifest import fingerprint
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT, find_dbt_project
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import TRACKS

HOUR = datetime(2026, 3, 12, tzinfo=UTC)
COMMANDS = ("dagster", "dbt")
_ASK = """
from tracks_assets.defs.shared.dbt_manifest import fingerprint
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
print(DBT_PROJECT, fingerprint(read_settings({}), DBT_PROJECT))
"""


@dataclass(frozen=True)
class Installation:
    """The wheel in an environment of its own, which borrows everything else from the one that runs the tests.

    Attributes:
        environment: the folder of the environment.
        work: an empty folder to work in; TRACKS_HOME is below it.
    """

    environment: Path
    work: Path

    @property
    def packages(self) -> Path:
        """Where packages are installed."""
        return Path(sysconfig.get_path("purelib", "venv", {"base": str(self.environment)}))

    def run(self, program: str, *arguments: str) -> str:
        """Runs a program of the environment, which must succeed; returns what it printed."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "PYTHON"))}
        own = {"DAGSTER_HOME": str(self.work), "DAGSTER_DISABLE_TELEMETRY": "yes", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [str(self.environment / "bin" / program), *arguments],
            cwd=self.work,
            env=inherited | own,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def installed(self) -> dict[Path, int]:
        """Every file of the environment, and when it was written."""
        return {path: path.lstat().st_mtime_ns for path in self.environment.rglob("*")}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel, built and installed without a network, in folders that nobody can write to."""
    made = Installation(tmp_path_factory.mktemp("environment"), tmp_path_factory.mktemp("work"))
    wheels = tmp_path_factory.mktemp("wheels")
    _uv("build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(wheels), str(ROOT))
    venv.create(made.environment, symlinks=True)
    (wheel,) = wheels.glob("*.whl")
    python = made.environment / "bin" / "python"
    _uv("pip", "install", "--no-deps", "--no-index", "--compile-bytecode", "--python", str(python), str(wheel))
    (made.packages / "third_party.pth").write_text(sysconfig.get_path("purelib"))
    _write_commands(made.environment / "bin", COMMANDS)
    for path in (made.packages, *made.packages.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
    return made


def _uv(*arguments: str) -> None:
    uv = Path(sysconfig.get_path("scripts")) / "uv"
    done = subprocess.run([str(uv), "--offline", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _write_commands(folder: Path, names: Sequence[str]) -> None:
    """The commands that an installation of the third-party packages would bring."""
    for name in names:
        (command,) = entry_points(group="console_scripts", name=name)
        path = folder / name
        path.write_text(f"#!{folder}/python\nfrom {command.module} import {command.attr}\n{command.attr}()\n")
        path.chmod(0o755)


@pytest.mark.thorough
@pytest.mark.slow
def test_an_hour_comes_from_its_files_to_tracks(installation: Installation) -> None:
    work, before = installation.work, installation.installed()
    (work / "workspace.yaml").write_text("load_from:\n  - python_module: tracks_assets.definitions\n")
    written = write_hour(work / ".tracks" / "export", HOUR, ExportPlan(events_per_hour=500, files_per_hour=1))

    installation.run("dagster", "definitions", "validate", "--workspace", "workspace.yaml")
    hour = ["--select", "group:hourly", "--partition", "2026-03-12-00:00"]
    installation.run("dagster", "asset", "materialize", "-m", "tracks_assets.definitions", *hour)

    with DuckDbWarehouse(work / ".tracks" / "warehouse.duckdb").opened() as warehouse:
        assert warehouse.count_rows(RAW_TRACKS) == written.rows - written.malformed
        assert warehouse.count_rows(TRACKS) == written.rows - written.malformed - written.repeats > 0
    assert installation.installed() == before, "a run writes nothing where it is installed"


@pytest.mark.slow
def test_the_wheel_has_the_dbt_project_in_full(installation: Installation) -> None:
    project, hashed = installation.run("python", "-c", _ASK).split()
    assert Path(project) == installation.packages / "tracks_assets" / "dbt_project"
    assert hashed == fingerprint(read_settings({}), DBT_PROJECT)


def test_the_dbt_project_is_found_in_a_checkout_and_in_a_wheel(tmp_path: Path) -> None:
    package = tmp_path / "tracks_assets"
    (package / "defs").mkdir(parents=True)
    for dbt_project in (tmp_path / "dbt_project", package / "dbt_project"):
        dbt_project.mkdir()
        assert find_dbt_project(package) == dbt_project
        paths = RepositoryPaths(package, dbt_project)
        assert paths.convert_to_source_control_path(dbt_project / "models" / "a.sql") == "dbt_project/models/a.sql"
        assert paths.convert_to_source_control_path(package / "defs" / "a.py") == "tracks_assets/defs/a.py"


def test_the_wheel_asks_for_everything_that_the_package_imports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {_normal(re.match(r"[\w.-]+", line)[0]) for line in project["dependencies"]}  # type: ignore[index]
    distributions = packages_distributions()
    for path in (ROOT / "tracks_assets").rglob("*.py"):
        for name in _imported(path) - set(sys.stdlib_module_names) - {"tracks_assets"}:
            offered = {_normal(each) for each in distributions[name]}
            assert offered & asked, f"{path} imports {name}, of {offered}"


def _imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    named |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return {name.partition(".")[0] for name in named}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
