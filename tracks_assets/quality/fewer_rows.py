"""The check that no hour or day has fewer rows than an earlier load of it.

A load replaces its hour. If the hour was exported again with fewer rows, or a file of a day is missing, the load
succeeds and removes the other rows. The log of loads still has the earlier count. Merged events stay in ``tracks``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tracks_assets.core.feed import Feed
from tracks_assets.quality.checks import CheckResult, slice_key
from tracks_assets.quality.message import Message, Runbook, count_text, has_or_have
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.warehouse.base import Warehouse


@dataclass(frozen=True)
class FewerRows:
    """An hour or day: rows of its newest load, and the most that an earlier load had."""

    start: datetime
    rows: int
    most: int


def slices_with_fewer_rows(warehouse: Warehouse, feed: Feed, start: datetime, end: datetime) -> list[FewerRows]:
    """The hours or days of the window [start, end) with fewer rows than before; none for a feed without a log."""
    if feed.log is None:
        return []
    log = warehouse.statements.table(feed.log)
    found = warehouse.fetch("fewer_rows", {"window_start": start, "window_end": end}, log=log)
    return [FewerRows(row["window_start"].astimezone(UTC), row["rows_read"], row["most_rows"]) for row in found]


def no_fewer_rows(fewer: Sequence[FewerRows], feed: Feed = EVENTS) -> CheckResult:
    """Check that no hour (or day) has fewer rows than an earlier load of it.

    Args:
        fewer: those that have fewer.
        feed: whose hours.
    """
    figures = {"slices_with_fewer_rows": len(fewer), "missing_rows": sum(each.most - each.rows for each in fewer)}
    if not fewer:
        return CheckResult(True, Message(f"No {feed.unit} has fewer rows than before."), "WARN", figures)
    worst = max(fewer, key=lambda each: each.most - each.rows)
    message = Message(
        f"{count_text(len(fewer), feed.unit)} {has_or_have(len(fewer))} fewer rows than before.",
        f"{slice_key(feed, worst.start)} has {count_text(worst.rows, 'row')}; an earlier load had {worst.most:,}.",
        f"If files or rows are missing in its folder, put them back and run the {feed.unit} again. "
        "If they were deleted on purpose, nothing is to be done.",
        Runbook.CHECKS,
    )
    return CheckResult(False, message, "WARN", figures)
