"""The evaluation of checks: plain figures to a result and one sentence for the person who is woken by it.

A result that fails names the figure, the figure it was compared with, up to ten ids to look at, and the next step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import Table
from tracks_assets.quality.census import Census, Earlier
from tracks_assets.quality.collisions import BatchCollisions, Collision, KeptCollisions
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import EVENTS, REJECTED_TRACKS

Severity = Literal["WARN", "ERROR"]

_TRACE = "look at one with python -m tracks_assets.trace EVENT_ID"
_SETTLE = (
    "give one of the events an id of its own at its source, or delete its rows from posthog_ops.tracks_collisions once "
    "they are reviewed (docs/runbooks.md)"
)

MOST_BEFORE_CUTOVER = 0.5
"""The largest share of an hour's deliveries that may lie before the cutover without a warning."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        passed: whether it passed.
        sentence: all of it, for the check's page; it may name event values.
        severity: how bad a failure is.
        figures: numbers, which the UI plots over time.
        examples: ids to look at.
        finding: of a failure, the figure and what it was compared with, without event values: alerts show it.
        next_step: of a failure, what to do; without event values.
    """

    passed: bool
    sentence: str
    severity: Severity = "ERROR"
    figures: Mapping[str, int | float] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    finding: str = ""
    next_step: str = ""


@dataclass(frozen=True)
class Failure:
    """The parts of a failed check's sentence, each without a full stop.

    Attributes:
        finding: the figure and what it was compared with, without event values.
        next_step: what to do, without event values.
        values: what only the check's page shows, because it names event values.
        joint: what joins finding and next step.
    """

    finding: str
    next_step: str
    values: str = ""
    joint: str = ": "

    @property
    def sentence(self) -> str:
        """All of it, for the check's page."""
        if self.values:
            return f"{self.finding}: {self.values}. {self.next_step[:1].upper()}{self.next_step[1:]}."
        return f"{self.finding}{self.joint}{self.next_step}."

    def result(
        self,
        figures: Mapping[str, int | float],
        *,
        severity: Severity = "ERROR",
        examples: tuple[str, ...] = (),
    ) -> CheckResult:
        """The result with these parts."""
        parts = f"{self.finding}.", f"{self.next_step}."
        return CheckResult(False, self.sentence, severity, figures, examples, *parts)


@dataclass(frozen=True)
class CutoverHour:
    """One export hour: rows that it delivered, and those of them with a created_at before TRACKS_CUTOVER."""

    hour: datetime
    deliveries: int
    before_cutover: int

    @property
    def share(self) -> float:
        """The share of deliveries before the cutover, from 0 to 1."""
        return self.before_cutover / self.deliveries if self.deliveries else 0.0


@dataclass(frozen=True)
class HourCounts:
    """One export hour: rows in its files, and rows of it that the feed's table and its table of refused rows hold."""

    hour: datetime
    read: int
    accepted: int
    rejected: int

    @property
    def rejected_percent(self) -> float:
        """The share of the rows that the contract refused, in percent."""
        return 100 * self.rejected / self.read if self.read else 0.0

    @property
    def missing(self) -> int:
        """Rows of the files that are stored nowhere (or, below zero, are stored too often)."""
        return self.read - self.accepted - self.rejected


def rows_accounted_for(hours: Sequence[HourCounts], feed: Feed = EVENTS, group: str = "hourly") -> CheckResult:
    """Whether every row of the files is stored in one of the feed's tables, hour by hour.

    Args:
        hours: the counts.
        feed: whose files and tables.
        group: the assets that load the hour again.
    """
    figures = {
        "rows_read": sum(hour.read for hour in hours),
        "rows_accepted": sum(hour.accepted for hour in hours),
        "rows_rejected": sum(hour.rejected for hour in hours),
    }
    wrong = [hour for hour in hours if hour.missing]
    if not wrong:
        tables = " or ".join(table.name for table, _ in feed.slices)
        return CheckResult(True, f"Every row of the files is stored in {tables}.", figures=figures)
    worst = wrong[0]
    return Failure(
        f"The hour {worst.hour:{PARTITION_FORMAT}} has {worst.read:,} rows in its files, but {worst.accepted:,} are "
        f"stored in {feed.table.name}{_refused(worst, feed)} ({_count(len(wrong), 'hour')} like it)",
        f"look who else writes these tables, and run the hour again with "
        f"dg launch --assets group:{group} --partition {worst.hour:{PARTITION_FORMAT}}",
    ).result(figures)


def _refused(hour: HourCounts, feed: Feed) -> str:
    return f" and {hour.rejected:,} in {feed.rejected.name}" if feed.rejected else ""


def rejected_share(
    hours: Sequence[HourCounts], warn_percent: float, error_percent: float, rejected: Table = REJECTED_TRACKS
) -> CheckResult:
    """Whether the contract refuses more rows than usual; a range is evaluated by its worst hour."""
    worst = max(hours, key=lambda hour: hour.rejected_percent)
    share = worst.rejected_percent
    figures = {"rejected_percent": share, "rows_rejected": sum(hour.rejected for hour in hours)}
    if share <= warn_percent:
        return CheckResult(True, f"At most {share:.3g} % of an hour's rows were refused.", "WARN", figures)
    severity: Severity = "ERROR" if share > error_percent else "WARN"
    limit = error_percent if severity == "ERROR" else warn_percent
    return Failure(
        f"{share:.3g} % of the hour {worst.hour:{PARTITION_FORMAT}} was refused ({worst.rejected:,} of {worst.read:,} "
        f"rows), more than {limit:g} %",
        f"read why with select reason, count(*) from {rejected} "
        f"where window_start = '{worst.hour.isoformat()}' group by reason, and fix the sender",
    ).result(figures, severity=severity)


def unique_event_id_of_batch(
    hours: str, ids: int, repeated: int, examples: Sequence[str], census: Census | None, colliding: int = 0
) -> CheckResult:
    """Check that no event id of the hours just merged is duplicated in tracks.

    Args:
        hours: the hours, as people name them.
        ids: different ids that the hours delivered.
        repeated: those that are duplicated in tracks.
        examples: some of them.
        census: the newest census; while it knows of excess rows, a repeated id may be known damage.
        colliding: duplicated ids of tracks, of these hours or not, that are used for several events.
    """
    figures = {"batch_ids": ids, "repeated_ids": repeated}
    has_pool = census is not None and census.excess_rows > 0
    severity: Severity = "WARN" if has_pool else "ERROR"
    if not repeated:
        return CheckResult(True, f"No event id of {hours} is duplicated ({_count(ids, 'id')}).", severity, figures)
    return Failure(
        f"{repeated:,} of the {_count(ids, 'event id')} of {hours} {_is(repeated)} duplicated in posthog.tracks, and "
        f"none may be ({_pool(census)})",
        f"{_TRACE}, {_dedup(colliding)}",
    ).result(figures, severity=severity, examples=tuple(examples))


def _pool(census: Census | None) -> str:
    if census is None:
        return "run a census to see whether this is new: dg launch --job tracks_checks"
    when = f"the census of {_moment(census.measured_at)}"
    if census.excess_rows:
        return f"{when} knows {_count(census.excess_rows, 'excess row')}, so it may be known damage"
    return f"{when} found no excess rows, so this is new damage"


def flat_duplicate_count(now: Census, before: Census | None, earlier: Earlier | None = None) -> CheckResult:
    """Whether the excess is no larger than a week ago: what stays the same is known, what grows is new damage.

    Args:
        now: the count.
        before: the newest census that is a week old.
        earlier: the table itself a week ago, on an engine that travels in time: it sees damage that no census saw.
    """
    figures = {"excess_rows": now.excess_rows}
    excess = _count(now.excess_rows, "excess row")
    if before is None and earlier is None:
        return CheckResult(True, f"No baseline yet: {excess} now, and no census is 7 days old.", figures=figures)
    compared, least = f"{excess} now", now.excess_rows
    if before is not None:
        figures["excess_rows_before"] = before.excess_rows
        compared += f", {before.excess_rows:,} at the census of {_moment(before.measured_at)}"
        least = min(least, before.excess_rows)
    if earlier is not None:
        figures["excess_rows_by_time_travel"] = earlier.excess_rows
        compared += f", {earlier.excess_rows:,} in the table as of {_moment(earlier.moment)}"
        least = min(least, earlier.excess_rows)
    if now.excess_rows <= least:
        return CheckResult(True, f"The duplicate count is flat: {compared}.", figures=figures)
    return Failure(
        f"Duplicates grow: {compared}",
        f"{_TRACE}, stop what multiplies it, {_dedup(now.colliding_event_ids)}",
        joint="; ",
    ).result(figures)


def no_collisions_of_batch(hours: str, found: BatchCollisions) -> CheckResult:
    """Check that the hours just merged delivered no id as several events.

    Args:
        hours: the hours, as people name them.
        found: what these hours have to do with collisions.
    """
    figures = {"batch_ids": found.batch_ids, "collided_ids": found.ids}
    if not found.ids:
        return CheckResult(True, f"No event id of {hours} was delivered as several events.", figures=figures)
    was = "was" if found.ids == 1 else "were"
    return Failure(
        f"{_count(found.ids, 'event id')} of {hours} {was} delivered as several events, and none may",
        f"the first event is in posthog.tracks, the others are in posthog_ops.tracks_collisions: {_TRACE}, then "
        f"{_SETTLE}",
        values="; ".join(map(_events_under, found.collisions)),
    ).result(figures, examples=found.examples)


def no_collisions_all(now: Census, kept: KeptCollisions) -> CheckResult:
    """Check that no id is two events, neither within tracks nor between tracks and tracks_collisions.

    Args:
        now: the count of tracks.
        kept: the count of tracks_collisions.
    """
    figures = {
        "colliding_event_ids": now.colliding_event_ids,
        "collided_ids": kept.ids,
        "collided_rows": kept.rows,
    }
    if not now.colliding_event_ids and not kept.ids:
        return CheckResult(True, "No event id was delivered as several events.", figures=figures)
    return Failure(
        f"{_count(now.colliding_event_ids, 'event id')} with several (event_name, user_id) in posthog.tracks "
        f"(dedup_tracks refuses these) and {_count(kept.ids, 'event id')} in posthog_ops.tracks_collisions "
        f"({_count(kept.rows, 'row')}), and none may be",
        f"{_TRACE}, then {_SETTLE}",
    ).result(figures, examples=kept.examples)


def _events_under(collision: Collision) -> str:
    stored = " and ".join(map(str, collision.stored)) or "no event"
    return f"{collision.event_id} is {stored}, and was delivered as {' and '.join(map(str, collision.collided))} too"


def cutover_share(hours: Sequence[CutoverHour], cutover: datetime | None) -> CheckResult:
    """Check that tracks takes most of what each hour delivers; a range is evaluated by its worst hour.

    Args:
        hours: the deliveries of the hours, from the statement ``hours_before_cutover``.
        cutover: TRACKS_CUTOVER; None where it is not set.
    """
    figures = {
        "rows_delivered": sum(hour.deliveries for hour in hours),
        "rows_before_cutover": sum(hour.before_cutover for hour in hours),
    }
    if cutover is None:
        return CheckResult(True, "TRACKS_CUTOVER is not set, so tracks takes every delivery.", "WARN", figures)
    worst = max(hours, key=lambda hour: hour.share, default=None)
    if worst is None or worst.share <= MOST_BEFORE_CUTOVER:
        return CheckResult(
            True,
            f"Half of each hour's deliveries or more lie after TRACKS_CUTOVER, {cutover:%Y-%m-%d}.",
            "WARN",
            figures,
        )
    return Failure(
        f"{worst.before_cutover:,} of the {worst.deliveries:,} deliveries of the hour {worst.hour:{PARTITION_FORMAT}} "
        f"lie before TRACKS_CUTOVER, {cutover:%Y-%m-%d}, and are not in posthog.tracks",
        "if tracks should take them, set TRACKS_CUTOVER to an earlier day or unset it, then run the hour again",
    ).result(figures, severity="WARN")


def created_at_kept(now: Census, before: Census | None) -> CheckResult:
    """Whether no more rows differ from their id's time than at the newest census."""
    figures = {"moved_rows": now.moved_rows}
    moved = _count(now.moved_rows, "moved row")
    if before is None:
        return CheckResult(True, f"No census yet to compare with: {moved} now.", "WARN", figures)
    compared = f"{moved} now, {before.moved_rows:,} at the census of {_moment(before.measured_at)}"
    figures["moved_rows_before"] = before.moved_rows
    if now.moved_rows <= before.moved_rows:
        return CheckResult(True, f"No event was moved: {compared}.", "WARN", figures)
    return Failure(
        f"Events were moved in time: {compared}",
        f"{_TRACE}, stop what moves them, then {_run('restore_created_at')}",
        joint="; ",
    ).result(figures, severity="WARN")


def unique_event_id_all(failures: int, cutover: datetime | None, colliding: int = 0) -> CheckResult:
    """Check that no event id is duplicated in tracks.

    Args:
        failures: ids that dbt's unique test found.
        cutover: TRACKS_CUTOVER; where it is set, the test looks at the rows since then.
        colliding: duplicated ids of tracks, before the cutover as well, that are used for several events.
    """
    figures = {"repeated_ids": failures}
    since = f" among the rows since {cutover:%Y-%m-%d}" if cutover else ""
    if not failures:
        return CheckResult(True, f"No event id is duplicated{since}.", figures=figures)
    return Failure(
        f"{_count(failures, 'event id')} {_is(failures)} duplicated in posthog.tracks{since}, and none may be",
        f"{_TRACE}, {_dedup(colliding)}",
    ).result(figures)


def not_null(column: str, failures: int) -> CheckResult:
    """Check that no row lacks a value in a column, by the rows that dbt's not_null test found."""
    figures = {"null_rows": failures}
    if not failures:
        return CheckResult(True, f"No row of posthog.tracks is without {column}.", figures=figures)
    have = "has" if failures == 1 else "have"
    return Failure(
        f"{_count(failures, 'row')} of posthog.tracks {have} no {column}, and 0 may",
        f"select * from posthog.tracks where {column} is null, find who wrote them (the loader refuses such rows), and "
        f"move them away",
    ).result(figures)


def _dedup(colliding: int) -> str:
    """The next step for duplicated ids: dedup_tracks refuses while any of them is used for several events."""
    if not colliding:
        return f"then {_run('dedup_tracks')}"
    return (
        f"separate the events of {_count(colliding, 'duplicated event id')} used for several events, which "
        f"dedup_tracks refuses (docs/runbooks.md), then {_run('dedup_tracks')}"
    )


def _run(job: str) -> str:
    return f"run the job {job} (dry run: dg launch --job {job}; for real: dry_run: false in its launchpad)"


def _count(number: int, things: str) -> str:
    return f"1 {things}" if number == 1 else f"{number:,} {things}s"


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
