"""A place of its own for every test: an empty warehouse, and a legacy root that a test fills."""

from pathlib import Path

import pytest

from tests.graph.conftest import home, new_home  # noqa: F401 (fixtures)

from .place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)
