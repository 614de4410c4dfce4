"""What export hours hold, counted afresh from the tables: a loader does not vouch for itself."""

from collections.abc import Mapping
from datetime import UTC, datetime

from tracks_assets.core.feed import Feed
from tracks_assets.quality.checks import HourCounts
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.warehouse.base import Warehouse


def count_hours(warehouse: Warehouse, read: Mapping[datetime, int], feed: Feed = EVENTS) -> list[HourCounts]:
    """The counts of adjoining hours.

    Args:
        warehouse: the open warehouse.
        read: rows in the files of each hour, from their footers.
        feed: whose tables hold the rows.
    """
    window = {"window_start": min(read), "window_end": max(read) + feed.slice_length}
    named = warehouse.statements.table
    tables = {"table": named(feed.table), "rejected_table": named(feed.rejected) if feed.rejected else None}
    held = {row["window_start"].astimezone(UTC): row for row in warehouse.fetch("hour_totals", window, **tables)}
    nothing = {"accepted": 0, "rejected": 0}
    return [
        HourCounts(hour, rows, int(counts["accepted"]), int(counts["rejected"]))
        for hour, rows in sorted(read.items())
        for counts in [held.get(hour, nothing)]
    ]
