"""The jobs ``dedup_tracks`` and ``rollback_dedup``: thin steps around ``repairs.dedup.dedup``.

Every step opens the warehouse for itself and closes it again, so that a step can be killed and started again. All of
them are in the pool of the steps that write tracks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import Field

from tracks_assets.defs.repairs.rollback import page_output, rollback_job
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.quality import census
from tracks_assets.repairs.dedup.dedup import JOB, archive, plan, rewrite, take_snapshot
from tracks_assets.repairs.dedup.pages import NOTHING_TO_DO, plan_page, report_page, rollback_page
from tracks_assets.repairs.dedup.rollback import ROLLBACK, plan_rollback, roll_back
from tracks_assets.repairs.repair import State, advance, check_obstacles, find_repair, unreported
from tracks_assets.warehouse.base import Warehouse


class DedupConfig(dg.Config):
    """What the person who starts a dedup decides."""

    dry_run: bool = Field(default=True, description="Count and show what would be done, and change nothing.")
    snapshot_days: int = Field(
        default=14, ge=1, le=365, description="Days for which the snapshot is kept, and a rollback possible."
    )


@dataclass(frozen=True)
class DedupOrder:
    """What preflight hands on: a dedup that may begin."""

    repair_id: str
    snapshot_days: int


@dg.op(pool=WAREHOUSE_POOL, out={"page": dg.Out(str), "order": dg.Out(DedupOrder, is_required=False)})
def preflight(
    context: dg.OpExecutionContext, config: DedupConfig, warehouse: WarehouseResource
) -> Iterator[dg.Output[Any]]:
    """Counts, refuses what would not be lossless, and in a dry run ends here."""
    now = datetime.now(UTC)
    with warehouse.opened(context, JOB) as opened:
        check_obstacles(opened, JOB)
        if not config.dry_run:
            for repair in unreported(opened, JOB):
                context.log.info(_report(opened, repair.repair_id))
        planned = plan(opened, now, config.snapshot_days)
    if planned is None:
        yield page_output(context, NOTHING_TO_DO, "page")
        return
    page = plan_page(planned, config.dry_run)
    context.log.info(page)
    figures = {
        "rows": planned.census.rows,
        "rows_to_remove": planned.census.excess_rows,
        "rows_after": planned.rows_after,
        "scanned_bytes": planned.scanned_bytes,
        "needed_bytes": planned.needed_bytes,
        "free_bytes": planned.free_bytes,
    }
    yield dg.Output(page, "page", metadata={"page": dg.MetadataValue.md(page), **figures})
    if not config.dry_run:
        yield dg.Output(DedupOrder(planned.repair_id, config.snapshot_days), "order")


@dg.op(pool=WAREHOUSE_POOL)
def snapshot(context: dg.OpExecutionContext, warehouse: WarehouseResource, order: DedupOrder) -> str:
    """Keeps what a rollback needs."""
    with warehouse.opened(context, JOB) as opened:
        repair = take_snapshot(opened, order.repair_id, datetime.now(UTC), order.snapshot_days)
    context.log.info(f"{repair.snapshot} is taken: tracks has {repair.rows_before:,} rows.")
    return repair.repair_id


@dg.op(name="archive", pool=WAREHOUSE_POOL)
def archive_rows(context: dg.OpExecutionContext, warehouse: WarehouseResource, repair_id: str) -> str:
    """Puts every row that is to be removed into the archive, in full."""
    with warehouse.opened(context, JOB) as opened:
        archived = archive(opened, repair_id, datetime.now(UTC))
    context.log.info(f"{archived:,} rows are archived in posthog_ops.archived_duplicates.")
    return repair_id


@dg.op(name="rewrite", pool=WAREHOUSE_POOL)
def rewrite_tracks(context: dg.OpExecutionContext, warehouse: WarehouseResource, repair_id: str) -> str:
    """Removes all rows but one of each event, verifies the result, and publishes it in one step."""
    context.log.info(f"{repair_id} rewrites posthog.tracks.")
    with warehouse.opened(context, JOB) as opened:
        repair = rewrite(opened, repair_id)
    context.log.info(f"{repair_id} is verified and published: posthog.tracks has {repair.rows_after or 0:,} rows.")
    return repair_id


@dg.op(pool=WAREHOUSE_POOL)
def report(context: dg.OpExecutionContext, warehouse: WarehouseResource, repair_id: str) -> dg.Output[str]:
    """Says what was done and how to undo it, and takes a census."""
    with warehouse.opened(context, JOB) as opened:
        return page_output(context, _report(opened, repair_id))


def _report(warehouse: Warehouse, repair_id: str) -> str:
    census.append(warehouse, census.count(warehouse, datetime.now(UTC)))
    repair = advance(warehouse, find_repair(warehouse, JOB, repair_id), State.REPORTED)
    return report_page(repair, datetime.now(UTC))


@dg.job(name=JOB, executor_def=dg.in_process_executor)
def dedup_tracks() -> None:
    """Removes all rows but one of every event from tracks: dry by default, lossless, reversible."""
    _, order = preflight()
    report(rewrite_tracks(archive_rows(snapshot(order))))


rollback_dedup = rollback_job(
    ROLLBACK,
    "Gives tracks back exactly what a dedup removed, and keeps what was merged since: dry by default.",
    plan_rollback,
    roll_back,
    rollback_page,
)

JOBS = (dedup_tracks, rollback_dedup)
