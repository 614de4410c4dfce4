"""The first two steps of the hourly path: an hour's files, and its deliveries in raw_tracks."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg

from tracks_assets.defs.posthog.upload_check import EVENTS_PARQUET_KEY, SPEC, run_result
from tracks_assets.defs.shared.billing import hour_cost, usage_metadata
from tracks_assets.defs.shared.emptying import EmptyingConfig
from tracks_assets.defs.shared.metadata import check_result, inventory_metadata, load_metadata, table_metadata
from tracks_assets.defs.shared.partitions import export_hours, hours_of, partition_key, window_of
from tracks_assets.defs.shared.progress import Progress
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, ExportResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality.checks import HourCounts, rejected_share, rows_accounted_for
from tracks_assets.quality.freshness import Limits
from tracks_assets.quality.hours import count_hours
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import LOAD_LOG

RAW_TRACKS_KEY = dg.AssetKey([RAW_TRACKS.schema, RAW_TRACKS.name])

RAW_CHECKS = {
    "rows_accounted_for": "Every row of the hour's files is stored in raw_tracks or in rejected_tracks.",
    "rejected_share": "The contract refuses no more of an hour's rows than the settings allow.",
}


def hourly_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets ``posthog/events_parquet`` and ``posthog/raw_tracks``."""
    partitions, limits = export_hours(settings), Limits.of(settings)

    @dg.asset(
        key=EVENTS_PARQUET_KEY,
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="hourly",
        kinds={"parquet"},
        description="The Parquet files of one export hour: an inventory from listings and file footers.",
        check_specs=[SPEC],
    )
    def events_parquet(
        context: dg.AssetExecutionContext, export: ExportResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        # Its layout is checked once a run, so each run starts with a new one.
        files = replace(export)
        with retried(context, settings):
            for hour in hours_of(window_of(context)):
                inventory = files.inventory(hour)
                context.add_asset_metadata(inventory_metadata(inventory), partition_key=partition_key(hour))
        yield dg.MaterializeResult(check_results=[run_result(context.run.tags)])

    @dg.asset(
        key=["posthog", "raw_tracks"],
        deps=[events_parquet],
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name="hourly",
        kinds={settings.engine},
        description=f"{RAW_TRACKS.description} An hour is replaced in full, in one transaction.",
        metadata=table_metadata(RAW_TRACKS),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=limits.error_after, warn_window=limits.warn_after),
        check_specs=[
            dg.AssetCheckSpec(name, asset=RAW_TRACKS_KEY, description=description)
            for name, description in RAW_CHECKS.items()
        ],
    )
    def raw_tracks(
        context: dg.AssetExecutionContext, config: EmptyingConfig, export: ExportResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None]]:
        window = window_of(context)
        with retried(context, settings), warehouse.opened(context, RAW_TRACKS.name, window) as tables:
            read = _load_hours(context, replace(export), tables, allow_emptying=config.allow_emptying)
            context.add_asset_metadata({"dagster/row_count": tables.count_rows(RAW_TRACKS)})
            counts = count_hours(tables, read)
        yield dg.MaterializeResult(check_results=raw_check_results(counts, settings))

    return [events_parquet, raw_tracks]


def _load_hours(
    context: dg.AssetExecutionContext, export: Export, tables: Warehouse, *, allow_emptying: bool
) -> dict[datetime, int]:
    """Loads the hours of the run, each with its metadata; returns the rows of their files."""
    hours, stamp, read = hours_of(window_of(context)), datetime.now(UTC), {}
    progress, costs, run_id = Progress(len(hours)), [], context.run.run_id
    for hour in hours:
        started, used = time.monotonic(), tables.usage
        load = tables.load_slice(EVENTS, export.inventory(hour), stamp, allow_emptying=allow_emptying, run_id=run_id)
        seconds = time.monotonic() - started
        costs.append(hour_cost(hour, seconds, tables.usage, used))
        context.log.info(progress.line(load, seconds))
        metadata = {**load_metadata(load, seconds), **usage_metadata(tables.usage, since=used)}
        context.add_asset_metadata(metadata, partition_key=partition_key(hour))
        read[hour] = load.read
    tables.record_costs(LOAD_LOG, run_id, costs)
    return read


def raw_check_results(counts: Sequence[HourCounts], settings: Settings) -> list[dg.AssetCheckResult]:
    """The results on hours that were just loaded."""
    results = {
        "rows_accounted_for": rows_accounted_for(counts),
        "rejected_share": rejected_share(counts, settings.rejected_warn_percent, settings.rejected_error_percent),
    }
    return [check_result(name, RAW_TRACKS_KEY, result) for name, result in results.items()]
