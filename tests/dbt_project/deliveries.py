"""Random deliveries of a few events, disturbed as PostHog's are, and random ways to run their hours.

A delivery that differs from another of its event has an insert time of its own: two with the same one are in the
order of the loader's stamps, which says nothing about the events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from hypothesis import strategies as st

from tracks_assets.core.columns import ColumnType
from tracks_assets.warehouse.tables import TRACKS

from .merge_engine import Row

HOURS = 3
FIRST_HOUR = datetime(2026, 3, 12, tzinfo=UTC)
CUTOVER = datetime(2026, 3, 4, tzinfo=UTC)
LOADED = datetime(2026, 3, 20, tzinfo=UTC)
LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

_KEYS = ("event_id", "created_at", "bq_ingested_timestamp", "event_inserted_at")
IDENTITIES = (("name 1", "user 1"), ("name 0", "user 1"), ("name 1", None), (None, "user 1"))
"""Different events under one id: an event is its event_name and user_id, and null is a value of its own."""

_EVENTS = 8
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True)
class Delivery:
    """One delivery of an event; equal ones are byte-identical, whatever hour they lie in."""

    event_id: str
    created_at: datetime
    inserted_at: datetime | None
    content: int
    identity: int = 0

    @property
    def order(self) -> datetime:
        """The delivery's place among those of its event."""
        return self.inserted_at or LONG_AGO

    def row(self) -> Row:
        """The delivery as tracks holds it, but for the stamp: each content has its own values and its own nulls."""
        keys = {"event_id": self.event_id, "created_at": self.created_at, "event_inserted_at": self.inserted_at}
        others = [column for column in TRACKS.columns if column.name not in _KEYS]
        values = {
            column.name: _value(column.name, column.type, self.content) if (number + self.content) % 3 else None
            for number, column in enumerate(others)
        }
        return keys | values | dict(zip(("event_name", "user_id"), IDENTITIES[self.identity], strict=True))

    @property
    def first_order(self) -> tuple[datetime, datetime, tuple[str, str]]:
        """The delivery's place among those of its id, as it decides which event the id belongs to; null comes last."""
        name, user = (value or "~" for value in IDENTITIES[self.identity])
        return self.order, self.created_at, (name, user)


def _value(name: str, kind: ColumnType, content: int) -> str:
    return f'{{"{name}":{content}}}' if kind is ColumnType.JSON else f"{name} {content}"


@dataclass(frozen=True)
class Exported:
    """A delivery and the export hour that holds it, by number."""

    hour: int
    delivery: Delivery


@dataclass(frozen=True)
class Merge:
    """Merges some hours in one go."""

    first: int
    hours: int

    @property
    def covered(self) -> set[int]:
        """The hours' numbers."""
        return set(range(self.first, min(self.first + self.hours, HOURS)))

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The hours' window [start, end)."""
        return FIRST_HOUR + self.first * _HOUR, FIRST_HOUR + (self.first + self.hours) * _HOUR


@dataclass(frozen=True)
class Reload:
    """Loads an hour again: the same deliveries with a later stamp."""

    hour: int


Step = Merge | Reload
Kind = Literal["redelivery", "edit", "repeat"]
hours = st.integers(0, HOURS - 1)


@st.composite
def _event(draw: st.DrawFn, number: int, is_tame: bool, identity: int = 0) -> list[Exported]:
    """An event's original and what came after it; some originals were never exported, and then neither were edits.

    Whatever comes may have the content of any before it: nothing new, or what was stored once and was overwritten.
    """
    time = CUTOVER + draw(st.integers(-30, 60)) * _MINUTE
    inserted = FIRST_HOUR + number * _MINUTE
    if identity:
        inserted += identity * 10 * _MINUTE + draw(st.integers(-3, 3)) * _HOUR
    original = Delivery(f"event {number}", time, draw(st.sampled_from([None, inserted, inserted])), 0, identity)
    is_exported = draw(st.sampled_from([True, True, False]))
    kinds: list[Kind] = ["redelivery", "edit", "repeat"] if is_exported else ["redelivery", "repeat"]
    deliveries = [original] if is_exported else []
    for rank, kind in enumerate(draw(st.lists(st.sampled_from(kinds), max_size=4)), start=1):
        if kind == "repeat" and deliveries:
            deliveries.append(draw(st.sampled_from(deliveries)))
        else:
            minutes = 11 * rank if is_tame else draw(st.integers(-60, 60))
            later = time if kind == "edit" else time + minutes * _MINUTE
            content = draw(st.integers(0, rank))
            deliveries.append(Delivery(original.event_id, later, inserted + rank * _HOUR, content, identity))
    return [Exported(draw(hours), delivery) for delivery in deliveries]


@st.composite
def _colliding(draw: st.DrawFn, number: int) -> list[Exported]:
    """Several events under one id."""
    identities = draw(st.lists(st.integers(0, len(IDENTITIES) - 1), min_size=1, max_size=3, unique=True))
    return [located for identity in identities for located in draw(_event(number, is_tame=True, identity=identity))]


def exports(is_tame: bool = True, collisions: bool = False) -> st.SearchStrategy[list[Exported]]:
    """Deliveries of a few events over a few hours, in any order; tame ones are re-stamped to later times only.

    With ``collisions``, some of the events share an id.
    """
    if collisions:
        events = st.tuples(*(_colliding(number) for number in range(_EVENTS // 2)))
    else:
        events = st.tuples(*(_event(number, is_tame) for number in range(_EVENTS)))
    return events.map(lambda each: [located for event in each for located in event]).flatmap(st.permutations)


@st.composite
def runs(draw: st.DrawFn) -> list[Step]:
    """Hours merged alone and in ranges, loaded and merged again; in the end, each was merged at least once."""
    merges = st.builds(Merge, hours, st.integers(1, HOURS))
    steps: list[Step] = draw(st.lists(merges | st.builds(Reload, hours), max_size=3))
    covered = {hour for step in steps if isinstance(step, Merge) for hour in step.covered}
    return steps + [Merge(hour, 1) for hour in draw(st.permutations(sorted(set(range(HOURS)) - covered)))]


def raw_rows(export: Sequence[Exported]) -> list[Row]:
    """The export as raw_tracks holds it after its first load."""
    return [
        located.delivery.row()
        | {
            "bq_ingested_timestamp": LOADED + located.hour * _MINUTE,
            "window_start": FIRST_HOUR + located.hour * _HOUR,
            "source_file": f"events/{located.hour}/{number}.parquet",
        }
        for number, located in enumerate(export)
    ]
