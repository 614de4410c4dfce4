"""The persons of the example's app, as PostHog exports them: all of them first, and then those that change.

What happens to a person follows from the plan alone, so an hour comes out the same whichever others are written. Some
persons are merged into another, some are edited, some are deleted, and of those some are created again under the same
distinct_id.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

import pyarrow as pa

from examples.export_generator.catalogue import text
from examples.export_generator.people import people
from examples.export_generator.plan import ExportPlan
from tracks_assets.sources.posthog.layout import HOUR

TEAM_ID = 1

_FIELDS: list[tuple[str, pa.DataType]] = [
    ("team_id", pa.int64()),
    ("distinct_id", pa.string()),
    ("person_id", pa.string()),
    ("properties", pa.string()),
    ("person_distinct_id_version", pa.int64()),
    ("person_version", pa.int64()),
    ("created_at", pa.timestamp("us", tz="UTC")),
    ("_inserted_at", pa.timestamp("us", tz="UTC")),
    ("is_deleted", pa.bool_()),
]

PERSONS_SCHEMA = pa.schema(_FIELDS)

_DELETED_VERSIONS = 100
"""By how much PostHog raises a version when it deletes something, so that no late write cancels the deletion."""

_CHANGES_WITHIN_HOURS = 6
_SHARES = {"merged": 0.06, "edited": 0.04, "deleted": 0.02, "reused": 0.01}
_EDIT = text({"edited": True})


class Change(Enum):
    """Why a mapping is in its hour."""

    FIRST = auto()
    MERGED = auto()
    EDITED = auto()
    DELETED = auto()
    REUSED = auto()


@dataclass(frozen=True)
class Mapping:
    """A mapping as one hour exports it; the hour is counted from the start of the export."""

    hour: int
    change: Change
    distinct_id: str
    person_id: str
    properties: str
    mapping_version: int = 0
    person_version: int = 0

    def row(self, hour: datetime, number: int) -> dict[str, Any]:
        """The row of a file, the ``number``-th of its hour."""
        return {
            "team_id": TEAM_ID,
            "distinct_id": self.distinct_id,
            "person_id": self.person_id,
            "properties": self.properties,
            "person_distinct_id_version": self.mapping_version,
            "person_version": self.person_version,
            "created_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=int(self.person_id[:4], 16)),
            "_inserted_at": hour + timedelta(milliseconds=number % (HOUR // timedelta(milliseconds=1))),
            "is_deleted": self.change is Change.DELETED,
        }


def exported_mappings(hour: datetime, plan: ExportPlan) -> list[Mapping]:
    """The mappings of an export hour; none before the export starts."""
    number = (hour - plan.export_start) // HOUR
    return _by_hour(plan.seed, plan.people).get(number, [])


@lru_cache(maxsize=4)
def _by_hour(seed: int, count: int) -> dict[int, list[Mapping]]:
    """All mappings that are ever exported, by the hour that exports them."""
    found: dict[int, list[Mapping]] = {}
    for mapping in _all_mappings(seed, count):
        found.setdefault(mapping.hour, []).append(mapping)
    return found


def _all_mappings(seed: int, count: int) -> Iterator[Mapping]:
    everybody, rng = people(seed, count), Random(f"persons {seed}")  # noqa: S311 - example people, no secrets
    columns = (everybody.distinct_id, everybody.person_id, everybody.person_properties)
    known: set[str] = set()
    kept: Mapping | None = None
    for distinct_id, person_id, properties in zip(*(column.to_pylist() for column in columns), strict=True):
        # PostHog exports nobody without a profile, and a distinct_id once.
        if properties is None or distinct_id in known:
            continue
        known.add(distinct_id)
        first = Mapping(0, Change.FIRST, distinct_id, person_id, properties)
        changes = list(_changes(rng, first, kept))
        yield from (first, *changes)
        kept = kept if changes else first


def _changes(rng: Random, first: Mapping, other: Mapping | None) -> Iterator[Mapping]:
    """What happens to a person later; ``other`` is one that nothing happens to."""
    names, odds = zip(*_SHARES.items(), strict=True)
    (fate,) = rng.choices([*names, "kept"], [*odds, 1 - sum(odds)])
    hour = rng.randint(1, _CHANGES_WITHIN_HOURS)
    new_person = str(UUID(int=rng.getrandbits(128), version=4))
    deleted = replace(
        first,
        hour=hour,
        change=Change.DELETED,
        mapping_version=_DELETED_VERSIONS,
        person_version=_DELETED_VERSIONS,
    )
    match fate:
        case "merged" if other is not None:
            yield replace(other, hour=hour, change=Change.MERGED, distinct_id=first.distinct_id, mapping_version=1)
        case "edited":
            edited = first.properties.removesuffix("}") + _EDIT + "}"
            yield replace(first, hour=hour, change=Change.EDITED, properties=edited, person_version=1)
        case "deleted":
            yield deleted
        case "reused":
            yield deleted
            yield replace(
                first,
                hour=hour + rng.randint(1, _CHANGES_WITHIN_HOURS),
                change=Change.REUSED,
                person_id=new_person,
                mapping_version=_DELETED_VERSIONS + 1,
            )
