"""A legacy root and the warehouse that it is loaded into; and files of it, each given by the columns that matter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.support.duckdb_file import connected
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS, legacy_fields
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.legacy import Legacy, hour_folder
from tracks_assets.warehouse.backfill import LegacyHour, refresh_hours
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import LegacyMerge

FIRST = datetime(2026, 2, 1, tzinfo=UTC)
SECOND = FIRST + HOUR
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TIME = pa.timestamp("us", tz="UTC")

Row = dict[str, Any]


def table(*rows: Row) -> pa.Table:
    """Rows as a file of the old pipeline holds them; columns that are not given are null, and JSON is text."""
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], TIME if kind == "time" else pa.string())
            for name, kind in legacy_fields().items()
        }
    )


@dataclass(frozen=True)
class Site:
    """A home with a legacy root and a warehouse."""

    home: Path

    @property
    def root(self) -> Path:
        return self.home / "legacy"

    @property
    def database(self) -> Path:
        return self.home / "warehouse.duckdb"

    def warehouse(self, memory_limit: str = "1GB") -> DuckDbWarehouse:
        return DuckDbWarehouse(self.database, lock_wait=5, memory_limit=memory_limit)

    def file(self, hour: datetime = FIRST, name: str = "part-0.parquet") -> Path:
        return self.root / hour_folder(hour) / name

    def write(self, content: pa.Table, hour: datetime = FIRST, name: str = "part-0.parquet") -> Path:
        file = self.file(hour, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(content, file)
        return file

    def load(self, *hours: datetime, allow_emptying: bool = False, memory_limit: str = "1GB") -> list[LegacyHour]:
        legacy = Legacy(str(self.root), legacy_fields())
        with self.warehouse(memory_limit).opened() as warehouse:
            return refresh_hours(warehouse, legacy, hours or (FIRST,), allow_emptying=allow_emptying)

    def freeze(self, *rows: Row) -> None:
        """Puts rows into backfill_tracks, as the old pipeline left them."""
        self._insert("backfill_tracks", rows)

    def merge(self, start: datetime = FIRST, end: datetime = FIRST + 10 * DAY) -> LegacyMerge:
        with self.warehouse().opened() as warehouse:
            return warehouse.merge_legacy(start, end)

    def content_dates(self, *rows: Row) -> None:
        """Puts rows into tracks."""
        self._insert("tracks", rows)

    def _insert(self, name: str, rows: Sequence[Row]) -> None:
        with self.warehouse().opened() as warehouse:
            for row in rows:
                columns = [column.name for column in TRACK_COLUMNS if column.name in row]
                marks = ", ".join(f"${column}" for column in columns)
                statement = f"insert into posthog.{name} ({', '.join(columns)}) values ({marks})"
                warehouse.connection.execute(statement, row)

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with connected(self.database) as connection:
            return connection.execute(statement).fetchall()

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """All rows of a table, in order."""
        return self.query(f"select * from posthog.{name} order by all")
