"""Hour <-> folder <-> file name, as PostHog's batch exports lay them out.

An export hour is named by its START, in UTC. PostHog fills the folder templates ``{year}-{month}-{day}/{hour}``
from the END of the interval, so the hour that starts at 23:00 lies under the next day's ``00``. The rules are read
from PostHog's S3-compatible destination (``products/batch_exports/backend/temporal/destinations``).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

FolderHour = Literal["end", "start"]

HOUR = timedelta(hours=1)
EVENTS_FOLDER = "events"

FOLDER_TEMPLATE = "{year}-{month}-{day}/{hour}"
"""The key prefix to set in PostHog, below the folder of the feed."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_HOUR = re.compile(r"[01]\d|2[0-3]")

# Names hold ":" and "+", which some tools and file systems replace by another character, encode, or drop.
_MARK = r"(?:%(?:25)*[0-9A-Fa-f]{2}|[^0-9A-Za-z])"
_SIGN = rf"{_MARK}?"
_UTC = rf"(?:Z|{_SIGN}00{_SIGN}00)"
_MOMENT = rf"(\d{{4}}){_SIGN}(\d\d){_SIGN}(\d\d)(?:T|{_SIGN})(\d\d){_SIGN}(\d\d){_SIGN}(\d\d)(?:\.(\d{{1,6}}))?{_UTC}"
_INTERVAL = rf"(?P<start>None|{_MOMENT}){_SIGN}(?P<end>{_MOMENT})"
_PARQUET = r"\.parquet(?:\.(?:sz|gz|br|zst|lz4))?"

_PARQUET_NAME = re.compile(rf".*{_PARQUET}", re.DOTALL)
_FILE_NAME = re.compile(rf"{_INTERVAL}(?:{_MARK}(?P<part>\d+))?{_PARQUET}")
_MANIFEST_NAME = re.compile(rf"{_INTERVAL}{_SIGN}manifest\.json")
_MANIFEST_ENDING = "manifest.json"


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


def hour_folder(hour: datetime, folder_hour: FolderHour = "end", folder: str = EVENTS_FOLDER) -> str:
    """The folder of an export hour below the export's root, for instance ``events/2026-03-12/01``."""
    named = hour + HOUR if folder_hour == "end" else hour
    return f"{folder}/{named:%Y-%m-%d}/{named:%H}"


def parse_hour_folder(folder: str) -> datetime:
    """The moment that a folder ``{date}/{hour}`` names, for instance ``2026-03-12/01``."""
    return datetime.strptime(folder, "%Y-%m-%d/%H").replace(tzinfo=UTC)


def file_name(interval: Interval, part: int | None = None) -> str:
    """The name PostHog gives to a Snappy Parquet file; ``part`` only where a maximum file size is set."""
    suffix = "" if part is None else f"-{part}"
    return f"{interval}{suffix}.parquet.sz"


def manifest_name(interval: Interval) -> str:
    """The name of the manifest that PostHog writes last, where a maximum file size is set."""
    return f"{interval}_manifest.json"


def is_day(name: str) -> bool:
    """True if a folder's name is a day, such as ``2026-03-12``."""
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    # ISO 8601 has other spellings, too.
    return _DAY.fullmatch(name) is not None


def is_hour(name: str) -> bool:
    """True if a folder's name is an hour of the day, ``00`` to ``23``."""
    return _HOUR.fullmatch(name) is not None


def is_parquet(name: str) -> bool:
    """True if a name is one of a Parquet file, with or without the suffix of a codec inside it."""
    return _PARQUET_NAME.fullmatch(name) is not None


def is_manifest(name: str) -> bool:
    """True if a name is one of a manifest, of any interval."""
    return name.endswith(_MANIFEST_ENDING)


@dataclass(frozen=True)
class FileName:
    """The meaning of a Parquet file's name.

    Attributes:
        interval: the interval that the file belongs to.
        part: the part's number; None where PostHog writes the interval as one file.
    """

    interval: Interval
    part: int | None = None


def parse_file_name(name: str) -> FileName | None:
    """The interval and part in a Parquet file's name; None where the name carries no interval in UTC.

    A name that lost its ``:`` and ``+`` on the way (``%3A``, a space, ``_``, ``-``, nothing) has the same meaning.
    """
    match = _FILE_NAME.fullmatch(name)
    interval = _interval(match)
    if match is None or interval is None:
        return None
    return FileName(interval, int(match["part"]) if match["part"] else None)


def parse_manifest_name(name: str) -> Interval | None:
    """The interval in a manifest's name, as lenient as ``parse_file_name``."""
    return _interval(_MANIFEST_NAME.fullmatch(name))


def _interval(match: re.Match[str] | None) -> Interval | None:
    if match is None:
        return None
    try:
        start = None if match["start"] == "None" else _moment(match["start"])
        return Interval(start, _moment(match["end"]))
    except ValueError:
        # Its digits are no date.
        return None


def _moment(text: str) -> datetime:
    ((year, month, day, hour, minute, second, fraction),) = re.findall(_MOMENT, text)
    return datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second}.{fraction:0<6}+00:00")
