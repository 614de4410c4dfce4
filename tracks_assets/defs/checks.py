"""The checks of ``posthog/tracks`` that run with every hour, at the cost of the hours just merged.

Checks that look at the full table belong to the census (defs/census.py). A new batch check is one entry in
``BATCH_CHECKS``: a statement that counts, and a pure function that evaluates the counts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import dagster as dg

from tracks_assets.defs.metadata import check_results
from tracks_assets.defs.partitions import hours_of, partition_key, window_of
from tracks_assets.defs.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.tracks import TRACKS_KEY
from tracks_assets.export.layout import HOUR
from tracks_assets.integrity import census, verdicts
from tracks_assets.integrity.census import Census
from tracks_assets.integrity.judging import judge
from tracks_assets.integrity.verdicts import Verdict
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Row, Warehouse


@dataclass(frozen=True)
class BatchCheck:
    """A check of the hours that a run merged.

    Attributes:
        description: the rule that it holds the hours to.
        statement: the name of the statement that counts; it takes window_start, window_end and cutover, and gives one
            row.
        evaluate: the result, given the hours as people name them, that row, and the newest census, if there is one.
    """

    description: str
    statement: str
    evaluate: Callable[[str, Row, Census | None], Verdict]


def _unique_event_id(hours: str, row: Row, known: Census | None) -> Verdict:
    return verdicts.batch_is_unique(hours, row["batch_ids"], row["ids"], row["examples"] or (), known)


BATCH_CHECKS: dict[str, BatchCheck] = {
    "unique_event_id": BatchCheck(
        "No event id of the hours just merged is duplicated in tracks.", "batch_duplicates", _unique_event_id
    ),
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
        window = _hours_of_run(context.op_execution_context)
        selected = {key.name for key in context.selected_asset_check_keys}
        with warehouse.opened(context, "batch_checks", window) as tables:
            evaluate = partial(evaluate_batch, tables, window, settings.cutover, census.newest(tables))
            judged = judge({name: partial(evaluate, BATCH_CHECKS[name]) for name in BATCH_CHECKS if name in selected})
        yield from check_results(TRACKS_KEY, judged)
        judged.raise_errors()

    return checks


def evaluate_batch(
    warehouse: Warehouse, window: dg.TimeWindow, cutover: datetime, known: Census | None, check: BatchCheck
) -> Verdict:
    """Counts and evaluates one check for the hours of a window.

    Raises:
        WarehouseError: its statement failed.
    """
    hours = [partition_key(hour) for hour in hours_of(window)]
    named = hours[0] if len(hours) == 1 else f"{hours[0]} to {hours[-1]}"
    bounds: Mapping[str, Any] = {"window_start": window.start, "window_end": window.end, "cutover": cutover}
    (row,) = warehouse.fetch(check.statement, bounds)
    return check.evaluate(named, row, known)


def _hours_of_run(context: dg.OpExecutionContext) -> dg.TimeWindow:
    if context.has_partitions:
        return window_of(context)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return dg.TimeWindow(end - 24 * HOUR, end)
