"""Reads what the status page shows from an open warehouse, at the cost of a window of export hours."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tracks_assets.quality import census
from tracks_assets.quality.collisions import count_collisions
from tracks_assets.quality.freshness import Limits
from tracks_assets.quality.state import BatchResult, state_of
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.status_page.facts import LoadDelay, LoggedHour, RefusedReason, StatusFacts
from tracks_assets.status_page.incidents import Alerts
from tracks_assets.status_page.redeliveries import find_redeliveries, window
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row

HOURS = 48
"""Export hours that the page lists."""

DELAY_DAYS = 14
"""Days of which the page shows how late the hours were loaded."""


def read_status(
    warehouse: Warehouse, settings: Settings, now: datetime, batches: Sequence[BatchResult], alerts: Alerts
) -> StatusFacts:
    """What the page shows.

    Args:
        warehouse: the open warehouse.
        settings: its settings.
        now: the time of the page.
        batches: results of runs since the newest census.
        alerts: how alerts are.

    Raises:
        WarehouseError: the engine failed.
    """
    end = now.replace(minute=0, second=0, microsecond=0)
    start = end - HOURS * HOUR
    bounds = {"window_start": start, "window_end": end}
    censuses = census.history(warehouse)
    collided_ids = count_collisions(warehouse).ids
    since = end - timedelta(days=DELAY_DAYS)
    return StatusFacts(
        written_at=now,
        engine=settings.engine,
        rejected_warn_percent=settings.rejected_warn_percent,
        limits=Limits.of(settings),
        state=state_of(censuses, batches, collided_ids, now),
        censuses=censuses,
        hours=_every_hour(max(start, settings.export_start), end, _logged_hours(warehouse, bounds)),
        delays=tuple(LoadDelay(**_in_utc(row)) for row in warehouse.fetch("load_delays", {"since": since})),
        redeliveries=find_redeliveries(warehouse, window(start, end)),
        refused=tuple(RefusedReason(**_in_utc(row)) for row in warehouse.fetch("refused_reasons", bounds)),
        collided_ids=collided_ids,
        alerts=alerts,
    )


def _logged_hours(warehouse: Warehouse, bounds: dict[str, datetime]) -> dict[datetime, LoggedHour]:
    rows = (_in_utc(row) for row in warehouse.fetch("logged_hours", bounds))
    return {row["window_start"]: LoggedHour(**row) for row in rows}


def _every_hour(start: datetime, end: datetime, logged: dict[datetime, LoggedHour]) -> tuple[LoggedHour, ...]:
    hours = [start + HOUR * number for number in range(max(0, (end - start) // HOUR))]
    return tuple(logged.get(hour, LoggedHour(hour)) for hour in hours)


def _in_utc(row: Row) -> Row:
    """A row with its moments in UTC and its sums as whole numbers, whatever the engine calls them."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return int(value) if isinstance(value, Decimal) else value
