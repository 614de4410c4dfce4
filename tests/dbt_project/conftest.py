"""One home for the session, in which dbt parses the project once, and the merge's SQL as dbt writes it there."""

from collections.abc import Iterator

import pytest

from tracks_assets.warehouse.tables import TABLES

from .bare_dbt import BareDbt, bare_dbt
from .merge_engine import MergeEngine, merge_engine


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> BareDbt:
    """dbt on a warehouse of its own, which tests share: ask for ``dbt``."""
    return bare_dbt(tmp_path_factory.mktemp("home"))


@pytest.fixture
def dbt(home: BareDbt) -> BareDbt:
    """dbt on empty tables."""
    with home.warehouse.opened() as warehouse:
        for table in TABLES:
            warehouse.connection.execute(f"delete from {table}")
    return home


@pytest.fixture(scope="session")
def engine(home: BareDbt) -> Iterator[MergeEngine]:
    """The merge on tables in memory."""
    engine = merge_engine(home)
    yield engine
    engine.connection.close()
