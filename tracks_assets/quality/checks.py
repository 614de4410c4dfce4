"""The evaluation of checks: plain figures to a result and a message for the person who is woken by it.

A result that fails names the figure, the figure it was compared with, up to ten ids to look at, and the next step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tracks_assets.core.feed import Feed
from tracks_assets.quality.census import Census, Earlier
from tracks_assets.quality.collisions import BatchCollisions, Collision, KeptCollisions
from tracks_assets.quality.message import Message, Runbook, count_text, is_or_are, moment_text, was_or_were
from tracks_assets.settings import DAY_FORMAT, PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import EVENTS

Severity = Literal["WARN", "ERROR"]

_TRACE = "Look at one with python -m tracks_assets.trace EVENT_ID"
_COUNT = "dg launch --job tracks_checks"

_SETTLE = (
    "give one of the events an id of its own at its source, or delete its rows from posthog_ops.tracks_collisions once "
    "they are reviewed"
)

MOST_BEFORE_CUTOVER = 0.5
"""The largest share of an hour's deliveries that may lie before the cutover without a warning."""


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes:
        passed: whether it passed.
        message: what it reports.
        severity: how bad a failure is.
        figures: numbers, which the UI plots over time.
        examples: ids to look at.
    """

    passed: bool
    message: Message
    severity: Severity = "ERROR"
    figures: Mapping[str, int | float] = field(default_factory=dict)
    examples: tuple[str, ...] = ()


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


def slice_key(feed: Feed, start: datetime) -> str:
    """The partition key of a slice of a feed."""
    return f"{start:{PARTITION_FORMAT if feed.unit == 'hour' else DAY_FORMAT}}"


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
        stored = count_text(figures["rows_read"], "row")
        return CheckResult(True, Message(f"Every row of the files is stored ({stored})."), figures=figures)
    return CheckResult(False, _lost_rows(wrong[0], len(wrong), feed, group), figures=figures)


def _lost_rows(first: HourCounts, hours: int, feed: Feed, group: str) -> Message:
    """The first hour whose rows do not add up, of so many."""
    hour, missing = slice_key(feed, first.hour), first.missing
    wrong = "not stored" if missing > 0 else "stored too often"
    return Message(
        f"{count_text(abs(missing), 'row')} of the {feed.unit} {hour} {is_or_are(abs(missing))} {wrong}.",
        f"Its files have {count_text(first.read, 'row')}, {feed.table.name} {first.accepted:,}{_refused(first, feed)}. "
        f"{feed.unit.capitalize()}s like it: {hours:,}.",
        f"Find what else writes these tables, and run the {feed.unit} again with "
        f"dg launch --assets group:{group} --partition {hour}.",
        Runbook.CHECKS,
    )


def _refused(hour: HourCounts, feed: Feed) -> str:
    return f" and {feed.rejected.name} {hour.rejected:,}" if feed.rejected else ""


def rejected_share(
    hours: Sequence[HourCounts], warn_percent: float, error_percent: float, feed: Feed = EVENTS
) -> CheckResult:
    """Whether the contract refuses more rows than usual; a range is evaluated by its worst hour."""
    worst = max(hours, key=lambda hour: hour.rejected_percent)
    share, an_hour = worst.rejected_percent, "an hour" if feed.unit == "hour" else f"a {feed.unit}"
    figures = {"rejected_percent": share, "rows_rejected": sum(hour.rejected for hour in hours)}
    if share <= warn_percent:
        return CheckResult(True, Message(f"At most {share:.3g} % of {an_hour}'s rows were refused."), "WARN", figures)
    severity: Severity = "ERROR" if share > error_percent else "WARN"
    limit = error_percent if severity == "ERROR" else warn_percent
    message = Message(
        f"{share:.3g} % of the rows of {slice_key(feed, worst.hour)} were refused.",
        f"These are {worst.rejected:,} of {count_text(worst.read, 'row')}, more than {limit:g} %.",
        f"Read why with select reason, count(*) from {feed.rejected} "
        f"where window_start = '{worst.hour.isoformat()}' group by reason, and fix the sender.",
        Runbook.CHECKS,
    )
    return CheckResult(False, message, severity, figures)


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
        message = Message(f"No event id of {hours} is duplicated ({count_text(ids, 'id')}).")
        return CheckResult(True, message, severity, figures)
    count_first = "" if census else f"Run {_COUNT} to see whether this is new. "
    message = Message(
        f"{repeated:,} of {count_text(ids, 'event id')} of {hours} {is_or_are(repeated)} duplicated.",
        _pool(census),
        f"{count_first}{_TRACE}, {_dedup(colliding)}.",
        Runbook.CHECKS,
    )
    return CheckResult(False, message, severity, figures, tuple(examples))


def _pool(census: Census | None) -> str:
    """What the newest census shows about whether duplicates are new."""
    if census is None:
        return "No census has counted posthog.tracks yet."
    when = f"the census of {moment_text(census.measured_at)}"
    if census.excess_rows:
        return f"This may be known damage: {when} has {count_text(census.excess_rows, 'excess row')}."
    return f"This is new damage: {when} has no excess rows."


def flat_duplicate_count(now: Census, before: Census | None, earlier: Earlier | None = None) -> CheckResult:
    """Whether the excess is no larger than a week ago: what stays the same is known, what grows is new damage.

    Args:
        now: the count.
        before: the newest census that is a week old.
        earlier: the table itself a week ago, on an engine that travels in time: it sees damage that no census saw.
    """
    figures = {"excess_rows": now.excess_rows}
    excess = f"{count_text(now.excess_rows, 'excess row')} now."
    if before is None and earlier is None:
        return CheckResult(True, Message(f"No baseline yet: {excess}", "No census is 7 days old."), figures=figures)
    compared, least = [], now.excess_rows
    if before is not None:
        figures["excess_rows_before"] = before.excess_rows
        compared.append(f"{before.excess_rows:,} at the census of {moment_text(before.measured_at)}")
        least = min(least, before.excess_rows)
    if earlier is not None:
        figures["excess_rows_by_time_travel"] = earlier.excess_rows
        compared.append(f"{earlier.excess_rows:,} in the table as of {moment_text(earlier.moment)}")
        least = min(least, earlier.excess_rows)
    comparison = f"{', '.join(compared)}."
    if now.excess_rows <= least:
        return CheckResult(True, Message(f"The duplicate count is flat: {excess}", comparison), figures=figures)
    step = f"{_TRACE}, stop what multiplies it, {_dedup(now.colliding_event_ids)}."
    message = Message(f"Duplicates grow: {excess}", comparison, step, Runbook.CHECKS)
    return CheckResult(False, message, figures=figures)


def no_collisions_of_batch(hours: str, found: BatchCollisions) -> CheckResult:
    """Check that the hours just merged delivered no id as several events.

    Args:
        hours: the hours, as people name them.
        found: what these hours have to do with collisions.
    """
    figures = {"batch_ids": found.batch_ids, "collided_ids": found.ids}
    if not found.ids:
        return CheckResult(True, Message(f"No event id of {hours} was delivered as several events."), figures=figures)
    message = Message(
        f"{count_text(found.ids, 'event id')} of {hours} {was_or_were(found.ids)} delivered as several events.",
        "The first event is in posthog.tracks, the others are in posthog_ops.tracks_collisions.",
        f"{_TRACE}, then {_SETTLE}.",
        Runbook.COLLISIONS,
        " ".join(map(_events_under, found.collisions)),
    )
    return CheckResult(False, message, figures=figures, examples=found.examples)


def _events_under(collision: Collision) -> str:
    stored = " and ".join(map(str, collision.stored)) or "no event"
    return f"{collision.event_id} is {stored}, and was delivered as {' and '.join(map(str, collision.collided))} too."


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
        return CheckResult(True, Message("No event id was delivered as several events."), figures=figures)
    message = Message(
        f"{now.colliding_event_ids:,} stored and {kept.ids:,} collided event ids have several events.",
        f"Stored ids have several (event_name, user_id) in posthog.tracks, and dedup_tracks refuses them. Collided ids "
        f"have {count_text(kept.rows, 'row')} in posthog_ops.tracks_collisions.",
        f"{_TRACE}, then {_SETTLE}.",
        Runbook.COLLISIONS,
    )
    return CheckResult(False, message, figures=figures, examples=kept.examples)


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
        message = Message("TRACKS_CUTOVER is not set, so tracks takes every delivery.")
        return CheckResult(True, message, "WARN", figures)
    worst = max(hours, key=lambda hour: hour.share, default=None)
    if worst is None or worst.share <= MOST_BEFORE_CUTOVER:
        message = Message(
            "Half of each hour's deliveries or more lie after TRACKS_CUTOVER.",
            f"TRACKS_CUTOVER is {cutover:%Y-%m-%d}.",
        )
        return CheckResult(True, message, "WARN", figures)
    return CheckResult(False, _before_cutover(worst, cutover), "WARN", figures)


def _before_cutover(hour: CutoverHour, cutover: datetime) -> Message:
    return Message(
        f"{hour.before_cutover:,} of {hour.deliveries:,} deliveries of {hour.hour:{PARTITION_FORMAT}} lie before "
        f"TRACKS_CUTOVER.",
        f"TRACKS_CUTOVER is {cutover:%Y-%m-%d}, so these deliveries are not in posthog.tracks.",
        "If tracks should take them, set TRACKS_CUTOVER to an earlier day or unset it, then run the hour again.",
        Runbook.CHECKS,
    )


def created_at_kept(now: Census, before: Census | None) -> CheckResult:
    """Whether no more rows differ from their id's time than at the newest census."""
    figures = {"moved_rows": now.moved_rows}
    moved = f"{count_text(now.moved_rows, 'moved row')} now."
    if before is None:
        return CheckResult(True, Message(f"No census yet to compare with: {moved}"), "WARN", figures)
    comparison = f"{before.moved_rows:,} at the census of {moment_text(before.measured_at)}."
    figures["moved_rows_before"] = before.moved_rows
    if now.moved_rows <= before.moved_rows:
        return CheckResult(True, Message(f"No event was moved: {moved}", comparison), "WARN", figures)
    step = f"{_TRACE}, stop what moves them, then {_run('restore_created_at')}."
    message = Message(f"Events were moved in time: {moved}", comparison, step, Runbook.CHECKS)
    return CheckResult(False, message, "WARN", figures)


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
        return CheckResult(True, Message(f"No event id is duplicated{since}."), figures=figures)
    message = Message(
        f"{count_text(failures, 'event id')} {is_or_are(failures)} duplicated{since or ' in posthog.tracks'}.",
        next_step=f"{_TRACE}, {_dedup(colliding)}.",
        runbook=Runbook.CHECKS,
    )
    return CheckResult(False, message, figures=figures)


def not_null(column: str, failures: int) -> CheckResult:
    """Check that no row lacks a value in a column, by the rows that dbt's not_null test found."""
    figures = {"null_rows": failures}
    if not failures:
        return CheckResult(True, Message(f"No row of posthog.tracks is without {column}."), figures=figures)
    message = Message(
        f"{count_text(failures, 'row')} of posthog.tracks {is_or_are(failures)} without {column}.",
        "The loader refuses such rows.",
        f"Find what wrote them, starting with select * from posthog.tracks where {column} is null, and move them away.",
        Runbook.CHECKS,
    )
    return CheckResult(False, message, figures=figures)


def _dedup(colliding: int) -> str:
    """The next step for duplicated ids: dedup_tracks refuses while any of them is used for several events."""
    if not colliding:
        return f"then {_run('dedup_tracks')}"
    return (
        f"separate the events of {count_text(colliding, 'duplicated event id')} used for several events, which "
        f"dedup_tracks refuses, then {_run('dedup_tracks')}"
    )


def _run(job: str) -> str:
    return f"run the job {job} (dry run: dg launch --job {job}; for real: dry_run: false in its launchpad)"
