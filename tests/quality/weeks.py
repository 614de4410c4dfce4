"""Weeks of events in a home's warehouse, as the hourly runs would have left them: tracks, and the logs of its hours."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

START = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
LATE = timedelta(minutes=70)
"""From an hour's end to its load."""

Counts = Mapping[tuple[str | None, str | None], Sequence[int]]
"""Events of each day, by event name and client."""


def fill(warehouse: DuckDbWarehouse, counts: Counts, delays: Mapping[int, timedelta] | None = None) -> None:
    """Fills the warehouse with all hours of the days of ``counts``, and with the first hours of the next day.

    Args:
        warehouse: the warehouse, not open.
        counts: the events of each day.
        delays: the delay of all hours of a day, where it is not the usual one.
    """
    days = len(next(iter(counts.values())))
    rows = [
        (f"{name}-{client}-{day}-{number}", START + day * DAY + number * DAY / count, name, client)
        for (name, client), series in counts.items()
        for day, count in enumerate(series)
        for number in range(count)
    ]
    events = pa.table(
        {
            "event_id": [row[0] for row in rows],
            "created_at": pa.array([row[1] for row in rows], pa.timestamp("us", "UTC")),
            "event_name": pa.array([row[2] for row in rows], pa.string()),
            "client": pa.array([row[3] for row in rows], pa.string()),
        }
    )
    hours = [START + hour * HOUR for hour in range(24 * days + 3)]
    stamps = [hour + HOUR + (delays or {}).get((hour - START).days, LATE) for hour in hours]
    loads = pa.table(
        {
            "window_start": pa.array(hours, pa.timestamp("us", "UTC")),
            "stamp": pa.array(stamps, pa.timestamp("us", "UTC")),
        }
    )
    with warehouse.opened():
        connection = warehouse.connection
        connection.register("given_events", events)
        connection.register("given_hours", loads)
        connection.execute("insert into posthog.tracks by name select * from given_events")
        connection.execute(
            "insert into posthog.raw_tracks by name select *, date_trunc('hour', created_at) as window_start "
            "from given_events"
        )
        connection.execute(
            "insert into posthog_ops.load_log by name select window_start, stamp as bq_ingested_timestamp, "
            "(select count(*) from posthog.raw_tracks where raw_tracks.window_start = given_hours.window_start) "
            "as rows_accepted from given_hours"
        )
        connection.execute(
            "insert into posthog_ops.merge_log by name select window_start, stamp as merged_at from given_hours"
        )
