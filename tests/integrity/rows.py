"""Rows for the tests' tables, each given by the columns that matter to the test; all others are null."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tracks_assets.warehouse.duckdb import DuckDbWarehouse
from tracks_assets.warehouse.tables import Table

MINTED = datetime(2026, 3, 12, 0, 30, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)

Row = dict[str, Any]


def uuid7(moment: datetime, number: int = 1) -> str:
    """The UUIDv7 of a moment, to the millisecond; ``number`` tells it from others of the same moment."""
    digits = f"{(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


def insert(warehouse: DuckDbWarehouse, table: Table, *given: Row) -> None:
    """Puts rows into a table of an open warehouse."""
    for row in given:
        names = ", ".join(row)
        marks = ", ".join(f"${name}" for name in row)
        warehouse.connection.execute(f"insert into {table} ({names}) values ({marks})", row)
