"""The census: what tracks holds, counted the same way every time, so that damage shows on the day it is done.

The checks, the dedup's preflight, and the asset that keeps the record all ask here.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row

BASELINE_AGE = timedelta(days=7)
"""How old a census must be to separate growth from a re-delivery that is still on its way."""

RECENT_DAYS = 30

_TRAVEL_MARGIN = timedelta(minutes=15)


@dataclass(frozen=True)
class Census:
    """One row of ``duplicate_census``; see the column descriptions there."""

    measured_at: datetime
    rows: int
    distinct_event_ids: int
    duplicate_event_ids: int
    excess_rows: int
    null_event_ids: int
    colliding_event_ids: int
    moved_rows: int
    oldest_ingested_timestamp: datetime | None
    newest_ingested_timestamp: datetime | None


def count(warehouse: Warehouse, now: datetime) -> Census:
    """Counts tracks; reads its ids, times and stamps, and of duplicates the names and users.

    Afterwards, until the warehouse is closed, the temporary table ``duplicate_ids`` is there for those who ask more.
    """
    warehouse.find_duplicates()
    (totals,) = warehouse.fetch("census")
    (duplicates,) = warehouse.fetch("excess_rows")
    (collisions,) = warehouse.fetch("colliding_ids")
    excess = int(duplicates["excess_rows"])
    return Census(
        measured_at=now,
        rows=totals["all_rows"],
        distinct_event_ids=totals["rows_with_id"] - excess,
        duplicate_event_ids=duplicates["duplicate_ids"],
        excess_rows=excess,
        null_event_ids=totals["all_rows"] - totals["rows_with_id"],
        colliding_event_ids=collisions["ids"],
        moved_rows=int(totals["moved_rows"]),
        oldest_ingested_timestamp=totals["oldest_ingested_timestamp"],
        newest_ingested_timestamp=totals["newest_ingested_timestamp"],
    )


def count_colliding(warehouse: Warehouse) -> int:
    """Duplicated ids of tracks that are used for several events: those which a dedup refuses.

    Reads the ids of tracks, and of duplicates the names and users.
    """
    warehouse.find_duplicates()
    (collisions,) = warehouse.fetch("colliding_ids")
    return int(collisions["ids"])


def append(warehouse: Warehouse, census: Census) -> None:
    """Adds a census to the record."""
    warehouse.execute("insert_census", asdict(census))


def newest(warehouse: Warehouse, at_most: datetime | None = None) -> Census | None:
    """The newest census of the record, or the newest that was measured at ``at_most`` or before."""
    rows = warehouse.fetch("newest_census", {"at_most": at_most} if at_most else None, has_bound=at_most is not None)
    return Census(**rows[0]) if rows else None


def history(warehouse: Warehouse) -> tuple[Census, ...]:
    """The record of censuses, the oldest first."""
    return tuple(Census(**row) for row in warehouse.fetch("censuses"))


def baseline(warehouse: Warehouse, now: datetime) -> Census | None:
    """The newest census that is old enough to compare with."""
    return newest(warehouse, now - BASELINE_AGE)


@dataclass(frozen=True)
class Earlier:
    """The excess rows of tracks as it was at an earlier moment."""

    moment: datetime
    excess_rows: int


def earlier(warehouse: Warehouse, now: datetime) -> Earlier | None:
    """What tracks held a week ago, by the engine's own time travel; None where it does not reach so far.

    Time travel reaches a week back at most, so a little less is asked for. Reads the ids of tracks once more.
    """
    moment = now - BASELINE_AGE + _TRAVEL_MARGIN
    table = warehouse.tracks_as_of(moment)
    if table is None:
        return None
    (found,) = warehouse.fetch("excess_rows_of", table=table)
    return Earlier(moment, int(found["excess_rows"]))


def duplicate_examples(warehouse: Warehouse) -> list[str]:
    """Up to ten ids that are duplicated, those ingested last. ``count`` must have run."""
    return [row["event_id"] for row in warehouse.fetch("duplicate_examples")]


def colliding_examples(warehouse: Warehouse) -> list[str]:
    """Up to ten ids that several events have. ``count`` must have run."""
    (collisions,) = warehouse.fetch("colliding_ids")
    return list(collisions["examples"] or ())


def moved_row_examples(warehouse: Warehouse) -> list[str]:
    """Up to ten ids whose rows are far from the id's own time, the latest rows first."""
    return [row["event_id"] for row in warehouse.fetch("moved_row_examples")]


def duplicates_by_month(warehouse: Warehouse) -> list[Row]:
    """Where duplicates come from: by month of ingestion, rows of duplicate ids, and those that a dedup would remove.

    ``count`` must have run.
    """
    return warehouse.fetch("duplicates_by_month")


def migrated_by_day(warehouse: Warehouse) -> list[Row]:
    """Where duplicates went: by recent day of created_at, rows of duplicate ids, and those that came there from before.

    A row came from before where its id's own time lies more than 24 hours before its created_at. ``count`` must have
    run.
    """
    return warehouse.fetch("migrated_by_day", recent_hours=24 * RECENT_DAYS)
