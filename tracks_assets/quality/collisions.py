"""Ids that were delivered as several events: how many, and which events. Read from the collisions that merges keep.

tracks holds one of the events under such an id; the deliveries of the others are in ``posthog_ops.tracks_collisions``.
"""

from dataclasses import dataclass
from datetime import datetime

from tracks_assets.warehouse.base import Warehouse

SHOWN_IDS = 3
"""Ids whose events a check names; to name one reads three columns of tracks."""


@dataclass(frozen=True)
class Identity:
    """An event under its id; None is a value of its own."""

    event_name: str | None
    user_id: str | None

    def __str__(self) -> str:
        return f"({self.event_name or 'no name'}, {self.user_id or 'no user'})"


@dataclass(frozen=True)
class Collision:
    """The events under one id: those in tracks (one, but for old damage) and those that collided with them."""

    event_id: str
    stored: tuple[Identity, ...]
    collided: tuple[Identity, ...]


@dataclass(frozen=True)
class BatchCollisions:
    """The collisions of some export hours.

    Attributes:
        batch_ids: different ids that the hours delivered.
        ids: those of them, and of the rows that these hours brought, that are in tracks_collisions.
        examples: up to ten of these ids.
        collisions: the events under the first of them.
    """

    batch_ids: int
    ids: int
    examples: tuple[str, ...] = ()
    collisions: tuple[Collision, ...] = ()


@dataclass(frozen=True)
class KeptCollisions:
    """The contents of tracks_collisions: rows, ids and up to ten of the ids."""

    rows: int
    ids: int
    examples: tuple[str, ...] = ()


def collisions_of_batch(warehouse: Warehouse, start: datetime, end: datetime) -> BatchCollisions:
    """The collisions of the export hours in [start, end).

    Reads the ids of these hours and of tracks_collisions; of tracks only where there are collisions.
    """
    (found,) = warehouse.fetch("batch_collisions", {"window_start": start, "window_end": end})
    examples = tuple(found["examples"] or ())
    shown = tuple(collision_of(warehouse, event_id) for event_id in examples[:SHOWN_IDS])
    return BatchCollisions(found["batch_ids"], found["ids"], examples, shown)


def collision_of(warehouse: Warehouse, event_id: str) -> Collision:
    """The events under one id."""
    rows = warehouse.fetch("collision_pairs", {"event_id": event_id})
    stored, collided = (
        tuple(Identity(row["event_name"], row["user_id"]) for row in rows if row["is_stored"] == is_stored)
        for is_stored in (True, False)
    )
    return Collision(event_id, stored, collided)


def count_collisions(warehouse: Warehouse) -> KeptCollisions:
    """Counts tracks_collisions."""
    (found,) = warehouse.fetch("count_collisions")
    return KeptCollisions(int(found["all_rows"]), found["ids"], tuple(found["examples"] or ()))
