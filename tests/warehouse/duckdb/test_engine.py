"""A DuckDB warehouse gets all of its tables, or none."""

from pathlib import Path
from unittest.mock import patch

import duckdb
import pytest

from tracks_assets.core.errors import WarehouseError
from tracks_assets.warehouse.duckdb import engine
from tracks_assets.warehouse.duckdb.inspection import stored_columns
from tracks_assets.warehouse.tables import TABLES


def test_a_table_that_cannot_be_created_leaves_none_of_the_others(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"

    # The first table has no such column.
    with (
        patch.dict(engine._COMPRESSION, {"raw": "nonsense"}),
        pytest.raises(WarehouseError, match="nonsense"),
        engine.DuckDbWarehouse(path).opened(),
    ):
        pytest.fail("the warehouse was opened")

    with duckdb.connect(str(path)) as connection:
        assert stored_columns(connection) == {}
    with engine.DuckDbWarehouse(path).opened() as warehouse:
        assert stored_columns(warehouse.connection).keys() == {str(table) for table in TABLES}
