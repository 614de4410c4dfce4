"""A tracks with duplicated events, made in SQL, and what the tests read of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.support.duckdb_file import connected
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)

_EVENTS = """
    insert into posthog.tracks by name
    select
        format('event {:05d}', n) as event_id,
        timestamptz '2026-03-01 00:00:00+00' + to_minutes(n + 1440 * copy) as created_at,
        'name ' || n % 7 as event_name,
        'user ' || n % 100 as user_id,
        ('{"n":' || n || ',"copy":' || copy || '}')::json as event_payload,
        timestamptz '2026-03-02 00:00:00+00' + to_days(copy) as bq_ingested_timestamp,
        timestamptz '2026-03-01 00:00:10+00' + to_minutes(n + 1440 * copy) as event_inserted_at
    from range($events) as numbers (n)
    cross join unnest($copies) as copies (copy)
    where copy = 0 or n < $duplicated
"""


@dataclass(frozen=True)
class Damaged:
    """A warehouse below ``home`` whose tracks has duplicates."""

    home: Path

    @property
    def path(self) -> Path:
        """The warehouse's file."""
        return self.home / "warehouse.duckdb"

    def warehouse(self) -> DuckDbWarehouse:
        """The warehouse, not yet opened."""
        return DuckDbWarehouse(self.path, lock_wait=5)

    def query(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """The rows that a statement gives."""
        with connected(self.path) as connection:
            return connection.execute(statement, parameters).fetchall()

    def contents(self) -> dict[str, tuple[Any, ...]]:
        """Rows and hash sum of every table of the warehouse but the census, by name."""
        names = "select schema_name, table_name from duckdb_tables() where not temporary order by all"
        with connected(self.path) as connection:
            return {
                table: connection.execute(
                    f"select count(*), sum(hash(each)::hugeint) from {schema}.{table} as each"
                ).fetchall()[0]
                for schema, table in connection.execute(names).fetchall()
                if table != "duplicate_census"
            }

    def tracks(self) -> list[tuple[Any, ...]]:
        """All rows of tracks, in order."""
        return self.query("select * from posthog.tracks order by all")

    def snapshots(self) -> list[str]:
        """The names of the snapshots that are there."""
        return [
            name
            for (name,) in self.query(
                "select table_name from duckdb_tables() where table_name like 'tracks_snapshot%' order by all"
            )
        ]


def damage(home: Path, events: int = 5_000, duplicated: int = 1_000, copies: tuple[int, ...] = (0, 0, 1)) -> Damaged:
    """Makes ``events`` events, the first ``duplicated`` of them in copies as many days later as ``copies`` says.

    By default 7,000 rows: each of 1,000 ids has three rows, twice as exact copies and once re-sent on a later day.
    """
    damaged = Damaged(home)
    with damaged.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            _EVENTS, {"events": events, "duplicated": duplicated, "copies": list(dict.fromkeys(copies))}
        )
        for copy in sorted(set(copies)):
            for _ in range(copies.count(copy) - 1):
                warehouse.connection.execute(
                    "insert into posthog.tracks select distinct * from posthog.tracks "
                    "where (event_payload->>'n')::int < $1 and event_payload->>'copy' = $2::varchar",
                    [duplicated, copy],
                )
    return damaged
