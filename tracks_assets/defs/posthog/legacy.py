"""The old pipeline's rows: its files into the frozen table backfill_tracks, and what tracks lacks of it into tracks."""

from dataclasses import replace

import dagster as dg

from tracks_assets.core.tables import SCHEMA
from tracks_assets.defs.shared.billing import usage_metadata
from tracks_assets.defs.shared.emptying import EmptyingConfig
from tracks_assets.defs.shared.metadata import legacy_hour_metadata, legacy_merge_metadata, table_metadata
from tracks_assets.defs.shared.partitions import hours_of, legacy_hours, merge_windows, partition_key, window_of
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, LegacyResource, WarehouseResource
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS
from tracks_assets.warehouse.backfill import LegacyHour, refresh_hours
from tracks_assets.warehouse.results import LegacyMerge
from tracks_assets.warehouse.tables import TRACKS, TRACKS_COLLISIONS


def legacy_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets ``posthog/backfill_tracks`` and ``posthog/tracks_legacy``."""
    partitions = legacy_hours(settings)

    @dg.asset(
        key=[SCHEMA, BACKFILL_TRACKS.name],
        description=f"{BACKFILL_TRACKS.description} Loaded from TRACKS_LEGACY_URI, or only observed without it.",
        metadata=table_metadata(BACKFILL_TRACKS),
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name="legacy",
        kinds={settings.engine},
    )
    def backfill_tracks(
        context: dg.AssetExecutionContext, config: EmptyingConfig, legacy: LegacyResource, warehouse: WarehouseResource
    ) -> None:
        # Its layout is checked once a run, so each run starts with a new one.
        files = replace(legacy)
        with warehouse.opened(context, BACKFILL_TRACKS.name, window_of(context)) as opened:
            for window in merge_windows(window_of(context)):
                for hour in refresh_hours(opened, files, hours_of(window), allow_emptying=config.allow_emptying):
                    context.log.info(hour_line(hour))
                    metadata = {**legacy_hour_metadata(hour), "rows_repaired": hour.repaired}
                    context.add_asset_metadata(metadata, partition_key=partition_key(hour.hour))
            context.add_asset_metadata({"dagster/row_count": opened.count_rows(BACKFILL_TRACKS)})
            context.add_asset_metadata(usage_metadata(opened.usage))

    @dg.asset(
        key=[SCHEMA, "tracks_legacy"],
        deps=[backfill_tracks],
        description="What backfill_tracks holds and tracks lacked, put into tracks: matched on event_id alone.",
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name="legacy",
        kinds={settings.engine},
    )
    def tracks_legacy(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> None:
        window = window_of(context)
        with warehouse.opened(context, "tracks_legacy", window) as opened:
            merge = opened.merge_legacy(window.start, window.end)
            usage = opened.usage
        context.log.info(merge_line(merge))
        context.add_asset_metadata({**legacy_merge_metadata(merge, len(hours_of(window))), **usage_metadata(usage)})

    return [backfill_tracks, tracks_legacy]


def hour_line(hour: LegacyHour) -> str:
    """The log line for an hour of the frozen table."""
    return f"{partition_key(hour.hour)} {hour.treatment}; {hour.rows:,} rows, {hour.distinct_ids:,} different ids"


def merge_line(merge: LegacyMerge) -> str:
    """The log line for a window that is in tracks now."""
    return (
        f"{merge.rows:,} rows: {merge.inserted:,} inserted into {TRACKS}, {merge.already_stored:,} skipped because "
        f"their event is stored there already, {merge.repeated:,} repeats of an event within the window, "
        f"{merge.null_ids:,} without an id, "
        f"{merge.collided:,} kept in {TRACKS_COLLISIONS} because their id belongs to another event"
    )
