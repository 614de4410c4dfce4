"""What a load job is given: only types that BigQuery knows of in Parquet."""

from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.warehouse.bigquery.staging import json_columns, write_rows

DUCKDB_TYPES = {ColumnType.STRING: "varchar", ColumnType.TIMESTAMP: "timestamptz", ColumnType.INT64: "bigint"}
KNOWN = {
    "String",
    "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds, is_from_converted_type=false, "
    "force_set_converted_type=false)",
    "Int(bitWidth=64, isSigned=true)",
}


@pytest.mark.parametrize("table", [RAW_TRACKS, REJECTED_TRACKS, BACKFILL_TRACKS], ids=str)
def test_json_is_plain_text_and_every_column_is_in_its_place(tmp_path: Path, table: Table) -> None:
    values = ", ".join(
        f"'{{\"a\": null}}'::json as {column.name}"
        if column.type is ColumnType.JSON
        else f"null::{DUCKDB_TYPES[column.type]} as {column.name}"
        for column in table.columns
    )
    file = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        assert write_rows(connection, f"select {values}", table, file) == 1

    schema = pq.ParquetFile(file).schema
    assert {str(schema.column(number).logical_type) for number in range(len(schema))} <= KNOWN
    assert schema.names == [column.name for column in table.columns]
    (row,) = pq.read_table(file).to_pylist()
    assert {name for name, value in row.items() if value == '{"a": null}'} == set(json_columns(table)) != set()
