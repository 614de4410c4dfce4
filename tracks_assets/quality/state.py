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

STALE_AGE = timedelta(hours=48)
"""A state that rests on an older census says so."""

_COUNT = "Take a census: dg launch --job tracks_checks."
_CHECKS = "docs/runbooks.md#which-check-is-red"
_COLLISIONS = "docs/runbooks.md#one-id-two-events-no_collisions-no_collisions_all"


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
        finding: the sentence with the figure.
        comparison: what the figure was compared with; empty if with nothing.
        next_step: what to do; empty if nothing.
        runbook: where the runbook describes it; empty if nowhere.
    """

    condition: Condition
    finding: str
    comparison: str = ""
    next_step: str = ""
    runbook: str = ""

    def __str__(self) -> str:
        compared = f" ({self.comparison})" if self.comparison else ""
        return f"{self.finding}{compared}."


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
        return " ".join(map(str, self.reasons))

    @property
    def next_step(self) -> str:
        """What to do about the worst reason; empty if nothing is to be done."""
        return self.reasons[0].next_step


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
    runbook: str

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
        "docs/runbooks.md#removing-duplicates-dedup_tracks",
    ),
    _Figure(
        "null_event_ids",
        "row",
        ("of posthog.tracks has no event_id", "of posthog.tracks have no event_id"),
        Condition.BROKEN,
        Condition.DEGRADED,
        "Find the writer, and move the rows away.",
        _CHECKS,
    ),
    _Figure(
        "colliding_event_ids",
        "event id",
        ("is used for several events in posthog.tracks", "are used for several events in posthog.tracks"),
        Condition.BROKEN,
        Condition.DEGRADED,
        "Find the sender that uses an id twice.",
        _COLLISIONS,
    ),
    # A device with a wrong clock makes such rows, too: that they exist is no damage, that they grow is worth a look.
    _Figure(
        "moved_rows",
        "row",
        (
            "differs from the time in its id by more than 24 hours",
            "differ from the time in their id by more than 24 hours",
        ),
        Condition.DEGRADED,
        Condition.HEALTHY,
        "Look at the dry run of the repair: dg launch --job restore_created_at.",
        "docs/runbooks.md#giving-events-their-time-back-restore_created_at",
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
        return State((Reason(Condition.UNKNOWN, "No census has counted posthog.tracks yet", next_step=_COUNT),))
    newest = max(censuses, key=lambda census: census.measured_at)
    before = comparable(newest, censuses)
    found = [
        *(reason for figure in _FIGURES for reason in _of_figure(figure, newest, before)),
        *_of_batches(newest, batches),
        *_of_collisions(collided_ids),
        *_of_age(newest, now),
    ]
    if all(reason.condition is Condition.HEALTHY for reason in found):
        found.insert(0, Reason(Condition.HEALTHY, _healthy(newest)))
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
    found = f"{_count(now, figure.what)} {figure.does(now)}"
    if lowest is None:
        yield Reason(
            figure.flat, f"{found}, and no earlier census says whether this grows", "", figure.step, figure.runbook
        )
        return
    then: int = getattr(lowest, figure.name)
    compared = f"{then:,} at the census of {_moment(lowest.measured_at)}"
    if now > then:
        yield Reason(figure.grown, f"{found}: {now - then:,} more than before", compared, figure.step, figure.runbook)
    else:
        yield Reason(figure.flat, f"{found}; known, and not growing", compared, figure.step, figure.runbook)


def _of_batches(newest: Census, batches: Sequence[BatchResult]) -> Iterator[Reason]:
    """What the runs since the census found; while the census knows of duplicates, a repeated id may be one of them."""
    repeated = [batch for batch in batches if batch.checked_at > newest.measured_at and batch.repeated_ids]
    if newest.excess_rows or not repeated:
        return
    first = min(repeated, key=lambda batch: batch.checked_at)
    yield Reason(
        Condition.BROKEN,
        f"{first.repeated_ids:,} of the {_count(first.batch_ids, 'event')} of {first.hours} "
        f"{'is' if first.repeated_ids == 1 else 'are'} duplicated in posthog.tracks",
        f"none was at the census of {_moment(newest.measured_at)}",
        f"Stop what multiplies events. {_COUNT}",
        _CHECKS,
    )


def _of_collisions(ids: int) -> Iterator[Reason]:
    if ids:
        yield Reason(
            Condition.DEGRADED,
            f"{_count(ids, 'event id')} {'was' if ids == 1 else 'were'} delivered for several events; the later ones "
            f"wait for a review in posthog_ops.tracks_collisions",
            next_step="Review them, and delete the reviewed rows.",
            runbook=_COLLISIONS,
        )


def _of_age(newest: Census, now: datetime) -> Iterator[Reason]:
    age = now - newest.measured_at
    if age > STALE_AGE:
        yield Reason(
            Condition.HEALTHY,
            f"The newest census is {age // timedelta(days=1)} days old",
            _moment(newest.measured_at),
            f"{_COUNT} Switch on the schedule tracks_checks_twice_a_day.",
        )


def _healthy(newest: Census) -> str:
    if not newest.rows:
        return "posthog.tracks is empty"
    return f"Each of the {_count(newest.rows, 'event')} of posthog.tracks is stored once"


def _count(number: int, things: str) -> str:
    return f"1 {things}" if number == 1 else f"{number:,} {things}s"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
