"""What the checks say: plain figures to a verdict and one sentence for the person who is woken by it.

A verdict that fails names the figure, the figure it was compared with, up to ten ids to look at, and what mends it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tracks_assets.integrity.census import Census
from tracks_assets.settings import PARTITION_FORMAT

Severity = Literal["WARN", "ERROR"]

MOST_EXAMPLES = 10

_TRACE = "python -m tracks_assets.integrity.trace EVENT_ID"
_DEDUP = "then run the job dedup_tracks (a dry run first)"


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
        f"in raw_tracks and {worst.rejected:,} in rejected_tracks ({_hours(len(wrong))} like it): run the hour again, "
        f"and look who else writes these tables.",
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
        f"{repeated:,} of the {ids:,} events of {hours} stand more than once in posthog.tracks, and none may "
        f"({_pool(census)}): look at one with {_TRACE}, {_DEDUP}.",
        severity,
        figures,
        tuple(examples),
    )


def _pool(census: Census | None) -> str:
    if census is None:
        return "whether they are old damage, a census would tell: materialize posthog/duplicate_census"
    when = f"the census of {_moment(census.measured_at)}"
    if census.excess_rows:
        return f"{when} knows {census.excess_rows:,} excess rows, so it may be known damage"
    return f"{when} found no excess rows, so this is new damage"


def flat_duplicate_count(now: Census, before: Census | None, examples: Sequence[str]) -> Verdict:
    """Whether the excess is no larger than a week ago: what stays the same is known, what grows is new damage."""
    figures = {"excess_rows": now.excess_rows, "excess_rows_before": before.excess_rows if before else 0}
    if before is None:
        figures.pop("excess_rows_before")
        return Verdict(
            True,
            f"No baseline yet: {now.excess_rows:,} excess rows now, and no census is 7 days old.",
            figures=figures,
        )
    compared = (
        f"{now.excess_rows:,} excess rows now, {before.excess_rows:,} at the census of {_moment(before.measured_at)}"
    )
    if now.excess_rows <= before.excess_rows:
        return Verdict(True, f"The duplicate count is flat: {compared}.", figures=figures)
    return Verdict(
        False,
        f"Duplicates grow: {compared}; look at one with {_TRACE}, stop what multiplies it, {_DEDUP}.",
        figures=figures,
        examples=tuple(examples),
    )


def no_collisions(now: Census, examples: Sequence[str]) -> Verdict:
    """Whether every id that stands more than once stands for one event."""
    figures = {"colliding_event_ids": now.colliding_event_ids}
    if not now.colliding_event_ids:
        return Verdict(True, "No event id stands for several (event_name, user_id).", figures=figures)
    return Verdict(
        False,
        f"{now.colliding_event_ids:,} event ids of posthog.tracks stand with several (event_name, user_id), and none "
        f"may, for a dedup would lose one of two events: look at one with {_TRACE}, and give one of the events an id "
        f"of its own.",
        figures=figures,
        examples=tuple(examples),
    )


def created_at_kept(now: Census, before: Census | None, examples: Sequence[str]) -> Verdict:
    """Whether no more events stand away from their id's time than at the newest census."""
    figures = {"redated_rows": now.redated_rows}
    if before is None:
        return Verdict(True, f"No census yet to compare with: {now.redated_rows:,} re-dated rows now.", "WARN", figures)
    compared = (
        f"{now.redated_rows:,} re-dated rows now, {before.redated_rows:,} at the census of "
        f"{_moment(before.measured_at)}"
    )
    figures["redated_rows_before"] = before.redated_rows
    if now.redated_rows <= before.redated_rows:
        return Verdict(True, f"No event was moved: {compared}.", "WARN", figures)
    return Verdict(
        False,
        f"Events were moved in time: {compared}; look at one with {_TRACE}, stop what moves them, then run the job "
        f"restore_created_at (a dry run first).",
        "WARN",
        figures,
        tuple(examples),
    )


def unique_event_id(failures: int, cutover: datetime, examples: Sequence[str]) -> Verdict:
    """What dbt's unique test found among the rows from the cutover on."""
    figures = {"repeated_ids": failures}
    if not failures:
        return Verdict(True, f"Every event since {cutover:%Y-%m-%d} stands once.", figures=figures)
    return Verdict(
        False,
        f"{failures:,} event ids stand more than once in posthog.tracks among the rows since {cutover:%Y-%m-%d}, and "
        f"0 may: look at one with {_TRACE}, {_DEDUP}.",
        figures=figures,
        examples=tuple(examples),
    )


def not_null(column: str, failures: int, examples: Sequence[str]) -> Verdict:
    """What dbt's not_null test of a column found."""
    figures = {"null_rows": failures}
    if not failures:
        return Verdict(True, f"No row of posthog.tracks is without {column}.", figures=figures)
    return Verdict(
        False,
        f"{failures:,} rows of posthog.tracks have no {column}, and 0 may: select * from posthog.tracks where {column} "
        f"is null, find who wrote them (the loader refuses such rows), and move them away.",
        figures=figures,
        examples=tuple(examples),
    )


def _hours(number: int) -> str:
    return "1 hour" if number == 1 else f"{number:,} hours"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
