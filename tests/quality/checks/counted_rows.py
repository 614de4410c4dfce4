"""A tracks with given rows, in a DuckDB file of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

NOW = datetime(2026, 6, 12, 6, tzinfo=UTC)
DAY = timedelta(days=1)
MINTED = datetime(2026, 3, 1, tzinfo=UTC)


def fill(path: Path, rows: list[dict[str, Any]]) -> DuckDbWarehouse:
    """A warehouse whose tracks holds ``rows``; what they do not say is null."""
    warehouse = DuckDbWarehouse(path / "warehouse.duckdb")
    with warehouse.opened():
        if rows:
            times = ("created_at", "bq_ingested_timestamp")
            named = {name: [row.get(name) for row in rows] for name in ("event_id", "event_name", "user_id", *times)}
            types = {name: pa.timestamp("us", "UTC") if name in times else pa.string() for name in named}
            warehouse.connection.register(
                "given_rows", pa.table({name: pa.array(values, types[name]) for name, values in named.items()})
            )
            warehouse.connection.execute("insert into posthog.tracks by name select * from given_rows")
    return warehouse


def row(event_id: str | None, **values: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "created_at": MINTED,
        "event_name": "open",
        "user_id": "u",
        "bq_ingested_timestamp": NOW,
    } | values
