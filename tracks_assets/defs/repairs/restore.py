"""The jobs ``restore_created_at`` and ``rollback_restore_created_at``: thin steps around ``repairs.restore_times``.

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
from tracks_assets.repairs.repair import State, advance, check_obstacles, find_repair, unreported
from tracks_assets.repairs.restore_times.pages import nothing_to_do, plan_page, report_page, rollback_page
from tracks_assets.repairs.restore_times.restore import (
    JOB,
    clear,
    count_id_times,
    plan,
    restored_months,
    rewrite,
    take_snapshot,
)
from tracks_assets.repairs.restore_times.rollback import ROLLBACK, plan_rollback, roll_back
from tracks_assets.warehouse.base import Warehouse


class RestoreConfig(dg.Config):
    """What the person who starts a restore decides."""

    dry_run: bool = Field(default=True, description="Count and show what would come back, and change nothing.")
    tolerance_hours: int = Field(
        default=24,
        ge=1,
        le=8760,
        description="Hours by which a row may be later than its UUIDv7 id says and still be left where it is.",
    )


@dataclass(frozen=True)
class RestoreOrder:
    """What one step hands to the next: a restore that may go on."""

    repair_id: str
    tolerance_hours: int


@dg.op(pool=WAREHOUSE_POOL, out={"page": dg.Out(str), "order": dg.Out(RestoreOrder, is_required=False)})
def restore_preflight(
    context: dg.OpExecutionContext, config: RestoreConfig, warehouse: WarehouseResource
) -> Iterator[dg.Output[Any]]:
    """Counts what would come back, and in a dry run ends here."""
    now = datetime.now(UTC)
    with warehouse.opened(context, JOB) as opened:
        check_obstacles(opened, JOB)
        if not config.dry_run:
            clear(opened, now)
            for repair in unreported(opened, JOB):
                context.log.info(_report(opened, RestoreOrder(repair.repair_id, config.tolerance_hours)))
        planned = plan(opened, now, config.tolerance_hours)
    is_needed = planned.times.moved > 0
    page = plan_page(planned, config.dry_run) if is_needed else nothing_to_do(planned.times, planned.tolerance_hours)
    context.log.info(page)
    figures = {
        "rows": planned.times.rows,
        "rows_to_restore": planned.times.moved,
        "share_of_other_versions": planned.times.share_without_time,
    }
    yield dg.Output(page, "page", metadata={"page": dg.MetadataValue.md(page), **figures})
    if is_needed and not config.dry_run:
        yield dg.Output(RestoreOrder(planned.repair_id, config.tolerance_hours), "order")


@dg.op(pool=WAREHOUSE_POOL)
def restore_snapshot(context: dg.OpExecutionContext, warehouse: WarehouseResource, order: RestoreOrder) -> RestoreOrder:
    """Keeps what a rollback needs."""
    with warehouse.opened(context, JOB) as opened:
        repair = take_snapshot(opened, order.repair_id, datetime.now(UTC), order.tolerance_hours)
    context.log.info(f"{repair.snapshot} is taken: tracks has {repair.rows_before:,} rows.")
    return order


@dg.op(pool=WAREHOUSE_POOL)
def restore_rewrite(context: dg.OpExecutionContext, warehouse: WarehouseResource, order: RestoreOrder) -> RestoreOrder:
    """Archives and replaces the times, verifies the result, and publishes it in one step."""
    context.log.info(f"{order.repair_id} restores times in posthog.tracks.")
    with warehouse.opened(context, JOB) as opened:
        repair = rewrite(opened, order.repair_id, datetime.now(UTC), order.tolerance_hours)
    context.log.info(f"{order.repair_id} is verified and published: {repair.rows_archived or 0:,} times are restored.")
    return order


@dg.op(pool=WAREHOUSE_POOL)
def restore_report(context: dg.OpExecutionContext, warehouse: WarehouseResource, order: RestoreOrder) -> dg.Output[str]:
    """Says what came back, by month, and how to undo it, and takes a census."""
    with warehouse.opened(context, JOB) as opened:
        return page_output(context, _report(opened, order))


def _report(warehouse: Warehouse, order: RestoreOrder) -> str:
    census.append(warehouse, census.count(warehouse, datetime.now(UTC)))
    repair = advance(warehouse, find_repair(warehouse, JOB, order.repair_id), State.REPORTED)
    times = count_id_times(warehouse, order.tolerance_hours)
    return report_page(repair, restored_months(warehouse, repair), times, order.tolerance_hours, datetime.now(UTC))


@dg.job(name=JOB, executor_def=dg.in_process_executor)
def restore_created_at() -> None:
    """Gives moved events the time that their id carries: dry by default, archived, reversible."""
    _, order = restore_preflight.alias("preflight")()
    snapshot = restore_snapshot.alias("snapshot")
    rewritten = restore_rewrite.alias("rewrite")(snapshot(order))
    restore_report.alias("report")(rewritten)


rollback_restore_created_at = rollback_job(
    ROLLBACK,
    "Takes restored times back where rows still carry them, and keeps what was merged since: dry by default.",
    plan_rollback,
    roll_back,
    rollback_page,
)

JOBS = (restore_created_at, rollback_restore_created_at)
