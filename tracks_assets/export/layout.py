"""Hour <-> folder <-> file name, as PostHog's batch exports lay them out.

An export hour is named by its START, in UTC. PostHog fills the folder templates ``{year}-{month}-{day}/{hour}``
from the END of the interval, so the hour that starts at 23:00 lies under the next day's ``00``. The rules are read
from PostHog's S3-compatible destination (``products/batch_exports/backend/temporal/destinations``).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

FolderHour = Literal["end", "start"]

HOUR = timedelta(hours=1)
EVENTS_FOLDER = "events"

_FILE_NAME = re.compile(
    r"^(?P<start>None|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)"
    r"-(?P<end>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?\+00:00)"
    r"(?:-(?P<part>\d+))?"
    r"\.parquet(?:\.(?:sz|gz|br|zst|lz4))?$"
)


@dataclass(frozen=True)
class Interval:
    """The insert-time interval [start, end) that a file's name carries; start is None for "from the beginning"."""

    start: datetime | None
    end: datetime

    def __str__(self) -> str:
        start = self.start.isoformat() if self.start else "None"
        return f"{start}-{self.end.isoformat()}"


def hour_interval(hour: datetime) -> Interval:
    """The interval of the export hour that starts at ``hour``."""
    return Interval(hour, hour + HOUR)


def hour_folder(hour: datetime, folder_hour: FolderHour = "end") -> str:
    """The folder of an export hour below the export's root, for instance ``events/2026-03-12/01``."""
    named = hour + HOUR if folder_hour == "end" else hour
    return f"{EVENTS_FOLDER}/{named:%Y-%m-%d}/{named:%H}"


def file_name(interval: Interval, part: int | None = None) -> str:
    """The name PostHog gives to a Snappy Parquet file; ``part`` only where a maximum file size is set."""
    suffix = "" if part is None else f"-{part}"
    return f"{interval}{suffix}.parquet.sz"


def manifest_name(interval: Interval) -> str:
    """The name of the manifest that PostHog writes last, where a maximum file size is set."""
    return f"{interval}_manifest.json"


def parse_file_name(name: str) -> Interval | None:
    """The interval in a file's name, or None where the name is not one that PostHog gives."""
    match = _FILE_NAME.match(name)
    if match is None:
        return None
    start = None if match["start"] == "None" else _utc(match["start"])
    return Interval(start, _utc(match["end"]))


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
