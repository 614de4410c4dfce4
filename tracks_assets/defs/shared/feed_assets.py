"""The two assets of a feed: the files of an export hour (or day), and their rows in the feed's table.

A new table of an export is one ``Feed`` and one call of ``feed_assets``.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import dagster as dg

from tracks_assets.core.feed import Feed
from tracks_assets.defs.shared.billing import hour_cost, usage_metadata
from tracks_assets.defs.shared.emptying import LoadConfig
from tracks_assets.defs.shared.metadata import (
    check_result,
    inventory_metadata,
    load_metadata,
    skipped_metadata,
    table_key,
    table_metadata,
)
from tracks_assets.defs.shared.partitions import export_hours, hours_of, mixpanel_days, partition_key, window_of
from tracks_assets.defs.shared.progress import Progress
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseOpener
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality.checks import HourCounts, rejected_share, rows_accounted_for
from tracks_assets.quality.fewer_rows import FewerRows, no_fewer_rows, slices_with_fewer_rows
from tracks_assets.quality.hours import count_hours
from tracks_assets.settings import Settings
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.base import Warehouse


@dataclass(frozen=True)
class FilesCheck:
    """A check of the asset of files that is evaluated with every run.

    Attributes:
        spec: the check.
        evaluate: its result, from the tags of the run.
    """

    spec: dg.AssetCheckSpec
    evaluate: Callable[[Mapping[str, str]], dg.AssetCheckResult]


class Export(Protocol):
    """An export of a feed, as the assets take it: a resource, which is a dataclass."""

    feed: Feed

    def inventory(self, hour: datetime) -> HourInventory:
        """The files of the hour or day that starts at ``hour``."""


def files_key(feed: Feed) -> dg.AssetKey:
    """The key of the asset of a feed's files."""
    return dg.AssetKey([feed.table.schema, f"{feed.name}_{'parquet' if feed.unit == 'hour' else 'files'}"])


def partitions_of(settings: Settings, feed: Feed) -> dg.TimeWindowPartitionsDefinition:
    """The hours or days of a feed, each a partition."""
    return export_hours(settings) if feed.unit == "hour" else mixpanel_days(settings)


def load_checks(feed: Feed) -> dict[str, str]:
    """The checks of the asset of a feed's rows, each with its rule."""
    tables = " or in ".join(table.name for table, _ in feed.slices)
    checks = {"rows_accounted_for": f"Every row of the {feed.unit}'s files is stored in {tables}."}
    if feed.rejected:
        checks["rejected_share"] = f"No more of the rows of one {feed.unit} are refused than the settings allow."
    if feed.log:
        checks["no_fewer_rows"] = f"No {feed.unit} was loaded with fewer rows than before."
    return checks


def feed_assets(
    settings: Settings,
    feed: Feed,
    group: str,
    freshness_policy: dg.FreshnessPolicy | None = None,
    files_checks: Sequence[FilesCheck] = (),
    resource: str = "export",
) -> list[dg.AssetsDefinition]:
    """The assets of a feed: ``<schema>/<feed>_parquet`` and ``<schema>/<table>``.

    Args:
        settings: engine, first hour, and the limits of checks.
        feed: the feed.
        group: the group of both assets.
        freshness_policy: how old the newest load may be.
        files_checks: further checks of the asset of files.
        resource: the resource that finds the files.
    """
    partitions = partitions_of(settings, feed)
    kind = "parquet" if feed.unit == "hour" else "file"

    @dg.asset(
        key=files_key(feed),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=group,
        kinds={kind},
        description=f"The files of one export {feed.unit}: their listing, and the footers of Parquet files.",
        required_resource_keys={resource},
        check_specs=[check.spec for check in files_checks],
    )
    def files(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
        with retried(context, settings):
            _take_inventory(context, _export(context, resource, feed))
        yield dg.MaterializeResult(check_results=[check.evaluate(context.run.tags) for check in files_checks])

    @dg.asset(
        key=table_key(feed.table),
        deps=[files],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name=group,
        kinds={settings.engine},
        description=f"{feed.table.description} One {feed.unit} is replaced in full, in one transaction.",
        required_resource_keys={resource, "warehouse"},
        metadata=table_metadata(feed.table),
        freshness_policy=freshness_policy,
        check_specs=[
            dg.AssetCheckSpec(name, asset=table_key(feed.table), description=description)
            for name, description in load_checks(feed).items()
        ],
    )
    def rows(context: dg.AssetExecutionContext, config: LoadConfig) -> Iterator[dg.MaterializeResult[None]]:
        window = window_of(context, feed.slice_length)
        warehouse: WarehouseOpener = context.resources.warehouse
        with retried(context, settings), warehouse.opened(context, feed.table.name, window) as opened:
            read = load_hours(context, _export(context, resource, feed), opened, **config.model_dump())
            context.add_asset_metadata({"dagster/row_count": opened.count_rows(feed.table)})
            counts = count_hours(opened, read, feed)
            fewer = slices_with_fewer_rows(opened, feed, window.start, window.end)
        yield dg.MaterializeResult(check_results=_check_results(feed, group, counts, fewer, settings))

    return [files, rows]


def _export(context: dg.AssetExecutionContext, resource: str, feed: Feed) -> Export:
    """The export of a feed; its layout is checked once, so each run has its own."""
    export: Export = replace(getattr(context.resources, resource), feed=feed)
    return export


def _take_inventory(context: dg.AssetExecutionContext, export: Export) -> None:
    """Records the files of each hour of the run."""
    length = export.feed.slice_length
    for hour in hours_of(window_of(context, length), length):
        metadata = inventory_metadata(export.inventory(hour), export.feed)
        context.add_asset_metadata(metadata, partition_key=partition_key(hour, length))


def load_hours(
    context: dg.AssetExecutionContext,
    export: Export,
    warehouse: Warehouse,
    *,
    allow_emptying: bool,
    resume: bool = False,
) -> dict[datetime, int]:
    """Loads the hours of the run in order, each with its metadata; returns the rows of their files."""
    feed, length = export.feed, export.feed.slice_length
    hours, stamp, read = hours_of(window_of(context, length), length), datetime.now(UTC), {}
    progress, costs, run_id = Progress(len(hours), feed.unit), [], context.run.run_id
    for hour in hours:
        started, used = time.monotonic(), warehouse.usage
        inventory = export.inventory(hour)
        known = warehouse.loaded_rows(feed, inventory) if resume else None
        if known is not None:
            context.log.info(f"The {inventory.shown} is skipped: its files are those of its last load.")
            context.add_asset_metadata(skipped_metadata(known), partition_key=partition_key(hour, length))
            read[hour] = known
            continue
        load = warehouse.load_slice(feed, inventory, stamp, allow_emptying=allow_emptying, run_id=run_id)
        seconds = time.monotonic() - started
        costs.append(hour_cost(hour, seconds, warehouse.usage, used))
        context.log.info(progress.line(load, seconds))
        metadata = {**load_metadata(load, seconds), **usage_metadata(warehouse.usage, since=used)}
        context.add_asset_metadata(metadata, partition_key=partition_key(hour, length))
        read[hour] = load.read
    if feed.log:
        warehouse.record_costs(feed.log, run_id, costs)
    return read


def _check_results(
    feed: Feed, group: str, counts: Sequence[HourCounts], fewer: Sequence[FewerRows], settings: Settings
) -> list[dg.AssetCheckResult]:
    """The results on hours that were just loaded."""
    results = {"rows_accounted_for": rows_accounted_for(counts, feed, group)}
    if feed.rejected:
        limits = settings.rejected_warn_percent, settings.rejected_error_percent
        results["rejected_share"] = rejected_share(counts, *limits, feed)
    if feed.log:
        results["no_fewer_rows"] = no_fewer_rows(fewer, feed)
    return [check_result(name, table_key(feed.table), result) for name, result in results.items()]
