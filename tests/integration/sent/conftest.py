"""The statements that the suite sent to BigQuery, and Google's analyzer to read them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.support.emulators.sent import FOLDER, Sent, kept
from tests.warehouse.statements.conftest import google

__all__ = ["google"]


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
