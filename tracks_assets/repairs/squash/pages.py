"""The pages of squash_person_overrides and its rollback: reports of Markdown that read as well as plain text."""

from datetime import datetime

from tracks_assets.quality.pages import size_text, statement_lines, table_lines
from tracks_assets.repairs.squash.rollback import ROLLBACK, SquashRollback
from tracks_assets.repairs.squash.squash import JOB, SAMPLED_ROWS, Squash, SquashPlan

NOTHING_TO_DO = (
    "Nothing to do: every event of posthog.tracks has the person of its user, or its user has none in "
    "posthog.person_distinct_ids."
)

_SAMPLED = ("event_id", "user_id", "created_at", "person_id", "mapped_person_id")


def plan_page(plan: SquashPlan, rows_per_batch: int, *, is_dry: bool) -> str:
    """What a squash is going to do, with a sample and the statements of its largest batch."""
    squash = plan.squash
    free = "no limit known" if plan.free_bytes is None else size_text(plan.free_bytes)
    lines = [
        f"# {squash.squash_id}: {'a dry run, nothing was changed' if is_dry else 'what is being done'}",
        "",
        *_resumed_lines(plan),
        f"- rows whose person changes: {plan.rows:,}, on {plan.days:,} days",
        f"- their users: {plan.users:,}; the persons that these get: {plan.persons:,}; team: {squash.team_id}",
        f"- batches, of up to {rows_per_batch:,} rows or of one day: {len(plan.batches):,}",
        f"- to be read of tracks, by all batches: {size_text(plan.scanned_bytes)}",
        f"- space needed for the archive: about {size_text(plan.needed_bytes)}; free: {free}",
        "",
        f"## A sample of up to {SAMPLED_ROWS} rows",
        "",
        *table_lines(plan.sample, _SAMPLED),
        "",
        "## The statements of the largest batch, in order",
        "",
        *(line for statement in plan.statements for line in statement_lines(statement)),
    ]
    if is_dry:
        lines += [f"To do it, run {JOB} with dry_run: false in the config of its op preflight."]
    return "\n".join(lines)


def _resumed_lines(plan: SquashPlan) -> list[str]:
    squash = plan.squash
    if not plan.is_resumed:
        return []
    return [
        f"- it goes on, with the persons of {squash.started_at:%Y-%m-%d %H:%M} UTC: {squash.rows_squashed:,} rows in "
        f"{squash.batches_done:,} batches are done"
    ]


def report_page(squash: Squash, now: datetime) -> str:
    """What a squash did, and how it is undone."""
    return "\n".join(
        [
            f"# {squash.squash_id}: done",
            "",
            f"- rows changed, their persons before in posthog_ops.archived_person_ids: {squash.rows_squashed:,}",
            f"- rows that it found when it began: {squash.rows_planned:,}",
            f"- batches: {squash.batches_done:,}",
            f"- seconds since it began: {(now - squash.started_at).total_seconds():.1f}",
            f"- to roll back: run {ROLLBACK} with snapshot: {squash.squash_id} in the config of its op preflight, "
            f"first as a dry run, then with dry_run: false",
        ]
    )


def rollback_page(plan: SquashRollback, is_dry: bool) -> str:
    """What a rollback is going to do, or did."""
    return "\n".join(
        [
            f"# Rollback of {plan.repair.squash_id}: {'a dry run, nothing was changed' if is_dry else 'done'}",
            "",
            f"- rows that it changed: {plan.archived:,}",
            f"- rows that still have its person, and get the one before back: {plan.to_give_back:,}",
            f"- rows that were changed or removed since, or whose person before is unknown, and stay: {plan.kept:,}",
        ]
    )
