"""dbt's manifest, parsed when it is missing or older than the project it describes.

It lies in TRACKS_HOME, with dbt's parse state beside it: the parse depends on the settings, and a read-only checkout
is enough to run from.
"""

import os
import subprocess
import sys
from pathlib import Path

from tracks_assets.settings import Settings


class DbtProjectError(Exception):
    """The dbt project does not parse; the message holds what dbt says."""


def dbt_executable() -> str:
    """The dbt of this Python's own environment, which need not be on the PATH."""
    return str(Path(sys.executable).with_name("dbt"))


def parsed_state(settings: Settings) -> Path:
    """The folder that holds the manifest and the parse state."""
    return settings.home / "dbt" / settings.engine


def ensure_manifest(settings: Settings, project: Path) -> Path:
    """The manifest of ``project``, parsed anew where a file of the project is younger.

    Raises:
        DbtProjectError: the project does not parse.
    """
    manifest = parsed_state(settings) / "manifest.json"
    if not manifest.exists() or manifest.stat().st_mtime < _youngest(project):
        _parse(settings, project, manifest.parent)
    return manifest


def _youngest(project: Path) -> float:
    patterns = ("*.yml", "models/**/*", "macros/**/*", "tests/**/*")
    return max(path.stat().st_mtime for pattern in patterns for path in project.glob(pattern))


def _parse(settings: Settings, project: Path, target_path: Path) -> None:
    command = [dbt_executable(), "--quiet", "parse", "--target", settings.engine]
    command += ["--target-path", str(target_path), "--log-path", str(target_path)]
    command += ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = subprocess.run(
        command, env=os.environ | settings.child_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DbtProjectError(f"dbt cannot parse {project}: {done.stdout.strip() or done.stderr.strip()}")
