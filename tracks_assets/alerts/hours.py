"""Sets of export hours: which hours an incident is about, and which of them were run again since."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tracks_assets.settings import PARTITION_FORMAT

_HOUR = timedelta(hours=1)
_LENGTHS = {PARTITION_FORMAT: _HOUR, "%Y-%m-%d": timedelta(days=1)}
"""The formats of partition keys, and what a partition of each format spans."""


@dataclass(frozen=True)
class Hours:
    """A set of hours as disjoint windows [start, end), oldest first; empty for what has no partitions."""

    windows: tuple[tuple[datetime, datetime], ...] = ()

    @classmethod
    def between(cls, first: str, last: str | None = None) -> "Hours":
        """The hours of the partition keys from ``first`` to ``last``, both included.

        Returns:
            No hours where the keys are not times, because nothing can be compared by them then.
        """
        for key_format, length in _LENGTHS.items():
            try:
                start, end = (datetime.strptime(key, key_format).replace(tzinfo=UTC) for key in (first, last or first))
            except ValueError:
                continue
            return cls(((start, end + length),)) if end >= start else cls()
        return cls()

    def __bool__(self) -> bool:
        return bool(self.windows)

    def __len__(self) -> int:
        return sum((end - start) // _HOUR for start, end in self.windows)

    def __or__(self, other: "Hours") -> "Hours":
        return Hours(_joined((*self.windows, *other.windows)))

    def __sub__(self, other: "Hours") -> "Hours":
        left = self.windows
        for start, end in other.windows:
            left = tuple(piece for window in left for piece in _without(window, start, end))
        return Hours(left)

    def covers(self, other: "Hours") -> bool:
        """Whether every hour of the other set is in this one."""
        return not other - self

    def __str__(self) -> str:
        shown = [_named(start, end) for start, end in self.windows[:_SHOWN]]
        more = len(self.windows) - _SHOWN
        return ", ".join(shown) + (f" and {more} more ranges" if more > 0 else "")

    def keys(self) -> list[list[str]]:
        """The windows as pairs of partition keys, to be stored."""
        return [[f"{start:{PARTITION_FORMAT}}", f"{end - _HOUR:{PARTITION_FORMAT}}"] for start, end in self.windows]

    @classmethod
    def of_keys(cls, pairs: Iterable[Iterable[str]]) -> "Hours":
        """The hours that ``keys`` stored."""
        hours = cls()
        for first, last in pairs:
            hours |= cls.between(first, last)
        return hours


NO_HOURS = Hours()

_SHOWN = 5


def _joined(windows: Iterable[tuple[datetime, datetime]]) -> tuple[tuple[datetime, datetime], ...]:
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(windows):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def _without(window: tuple[datetime, datetime], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    pieces = [(window[0], min(window[1], start)), (max(window[0], end), window[1])]
    return [(first, last) for first, last in pieces if first < last]


def _named(start: datetime, end: datetime) -> str:
    first, last = f"{start:{PARTITION_FORMAT}}", f"{end - _HOUR:{PARTITION_FORMAT}}"
    return first if first == last else f"{first} to {last}"
