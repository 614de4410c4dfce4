"""The two assets of a feed: the files of an export hour, and their rows in the feed's table.

A new table of an export is one ``Feed`` and one call of ``feed_assets``.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import dagster as dg

from tracks_assets.core.feed import Feed
from tracks_assets.defs.shared.billing import hour_cost, usage_metadata
from tracks_assets.defs.shared.emptying import EmptyingConfig
from tracks_assets.defs.shared.metadata import (
    check_result,
    inventory_metadata,
    load_metadata,
    table_key,
    table_metadata,
)
from tracks_assets.defs.shared.partitions import export_hours, hours_of, partition_key, window_of
from tracks_assets.defs.shared.progress import Progress
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, ExportResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality.checks import HourCounts, rejected_share, rows_accounted_for
from tracks_assets.quality.hours import count_hours
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import LOAD_LOG


@dataclass(frozen=True)
class FilesCheck:
    """A check of the asset of files that is evaluated with every run.

    Attributes:
        spec: the check.
        evaluate: its result, from the tags of the run.
    """

    spec: dg.AssetCheckSpec
    evaluate: Callable[[Mapping[str, str]], dg.AssetCheckResult]


def files_key(feed: Feed) -> dg.AssetKey:
    """The key of the asset of a feed's files."""
    return dg.AssetKey([feed.table.schema, f"{feed.name}_parquet"])


def load_checks(feed: Feed) -> dict[str, str]:
    """The checks of the asset of a feed's rows, each with its rule."""
    tables = " or in ".join(table.name for table, _ in feed.slices)
    checks = {"rows_accounted_for": f"Every row of the hour's files is stored in {tables}."}
    if feed.rejected:
        checks["rejected_share"] = "The contract refuses no more of an hour's rows than the settings allow."
    return checks


def feed_assets(
    settings: Settings,
    feed: Feed,
    group: str,
    freshness_policy: dg.FreshnessPolicy | None = None,
    files_checks: Sequence[FilesCheck] = (),
) -> list[dg.AssetsDefinition]:
    """The assets of a feed: ``<schema>/<feed>_parquet`` and ``<schema>/<table>``.

    Args:
        settings: engine, first hour, and the limits of checks.
        feed: the feed.
        group: the group of both assets.
        freshness_policy: how old the newest load may be.
        files_checks: further checks of the asset of files.
    """
    partitions = export_hours(settings)

    @dg.asset(
        key=files_key(feed),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=group,
        kinds={"parquet"},
        description="The Parquet files of one export hour: an inventory from listings and file footers.",
        check_specs=[check.spec for check in files_checks],
    )
    def files(context: dg.AssetExecutionContext, export: ExportResource) -> Iterator[dg.MaterializeResult[None]]:
        with retried(context, settings):
            _take_inventory(context, replace(export, feed=feed))
        yield dg.MaterializeResult(check_results=[check.evaluate(context.run.tags) for check in files_checks])

    @dg.asset(
        key=table_key(feed.table),
        deps=[files],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name=group,
        kinds={settings.engine},
        description=f"{feed.table.description} An hour is replaced in full, in one transaction.",
        metadata=table_metadata(feed.table),
        freshness_policy=freshness_policy,
        check_specs=[
            dg.AssetCheckSpec(name, asset=table_key(feed.table), description=description)
            for name, description in load_checks(feed).items()
        ],
    )
    def rows(
        context: dg.AssetExecutionContext, config: EmptyingConfig, export: ExportResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        window = window_of(context)
        with retried(context, settings), warehouse.opened(context, feed.table.name, window) as opened:
            read = load_hours(context, replace(export, feed=feed), opened, allow_emptying=config.allow_emptying)
            context.add_asset_metadata({"dagster/row_count": opened.count_rows(feed.table)})
            counts = count_hours(opened, read, feed)
        yield dg.MaterializeResult(check_results=_check_results(feed, group, counts, settings))

    return [files, rows]


def _take_inventory(context: dg.AssetExecutionContext, export: Export) -> None:
    """Records the files of each hour of the run; the export's layout is checked once, so each run has its own."""
    for hour in hours_of(window_of(context)):
        metadata = inventory_metadata(export.inventory(hour), export.feed)
        context.add_asset_metadata(metadata, partition_key=partition_key(hour))


def load_hours(
    context: dg.AssetExecutionContext, export: Export, warehouse: Warehouse, *, allow_emptying: bool
) -> dict[datetime, int]:
    """Loads the hours of the run, each with its metadata; returns the rows of their files."""
    hours, stamp, read = hours_of(window_of(context)), datetime.now(UTC), {}
    progress, costs, run_id = Progress(len(hours)), [], context.run.run_id
    for hour in hours:
        started, used = time.monotonic(), warehouse.usage
        inventory = export.inventory(hour)
        load = warehouse.load_slice(export.feed, inventory, stamp, allow_emptying=allow_emptying, run_id=run_id)
        seconds = time.monotonic() - started
        costs.append(hour_cost(hour, seconds, warehouse.usage, used))
        context.log.info(progress.line(load, seconds))
        metadata = {**load_metadata(load, seconds), **usage_metadata(warehouse.usage, since=used)}
        context.add_asset_metadata(metadata, partition_key=partition_key(hour))
        read[hour] = load.read
    if export.feed.is_logged:
        warehouse.record_costs(LOAD_LOG, run_id, costs)
    return read


def _check_results(
    feed: Feed, group: str, counts: Sequence[HourCounts], settings: Settings
) -> list[dg.AssetCheckResult]:
    """The results on hours that were just loaded."""
    results = {"rows_accounted_for": rows_accounted_for(counts, feed, group)}
    if feed.rejected:
        limits = settings.rejected_warn_percent, settings.rejected_error_percent
        results["rejected_share"] = rejected_share(counts, *limits, feed.rejected)
    return [check_result(name, table_key(feed.table), result) for name, result in results.items()]
