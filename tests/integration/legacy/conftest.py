"""A site of its own for every test: an empty warehouse, and a legacy root that a test fills."""

from pathlib import Path

import pytest

from tests.integration.graph.conftest import home, new_home  # noqa: F401 (fixtures)

from .sites import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    with site.warehouse().opened():
        return site
