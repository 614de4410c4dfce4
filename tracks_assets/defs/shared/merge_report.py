"""What a merge did, hour by hour, as its log holds it, and what it cost."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime
from typing import TypeVar

from tracks_assets.core.errors import ReportedError
from tracks_assets.core.tables import Table
from tracks_assets.warehouse.results import HourCost, Row, Usage


class MergeError(ReportedError):
    """A merge that was not done."""


Kind = TypeVar("Kind", bound=ReportedError)


def merge_failure(kind: type[Kind], table: Table, first: str, last: str, cause: str, remedy: str) -> Kind:
    """The error for a merge that failed.

    Args:
        kind: the class of the error.
        table: the table.
        first: the key of its first hour.
        last: that of its last.
        cause: the engine's error text.
        remedy: the sentence with the next step.
    """
    hours = f"hour {first}" if first == last else f"hours {first} to {last}"
    return kind(
        f"The merge of the {hours} into {table} failed ({cause}).",
        "A merge is applied in full or not at all, so running it again is safe.",
        remedy,
    )


@dataclass(frozen=True)
class MergeCounts:
    """Events that one export hour inserted, updated (content or time) and left as they were, and rows kept out.

    An event that a merge sees in several hours counts once, in the hour of its last delivery.

    Attributes:
        inserted: events that tracks lacked.
        updated: events whose content or time changed.
        unchanged: events that were left as they were.
        collided: deliveries in tracks_collisions, because their id belongs to another event.
        before_cutover: deliveries that tracks does not take, because they lie before TRACKS_CUTOVER.
    """

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    collided: int = 0
    before_cutover: int = 0

    def __add__(self, other: "MergeCounts") -> "MergeCounts":
        return MergeCounts(*(mine + others for mine, others in zip(astuple(self), astuple(other), strict=True)))


def counts_by_hour(rows: Sequence[Row]) -> dict[datetime, MergeCounts]:
    """The counts of each export hour, from rows of ``merge_log``."""
    return {
        row["window_start"]: MergeCounts(*(row[f"rows_{field.name}"] for field in fields(MergeCounts))) for row in rows
    }


def shares(hours: Sequence[datetime], seconds: float, usage: Usage) -> list[HourCost]:
    """The cost of a merge, in equal shares for the hours that it merged at once.

    Args:
        hours: the hours, one or more.
        seconds: how long the merge took.
        usage: what it was billed; an engine that bills nothing reports no jobs.
    """
    billed = (usage.bytes_billed // len(hours), usage.slot_ms // len(hours)) if usage.jobs else (None, None)
    return [HourCost(hour, round(seconds * 1000 / len(hours)), *billed) for hour in hours]
