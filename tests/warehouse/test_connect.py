"""A name of an engine is its warehouse: one that is not connected is an error, and never another engine's warehouse."""

from pathlib import Path

import pytest

from tracks_assets.settings import read_settings
from tracks_assets.warehouse.bigquery.engine import BigQueryWarehouse
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse


@pytest.mark.parametrize(("engine", "warehouse"), [("duckdb", DuckDbWarehouse), ("bigquery", BigQueryWarehouse)])
def test_an_engine_has_its_warehouse(engine: str, warehouse: type, tmp_path: Path) -> None:
    variables = {"TRACKS_HOME": str(tmp_path), "TRACKS_ENGINE": engine, "TRACKS_BQ_PROJECT": "project"}

    assert type(warehouse_of(read_settings(variables))) is warehouse


def test_an_engine_that_is_not_connected_is_an_error(tmp_path: Path) -> None:
    settings = read_settings({"TRACKS_HOME": str(tmp_path)}).model_copy(update={"engine": "another"})

    with pytest.raises(AssertionError, match="another"):
        warehouse_of(settings)
