"""The pages of dedup_tracks and rollback_dedup: reports of Markdown that read as well as plain text."""

from datetime import datetime

from tracks_assets.quality.pages import size_text, statement_lines, table_lines
from tracks_assets.repairs.dedup.dedup import SAMPLED_EVENTS, DedupPlan
from tracks_assets.repairs.dedup.rollback import DedupRollback
from tracks_assets.repairs.repair import Repair

NOTHING_TO_DO = "Nothing to do: no event of posthog.tracks is duplicated. No snapshot was taken."

_SAMPLED = (
    "event_id",
    "result",
    "created_at",
    "bq_ingested_timestamp",
    "event_inserted_at",
    "event_name",
    "user_id",
)


def plan_page(plan: DedupPlan, is_dry: bool) -> str:
    """What a dedup is going to do, with its statements and a sample of rows to keep and rows to remove."""
    census = plan.census
    free = "no limit known" if plan.free_bytes is None else size_text(plan.free_bytes)
    lines = [
        f"# {plan.repair_id}: {'a dry run, nothing was changed' if is_dry else 'what is being done'}",
        "",
        f"- rows in posthog.tracks: {census.rows:,}, of {census.distinct_event_ids:,} different events",
        f"- duplicated events: {census.duplicate_event_ids:,}",
        f"- rows to remove, each in full into posthog_ops.archived_duplicates: {census.excess_rows:,}",
        f"- rows afterwards: {plan.rows_after:,}",
        f"- rows without an id: {census.null_event_ids:,}; ids of several events: {census.colliding_event_ids:,}",
        f"- to be read of tracks: {size_text(plan.scanned_bytes)}",
        f"- space needed for snapshot and archive: about {size_text(plan.needed_bytes)}; free: {free}",
        f"- the snapshot is kept for {plan.snapshot_days} days",
        "",
        f"## A sample of up to {SAMPLED_EVENTS} events, the row to keep beside those to remove",
        "",
        *table_lines(plan.sample, _SAMPLED),
        "",
        "## The statements, in order",
        "",
        *(line for statement in plan.statements for line in statement_lines(statement)),
    ]
    if is_dry:
        lines += ["To do it, run dedup_tracks with dry_run: false in the config of its op preflight."]
    return "\n".join(lines)


def report_page(repair: Repair, now: datetime) -> str:
    """What a dedup did, and how it is undone."""
    return "\n".join(
        [
            f"# {repair.repair_id}: done",
            "",
            f"- rows in posthog.tracks before: {repair.rows_before:,}; now: {repair.rows_after or 0:,}",
            f"- different events before and now: {repair.ids_before:,}",
            f"- rows removed, in full in posthog_ops.archived_duplicates: {repair.rows_archived or 0:,}",
            f"- seconds from snapshot to here: {(now - repair.started_at).total_seconds():.1f}",
            f"- snapshot: {repair.snapshot}, kept until {repair.expires_at:%Y-%m-%d %H:%M} UTC",
            f"- to roll back: run rollback_dedup with snapshot: {repair.repair_id} in the config of its op preflight, "
            f"first as a dry run, then with dry_run: false",
        ]
    )


def rollback_page(plan: DedupRollback, is_dry: bool) -> str:
    """What a rollback is going to do, or did."""
    return "\n".join(
        [
            f"# Rollback of {plan.repair.repair_id}: {'a dry run, nothing was changed' if is_dry else 'done'}",
            "",
            f"- rows in posthog.tracks before the rollback: {plan.rows_now:,}",
            f"- rows given back from posthog_ops.archived_duplicates: {plan.rows_to_restore:,}",
            f"- rows afterwards: {plan.rows_after:,}",
            f"- rows before the dedup: {plan.repair.rows_before:,}",
            f"- deduplicated events that were merged since, and keep what was merged: {plan.merged_since:,}",
        ]
    )
