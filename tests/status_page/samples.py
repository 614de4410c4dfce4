"""Facts as tests of the status page need them."""

from datetime import datetime, timedelta
from typing import Any

from tests.quality.checks.counted_rows import NOW
from tracks_assets.quality.census import Census
from tracks_assets.quality.freshness import Limits
from tracks_assets.quality.state import state_of
from tracks_assets.status_page.facts import LoadDelay, LoggedHour, StatusFacts
from tracks_assets.status_page.incidents import Alerts
from tracks_assets.status_page.redeliveries import Redeliveries, Redelivery, window

HALF_A_DAY = timedelta(hours=12)


def counted(rows: int = 1_000, excess_rows: int = 0, age: timedelta = timedelta(), **others: Any) -> Census:
    """A census that was taken so long before now."""
    figures = {
        "distinct_event_ids": rows - excess_rows,
        "duplicate_event_ids": excess_rows,
        "null_event_ids": 0,
        "colliding_event_ids": 0,
        "moved_rows": 0,
        "oldest_ingested_timestamp": None,
        "newest_ingested_timestamp": None,
    }
    return Census(measured_at=NOW - age, rows=rows, excess_rows=excess_rows, **{**figures, **others})


def logged(hour: datetime, **others: Any) -> LoggedHour:
    """An export hour that was loaded five minutes after its end, and merged."""
    recorded = {
        "loaded_at": hour + timedelta(hours=1, minutes=5),
        "files": 2,
        "rows_read": 1_000,
        "rows_accepted": 998,
        "rows_rejected": 2,
        "load_milliseconds": 1_500,
        "merged_at": hour + timedelta(hours=1, minutes=6),
        "rows_inserted": 990,
        "rows_collided": 1,
        "rows_before_cutover": 3,
        "merge_milliseconds": 2_000,
    }
    return LoggedHour(hour, **{**recorded, **others})


def facts(**others: Any) -> StatusFacts:
    """Facts of a table that is in order, two days after its first hour."""
    hours = [NOW - timedelta(hours=age) for age in range(48, 0, -1)]
    censuses = tuple(counted(age=HALF_A_DAY * age) for age in (3, 2, 1, 0))
    plain: dict[str, Any] = {
        "written_at": NOW,
        "engine": "duckdb",
        "rejected_warn_percent": 0.1,
        "limits": Limits(timedelta(hours=2), timedelta(hours=4)),
        "state": state_of(censuses, (), 0, NOW),
        "censuses": censuses,
        "hours": tuple(logged(hour) for hour in hours),
        "delays": tuple(LoadDelay(hour, hour + timedelta(hours=1, minutes=5)) for hour in hours),
        "redeliveries": Redeliveries(window(hours[0], NOW)),
        "refused": (),
        "collided_ids": 0,
        "alerts": Alerts(),
    }
    return StatusFacts(**{**plain, **others})


def redelivery(**others: Any) -> Redelivery:
    """A delivery of an event that was exported ten days before."""
    plain: dict[str, Any] = {
        "event_id": "019ce10f-4401-7abc-8def-0123456789ab",
        "lib": "web",
        "lib_version": "1.78.0",
        "id_time": NOW - timedelta(days=10),
        "stored_created_at": NOW - timedelta(days=10),
        "redelivered_created_at": NOW,
        "restamped_seconds": 864_000.0,
        "age_hours": 240.0,
        "event_inserted_at": NOW,
        "window_start": NOW - timedelta(hours=1),
        "source_file": "events/2026-06-12/06/one.parquet",
    }
    return Redelivery(**{**plain, **others})
