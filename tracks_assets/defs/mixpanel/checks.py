"""The checks of ``mixpanel/mp_events`` that run with every merge.

One of them reads the keys of the full table: its newest result holds consumers back, so it must know of damage on every
day, and not only on the days just merged.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg

from tracks_assets.defs.shared.metadata import check_results, table_key
from tracks_assets.defs.shared.partitions import window_of
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.mixpanel import (
    days_have_files,
    keys_agree,
    loaded_files,
    newest,
    one_row_per_key,
)
from tracks_assets.quality.several_checks import evaluate
from tracks_assets.settings import Settings
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.warehouse.base import Warehouse

CHECKS = {
    "one_row_per_key": "No event has several rows in mp_events, by either of the two keys.",
    "days_have_files": "Every day of the run that ended a day ago or earlier has files.",
    "keys_agree": "The key (insert id, time) and Mixpanel's own key of four parts give the same events.",
}
"""The checks, each with its rule."""


def mixpanel_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """The checks, computed in one step; a run without days, as from the UI, takes the days of the look-back."""

    @dg.multi_asset_check(
        name="mixpanel_checks",
        specs=[dg.AssetCheckSpec(name, asset=table_key(MP_EVENTS), description=rule) for name, rule in CHECKS.items()],
        pool=WAREHOUSE_POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        window = _days_of_run(context.op_execution_context, settings.mixpanel_lookback_days)
        with retried(context, settings), warehouse.opened(context, "mixpanel_checks", window) as opened:
            files = loaded_files(opened, window.start, window.end)
            evaluated = evaluate(
                {
                    "one_row_per_key": partial(_one_row_per_key, opened),
                    "days_have_files": lambda: days_have_files(files, datetime.now(UTC)),
                    "keys_agree": lambda: keys_agree(newest(opened, window.start, window.end)),
                }
            )
            yield from check_results(table_key(MP_EVENTS), evaluated)
            evaluated.raise_errors()

    return checks


def _one_row_per_key(warehouse: Warehouse) -> CheckResult:
    (found,) = warehouse.fetch("mp_duplicates")
    return one_row_per_key(found["all_rows"], found["duplicate_keys"], found["examples"] or ())


def _days_of_run(context: dg.OpExecutionContext, days: int) -> dg.TimeWindow:
    if context.has_partitions:
        return window_of(context, DAY)
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    return dg.TimeWindow(end - timedelta(days=days), end)
