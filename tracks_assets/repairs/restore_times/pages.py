"""The pages of restore_created_at and its rollback: reports of Markdown that read as well as plain text."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tracks_assets.quality.pages import size_text, statement_lines, table_lines
from tracks_assets.repairs.repair import Repair
from tracks_assets.repairs.restore_times.restore import SAMPLED_ROWS, SNAPSHOT_DAYS, IdTimes, Month, RestorePlan
from tracks_assets.repairs.restore_times.rollback import RestoreRollback

_SAMPLED = ("event_id", "event_name", "created_at", "restored_created_at", "evidence")


def nothing_to_do(times: IdTimes, tolerance_hours: int) -> str:
    """The page of a restore that finds no moved row."""
    return "\n".join(
        [
            "Nothing to do: no event of posthog.tracks is later than its id says. No snapshot was taken.",
            "",
            *_times_lines(times, tolerance_hours),
        ]
    )


def plan_page(plan: RestorePlan, is_dry: bool) -> str:
    """What a restore is going to do, by month, with a sample and its statements."""
    free = "no limit known" if plan.free_bytes is None else size_text(plan.free_bytes)
    lines = [
        f"# {plan.repair_id}: {'a dry run, nothing was changed' if is_dry else 'what is being done'}",
        "",
        *_times_lines(plan.times, plan.tolerance_hours),
        f"- to be read of tracks: {size_text(plan.scanned_bytes)}",
        f"- space needed for the snapshot: about {size_text(plan.needed_bytes)}; free: {free}",
        f"- the snapshot is kept for {SNAPSHOT_DAYS} days",
        "",
        "## By the month that the rows come back to",
        "",
        *_month_lines(plan.months),
        "",
        f"## A sample of up to {SAMPLED_ROWS} rows",
        "",
        *table_lines(plan.sample, _SAMPLED),
        "",
        "## The statements, in order",
        "",
        *(line for statement in plan.statements for line in statement_lines(statement)),
    ]
    if is_dry:
        lines += ["To do it, run restore_created_at with dry_run: false in the config of its op preflight."]
    return "\n".join(lines)


def report_page(repair: Repair, months: Sequence[Month], times: IdTimes, tolerance_hours: int, now: datetime) -> str:
    """What a restore did, and how it is undone."""
    return "\n".join(
        [
            f"# {repair.repair_id}: done",
            "",
            f"- times restored, the old ones in posthog_ops.archived_times: {repair.rows_archived or 0:,}",
            *_times_lines(times, tolerance_hours),
            f"- rows before and now: {repair.rows_before:,}; different events before and now: {repair.ids_before:,}",
            f"- seconds from snapshot to here: {(now - repair.started_at).total_seconds():.1f}",
            f"- snapshot: {repair.snapshot}, kept until {repair.expires_at:%Y-%m-%d %H:%M} UTC",
            f"- to roll back: run rollback_restore_created_at with snapshot: {repair.repair_id} in the config of its "
            f"op preflight, first as a dry run, then with dry_run: false",
            "",
            "## By the month that the rows came back to",
            "",
            *_month_lines(months),
        ]
    )


def rollback_page(plan: RestoreRollback, is_dry: bool) -> str:
    """What a rollback is going to do, or did."""
    return "\n".join(
        [
            f"# Rollback of {plan.repair.repair_id}: {'a dry run, nothing was changed' if is_dry else 'done'}",
            "",
            f"- times that it replaced: {plan.archived:,}",
            f"- rows that still carry the restored time, and get the earlier one back: {plan.to_move:,}",
            f"- rows that were moved or removed since, and stay as they are: {plan.kept:,}",
            f"- its events that changed since: {plan.merged_since:,}",
        ]
    )


def _times_lines(times: IdTimes, tolerance_hours: int) -> list[str]:
    return [
        f"- rows in posthog.tracks: {times.rows:,}",
        f"- rows whose id is a UUIDv7 and carries a time: {times.rows_with_time:,}",
        f"- rows whose id is of another version, never touched: {times.rows_without_time:,} "
        f"({times.share_without_time:.1%})",
        f"- rows later than their id says by more than {tolerance_hours} h: {times.moved:,}",
        f"- the same, but their id's own time is from before 2000, so they stay: {times.implausible:,}",
        f"- rows earlier than their id says by more than {tolerance_hours} h, which stay: {times.earlier:,}",
    ]


def _month_lines(months: Sequence[Month]) -> Iterator[str]:
    yield "| month | rows | by $time | by the id | moved to |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for month in months:
        by_id = month.rows - month.by_payload
        yield f"| {month.month:%Y-%m} | {month.rows:,} | {month.by_payload:,} | {by_id:,} | {_moved_to(month)} |"


def _moved_to(month: Month) -> str:
    first, last = f"{month.first_moved_to:%Y-%m}", f"{month.last_moved_to:%Y-%m}"
    return first if first == last else f"{first} to {last}"
