"""The statements that the suite sent to BigQuery, and Google's analyzer to read them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bigquery_text.conftest import google
from tests.emulators.sent import FOLDER, Sent, kept

__all__ = ["google"]

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    """The statements that an earlier run of all other tests kept; without one, the tests that send any run here."""
    if FOLDER in os.environ:
        return kept(Path(os.environ[FOLDER]))
    folder = tmp_path_factory.mktemp("sent")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-m", "emulator"]
    subprocess.run([*command, "--ignore=tests/sent"], cwd=_ROOT, env=os.environ | {FOLDER: str(folder)}, check=True)
    return kept(folder)
