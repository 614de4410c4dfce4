"""The jobs ``squash_person_overrides`` and its rollback: thin steps around ``repairs.squash``.

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
from tracks_assets.repairs.repair import check_obstacles
from tracks_assets.repairs.squash.pages import NOTHING_TO_DO, plan_page, report_page, rollback_page
from tracks_assets.repairs.squash.rollback import ROLLBACK, plan_rollback, roll_back
from tracks_assets.repairs.squash.squash import JOB, begin, find_squash, plan, squash_rows


class SquashConfig(dg.Config):
    """What the person who starts a squash decides."""

    dry_run: bool = Field(default=True, description="Count and show what would be done, and change nothing.")
    rows_per_batch: int = Field(
        default=1_000_000, ge=1, description="The most rows that one transaction changes, unless one day has more."
    )


@dataclass(frozen=True)
class SquashOrder:
    """What one step hands to the next: a squash that has begun."""

    squash_id: str
    rows_per_batch: int


@dg.op(pool=WAREHOUSE_POOL, out={"page": dg.Out(str), "order": dg.Out(SquashOrder, is_required=False)})
def squash_preflight(
    context: dg.OpExecutionContext, config: SquashConfig, warehouse: WarehouseResource
) -> Iterator[dg.Output[Any]]:
    """Counts what would change, and in a dry run ends here; otherwise it keeps the persons that are written."""
    with warehouse.opened(context, JOB) as opened:
        check_obstacles(opened, JOB)
        planned = plan(opened, datetime.now(UTC), warehouse.settings.team_id, config.rows_per_batch)
        if planned and not config.dry_run and not planned.is_resumed:
            begin(opened, planned.squash)
    if planned is None:
        yield page_output(context, NOTHING_TO_DO, "page")
        return
    page = plan_page(planned, config.rows_per_batch, is_dry=config.dry_run)
    context.log.info(page)
    figures = {
        "rows_to_change": planned.rows,
        "persons": planned.persons,
        "days": planned.days,
        "batches": len(planned.batches),
        "scanned_bytes": planned.scanned_bytes,
    }
    yield dg.Output(page, "page", metadata={"page": dg.MetadataValue.md(page), **figures})
    if not config.dry_run:
        yield dg.Output(SquashOrder(planned.squash.squash_id, config.rows_per_batch), "order")


@dg.op(pool=WAREHOUSE_POOL)
def squash_batches(context: dg.OpExecutionContext, warehouse: WarehouseResource, order: SquashOrder) -> str:
    """Changes the rows, batch by batch, each verified in a transaction of its own."""
    context.log.info(f"{order.squash_id} changes persons in posthog.tracks.")
    with warehouse.opened(context, JOB) as opened:
        squash_rows(opened, order.squash_id, order.rows_per_batch, lambda: datetime.now(UTC), context.log.info)
    return order.squash_id


@dg.op(pool=WAREHOUSE_POOL)
def squash_report(context: dg.OpExecutionContext, warehouse: WarehouseResource, squash_id: str) -> dg.Output[str]:
    """Says what was done and how to undo it."""
    with warehouse.opened(context, JOB) as opened:
        return page_output(context, report_page(find_squash(opened, squash_id), datetime.now(UTC)))


@dg.job(name=JOB, executor_def=dg.in_process_executor)
def squash_person_overrides() -> None:
    """Writes the current person of each user onto the events that have another: dry by default, reversible."""
    _, order = squash_preflight.alias("preflight")()
    squash_report.alias("report")(squash_batches.alias("squash")(order))


rollback_squash_person_overrides = rollback_job(
    ROLLBACK,
    "Gives events the person back that they had before a squash, where they still have its: dry by default.",
    plan_rollback,
    roll_back,
    rollback_page,
)

JOBS = (squash_person_overrides, rollback_squash_person_overrides)
