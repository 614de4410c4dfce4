"""Which deliveries an export hour holds: its new events, and the old and broken ones among them.

A delivery is a row of numbers: who, what, where, when. Rows are cheap to draw, so an earlier hour's events are not
remembered: to deliver one again, its hour is drawn again.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from examples.export_generator.catalogue import DETAILS_PER_NAME, name_odds, places
from examples.export_generator.ids import uuid7
from examples.export_generator.people import People, people
from examples.export_generator.plan import ExportPlan, Slice, slices
from tracks_assets.sources.posthog.layout import HOUR

Rows = NDArray[Any]
Times = NDArray[np.int64]


class Kind(IntEnum):
    """Why a delivery is in its hour."""

    NEW = 0
    REDELIVERY = 1
    REPEAT = 2
    EDIT = 3
    MALFORMED = 4


DELIVERY = np.dtype(
    [
        ("id", np.uint8, 16),
        ("event_ms", np.int64),  # the event's own time, which its id carries
        ("timestamp", np.int64),  # this and the next two: microseconds since 1970
        ("created_at", np.int64),
        ("inserted_at", np.int64),
        ("person", np.int32),  # this and the next three: rows of people and of the catalogue
        ("name", np.int32),
        ("detail", np.int32),
        ("place", np.int32),
        ("insert_id", np.uint8, 16),  # base 36 digits
        ("tokens", np.int32),
        ("kind", np.int8),
        ("flaw", np.int64),  # the hour's running number of a malformed row
    ]
)

_PLACES = len(places(mobile=False))
_ARRIVED, _DISTURBED, _CHOSEN = range(3)
_SECOND_US = 1_000_000
_SHORTEST_DELAY_US = 2 * _SECOND_US


def deliveries(part: Slice, plan: ExportPlan) -> Rows:
    """All deliveries of a slice in order of insert time; those that are not new come on top of its events."""
    rng = _rng(plan, part, _DISTURBED)
    new, old = new_events(part, plan), new_events(_older(rng, part, plan), plan)
    rng.shuffle(old)
    redelivered, old = np.split(old, [_count(part, plan.redelivery_share)])
    rows = np.concatenate(
        [
            new,
            restamped(rng, redelivered, part.hour, _bounds(part)),
            _repeated(rng, new, _count(part, plan.repeat_share)),
            _edited(rng, new, old, part, plan),
            _malformed(rng, part, plan),
        ]
    )
    return _by_insert_time(rows)


def new_events(part: Slice, plan: ExportPlan) -> Rows:
    """The well-formed events that a slice delivers for the first time, in order of insert time."""
    return _by_insert_time(_drawn(_rng(plan, part, _ARRIVED), part.new_events, part, plan))


def old_deliveries(hour: datetime, of: Sequence[datetime], ids: int, plan: ExportPlan) -> Rows:
    """Deliveries in ``hour`` that repeat ``ids`` distinct events of the earlier hours ``of``, in order of insert time.

    Raises:
        ValueError: if an hour of ``of`` is not before ``hour``, or if they hold fewer than ``ids`` events.
    """
    hours = sorted(set(of))
    if not hours or hours[-1] >= hour:
        named = ", ".join(map(str, hours)) or "no hours"
        raise ValueError(f"An hour re-delivers events of earlier hours, and {hour} is not after all of {named}.")
    events = len(hours) * plan.events_per_hour
    if not 1 <= ids <= events:
        raise ValueError(f"{ids} ids were asked for, but the hours to repeat hold 1 to {events} events.")
    rng = _rng(plan, Slice(hour, 0, 1, ids), _CHOSEN)
    chosen = np.sort(rng.choice(events, ids, replace=False))
    return _by_insert_time(restamped(rng, _at(hours, chosen, plan), hour, _bounds(Slice(hour, 0, 1, ids))))


def restamped(rng: Generator, rows: Rows, hour: datetime, bounds: tuple[int, int]) -> Rows:
    """The rows delivered again between ``bounds`` (microseconds), stamped as if they had just happened."""
    again = rows.copy()
    again["kind"] = Kind.REDELIVERY
    _arrive(rng, again, hour, *bounds)
    # Not before the hour, hence later than any original: a server computes it as now minus the offset sent.
    lag = rng.integers(0, 3 * _SECOND_US, len(again))
    again["timestamp"] = np.maximum(_microseconds(hour), again["created_at"] - lag)
    return again


def _drawn(rng: Generator, count: int, part: Slice, plan: ExportPlan) -> Rows:
    everybody = people(plan.seed, plan.people)
    rows = np.zeros(count, DELIVERY)
    # Squaring makes some people far busier than others.
    rows["person"] = plan.people * rng.random(count) ** 2
    rows["name"] = _names(rng, rows["person"], everybody)
    rows["detail"] = rows["name"] * DETAILS_PER_NAME + rng.integers(DETAILS_PER_NAME, size=count)
    rows["place"] = rng.integers(_PLACES, size=count)
    rows["tokens"] = rng.integers(1000, size=count)
    rows["insert_id"] = rng.integers(36, size=(count, 16))
    _arrive(rng, rows, part.hour, *_bounds(part))
    rows["event_ms"] = (rows["created_at"] - _delays(rng, count, plan)) // 1000
    rows["timestamp"] = rows["event_ms"] * 1000 + rng.integers(1000, size=count)
    rows["id"] = uuid7(rows["event_ms"], rng.integers(256, size=(count, 10), dtype=np.uint8))
    return rows


def _names(rng: Generator, person: NDArray[np.int32], everybody: People) -> NDArray[np.int64]:
    chance = rng.random(len(person))
    web, mobile = (np.searchsorted(name_odds(is_mobile), chance, side="right") for is_mobile in (False, True))
    return np.where(everybody.is_mobile[person], mobile, web)


def _delays(rng: Generator, count: int, plan: ExportPlan) -> Times:
    """Microseconds from an event to its arrival: two seconds or more, hours for the few that were offline (Pareto)."""
    delays = _SHORTEST_DELAY_US * (1 - rng.random(count)) ** (-1 / 0.8)
    return np.minimum(delays, plan.longest_delay_hours * 3600 * _SECOND_US).astype(np.int64)


def _arrive(rng: Generator, rows: Rows, hour: datetime, first: int | Times, end: int) -> None:
    rows["inserted_at"] = rng.integers(first, end, len(rows))
    lag = rng.integers(_SECOND_US // 5, _SHORTEST_DELAY_US, len(rows))
    rows["created_at"] = np.maximum(_microseconds(hour), rows["inserted_at"] - lag)


def _repeated(rng: Generator, new: Rows, count: int) -> Rows:
    rows = rng.choice(new, count, replace=False)
    rows["kind"] = Kind.REPEAT
    return rows


def _edited(rng: Generator, new: Rows, old: Rows, part: Slice, plan: ExportPlan) -> Rows:
    """Events sent again with other properties: half of them the hour's own, half older ones that were exported."""
    edits = part.added(plan.edit_share)
    # Every other one of the hour's edits, not of the slice's: a slice often has only one.
    older = sum(edit % 2 for edit in edits) if part.hour > plan.export_start else 0
    rows = np.concatenate([rng.choice(new, len(edits) - older, replace=False), old[:older]])
    first, end = _bounds(part)
    rows["kind"] = Kind.EDIT
    _arrive(rng, rows, part.hour, np.maximum(rows["inserted_at"] + 1, first), end + 1)
    return rows


def _malformed(rng: Generator, part: Slice, plan: ExportPlan) -> Rows:
    flaws = part.added(plan.malformed_share)
    rows = _drawn(rng, len(flaws), part, plan)
    rows["kind"] = Kind.MALFORMED
    rows["flaw"] = flaws
    return rows


def _older(rng: Generator, part: Slice, plan: ExportPlan) -> Slice:
    """The same slice of an earlier hour: one of the export, or for its first hour one of the months before."""
    exported = (part.hour - plan.export_start) // HOUR
    hours_back = rng.integers(1, exported + 1) if exported > 0 else 24 * rng.integers(30, 150)
    return Slice(part.hour - int(hours_back) * HOUR, part.number, part.of, part.events)


def _at(hours: Sequence[datetime], chosen: NDArray[np.int64], plan: ExportPlan) -> Rows:
    """The events at the positions ``chosen``, counted through all the hours; ``chosen`` is sorted."""
    found, first = [np.zeros(0, DELIVERY)], 0
    for part in (part for hour in hours for part in slices(hour, plan)):
        low, high = np.searchsorted(chosen, [first, first + part.new_events])
        if low < high:
            found.append(new_events(part, plan)[chosen[low:high] - first])
        first += part.new_events
    return np.concatenate(found)


def _bounds(part: Slice) -> tuple[int, int]:
    """The slice's insert times [first, end) in microseconds; its last one is kept free for an edit."""
    start, width = _microseconds(part.hour), HOUR // timedelta(microseconds=1)
    return start + width * part.number // part.of, start + width * (part.number + 1) // part.of - 1


def _by_insert_time(rows: Rows) -> Rows:
    return rows[np.argsort(rows["inserted_at"], kind="stable")]


def _count(part: Slice, share: float) -> int:
    return len(part.added(share))


def _microseconds(hour: datetime) -> int:
    return (hour - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _rng(plan: ExportPlan, part: Slice, stream: int) -> Generator:
    return np.random.default_rng([plan.seed, _microseconds(part.hour) // _SECOND_US, part.number, stream])
