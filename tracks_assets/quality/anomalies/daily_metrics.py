"""The count by day, in the warehouse: one scan of the newest weeks of tracks, kept in posthog_ops.daily_metrics.

The days of the training periods are counted again each time, so that changes by a repair or a late hour count.
Older days are kept in the table as they were counted last.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracks_assets.quality.anomalies.series import (
    DAY,
    LONGEST_DELAY_HOURS,
    Dimension,
    Metric,
    Series,
    SeriesKey,
    Window,
    learned_delay,
    series_of,
    window,
    without_days_before_the_loads,
)
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import TRACKS

LARGEST = 20
"""Event names, and clients, that have a series of their own; all others are one group."""

_LEARNED_FROM = 7 * DAY
"""Days whose deliveries show how late events come."""


@dataclass(frozen=True)
class Measurement:
    """A count of the newest weeks.

    Attributes:
        window: the days that were counted.
        series: the counts.
    """

    window: Window
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Counting:
    """What to count.

    Attributes:
        days: days before the newest settled one.
        purchase_flow: event names that are counted apart.
        delay_hours: hours after a day's end from which on it is settled in tracks; None to learn it.
    """

    days: int
    purchase_flow: tuple[str, ...] = ()
    delay_hours: int | None = None


def measure(warehouse: Warehouse, now: datetime, counting: Counting) -> Measurement | None:
    """Counts the newest weeks and records them.

    Args:
        warehouse: the open warehouse.
        now: the time of the measurement.
        counting: what to count.

    Returns:
        None where nothing was loaded and merged yet.

    Raises:
        WarehouseError: the engine failed. What was recorded before is still there.
    """
    (newest,) = warehouse.fetch("newest_hours")
    if newest["loaded"] is None or newest["merged"] is None:
        return None
    loaded_to, merged_to = newest["loaded"] + HOUR, newest["merged"] + HOUR
    delay = counting.delay_hours
    if delay is None:
        delay = _learn_delay(warehouse, min(loaded_to, merged_to))
    days = window(loaded_to, merged_to, delay, counting.days)
    _record(warehouse, now, days, counting.purchase_flow)
    rows = warehouse.fetch("daily_metrics_of", {"measured_at": now})
    ends = {RAW_TRACKS.name: days.loads_end, TRACKS.name: days.tracks_end}
    found = without_days_before_the_loads(series_of(rows, days, ends), TRACKS.name)
    return Measurement(days, (*found, *_never_seen(found, days, counting.purchase_flow)))


def _learn_delay(warehouse: Warehouse, end: datetime) -> int:
    """Hours after a day's end by which nearly all events of the days before were delivered."""
    created_end = end - timedelta(hours=LONGEST_DELAY_HOURS) - DAY
    window = {"window_start": created_end - _LEARNED_FROM, "created_end": created_end, "window_end": end}
    return learned_delay(
        {int(row["hours_late"]): int(row["deliveries"]) for row in warehouse.fetch("arrivals", window)}
    )


def _record(warehouse: Warehouse, now: datetime, days: Window, purchase_flow: Sequence[str]) -> None:
    """Counts, inserts, and only then deletes what was counted before, so that the table always has these days."""
    warehouse.execute("count_tracks_by_day", {"window_start": days.start, "window_end": days.tracks_end})
    names = {f"purchase_flow_{number}": name for number, name in enumerate(purchase_flow)}
    warehouse.execute(
        "insert_daily_metrics",
        {"measured_at": now, "window_start": days.start, "window_end": days.loads_end, **names},
        purchase_flow=tuple(names),
        largest=LARGEST,
    )
    warehouse.execute("delete_older_metrics", {"measured_at": now, "window_start": days.start})


def _never_seen(found: Sequence[Series], days: Window, purchase_flow: Sequence[str]) -> tuple[Series, ...]:
    """A series of zeros for each event of the purchase flow that has no row: its name may be misspelt."""
    seen = {each.key.value for each in found if each.key.dimension is Dimension.PURCHASE_FLOW}
    zeros = (0,) * (days.tracks_end - days.start).days
    keys = (SeriesKey(TRACKS.name, Metric.ROW_COUNT, Dimension.PURCHASE_FLOW, name) for name in purchase_flow)
    return tuple(Series(key, days.start, zeros) for key in keys if key.value not in seen)
