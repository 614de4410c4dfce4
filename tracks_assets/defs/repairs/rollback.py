"""The way back from a repair, the same for every repair: a dry run that shows, then one verified transaction."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import dagster as dg
from pydantic import Field

from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.quality import census
from tracks_assets.repairs.repair import NEWEST
from tracks_assets.warehouse.base import Warehouse


class RollbackConfig(dg.Config):
    """What the person who starts a rollback decides."""

    snapshot: str = Field(
        default=NEWEST, description="'newest', or the id of a repair (or its snapshot) as its report names it."
    )
    dry_run: bool = Field(default=True, description="Show what would be given back, and change nothing.")


class Identified(Protocol):
    """What has the id of a repair."""

    @property
    def repair_id(self) -> str:
        """The id."""


class RollbackPlan(Protocol):
    """What a rollback is going to do."""

    @property
    def repair(self) -> Identified:
        """The repair that is taken back."""


Plan = TypeVar("Plan", bound=RollbackPlan)


def page_output(context: dg.OpExecutionContext, page: str, output: str = "result") -> dg.Output[str]:
    """A page in the log and in the run's metadata."""
    context.log.info(page)
    return dg.Output(page, output, metadata={"page": dg.MetadataValue.md(page)})


def rollback_job(
    name: str,
    description: str,
    plan: Callable[[Warehouse, str], Plan],
    roll_back: Callable[[Warehouse, str], Plan],
    page: Callable[[Plan, bool], str],
) -> dg.JobDefinition:
    """The job that takes a repair back.

    Args:
        name: the job's name.
        description: what it does.
        plan: the plan of a rollback, given the wanted snapshot; changes nothing.
        roll_back: carries it out.
        page: says a plan, given whether it is only one.
    """

    @dg.op(
        name=f"{name}_preflight",
        pool=WAREHOUSE_POOL,
        out={"page": dg.Out(str), "repair_id": dg.Out(str, is_required=False)},
    )
    def preflight(
        context: dg.OpExecutionContext, config: RollbackConfig, warehouse: WarehouseResource
    ) -> Iterator[dg.Output[str]]:
        """Says what would be given back; refuses if the snapshot is gone; in a dry run ends here."""
        with warehouse.opened(context, name) as opened:
            planned = plan(opened, config.snapshot)
        yield page_output(context, page(planned, True), "page")
        if not config.dry_run:
            yield dg.Output(planned.repair.repair_id, "repair_id")

    @dg.op(name=f"{name}_restore", pool=WAREHOUSE_POOL)
    def restore(context: dg.OpExecutionContext, warehouse: WarehouseResource, repair_id: str) -> dg.Output[str]:
        """Gives back what the repair took, verified, in one transaction, and takes a census."""
        with warehouse.opened(context, name) as opened:
            done = roll_back(opened, repair_id)
            census.append(opened, census.count(opened, datetime.now(UTC)))
        return page_output(context, page(done, False))

    @dg.job(name=name, description=description, executor_def=dg.in_process_executor)
    def rollback() -> None:
        _, repair_id = preflight.alias("preflight")()
        restore.alias("restore")(repair_id)

    return rollback
