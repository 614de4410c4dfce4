"""A fresh pipeline for every test, copied from one that is made once."""

import shutil
import warnings
from pathlib import Path

import pytest

from examples.export_generator.generate import write_hour

with warnings.catch_warnings():
    # One of its own dependencies announces its end at import.
    warnings.simplefilter("ignore", DeprecationWarning)
    import dagster_dbt  # noqa: F401

from .place import FIRST, PLAN, SECOND, Place, merge_first_hour


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Two hours, loaded, the first one merged. Copy it; do not touch it."""
    place = Place(tmp_path_factory.mktemp("example"))
    for hour in (FIRST, SECOND):
        write_hour(place.export, hour, PLAN)
        place.load(hour)
    merge_first_hour(place.warehouse)
    return place


@pytest.fixture
def place(example: Place, tmp_path: Path) -> Place:
    """A pipeline that the test may break."""
    shutil.copytree(example.folder, tmp_path / "place")
    return Place(tmp_path / "place")
