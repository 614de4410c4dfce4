"""The statements that the suite sent to BigQuery, and Google's analyzer to read them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.support.emulators.sent import FOLDER, Sent, kept
from tests.warehouse.statements.conftest import google
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

__all__ = ["google"]

_SENT_TO_BIGQUERY = ("model", "test")
"""dbt's unit tests run on DuckDB."""


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    """The statements that an earlier run of all other tests kept; without one, the tests that send any run here."""
    if FOLDER in os.environ:
        return kept(Path(os.environ[FOLDER]))
    folder = tmp_path_factory.mktemp("sent")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "emulator"]
    subprocess.run(
        [*command, "--ignore=tests/integration/sent"], cwd=ROOT, env=os.environ | {FOLDER: str(folder)}, check=True
    )
    return kept(folder)


@pytest.fixture(scope="session")
def dbt_aliases(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The models and the tests of the dbt project, by the names that their statements carry."""
    home = tmp_path_factory.mktemp("home")
    manifest = json.loads(ensure_manifest(read_settings({"TRACKS_HOME": str(home)}), DBT_PROJECT).read_text())
    return {node["alias"] for node in manifest["nodes"].values() if node["resource_type"] in _SENT_TO_BIGQUERY}
