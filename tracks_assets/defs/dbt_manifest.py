"""dbt's manifest, parsed again whenever anything that it depends on has changed.

It lies in TRACKS_HOME, with dbt's parse state beside it: the parse depends on the settings, and a read-only checkout
is enough to run from. It depends on the project's files, dbt's version and the settings that the project reads. A
fingerprint of all of them is stored beside it, because the age of files says nothing about settings.
"""

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tracks_assets.settings import Settings

_FINGERPRINT = "parsed_from.txt"
_PROJECT_FILES = ("*.yml", "models/**/*", "macros/**/*", "tests/**/*")


class DbtProjectError(Exception):
    """The dbt project does not parse; the message holds what dbt says."""


def dbt_executable() -> str:
    """The dbt of this Python's own environment, which need not be on the PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def parsed_state(settings: Settings) -> Path:
    """The folder that holds the manifest and the parse state."""
    return settings.home / "dbt" / settings.engine


def ensure_manifest(settings: Settings, project: Path) -> Path:
    """The manifest of ``project`` for these settings, parsed where there is none yet.

    Raises:
        DbtProjectError: the project does not parse.
    """
    manifest = parsed_state(settings) / "manifest.json"
    parsed_from, wanted = manifest.with_name(_FINGERPRINT), fingerprint(settings, project)
    if not (manifest.exists() and parsed_from.exists() and parsed_from.read_text() == wanted):
        parsed_from.unlink(missing_ok=True)
        _parse(settings, project, manifest.parent)
        parsed_from.write_text(wanted)
    return manifest


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
        raise DbtProjectError(f"dbt cannot parse {project}: {done.stdout.strip() or done.stderr.strip()}")
