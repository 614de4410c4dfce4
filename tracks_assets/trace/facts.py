"""What the warehouse knows of one event id, as plain values: everything that the page and the result rest on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tracks_assets.core.errors import ReportedError
from tracks_assets.core.tables import Table
from tracks_assets.repairs.repair import IN_EFFECT
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import TRACKS

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
"""An insert time that is not known counts as older than any other, as in the merge."""

_A_MOMENT = timedelta(seconds=1)

_STILL_IN_EFFECT = (None, *IN_EFFECT)
"""States of a repair that is in force; None is one that left no record."""


class EventIdError(ReportedError, ValueError):
    """What was given is no event id."""


Order = tuple[datetime, datetime]
"""A place among the deliveries of an event: by insert time, then by the loader's stamp."""


def order_of(inserted_at: datetime | None, ingested_at: datetime | None) -> Order:
    """The place of these stamps; unknown ones come first."""
    return inserted_at or LONG_AGO, ingested_at or LONG_AGO


@dataclass(frozen=True)
class Sighting:
    """The event as some row has it."""

    created_at: datetime | None
    event_name: str | None
    user_id: str | None
    bq_ingested_timestamp: datetime | None
    event_inserted_at: datetime | None

    @property
    def order(self) -> Order:
        """Its place among the deliveries of its event."""
        return order_of(self.event_inserted_at, self.bq_ingested_timestamp)

    @property
    def identity(self) -> tuple[str | None, str | None]:
        """Which event it is of: under one id, another name or user is another event."""
        return self.event_name, self.user_id


@dataclass(frozen=True)
class Delivery(Sighting):
    """A row of raw_tracks."""

    window_start: datetime
    source_file: str


@dataclass(frozen=True)
class Collided(Sighting):
    """A row of tracks_collisions; one of the old pipeline has no export hour."""

    window_start: datetime | None
    source_file: str | None


@dataclass(frozen=True)
class Repeat:
    """A delivery that a merge took, and that changed nothing in the row with these stamps."""

    event_inserted_at: datetime | None
    bq_ingested_timestamp: datetime | None
    stored_inserted_at: datetime | None
    stored_ingested_timestamp: datetime | None

    @property
    def order(self) -> Order:
        """Its place among the deliveries of its event."""
        return order_of(self.event_inserted_at, self.bq_ingested_timestamp)

    @property
    def of(self) -> Order:
        """The place of the row that it repeated."""
        return order_of(self.stored_inserted_at, self.stored_ingested_timestamp)


@dataclass(frozen=True)
class Refusal:
    """A row of rejected_tracks."""

    window_start: datetime
    source_file: str
    row_number: int
    reason: str
    rejected_at: datetime


@dataclass(frozen=True)
class Removed(Sighting):
    """A row that a dedup archived; ``state`` says how far that dedup came."""

    repair_id: str
    removed_at: datetime
    state: str | None

    @property
    def is_in_force(self) -> bool:
        """Whether the copy is out of tracks."""
        return self.state in _STILL_IN_EFFECT


@dataclass(frozen=True)
class Restored:
    """A time that restore_created_at replaced and archived; ``state`` says how far that repair came."""

    created_at: datetime
    restored_created_at: datetime
    evidence: str
    repair_id: str
    restored_at: datetime
    state: str | None

    @property
    def is_in_force(self) -> bool:
        """Whether tracks was given the time back."""
        return self.state in _STILL_IN_EFFECT


@dataclass(frozen=True)
class Squashed:
    """A person that squash_person_overrides replaced and archived; a rollback removes the row."""

    user_id: str | None
    person_id: str | None
    squashed_person_id: str | None
    squash_id: str
    squashed_at: datetime
    state: str | None


@dataclass(frozen=True)
class Before:
    """How tracks held the event just before the last thing that happened to it."""

    moment: datetime
    stored: tuple[Sighting, ...]


@dataclass(frozen=True)
class EventTrace:
    """Everything known of one event id.

    Attributes:
        event_id: the id.
        cutover: tracks takes deliveries with ``created_at`` from here on.
        minted_at: the time that the id itself carries, where it is a UUIDv7.
        deliveries: its rows of raw_tracks.
        refusals: its rows of rejected_tracks.
        stored: its rows of tracks.
        repeats: its rows of unchanged_redeliveries.
        collisions: its rows of tracks_collisions.
        legacy: its rows of backfill_tracks.
        removed: its rows of archived_duplicates.
        restored: its rows of archived_times.
        squashed: its rows of archived_person_ids.
        contents: in how many different contents, over all columns, tracks holds it.
        before: how tracks held it before that, where the engine knows.
    """

    event_id: str
    cutover: datetime
    minted_at: datetime | None = None
    deliveries: tuple[Delivery, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    stored: tuple[Sighting, ...] = ()
    repeats: tuple[Repeat, ...] = ()
    collisions: tuple[Collided, ...] = ()
    legacy: tuple[Sighting, ...] = ()
    removed: tuple[Removed, ...] = ()
    restored: tuple[Restored, ...] = ()
    squashed: tuple[Squashed, ...] = ()
    contents: int = 0
    before: Before | None = None

    @property
    def last_happening(self) -> datetime | None:
        """When the last thing happened that may have changed its rows of tracks: a load, or a repair."""
        loads = [each.bq_ingested_timestamp for each in (*self.deliveries, *self.stored)]
        repairs = [each.removed_at for each in self.removed] + [each.restored_at for each in self.restored]
        squashes = [each.squashed_at for each in self.squashed]
        return max((moment for moment in (*loads, *repairs, *squashes) if moment), default=None)

    @property
    def is_known(self) -> bool:
        """Whether any table holds the id."""
        archives = (self.removed, self.restored, self.squashed)
        return any((self.deliveries, self.refusals, self.stored, self.collisions, self.legacy, *archives))

    @property
    def identities(self) -> set[tuple[str | None, str | None]]:
        """The different (event_name, user_id) that the id came with: more than one are different events."""
        sightings = (*self.deliveries, *self.stored, *self.collisions, *self.legacy, *self.removed)
        return {sighting.identity for sighting in sightings}

    @property
    def takeable(self) -> tuple[Delivery, ...]:
        """The deliveries that a merge takes: those since the cutover."""
        return tuple(each for each in self.deliveries if each.created_at and each.created_at >= self.cutover)

    @property
    def waiting(self) -> tuple[Delivery, ...]:
        """The deliveries that a merge has yet to take: those newer than every stored row and what repeated it."""
        current = {copy.order for copy in self.stored}
        taken = current | {repeat.order for repeat in self.repeats if repeat.of in current}
        newest = max(taken, default=(LONG_AGO, LONG_AGO))
        collided = {each.identity for each in self.collisions}
        events = {copy.identity for copy in self.stored}
        return tuple(
            each
            for each in self.takeable
            if not self.stored or (each.order > newest and (each.identity in events or each.identity not in collided))
        )


def check_event_id(text: str) -> str:
    """``text``, where it can be an event id.

    Raises:
        EventIdError: it is empty, or has spaces around it, or holds what cannot be printed.
    """
    if not text or text != text.strip() or not text.isprintable():
        raise EventIdError(
            f"{text!r} is no event id.",
            next_step="Give one as in posthog.tracks, for instance 01958a3c-7c00-7000-8000-000000000001.",
        )
    return text


def fetch_trace(warehouse: Warehouse, event_id: str, cutover: datetime) -> EventTrace:
    """Everything that an open warehouse knows of ``event_id``."""
    trace = _fetch_now(warehouse, event_id, cutover)
    return replace(trace, before=_before(warehouse, event_id, trace.last_happening))


def _before(warehouse: Warehouse, event_id: str, happening: datetime | None) -> Before | None:
    moment = happening - _A_MOMENT if happening else None
    table = warehouse.tracks_as_of(moment) if moment else None
    if moment is None or table is None:
        return None
    rows = warehouse.fetch("trace_rows", {"event_id": event_id}, table=table)
    return Before(moment, tuple(Sighting(**row) for row in rows))


def _fetch_now(warehouse: Warehouse, event_id: str, cutover: datetime) -> EventTrace:
    wanted = {"event_id": event_id}
    stored = _rows_of(warehouse, event_id, TRACKS)
    (minted,) = warehouse.fetch("trace_id", wanted)
    return EventTrace(
        event_id=event_id,
        cutover=cutover,
        minted_at=minted["minted_at"],
        deliveries=tuple(Delivery(**row) for row in warehouse.fetch("trace_deliveries", wanted)),
        refusals=tuple(Refusal(**row) for row in warehouse.fetch("trace_refusals", wanted)),
        stored=stored,
        collisions=tuple(Collided(**row) for row in warehouse.fetch("trace_collisions", wanted)),
        repeats=tuple(Repeat(**row) for row in warehouse.fetch("trace_repeats", wanted)),
        legacy=_rows_of(warehouse, event_id, BACKFILL_TRACKS),
        removed=tuple(Removed(**row) for row in warehouse.fetch("trace_removed", wanted)),
        restored=tuple(Restored(**row) for row in warehouse.fetch("trace_restored", wanted)),
        squashed=tuple(Squashed(**row) for row in warehouse.fetch("trace_squashed", wanted)),
        contents=_contents(warehouse, event_id, stored),
    )


def _rows_of(warehouse: Warehouse, event_id: str, table: Table) -> tuple[Sighting, ...]:
    qualified = warehouse.statements.qualified(table.schema, table.name)
    return tuple(Sighting(**row) for row in warehouse.fetch("trace_rows", {"event_id": event_id}, table=qualified))


def _contents(warehouse: Warehouse, event_id: str, stored: tuple[Sighting, ...]) -> int:
    """Reads whole rows, so it is only asked where copies are to be compared, and only on their days."""
    if len(stored) < 2:  # noqa: PLR2004 (a pair)
        return len(stored)
    times = [copy.created_at for copy in stored if copy.created_at] or [LONG_AGO]
    span = {"earliest": min(times), "latest": max(times)}
    (found,) = warehouse.fetch("trace_contents", {"event_id": event_id} | span)
    return int(found["contents"])
