"""dbt's manifest, parsed again whenever anything that it depends on has changed.

It lies in TRACKS_HOME, with dbt's parse state beside it: the parse depends on the settings, and a read-only checkout
is enough to run from. It depends on the project's files, dbt's version and the settings that the project reads. Its
folder is named by a fingerprint of all of them, and appears at once and complete: several processes may start on a new
home at the same time, and each may be killed.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from tracks_assets.core.errors import ReportedError
from tracks_assets.settings import Settings

_KEPT = 4
"""Parsed states of other settings or of earlier files that are kept."""

_PROJECT_FILES = ("*.yml", "models/**/*", "macros/**/*", "tests/**/*")


class DbtProjectError(ReportedError):
    """The dbt project does not parse; the comparison is what dbt says."""


def dbt_executable() -> str:
    """The dbt of this Python's own environment, which need not be on the PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def parsed_state(settings: Settings, project: Path) -> Path:
    """The folder that holds the manifest and the parse state of ``project`` for these settings."""
    return settings.home / "dbt" / settings.engine / fingerprint(settings, project)[:16]


def ensure_manifest(settings: Settings, project: Path) -> Path:
    """The manifest of ``project`` for these settings, parsed where there is none yet.

    Raises:
        DbtProjectError: the project does not parse.
    """
    state = parsed_state(settings, project)
    manifest = state / "manifest.json"
    if not manifest.exists():
        state.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="parsing_", dir=state.parent, ignore_cleanup_errors=True) as folder:
            _parse(settings, project, Path(folder))
            try:
                Path(folder).rename(state)
            except OSError:
                # Another process was faster.
                if not manifest.exists():
                    raise
        _forget_old_states(state)
    return manifest


def _forget_old_states(state: Path) -> None:
    others = [path for path in state.parent.iterdir() if path.is_dir() and path != state]
    for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def fingerprint(settings: Settings, project: Path) -> str:
    """A hash of everything that decides what the manifest says.

    Of the path of the embedded warehouse that is the file's name, which dbt takes for the database's.
    """
    variables = settings.child_environment()
    del variables["TRACKS_HOME"]
    variables["TRACKS_DUCKDB_PATH"] = settings.duckdb_path.stem
    files = sorted(path for pattern in _PROJECT_FILES for path in project.glob(pattern) if path.is_file())
    hashed = hashlib.sha256(json.dumps([version("dbt-core"), sorted(variables.items())]).encode())
    for path in files:
        hashed.update(f"\n{path.relative_to(project)}\n".encode() + path.read_bytes())
    return hashed.hexdigest()


def _parse(settings: Settings, project: Path, target_path: Path) -> None:
    command = [dbt_executable(), "--quiet", "parse", "--target", settings.engine]
    command += ["--target-path", str(target_path), "--log-path", str(target_path)]
    command += ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = subprocess.run(
        command, env=os.environ | settings.child_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DbtProjectError(f"dbt cannot parse {project}.", done.stdout.strip() or done.stderr.strip())
