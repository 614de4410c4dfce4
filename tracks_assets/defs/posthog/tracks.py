"""The last step of the hourly path: dbt merges the window's deliveries into tracks, one call for the whole range."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject, dbt_assets

from tracks_assets.core.tables import SCHEMA
from tracks_assets.defs.shared.billing import billed_text
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.dbt_merge import Merged, MergeModel, merged_windows
from tracks_assets.defs.shared.merge_report import MergeCounts, counts_by_hour, shares
from tracks_assets.defs.shared.metadata import column_lineage, merge_metadata, table_metadata
from tracks_assets.defs.shared.model_asset import ModelTranslator
from tracks_assets.defs.shared.partitions import export_hours, hours_of, partition_key
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.defs.shared.state import known_state, state_metadata
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Usage
from tracks_assets.warehouse.tables import MERGE_LOG, TRACKS, TRACKS_COLLISIONS

TRACKS_KEY = dg.AssetKey([SCHEMA, TRACKS.name])

MODEL = "posthog_tracks"
"""The name of the dbt model."""

STEP = "tracks"
"""The name of the step that merges."""

LEGACY_DEP = dg.AssetDep(
    dg.AssetKey([SCHEMA, "tracks_legacy"]),
    # Most export hours are no legacy hours, and no hour waits for one.
    partition_mapping=dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True),
)
"""tracks_legacy writes tracks too, so the lineage shows it upstream."""


class TracksTranslator(ModelTranslator):
    """What writes the table beside dbt is upstream of it."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec of the model; tracks_legacy, of which dbt knows nothing, comes before tracks."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.merge_attributes(deps=[LEGACY_DEP]) if spec.key == TRACKS_KEY else spec


def tracks_assets(settings: Settings, project: Path) -> dg.AssetsDefinition:
    """The asset ``posthog/tracks``."""
    manifest = json.loads(ensure_manifest(settings, project).read_text())
    # dbt's tests read the full table: they run with the census (defs/census.py), not with every hour.
    translator = TracksTranslator(TRACKS, RAW_TRACKS, group="hourly")
    model = MergeModel(MODEL, TRACKS, manifest, translator)

    @dbt_assets(
        manifest=manifest,
        select=MODEL,
        name=STEP,
        partitions_def=export_hours(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def tracks(context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource) -> Iterator[Any]:
        with retried(context, settings):
            for merged in merged_windows(context, dbt, warehouse, model):
                with warehouse.opened(context, TRACKS.name, merged.window) as opened:
                    _record(context, opened, merged)
                    rows = opened.count_rows(TRACKS)
                    state = known_state(context.instance, opened)
        described = table_metadata(TRACKS) | column_lineage(TRACKS, RAW_TRACKS)
        known = {"dagster/row_count": rows, **state_metadata(state)}
        context.add_asset_metadata(known | described, asset_key=TRACKS_KEY)
        for event in merged.events:
            yield from event.to_default_asset_events(manifest, translator, context)

    return tracks


def _record(context: dg.AssetExecutionContext, warehouse: Warehouse, merged: Merged) -> None:
    """Puts a merge's counts on the partitions of its window, their sum into the log, and its cost into merge_log."""
    run_id, hours, window = context.run.run_id, hours_of(merged.window), merged.window
    logged = {"run_id": run_id, "window_start": window.start, "window_end": window.end}
    counts = counts_by_hour(warehouse.fetch("merges_of_run", logged))
    costs = shares(hours, merged.seconds, merged.billed)
    warehouse.record_costs(MERGE_LOG, run_id, costs)
    for cost in costs:
        metadata = merge_metadata(counts[cost.hour], merged.seconds, cost)
        context.add_asset_metadata(metadata, asset_key=TRACKS_KEY, partition_key=partition_key(cost.hour))
    context.log.info(merge_line(sum(counts.values(), MergeCounts()), len(hours), merged.seconds, merged.billed))


def _kept_out(total: MergeCounts) -> str:
    """The deliveries that are in raw_tracks and not in tracks; nothing where there are none."""
    collided = f"{total.collided:,} deliveries kept in {TRACKS_COLLISIONS}" if total.collided else ""
    before = f"{total.before_cutover:,} deliveries before TRACKS_CUTOVER left out" if total.before_cutover else ""
    return "".join(f", {each}" for each in (collided, before) if each)


def merge_line(total: MergeCounts, hours: int, seconds: float, billed: Usage) -> str:
    """The log line for a merge that is done."""
    cost = f"; {billed_text(billed.bytes_billed, billed.slot_ms)}" if billed.jobs else ""
    return (
        f"{hours} hour{'s' if hours > 1 else ''} merged in {seconds:.1f} s: {total.inserted:,} events inserted, "
        f"{total.updated:,} updated, {total.unchanged:,} unchanged"
        f"{_kept_out(total)}{cost}"
    )
