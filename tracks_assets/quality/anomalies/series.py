"""Series: a count for every day, of a table or of one value of a dimension, and which days are complete enough to use.

A day is settled when the hours that deliver nearly all of its events are there. What is not settled is not measured, so
that a day that still fills up is never taken for a drop. Days follow the newest hour in the warehouse and not the
clock: while nothing is loaded, no day is evaluated, and freshness is what alarms.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from tracks_assets.warehouse.results import Row

DAY = timedelta(days=1)

ARRIVED = 0.99
"""A day is settled when this share of earlier days' events had been delivered at the same age."""

LONGEST_DELAY_HOURS = 48
"""What is delivered later is left out of what is learned: a day is settled two days after it at the latest."""

HOURS_A_DAY = 24

LATE_SHARE = 0.1
"""Of a day before the first load, late events are less than this share of a day's events."""

_WEEK = 7


class Metric(StrEnum):
    """What is measured of a day."""

    ROW_COUNT = "row_count"
    HOURS_LOADED = "hours_loaded"
    UPDATE_DELAY = "update_delay"


class Dimension(StrEnum):
    """What rows are counted by; ``OTHER_*`` are all values but the largest, in one group."""

    NONE = ""
    EVENT_NAME = "event_name"
    OTHER_EVENT_NAMES = "other_event_names"
    PURCHASE_FLOW = "purchase_flow"
    CLIENT = "client"
    OTHER_CLIENTS = "other_clients"


@dataclass(frozen=True)
class SeriesKey:
    """Which series it is.

    Attributes:
        table: the table's name.
        metric: what is measured.
        dimension: what its rows are counted by.
        value: the dimension's value; None for rows without one, and where there is no dimension.
    """

    table: str
    metric: Metric
    dimension: Dimension = Dimension.NONE
    value: str | None = None


@dataclass(frozen=True)
class Series:
    """A value for every day from ``first_day`` on, without gaps."""

    key: SeriesKey
    first_day: datetime
    values: tuple[int, ...]

    def day(self, index: int) -> datetime:
        """The day of a value."""
        return self.first_day + index * DAY

    def since(self, day: datetime) -> "Series":
        """The series without the days before a day."""
        days = max(0, (day - self.first_day).days)
        return replace(self, first_day=self.day(days), values=self.values[days:])


@dataclass(frozen=True)
class Window:
    """The days that are measured: from ``start`` on, up to an end that each table has of its own.

    Attributes:
        start: the first day.
        loads_end: the day after the last one whose hours are all loaded.
        tracks_end: the day after the last one that is settled in tracks.
        delay_hours: hours after a day's end from which on it is settled in tracks.
    """

    start: datetime
    loads_end: datetime
    tracks_end: datetime
    delay_hours: int


def learned_delay(arrivals: Mapping[int, int]) -> int:
    """Hours after a day's end by which nearly all of its events are delivered.

    Args:
        arrivals: of earlier days, the rows delivered by the hour after the day's end in which they came; 0 and less
            for the hours of the day itself.
    """
    counted: Counter[int] = Counter()
    for hours, rows in arrivals.items():
        if hours <= LONGEST_DELAY_HOURS:
            counted[max(0, hours)] += rows
    wanted, arrived = ARRIVED * sum(counted.values()), 0
    for hours in sorted(counted):
        arrived += counted[hours]
        if arrived >= wanted:
            return hours
    return 0


def day_of(moment: datetime) -> datetime:
    """The start of a moment's day, UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def window(loaded_to: datetime, merged_to: datetime, delay_hours: int, days: int) -> Window:
    """The days to measure.

    Args:
        loaded_to: the end of the newest hour in raw_tracks.
        merged_to: the end of the newest hour in tracks.
        delay_hours: hours after a day's end from which on it is settled in tracks.
        days: days to measure, at least.
    """
    tracks_end = day_of(merged_to - timedelta(hours=delay_hours))
    loads_end = day_of(loaded_to)
    return Window(min(tracks_end, loads_end) - days * DAY, loads_end, tracks_end, delay_hours)


def series_of(rows: Iterable[Row], window: Window, ends: Mapping[str, datetime]) -> list[Series]:
    """The series in rows of daily_metrics; a day without a row counts 0.

    Args:
        rows: rows of daily_metrics, of one measurement.
        window: the days that were measured.
        ends: by table, the day after the last one that was measured.
    """
    found: dict[SeriesKey, dict[datetime, int]] = {}
    for row in rows:
        key = SeriesKey(
            row["table_name"], Metric(row["metric_name"]), Dimension(row["dimension"]), row["dimension_value"]
        )
        found.setdefault(key, {})[row["bucket_start"]] = int(row["metric_value"])
    return [Series(key, window.start, _filled(days, window.start, ends[key.table])) for key, days in found.items()]


def _filled(days: Mapping[datetime, int], start: datetime, end: datetime) -> tuple[int, ...]:
    return tuple(days.get(start + number * DAY, 0) for number in range((end - start).days))


def without_days_before_the_loads(found: Sequence[Series], table: str) -> list[Series]:
    """The series, those of a table without the days of which it has late events only.

    Hours that were loaded bring some events of earlier days. Of a day before the first load, these are no history,
    unless an old pipeline filled the table.

    Args:
        found: the series.
        table: the name of the table.
    """
    hours = next((each for each in found if each.key.metric is Metric.HOURS_LOADED), None)
    counts = next((each for each in found if each.key == SeriesKey(table, Metric.ROW_COUNT)), None)
    full = [day for day, loaded in enumerate(hours.values) if loaded == HOURS_A_DAY] if hours else []
    if hours is None or counts is None or not full or not _are_late(counts.values, full[0]):
        return list(found)
    return [each.since(hours.day(full[0])) if each.key.table == table else each for each in found]


def _are_late(counts: Sequence[int], first: int) -> bool:
    """Whether the week before a day has late events only, compared with the week from that day on."""
    before, after = counts[max(0, first - _WEEK) : first], counts[first : first + _WEEK]
    return bool(before and after) and median(before) < LATE_SHARE * median(after)
