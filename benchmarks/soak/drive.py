"""The driver of the soak: decides what runs next. Another driver replaces this module only.

``OldestFirst`` does what the sensor ``export_complete`` does, without its waiting: hours that were delivered and not
yet loaded run as one range, oldest first, and so do hours whose files changed since.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from benchmarks.soak.deliver import Delivered
from tracks_assets.export.layout import HOUR

Files = frozenset[tuple[str, int, int]]


@dataclass(frozen=True)
class Due:
    """Hours to run in one run, both ends included."""

    first: datetime
    last: datetime


class Driver(Protocol):
    """Says what is due, and is told what was done."""

    def due(self, delivered: Sequence[Delivered]) -> Sequence[Due]:
        """The runs that are due, in order."""

    def done(self, due: Due) -> None:
        """A run came to its end."""


@dataclass
class OldestFirst:
    """Runs each delivered hour once, and again when its files have changed."""

    _loaded: dict[datetime, Files] = field(default_factory=dict)
    _seen: dict[datetime, Files] = field(default_factory=dict)

    def due(self, delivered: Sequence[Delivered]) -> Sequence[Due]:
        """The runs that are due, in order."""
        self._seen = {each.hour: _files(each.folder) for each in delivered}
        return list(_ranges(hour for hour in sorted(self._seen) if self._loaded.get(hour) != self._seen[hour]))

    def done(self, due: Due) -> None:
        """A run came to its end."""
        self._loaded |= {hour: files for hour, files in self._seen.items() if due.first <= hour <= due.last}


def _files(folder: Path) -> Files:
    stats = ((path, path.stat()) for path in folder.iterdir())
    return frozenset((path.name, about.st_size, about.st_mtime_ns) for path, about in stats)


def _ranges(hours: Iterator[datetime]) -> Iterator[Due]:
    """Successive hours as one range each."""
    first = last = None
    for hour in hours:
        if last is not None and hour == last + HOUR:
            last = hour
            continue
        if first is not None and last is not None:
            yield Due(first, last)
        first = last = hour
    if first is not None and last is not None:
        yield Due(first, last)
