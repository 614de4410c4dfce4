"""What a merge did, hour by hour, read from the lines that dbt logs (macros ``log_counts`` and ``log_cost``)."""

import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import datetime

_COST = re.compile(r"^merge_cost (?P<bytes>\d+) (?P<slot_ms>\d+)$")
_LINE = re.compile(r"^merge_plan (?P<hour>\S+) (?P<action>\w+) (?P<events>\d+)$")


class MergeError(Exception):
    """A merge that was not done; the message is one sentence for the person on duty."""


def merge_failure(first: str, last: str, cause: str, remedy: str) -> str:
    """The sentence for a merge that failed.

    Args:
        first: the key of its first hour.
        last: that of its last.
        cause: what the engine said.
        remedy: the sentence with the next step.
    """
    hours = f"hour {first}" if first == last else f"hours {first} to {last}"
    return (
        f"The merge of the {hours} into posthog.tracks failed ({cause}). {remedy} A merge is applied in full or not at "
        f"all, so running it again is safe."
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


def _counts_of(action: str, events: int) -> MergeCounts:
    match action:
        case "insert":
            return MergeCounts(inserted=events)
        case "update" | "restore_time":
            return MergeCounts(updated=events)
        case "unchanged":
            return MergeCounts(unchanged=events)
        case "collide":
            return MergeCounts(collided=events)
        case "before_cutover":
            return MergeCounts(before_cutover=events)
        case _:
            raise ValueError(f"The merge reported an action {action!r} that is not known: has the dbt model changed?")


@dataclass(frozen=True)
class MergeCost:
    """What the engine bills for a merge: bytes, and milliseconds of slots."""

    bytes_billed: int
    slot_ms: int

    def shared_by(self, hours: int) -> "MergeCost":
        """The share of one of the hours that were merged at once, so that the hours' shares add up to the whole."""
        return MergeCost(self.bytes_billed // hours, self.slot_ms // hours)


def cost_of(lines: Iterable[str]) -> MergeCost | None:
    """The cost of a merge, from the lines that it logged; None where the engine tells none."""
    for match in filter(None, map(_COST.match, lines)):
        return MergeCost(int(match["bytes"]), int(match["slot_ms"]))
    return None


def counts_by_hour(lines: Iterable[str]) -> dict[datetime, MergeCounts]:
    """The counts of every export hour that a merge saw; lines that are no report are passed over."""
    counts: dict[datetime, MergeCounts] = {}
    for match in filter(None, map(_LINE.match, lines)):
        hour = datetime.fromisoformat(match["hour"])
        counts[hour] = counts.get(hour, MergeCounts()) + _counts_of(match["action"], int(match["events"]))
    return counts
