"""The checks of ``posthog/tracks`` that run with every hour, at the cost of the hours just merged.

Checks that look at the full table belong to the census (defs/census.py). A new batch check is one entry in
``BATCH_CHECKS``: its rule, and a function that asks the warehouse for counts and evaluates them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import dagster as dg

from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.shared.metadata import check_results
from tracks_assets.defs.shared.partitions import hours_of, partition_key, window_of
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.defs.shared.state import batch_result, known_state, observation
from tracks_assets.quality import census, checks
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.collisions import collisions_of_batch
from tracks_assets.quality.cutover import hours_before_cutover
from tracks_assets.quality.several_checks import Evaluated, evaluate
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.base import Warehouse


@dataclass(frozen=True)
class Batch:
    """The export hours in [start, end) that a run merged, and the settings that it ran with."""

    start: datetime
    end: datetime
    settings: Settings

    @classmethod
    def of(cls, window: dg.TimeWindow, settings: Settings) -> "Batch":
        """The hours that start in a window."""
        hours = hours_of(window)
        return cls(hours[0], hours[-1] + HOUR, settings)

    @property
    def named(self) -> str:
        """The hours as messages name them."""
        first, last = partition_key(self.start), partition_key(self.end - HOUR)
        return first if first == last else f"{first} to {last}"


@dataclass(frozen=True)
class BatchCheck:
    """A check of the hours that a run merged.

    Attributes:
        description: the rule that it holds the hours to.
        evaluate: asks the open warehouse for counts of the batch and evaluates them; raises if it cannot.
        holds_consumers: whether nothing may be built of tracks while it fails.
    """

    description: str
    evaluate: Callable[[Warehouse, Batch], CheckResult]
    holds_consumers: bool = False


def _unique_event_id(warehouse: Warehouse, batch: Batch) -> CheckResult:
    bounds = {"window_start": batch.start, "window_end": batch.end, "cutover": batch.settings.takes_from}
    (found,) = warehouse.fetch("batch_duplicates", bounds)
    return checks.unique_event_id_of_batch(
        batch.named,
        found["batch_ids"],
        found["ids"],
        found["examples"] or (),
        census.newest(warehouse),
        census.count_colliding(warehouse) if found["ids"] else 0,
    )


def _no_collisions(warehouse: Warehouse, batch: Batch) -> CheckResult:
    return checks.no_collisions_of_batch(batch.named, collisions_of_batch(warehouse, batch.start, batch.end))


def _cutover_share(warehouse: Warehouse, batch: Batch) -> CheckResult:
    return checks.cutover_share(
        hours_before_cutover(warehouse, batch.start, batch.end, batch.settings.takes_from), batch.settings.cutover
    )


BATCH_CHECKS: dict[str, BatchCheck] = {
    "unique_event_id": BatchCheck(
        "No event id of the hours just merged is duplicated in tracks.", _unique_event_id, holds_consumers=True
    ),
    "no_collisions": BatchCheck(
        "No event id of the hours just merged is used for two events.", _no_collisions, holds_consumers=True
    ),
    "cutover_share": BatchCheck("At most half of an hour's deliveries lie before TRACKS_CUTOVER.", _cutover_share),
}
"""The checks by name, in the order in which they are computed."""


def batch_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """The batch checks of ``posthog/tracks``, computed in one step that opens the warehouse once.

    They have no partitions of their own, because the UI would show the one result of a range as skipped. Their hours
    are those of the run. A run without hours, as when the UI executes checks by themselves, takes the last day's.
    """

    @dg.multi_asset_check(
        name="batch_checks",
        specs=[
            dg.AssetCheckSpec(name, asset=TRACKS_KEY, description=check.description)
            for name, check in BATCH_CHECKS.items()
        ],
        can_subset=True,
        pool=WAREHOUSE_POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        window = hours_of_run(context.op_execution_context)
        batch = Batch.of(window, settings)
        with retried(context, settings), warehouse.opened(context, "batch_checks", window) as opened:
            evaluated = evaluate_selected(context, BATCH_CHECKS, opened, batch)
            yield from check_results(TRACKS_KEY, evaluated)
            evaluated.raise_errors()
            context.op_execution_context.log_event(_observation(context.instance, opened, batch, evaluated))

    return checks


def evaluate_selected(
    context: dg.AssetCheckExecutionContext, checks: Mapping[str, BatchCheck], warehouse: Warehouse, batch: Batch
) -> Evaluated:
    """Evaluates those of the checks that the run has selected."""
    selected = {key.name for key in context.selected_asset_check_keys}
    return evaluate(
        {name: partial(check.evaluate, warehouse, batch) for name, check in checks.items() if name in selected}
    )


def _observation(
    instance: dg.DagsterInstance, warehouse: Warehouse, batch: Batch, evaluated: Evaluated
) -> dg.AssetObservation:
    """The state of tracks after these checks."""
    unique = evaluated.results.get("unique_event_id")
    result = batch_result(batch.named, unique, datetime.now(UTC)) if unique else None
    return observation(known_state(instance, warehouse, *([result] if result else [])), result)


def hours_of_run(context: dg.OpExecutionContext) -> dg.TimeWindow:
    """The export hours of a run of checks; without any, those of the last day."""
    if context.has_partitions:
        return window_of(context)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return dg.TimeWindow(end - 24 * HOUR, end)
