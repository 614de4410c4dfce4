"""What the checks say: plain figures to a verdict and one sentence for the person who is woken by it.

A verdict that fails names the figure, the figure it was compared with, up to ten ids to look at, and what mends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tracks_assets.integrity.census import Census, Earlier
from tracks_assets.settings import PARTITION_FORMAT

Severity = Literal["WARN", "ERROR"]

_TRACE = "look at one with python -m tracks_assets.integrity.trace EVENT_ID"
_HOUR_AGAIN = "dg launch --assets group:hourly --partition"


@dataclass(frozen=True)
class Verdict:
    """What a check found; ``figures`` are what the UI plots over time."""

    passed: bool
    sentence: str
    severity: Severity = "ERROR"
    figures: Mapping[str, int | float] = field(default_factory=dict)
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class HourCounts:
    """One export hour: rows in its files, and rows of it that stand in raw_tracks and in rejected_tracks."""

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
        """Rows of the files that stand nowhere (or, below zero, stand too often)."""
        return self.read - self.accepted - self.rejected


def rows_accounted_for(hours: Sequence[HourCounts]) -> Verdict:
    """Whether every row of the files stands in raw_tracks or rejected_tracks, hour by hour."""
    figures = {
        "rows_read": sum(hour.read for hour in hours),
        "rows_accepted": sum(hour.accepted for hour in hours),
        "rows_rejected": sum(hour.rejected for hour in hours),
    }
    wrong = [hour for hour in hours if hour.missing]
    if not wrong:
        return Verdict(True, "Every row of the files stands in raw_tracks or rejected_tracks.", figures=figures)
    worst = wrong[0]
    return Verdict(
        False,
        f"The hour {worst.hour:{PARTITION_FORMAT}} has {worst.read:,} rows in its files, but {worst.accepted:,} stand "
        f"in raw_tracks and {worst.rejected:,} in rejected_tracks ({_count(len(wrong), 'hour')} like it): look who "
        f"else writes these tables, and run the hour again with {_HOUR_AGAIN} {worst.hour:{PARTITION_FORMAT}}.",
        figures=figures,
    )


def rejected_share(hours: Sequence[HourCounts], warn_percent: float, error_percent: float) -> Verdict:
    """Whether the contract refuses more rows than usual; a range is judged by its worst hour."""
    worst = max(hours, key=lambda hour: hour.rejected_percent)
    share = worst.rejected_percent
    figures = {"rejected_percent": share, "rows_rejected": sum(hour.rejected for hour in hours)}
    if share <= warn_percent:
        return Verdict(True, f"At most {share:.3g} % of an hour's rows were refused.", "WARN", figures)
    severity: Severity = "ERROR" if share > error_percent else "WARN"
    limit = error_percent if severity == "ERROR" else warn_percent
    return Verdict(
        False,
        f"{share:.3g} % of the hour {worst.hour:{PARTITION_FORMAT}} was refused ({worst.rejected:,} of {worst.read:,} "
        f"rows), more than {limit:g} %: read why with select reason, count(*) from posthog.rejected_tracks "
        f"where window_start = '{worst.hour.isoformat()}' group by reason, and mend the sender.",
        severity,
        figures,
    )


def batch_is_unique(hours: str, ids: int, repeated: int, examples: Sequence[str], census: Census | None) -> Verdict:
    """Whether every event of the hours just merged stands once.

    Args:
        hours: the hours, as people name them.
        ids: different ids that the hours delivered.
        repeated: those that stand more than once in tracks.
        examples: some of them.
        census: the newest census; while it knows of excess rows, a repeated id may be known damage.
    """
    figures = {"batch_ids": ids, "repeated_ids": repeated}
    has_pool = census is not None and census.excess_rows > 0
    severity: Severity = "WARN" if has_pool else "ERROR"
    if not repeated:
        return Verdict(True, f"All {ids:,} events of {hours} stand once.", severity, figures)
    return Verdict(
        False,
        f"{repeated:,} of the {_count(ids, 'event')} of {hours} {_stand(repeated)} more than once in posthog.tracks, "
        f"and none may ({_pool(census)}): {_TRACE}, then {_run('dedup_tracks')}.",
        severity,
        figures,
        tuple(examples),
    )


def _pool(census: Census | None) -> str:
    if census is None:
        return "whether they are old damage, a census would tell: dg launch --job tracks_checks"
    when = f"the census of {_moment(census.measured_at)}"
    if census.excess_rows:
        return f"{when} knows {_count(census.excess_rows, 'excess row')}, so it may be known damage"
    return f"{when} found no excess rows, so this is new damage"


def flat_duplicate_count(now: Census, before: Census | None, earlier: Earlier | None = None) -> Verdict:
    """Whether the excess is no larger than a week ago: what stays the same is known, what grows is new damage.

    Args:
        now: the count.
        before: the newest census that is a week old.
        earlier: the table itself a week ago, on an engine that travels in time: it sees damage that no census saw.
    """
    figures = {"excess_rows": now.excess_rows}
    excess = _count(now.excess_rows, "excess row")
    if before is None and earlier is None:
        return Verdict(True, f"No baseline yet: {excess} now, and no census is 7 days old.", figures=figures)
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
        return Verdict(True, f"The duplicate count is flat: {compared}.", figures=figures)
    return Verdict(
        False,
        f"Duplicates grow: {compared}; {_TRACE}, stop what multiplies it, then {_run('dedup_tracks')}.",
        figures=figures,
    )


def no_collisions(now: Census) -> Verdict:
    """Whether every id that stands more than once stands for one event."""
    figures = {"colliding_event_ids": now.colliding_event_ids}
    if not now.colliding_event_ids:
        return Verdict(True, "No event id stands for several (event_name, user_id).", figures=figures)
    ids = f"{_count(now.colliding_event_ids, 'event id')} of posthog.tracks {_stand(now.colliding_event_ids)}"
    return Verdict(
        False,
        f"{ids} with several (event_name, user_id), and none may, for a dedup would lose one of two events "
        f"(dedup_tracks refuses): {_TRACE}, and give one of the events an id of its own.",
        figures=figures,
    )


def created_at_kept(now: Census, before: Census | None) -> Verdict:
    """Whether no more events stand away from their id's time than at the newest census."""
    figures = {"redated_rows": now.redated_rows}
    redated = _count(now.redated_rows, "re-dated row")
    if before is None:
        return Verdict(True, f"No census yet to compare with: {redated} now.", "WARN", figures)
    compared = f"{redated} now, {before.redated_rows:,} at the census of {_moment(before.measured_at)}"
    figures["redated_rows_before"] = before.redated_rows
    if now.redated_rows <= before.redated_rows:
        return Verdict(True, f"No event was moved: {compared}.", "WARN", figures)
    return Verdict(
        False,
        f"Events were moved in time: {compared}; {_TRACE}, stop what moves them, then {_run('restore_created_at')}.",
        "WARN",
        figures,
    )


def unique_event_id(failures: int, cutover: datetime) -> Verdict:
    """What dbt's unique test found among the rows from the cutover on."""
    figures = {"repeated_ids": failures}
    if not failures:
        return Verdict(True, f"Every event since {cutover:%Y-%m-%d} stands once.", figures=figures)
    return Verdict(
        False,
        f"{_count(failures, 'event id')} {_stand(failures)} more than once in posthog.tracks among the rows since "
        f"{cutover:%Y-%m-%d}, and 0 may: {_TRACE}, then {_run('dedup_tracks')}.",
        figures=figures,
    )


def not_null(column: str, failures: int) -> Verdict:
    """What dbt's not_null test of a column found."""
    figures = {"null_rows": failures}
    if not failures:
        return Verdict(True, f"No row of posthog.tracks is without {column}.", figures=figures)
    have = "has" if failures == 1 else "have"
    return Verdict(
        False,
        f"{_count(failures, 'row')} of posthog.tracks {have} no {column}, and 0 may: select * from posthog.tracks "
        f"where {column} is null, find who wrote them (the loader refuses such rows), and move them away.",
        figures=figures,
    )


def _run(job: str) -> str:
    return f"run the job {job} (dry run: dg launch --job {job}; for real: dry_run: false in its launchpad)"


def _count(number: int, things: str) -> str:
    return f"1 {things}" if number == 1 else f"{number:,} {things}s"


def _stand(number: int) -> str:
    return "stands" if number == 1 else "stand"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
