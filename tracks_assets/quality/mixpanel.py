"""The duplicate rate of Mixpanel's deliveries, what its two keys treat differently, and the checks of ``mp_events``."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.message import Message, Runbook, count_text, is_or_are
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row

_DAY = timedelta(days=1)
_MOST_NAMED = 5
_TRACE = "select * from mixpanel.mp_master_event where mp_insert_id = 'ID' order by time, processed_at"


@dataclass(frozen=True)
class DayQuality:
    """One delivered day as it was counted after its merge; see the table mp_daily_quality."""

    day: datetime
    deliveries: int = 0
    duplicates: int = 0
    collisions: int = 0
    refused: int = 0
    keys_differ: int = 0
    without_insert_id: int = 0

    @property
    def duplicate_percent(self) -> float:
        """The share of the day's deliveries that are duplicates, in percent."""
        return 100 * self.duplicates / self.deliveries if self.deliveries else 0.0

    @property
    def figures(self) -> dict[str, int | float]:
        """The counts and the rate, by name."""
        return {
            "deliveries": self.deliveries,
            "duplicates": self.duplicates,
            "duplicate_percent": self.duplicate_percent,
            "collisions": self.collisions,
            "refused": self.refused,
            "keys_differ": self.keys_differ,
            "without_insert_id": self.without_insert_id,
        }


@dataclass(frozen=True)
class BatchTimes:
    """The first and the last time of the events that a window delivered."""

    first: datetime
    last: datetime


def batch_times(warehouse: Warehouse, start: datetime, end: datetime) -> BatchTimes | None:
    """The times of the events that the days [start, end) delivered; None where they delivered none."""
    (found,) = warehouse.fetch("mp_batch_times", {"window_start": start, "window_end": end})
    return BatchTimes(found["first_time"], found["last_time"]) if found["first_time"] else None


def measure(warehouse: Warehouse, start: datetime, end: datetime, now: datetime) -> list[DayQuality]:
    """Counts the days [start, end), adds a row for each to mp_daily_quality, and gives their counts."""
    times = batch_times(warehouse, start, end) or BatchTimes(start, start)
    window = {"window_start": start, "window_end": end}
    bounds = {"first_time": times.first, "last_time": times.last, "measured_at": now}
    warehouse.execute("insert_mp_daily_quality", window | bounds)
    return newest(warehouse, start, end)


def newest(warehouse: Warehouse, start: datetime, end: datetime) -> list[DayQuality]:
    """The newest count of each of the days [start, end) that has one."""
    rows = warehouse.fetch("mp_quality_of", {"window_start": start, "window_end": end})
    return [_quality(row) for row in rows]


def loaded_files(warehouse: Warehouse, start: datetime, end: datetime) -> dict[datetime, int]:
    """How many files the newest load of each of the days [start, end) had; a day that was never loaded is left out."""
    rows = warehouse.fetch("mp_loaded_days", {"window_start": start, "window_end": end})
    return {row["window_start"].astimezone(UTC): int(row["files"]) for row in rows}


def _quality(row: Row) -> DayQuality:
    names = [name for name in DayQuality.__dataclass_fields__ if name != "day"]
    return DayQuality(row["window_start"].astimezone(UTC), **{name: int(row[name]) for name in names})


def rejected_by_reason(warehouse: Warehouse, start: datetime, end: datetime) -> Mapping[datetime, dict[str, int]]:
    """The rejected deliveries of the days [start, end), by day and reason."""
    counts: dict[datetime, dict[str, int]] = defaultdict(dict)
    for row in warehouse.fetch("mp_rejected_by_reason", {"window_start": start, "window_end": end}):
        counts[row["window_start"].astimezone(UTC)][row["rejection_reason"]] = int(row["all_rows"])
    return counts


def one_row_per_key(rows: int, duplicate_keys: int, examples: Sequence[str]) -> CheckResult:
    """Check that no event has several rows in mp_events.

    Args:
        rows: rows of mp_events.
        duplicate_keys: keys that several of them have.
        examples: some of these.
    """
    figures = {"rows": rows, "duplicate_keys": duplicate_keys}
    if not duplicate_keys:
        return CheckResult(True, Message(f"No key has several rows ({count_text(rows, 'row')})."), figures=figures)
    message = Message(
        f"{count_text(duplicate_keys, 'key')} {is_or_are(duplicate_keys)} duplicated in mp_events.",
        f"{count_text(rows, 'row')} were compared.",
        f"Stop what else writes mp_events, or runs with another TRACKS_MIXPANEL_KEY. Look at one with {_TRACE}, and "
        "delete the rows beyond the first, or those of the other key.",
        Runbook.MIXPANEL,
    )
    return CheckResult(False, message, figures=figures, examples=tuple(examples))


def days_have_files(files: Mapping[datetime, int], now: datetime) -> CheckResult:
    """Check that each loaded day had files, once Mixpanel had a day to export it.

    Args:
        files: how many files each loaded day had.
        now: the time.
    """
    due = [day for day in sorted(files) if day + 2 * _DAY <= now]
    empty = [f"{day:%Y-%m-%d}" for day in due if not files[day]]
    figures = {"days": len(due), "empty_days": len(empty)}
    if not empty:
        finding = f"{count_text(len(due), 'day')} {'has' if len(due) == 1 else 'have'} files."
        return CheckResult(True, Message(finding), "WARN", figures)
    message = Message(
        f"{count_text(len(empty), 'day')} of Mixpanel's export {is_or_are(len(empty))} without files.",
        f"Of {count_text(len(due), 'day')} that ended a day ago or earlier; the first is {empty[0]}.",
        "Look at the export's folders and at Mixpanel's pipeline, then run the days again.",
        Runbook.MIXPANEL,
    )
    return CheckResult(False, message, "WARN", figures, examples=tuple(empty[:_MOST_NAMED]))


def keys_agree(days: Sequence[DayQuality]) -> CheckResult:
    """Check that the key of two parts and Mixpanel's own key of four give the same events."""
    differ, deliveries = sum(day.keys_differ for day in days), sum(day.deliveries for day in days)
    figures = {"keys_differ": differ, "deliveries": deliveries}
    if not differ:
        finding = f"Both keys give the same events ({count_text(deliveries, 'row')})."
        return CheckResult(True, Message(finding), "WARN", figures)
    message = Message(
        f"{count_text(differ, 'row')} {is_or_are(differ)} another event by Mixpanel's own key.",
        f"The key (insert id, time) takes {'it' if differ == 1 else 'them'} for the first event of the key. The days "
        f"delivered {count_text(deliveries, 'row')}.",
        "Read mixpanel.mp_rejected_events where rejection_reason = 'collision'. If these are events of their own, set "
        "TRACKS_MIXPANEL_KEY to event_time_distinct_id_insert_id and load into new tables.",
        Runbook.MIXPANEL,
    )
    return CheckResult(False, message, "WARN", figures)
