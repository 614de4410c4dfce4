"""Every type of the column list, as a column of a DuckDB table and of a file of the old pipeline."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tracks_assets.core.columns import Column, ColumnType, Stamp
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.columns import legacy_fields
from tracks_assets.sources.posthog.layout import parse_hour_folder
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.transform.deliveries import ARROW_TYPES
from tracks_assets.warehouse.duckdb.inspection import COLUMN_TYPES, shape_differences, stored_columns
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS

HOUR = parse_hour_folder("2026-02-01/00")
COLUMNS = tuple(Column(f"of_{type_.value.lower()}", type_, Stamp(), "One of each type.") for type_ in ColumnType)


def test_a_table_with_a_column_of_every_type_has_the_expected_columns() -> None:
    table = Table("every_type", COLUMNS, "One column of each type.", schema="main")
    with duckdb.connect() as connection:
        connection.execute(DUCKDB_STATEMENTS.text("create_table", table=table, types=COLUMN_TYPES, compression={}))
        assert shape_differences(stored_columns(connection), (table,)) == {}
        connection.execute("alter table every_type alter column of_float64 type integer")
        assert shape_differences(stored_columns(connection), (table,)) == {
            "main.every_type": "its column of_float64 is INTEGER and not DOUBLE"
        }


def test_a_legacy_file_may_have_columns_of_every_type(tmp_path: Path) -> None:
    file = tmp_path / "2026-02-01" / "00" / "part-0.parquet"
    file.parent.mkdir(parents=True)
    times = pa.array([HOUR], ARROW_TYPES[ColumnType.TIMESTAMP])
    nulls = {column.name: pa.array([None], ARROW_TYPES[column.type]) for column in COLUMNS}
    pq.write_table(pa.table(nulls | {"created_at": times}), file)

    assert Legacy(str(tmp_path), legacy_fields(COLUMNS)).inventory(HOUR).rows == 1
