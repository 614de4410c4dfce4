"""What the reproduced incident is asked to be, and what it then holds, to the row.

Each event has a rank, a number from 0 on that says nothing of its time. The kinds of damage take the ranks from 0 up,
so that how many rows are damaged, and how, follows from the plan by counting: no test has to believe the generator.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Any

EXCESS_SHARE = 0.0092
"""Of all rows of tracks, the share beyond the first of each event when the incident was found."""

LATEST_RESEND = timedelta(days=7)
"""An event is sent again at most as much later, each time."""

_EVENTS_A_UUID4 = 50
_IDENTICAL_SHARE, _TRIPLE_SHARE, _REFRESHED_SHARE = 0.4, 0.02, 0.25
_GOLDEN_SECTION = 0.618
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY, _MILLISECOND = timedelta(days=1), timedelta(milliseconds=1)


class IncidentError(ValueError):
    """An incident cannot be made as asked; the message is one sentence."""


@dataclass(frozen=True)
class Kind:
    """Events that the old pipeline was given more than once, all in the same way.

    Attributes:
        events: how many there are.
        deliveries: one number a delivery: how often the event had been sent again by then. (0, 0) is delivered twice in
            its hour, byte for byte the same; (0, 1) is sent again some days later.
        refreshed: how many of them, the first ones, come again on a recent day for the old hourly merge to move.
        first: the rank of the first of them.
    """

    events: int
    deliveries: tuple[int, ...]
    refreshed: int = 0
    first: int = 0

    @property
    def end(self) -> int:
        """The rank after that of the last of them."""
        return self.first + self.events

    @property
    def refreshed_end(self) -> int:
        """The rank after that of the last refreshed one."""
        return self.first + self.refreshed


@dataclass(frozen=True)
class IncidentCounts:
    """What tracks holds after the incident; a duplicated event is of exactly one sort.

    Attributes:
        rows: rows of tracks.
        distinct_ids: different event ids.
        duplicate_ids: event ids that are duplicated.
        excess_rows: rows beyond the first of each event id.
        identical_pairs: events with two equal rows, at their own time.
        resent_pairs: events with two rows, days apart.
        refreshed_pairs: events with two rows that the old hourly merge made equal and moved to a recent day.
        larger_groups: events with more than two rows.
        moved_rows: rows with a UUIDv7 whose own time lies more than 24 hours from created_at.
    """

    rows: int
    distinct_ids: int
    duplicate_ids: int
    excess_rows: int
    identical_pairs: int
    resent_pairs: int
    refreshed_pairs: int
    larger_groups: int
    moved_rows: int


@dataclass(frozen=True)
class IncidentPlan:
    """The old pipeline's events and what happened to them; ``plan_incident`` makes the plan of the incident as it was.

    Attributes:
        events: different events.
        kinds: those that were delivered more than once; all others were delivered once.
        seed: the same seed gives the same rows.
        payload_bytes: about how long a payload is; none is shorter than what it must hold, some 400 bytes.
        start: the time of the first event.
        days: the days over which the events are spread; re-sent rows lie up to two weeks later.
        merge_days: how many days one old day-scoped merge takes; the result does not depend on it.
        redelivered_hours: the export hours in which events come again for the old hourly merge.
        people: how many people use the app.

    Raises:
        IncidentError: the numbers do not go together.
    """

    events: int
    kinds: tuple[Kind, ...] = ()
    seed: int = 0
    payload_bytes: int = 600
    start: datetime = datetime(2025, 11, 1, tzinfo=UTC)
    days: int = 90
    merge_days: int = 1
    redelivered_hours: tuple[datetime, ...] = tuple(datetime(2026, 3, day, 9, tzinfo=UTC) for day in (9, 10, 11))
    people: int = 2_000

    def __post_init__(self) -> None:
        if min(self.events, self.days, self.merge_days, self.people) < 1 or self.seed < 0:
            raise IncidentError("An incident needs at least one event, day, day a merge and person, and a seed from 0.")
        if sum(kind.events for kind in self.kinds) > self.events:
            raise IncidentError(f"{self.events:,} events are fewer than those that are to be duplicated.")
        if any(hour < self.end + _DAY for hour in self.redelivered_hours):
            raise IncidentError(
                f"Events come again on recent days: let redelivered_hours be more than a day after {self.end}."
            )

    @property
    def end(self) -> datetime:
        """A midnight after all the rows of the old pipeline."""
        resends = max((max(kind.deliveries) for kind in self.kinds), default=0)
        return self.start + self.days * _DAY + resends * LATEST_RESEND + _DAY

    @property
    def counts(self) -> IncidentCounts:
        """What tracks holds in the end."""
        excess = sum(kind.events * (len(kind.deliveries) - 1) for kind in self.kinds)
        return IncidentCounts(
            rows=self.events + excess,
            distinct_ids=self.events,
            duplicate_ids=sum(kind.events for kind in self.kinds),
            excess_rows=excess,
            identical_pairs=sum(kind.events - kind.refreshed for kind in self.kinds if kind.deliveries == (0, 0)),
            resent_pairs=sum(kind.events - kind.refreshed for kind in self.kinds if kind.deliveries == (0, 1)),
            refreshed_pairs=sum(kind.refreshed for kind in self.kinds),
            larger_groups=sum(kind.events for kind in self.kinds if len(kind.deliveries) > 2),  # noqa: PLR2004
            moved_rows=sum(map(_moved_rows, self.kinds)),
        )

    @property
    def variables(self) -> dict[str, Any]:
        """What the generator's SQL is filled with; moments are milliseconds since 1970."""
        return {
            "events": self.events,
            "kinds": self.kinds,
            "seed": self.seed,
            "multiplier": _multiplier(self.events),
            "events_a_uuid4": _EVENTS_A_UUID4,
            "payload_bytes": self.payload_bytes,
            "people": self.people,
            "start_ms": milliseconds(self.start),
            "length_ms": self.days * _DAY // _MILLISECOND,
            "redelivered_hours": self.redelivered_hours,
        }


def milliseconds(moment: datetime) -> int:
    """A moment as milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def plan_incident(rows: int, **settings: Any) -> IncidentPlan:
    """The plan of the incident as it was, in another size: 0.92 % of ``rows`` are beyond the first of their event.

    Args:
        rows: rows of tracks in the end.
        settings: what else to set of ``IncidentPlan``.

    Raises:
        IncidentError: so few rows hold no duplicate, or the settings do not go together.
    """
    excess = round(rows * EXCESS_SHARE)
    if excess < 1:
        raise IncidentError(f"{rows:,} rows are too few for an incident: ask for at least 55.")
    triples = _some(excess, _TRIPLE_SHARE) if excess > 3 else 0  # noqa: PLR2004
    pairs = excess - 2 * triples
    identical = _some(pairs, _IDENTICAL_SHARE)
    kinds = _ranked(
        [
            Kind(triples, (0, 0, 1)),
            Kind(identical, (0, 0), refreshed=_some(identical, _REFRESHED_SHARE)),
            Kind(pairs - identical, (0, 1), refreshed=_some(pairs - identical, _REFRESHED_SHARE)),
        ]
    )
    return IncidentPlan(rows - excess, kinds, **settings)


def plan_validation(**settings: Any) -> IncidentPlan:
    """7,000 rows of 5,000 events, 1,000 of which have three on average: exact duplicates and cross-day re-sends."""
    kinds = _ranked(
        [
            Kind(150, (0, 0)),
            Kind(150, (0, 1)),
            Kind(200, (0, 0, 0)),
            Kind(200, (0, 0, 1)),
            Kind(300, (0, 0, 1, 2)),
        ]
    )
    return IncidentPlan(5_000, kinds, **settings)


def _some(whole: int, share: float) -> int:
    """A share of a number: of two and more at least one, and never all."""
    return min(max(round(whole * share), 1), whole - 1) if whole > 1 else 0


def _ranked(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    ranked: list[Kind] = []
    for kind in kinds:
        ranked.append(replace(kind, first=ranked[-1].end if ranked else 0))
    return tuple(kind for kind in ranked if kind.events)


def _multiplier(events: int) -> int:
    """A number by which ``events`` numbers are scattered evenly, each to a place of its own."""
    number = max(1, round(events * _GOLDEN_SECTION))
    while gcd(number, events) != 1:
        number += 1
    return number


def _moved_rows(kind: Kind) -> int:
    """Rows of a kind whose id carries a time that is not theirs; of the refreshed ones, all rows."""
    moved = len(kind.deliveries) * _uuid7s(kind.first, kind.refreshed_end)
    return moved + sum(1 for times in kind.deliveries if times) * _uuid7s(kind.refreshed_end, kind.end)


def _uuid7s(first: int, end: int) -> int:
    """How many of the events with ranks from ``first`` to before ``end`` have a UUIDv7."""
    return end - first - (end // _EVENTS_A_UUID4 - first // _EVENTS_A_UUID4)
