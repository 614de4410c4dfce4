"""Export hours, legacy hours and the days of Mixpanel. A partition key is the start of its hour or day, UTC.

The assets of the hourly path share one definition, so that one command or one backfill takes an hour, a day or a
month through all of them in one run.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import dagster as dg

from tracks_assets.core.errors import ReportedError
from tracks_assets.settings import DAY_FORMAT, PARTITION_FORMAT, Settings
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.posthog.layout import HOUR

HOURS_A_MERGE = 744
"""The hours of a month of 31 days: the most that one merge takes, so that a backfill of years stays bounded."""


RANGE_START, RANGE_END, PARTITION = (
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
    "dagster/partition",
)
"""The tags by which Dagster knows the partitions of a run."""


class PartitionError(ReportedError, ValueError):
    """A run was started for partitions that do not exist."""


def export_hours(settings: Settings) -> dg.HourlyPartitionsDefinition:
    """The hours that PostHog exports, from TRACKS_EXPORT_START on."""
    return dg.HourlyPartitionsDefinition(start_date=settings.export_start, fmt=PARTITION_FORMAT, timezone="UTC")


def legacy_hours(settings: Settings) -> dg.HourlyPartitionsDefinition:
    """The hours of the old pipeline, from TRACKS_LEGACY_START to before TRACKS_LEGACY_END."""
    return dg.HourlyPartitionsDefinition(
        start_date=settings.legacy_start, end_date=settings.legacy_end, fmt=PARTITION_FORMAT, timezone="UTC"
    )


def mixpanel_days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """The days that Mixpanel exports, from TRACKS_MIXPANEL_START on."""
    return dg.DailyPartitionsDefinition(start_date=settings.mixpanel_start, fmt=DAY_FORMAT, timezone="UTC")


def key_format(length: timedelta) -> str:
    """The format of the keys of hours or days."""
    return DAY_FORMAT if length == DAY else PARTITION_FORMAT


def partition_key(hour: datetime, length: timedelta = HOUR) -> str:
    """The key of the partition that starts at ``hour`` and is as long."""
    return hour.strftime(key_format(length))


def range_tags(first: datetime, last: datetime, length: timedelta = HOUR) -> dict[str, str]:
    """The tags of a run of adjoining hours or days, as ``dg launch --partition-range`` sets them."""
    return {RANGE_START: partition_key(first, length), RANGE_END: partition_key(last, length)}


def window_of(context: dg.AssetExecutionContext | dg.OpExecutionContext, length: timedelta = HOUR) -> dg.TimeWindow:
    """The hours or days of a run; every step that has partitions asks here before it does anything.

    Dagster checks the two ends of a range one by one, so it accepts them in any order. It also accepts a key such as
    2026-03-12-05:30 and takes the next full hour for it.

    Raises:
        PartitionError: the range ends before it starts, or a key is not the start of an hour.
    """
    window, keys = context.partition_time_window, context.partition_key_range
    for key in (keys.start, keys.end):
        hour = datetime.strptime(key, key_format(length))  # noqa: DTZ007 (only formatted again)
        if hour.minute:
            raise PartitionError(
                f"The partition {key} is not the start of an hour.",
                next_step=f"Name a full hour, for instance {partition_key(hour.replace(minute=0))}.",
            )
    if window.end <= window.start:
        raise PartitionError(
            f"The partition range {keys.start}...{keys.end} ends before it starts.",
            next_step=f"Name the earlier one first, {keys.end}...{keys.start}.",
        )
    return window


def hours_of(window: dg.TimeWindow, length: timedelta = HOUR) -> list[datetime]:
    """The hours, or days, that start in a window, in order."""
    return [window.start + length * number for number in range((window.end - window.start) // length)]


def merge_windows(window: dg.TimeWindow, most: timedelta = HOUR * HOURS_A_MERGE) -> Iterator[dg.TimeWindow]:
    """A window in pieces of at most ``most``, in order."""
    start = window.start
    while start < window.end:
        end = min(start + most, window.end)
        yield dg.TimeWindow(start, end)
        start = end
