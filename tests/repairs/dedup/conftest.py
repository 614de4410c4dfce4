"""A damaged warehouse for every test, copied from one that is made once."""

import shutil
from pathlib import Path

import pytest

from tests.integration.graph.conftest import home, new_home  # noqa: F401 (fixtures)

from .damaged_table import Damaged, damage


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    """7,000 rows of 5,000 events. Copy it; do not touch it."""
    return damage(tmp_path_factory.mktemp("damaged"))


@pytest.fixture
def damaged(example: Damaged, tmp_path: Path) -> Damaged:
    """A damaged warehouse that the test may fix."""
    shutil.copy(example.path, tmp_path)
    return Damaged(tmp_path)
