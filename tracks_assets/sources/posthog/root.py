"""The layout below a root: one folder for each day, in it one for each hour.

A root that is set wrongly, or an export with another key prefix, has no folder for any hour. Each hour would look
empty. Listings are few: the root, and as many days as it takes to find an hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.layout import is_day, is_hour
from tracks_assets.storage.filesystem import filesystem_of
from tracks_assets.storage.folder import list_folder

_MOST_LEVELS = 8
_MOST_NAMES = 3


@dataclass(frozen=True)
class Hours:
    """The hour folders below a folder.

    Attributes:
        newest: the newest one, such as ``2026-03-12/01``; None where there is none.
        other: an example of what is there instead; None where there is nothing, or an hour.
    """

    newest: str | None = None
    other: str | None = None


def find_hours(filesystem: AbstractFileSystem, path: str) -> Hours:
    """The newest ``{date}/{hour}`` below a folder, or an example of another layout.

    Raises:
        ExportError: a folder cannot be read.
    """
    listing = list_folder(filesystem, path)
    days = [name for name in listing.folders if is_day(name)]
    others = [entry for entry in listing.entries if entry.rstrip("/") not in days]
    for day in reversed(days):
        inside = list_folder(filesystem, f"{path}/{day}")
        hours = [name for name in inside.folders if is_hour(name)]
        if hours:
            return Hours(newest=f"{day}/{hours[-1]}")
        others += [f"{day}/{entry}" for entry in inside.entries]
    return Hours(other=_deepest(filesystem, path, others[0]) if others else None)


@dataclass
class CheckedDays:
    """The days of a root that were checked: one listing a day, however many of its hours have no files.

    Attributes:
        uri: the root.
        remedy: see ``check_day``.
    """

    uri: str
    remedy: str
    _days: set[str] = field(default_factory=set)

    def check(self, day: str) -> None:
        """Checks a day, unless it was checked before; see ``check_day``."""
        if day not in self._days:
            check_day(*filesystem_of(self.uri), day, self.remedy)
            self._days.add(day)


def check_day(filesystem: AbstractFileSystem, root: str, day: str, remedy: str) -> None:
    """Checks the day of an hour without files: whatever lies there must be the folder of an hour.

    Args:
        filesystem: where the root lies.
        root: its path there.
        day: the folder of the day below the root.
        remedy: the sentence with what to do about anything else.

    Raises:
        ExportError: something else lies there, for instance ``1/`` instead of ``01/``, or files of the whole day.
    """
    listing = list_folder(filesystem, f"{root}/{day}")
    hours = {f"{name}/" for name in listing.folders if is_hour(name)}
    others = [entry for entry in listing.entries if entry not in hours]
    if others:
        example = _deepest(filesystem, f"{root}/{day}", others[0])
        raise ExportError(
            f"The folder {day} holds {example!r}, which is in no folder of an hour.",
            "An hour could look empty.",
            remedy,
        )


def shown(entries: Sequence[str]) -> str:
    """Entries of a folder as messages show them: the first few."""
    if not entries:
        return "nothing"
    names = ", ".join(repr(entry) for entry in entries[:_MOST_NAMES])
    return names if len(entries) <= _MOST_NAMES else f"{names} and {len(entries) - _MOST_NAMES:,} more"


def _deepest(filesystem: AbstractFileSystem, path: str, entry: str) -> str:
    """The first file below an entry, or the last folder where there is none."""
    for _ in range(_MOST_LEVELS):
        inside = list_folder(filesystem, f"{path}/{entry.rstrip('/')}").entries if entry.endswith("/") else ()
        if not inside:
            break
        entry += inside[0]
    return entry
