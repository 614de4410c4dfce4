"""The state of posthog.tracks in one word and its reason: what a person sees first, in the UI and on the status page.

What breaks a guarantee of the table, and is new, makes it Broken. What is known and does not grow makes it Degraded:
it needs a repair, but nobody has to be woken. Counts are compared as ``flat_duplicate_count`` compares them, and with
every census since: damage is new from the census that finds it until it is repaired, or a week old.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tracks_assets.quality.census import BASELINE_AGE, Census
from tracks_assets.quality.message import Message, Runbook, count_text, is_or_are, moment_text, was_or_were

STALE_AGE = timedelta(hours=48)
"""A state that rests on an older census says so."""

_COUNT = "Take a census: dg launch --job tracks_checks."


class Condition(StrEnum):
    """The state in one word, from the best to the worst; Unknown where nothing was counted yet."""

    UNKNOWN = "Unknown"
    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    BROKEN = "Broken"


_ORDER = tuple(Condition)


@dataclass(frozen=True)
class BatchResult:
    """What the check ``unique_event_id`` found in the hours of one run.

    Attributes:
        checked_at: when it was evaluated.
        hours: the export hours, as people name them.
        batch_ids: different ids that they delivered.
        repeated_ids: those of them that are duplicated in tracks.
    """

    checked_at: datetime
    hours: str
    batch_ids: int
    repeated_ids: int


@dataclass(frozen=True)
class Reason:
    """One reason for a state.

    Attributes:
        condition: the state that it makes, as long as no other reason makes a worse one.
        message: what it reports.
    """

    condition: Condition
    message: Message


@dataclass(frozen=True)
class State:
    """The state of posthog.tracks: the worst of its reasons, with all of them, the worst first."""

    reasons: tuple[Reason, ...]

    @property
    def condition(self) -> Condition:
        """The state in one word."""
        return self.reasons[0].condition

    @property
    def sentence(self) -> str:
        """Why it is so."""
        return " ".join(reason.message.reason for reason in self.reasons)

    @property
    def next_step(self) -> str:
        """What to do about the worst reason; empty if nothing is to be done."""
        return self.reasons[0].message.next_step


@dataclass(frozen=True)
class _Figure:
    """A figure of the census that should be 0, and what it makes of the state if it is not.

    Attributes:
        name: its column of the census.
        what: what it counts, in the singular.
        predicate: what is wrong with one, and with several.
        grown: the state if there are more than before.
        flat: the state if there are not.
        step: what to do.
        runbook: where the runbook describes it.
    """

    name: str
    what: str
    predicate: tuple[str, str]
    grown: Condition
    flat: Condition
    step: str
    runbook: Runbook

    def does(self, number: int) -> str:
        """The predicate for this many."""
        return self.predicate[number != 1]


_FIGURES = (
    _Figure(
        "excess_rows",
        "row",
        ("of posthog.tracks is a duplicate", "of posthog.tracks are duplicates"),
        Condition.BROKEN,
        Condition.DEGRADED,
        "Look at the dry run of the repair: dg launch --job dedup_tracks.",
        Runbook.DEDUP,
    ),
    _Figure(
        "null_event_ids",
        "row",
        ("of posthog.tracks has no event_id", "of posthog.tracks have no event_id"),
        Condition.BROKEN,
        Condition.DEGRADED,
        "Find the writer, and move the rows away.",
        Runbook.CHECKS,
    ),
    _Figure(
        "colliding_event_ids",
        "event id",
        ("is used for several events in posthog.tracks", "are used for several events in posthog.tracks"),
        Condition.BROKEN,
        Condition.DEGRADED,
        "Find the sender that uses an id twice.",
        Runbook.COLLISIONS,
    ),
    # A device with a wrong clock makes such rows, too: that they exist is no damage, that they grow is worth a look.
    _Figure(
        "moved_rows",
        "row",
        ("is over 24 hours from the time in its id", "are over 24 hours from the time in their id"),
        Condition.DEGRADED,
        Condition.HEALTHY,
        "Look at the dry run of the repair: dg launch --job restore_created_at.",
        Runbook.RESTORE_TIMES,
    ),
)


def state_of(censuses: Sequence[Census], batches: Sequence[BatchResult], collided_ids: int, now: datetime) -> State:
    """The state of posthog.tracks.

    Args:
        censuses: the record of censuses, in any order; those of the week before the newest count, and the one before.
        batches: results of runs, in any order; those since the newest census count.
        collided_ids: ids in posthog_ops.tracks_collisions.
        now: the time of the question.
    """
    if not censuses:
        return State((Reason(Condition.UNKNOWN, Message("No census has counted posthog.tracks yet.", "", _COUNT)),))
    newest = max(censuses, key=lambda census: census.measured_at)
    before = comparable(newest, censuses)
    found = [
        *(reason for figure in _FIGURES for reason in _of_figure(figure, newest, before)),
        *_of_batches(newest, batches),
        *_of_collisions(collided_ids),
        *_of_age(newest, now),
    ]
    if all(reason.condition is Condition.HEALTHY for reason in found):
        found.insert(0, Reason(Condition.HEALTHY, Message(_healthy(newest))))
    return State(tuple(sorted(found, key=lambda reason: -_ORDER.index(reason.condition))))


def comparable(newest: Census, censuses: Sequence[Census]) -> list[Census]:
    """The censuses that the newest one is compared with, the oldest first: a week's, and the last one before them."""
    earlier = sorted(
        (census for census in censuses if census.measured_at < newest.measured_at), key=lambda each: each.measured_at
    )
    since = newest.measured_at - BASELINE_AGE
    week = [census for census in earlier if census.measured_at > since]
    return [*[census for census in earlier if census.measured_at <= since][-1:], *week]


def _of_figure(figure: _Figure, newest: Census, before: Sequence[Census]) -> Iterator[Reason]:
    """What one figure of the census says: nothing if it is 0, and otherwise whether it grew."""
    now: int = getattr(newest, figure.name)
    if not now:
        return
    lowest = min(before, key=lambda census: getattr(census, figure.name), default=None)
    then: int | None = getattr(lowest, figure.name) if lowest else None
    finding = f"{count_text(now, figure.what)} {figure.does(now)}."
    message = Message(finding, _growth(now, then, lowest), figure.step, figure.runbook)
    yield Reason(figure.grown if then is not None and now > then else figure.flat, message)


def _growth(now: int, then: int | None, lowest: Census | None) -> str:
    """Whether a figure grew since the census at which it was lowest."""
    if then is None or lowest is None:
        return "No earlier census shows whether this grows."
    compared = f"{then:,} at the census of {moment_text(lowest.measured_at)}."
    return f"{now - then:,} more than before: {compared}" if now > then else f"Known, and not growing: {compared}"


def _of_batches(newest: Census, batches: Sequence[BatchResult]) -> Iterator[Reason]:
    """What the runs since the census found; while the census knows of duplicates, a repeated id may be one of them."""
    repeated = [batch for batch in batches if batch.checked_at > newest.measured_at and batch.repeated_ids]
    if newest.excess_rows or not repeated:
        return
    first = min(repeated, key=lambda batch: batch.checked_at)
    yield Reason(
        Condition.BROKEN,
        Message(
            f"{first.repeated_ids:,} of {count_text(first.batch_ids, 'event')} of {first.hours} "
            f"{is_or_are(first.repeated_ids)} duplicated in posthog.tracks.",
            f"None was at the census of {moment_text(newest.measured_at)}.",
            f"Stop what multiplies events. {_COUNT}",
            Runbook.CHECKS,
        ),
    )


def _of_collisions(ids: int) -> Iterator[Reason]:
    if ids:
        yield Reason(
            Condition.DEGRADED,
            Message(
                f"{count_text(ids, 'event id')} {was_or_were(ids)} delivered for several events.",
                "The later ones wait for a review in posthog_ops.tracks_collisions.",
                "Review them, and delete the reviewed rows.",
                Runbook.COLLISIONS,
            ),
        )


def _of_age(newest: Census, now: datetime) -> Iterator[Reason]:
    age = now - newest.measured_at
    if age > STALE_AGE:
        yield Reason(
            Condition.HEALTHY,
            Message(
                f"The newest census is {age // timedelta(days=1)} days old.",
                f"It was taken at {moment_text(newest.measured_at)}.",
                f"{_COUNT} Switch on the schedule tracks_checks_twice_a_day.",
            ),
        )


def _healthy(newest: Census) -> str:
    if not newest.rows:
        return "posthog.tracks is empty."
    return f"Each of the {count_text(newest.rows, 'event')} of posthog.tracks is stored once."
