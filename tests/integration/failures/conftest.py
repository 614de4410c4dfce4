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

from .sites import FIRST, PLAN, SECOND, Site, merge_first_hour


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two hours, loaded, the first one merged. Copy it; do not touch it."""
    site = Site(tmp_path_factory.mktemp("example"))
    for hour in (FIRST, SECOND):
        write_hour(site.export, hour, PLAN)
        site.load(hour)
    merge_first_hour(site.warehouse)
    return site


@pytest.fixture
def site(example: Site, tmp_path: Path) -> Site:
    """A pipeline that the test may break."""
    shutil.copytree(example.folder, tmp_path / "site")
    return Site(tmp_path / "site")
