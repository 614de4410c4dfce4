"""Mixpanel's export: its files, mp_master_event, and the dbt models over it. It runs only when it is asked to."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from tracks_assets.defs.shared.dbt_merge import Merged
from tracks_assets.defs.shared.feed_assets import feed_assets, partitions_of
from tracks_assets.defs.shared.merge_report import MergeCounts, counts_by_hour, shares
from tracks_assets.defs.shared.metadata import merge_metadata, table_key
from tracks_assets.defs.shared.model_asset import MergedModels, model_assets
from tracks_assets.defs.shared.partitions import hours_of, partition_key
from tracks_assets.quality.mixpanel import measure, rejected_by_reason
from tracks_assets.settings import Settings
from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.mixpanel.tables import (
    MP_EVENTS,
    MP_MASTER_EVENT,
    MP_MERGE_LOG,
    MP_REJECTED_EVENTS,
    STG_MP_DEDUP_EVENTS,
)
from tracks_assets.warehouse.base import Warehouse

GROUP = "mixpanel"

MODELS = (MP_EVENTS.name, STG_MP_DEDUP_EVENTS.name, MP_REJECTED_EVENTS.name)
"""The dbt models, which have the names of their tables."""


def mixpanel_assets(settings: Settings, project: Path) -> list[dg.AssetsDefinition]:
    """The assets ``mixpanel/mp_export_files``, ``mp_master_event`` and those of the dbt models, by days."""
    return [
        *feed_assets(settings, MIXPANEL, GROUP, resource="mixpanel"),
        model_assets(
            settings,
            project,
            MergedModels(
                MODELS,
                MP_EVENTS,
                STG_MP_DEDUP_EVENTS,
                GROUP,
                partitions_of(settings, MIXPANEL),
                DAY,
                further=((STG_MP_DEDUP_EVENTS, MP_MASTER_EVENT), (MP_REJECTED_EVENTS, MP_MASTER_EVENT)),
                record=_record,
            ),
        ),
    ]


def _record(context: dg.AssetExecutionContext, warehouse: Warehouse, merged: Merged) -> None:
    """Puts a merge's counts, the duplicate rate and the rejected rows on the days of its window."""
    window, run_id, days = merged.window, context.run.run_id, hours_of(merged.window, DAY)
    logged = {"run_id": run_id, "window_start": window.start, "window_end": window.end}
    log = warehouse.statements.table(MP_MERGE_LOG)
    counts = counts_by_hour(warehouse.fetch("merges_of_run", logged, log=log))
    costs = shares(days, merged.seconds, merged.billed)
    warehouse.record_costs(MP_MERGE_LOG, run_id, costs)
    quality = {day.day: day.figures for day in measure(warehouse, window.start, window.end, datetime.now(UTC))}
    reasons = rejected_by_reason(warehouse, window.start, window.end)
    for cost in costs:
        key, day = partition_key(cost.hour, DAY), cost.hour
        metadata = {**merge_metadata(counts[day], merged.seconds, cost), **quality.get(day, {})}
        context.add_asset_metadata(metadata, asset_key=table_key(MP_EVENTS), partition_key=key)
        rejected = reasons.get(day, {})
        by_reason = {"rows_rejected": sum(rejected.values()), "by_reason": dg.MetadataValue.json(rejected)}
        context.add_asset_metadata(by_reason, asset_key=table_key(MP_REJECTED_EVENTS), partition_key=key)
    total = sum(counts.values(), MergeCounts())
    context.log.info(
        f"{len(days)} day{'s' if len(days) > 1 else ''} merged in {merged.seconds:.1f} s: {total.inserted:,} events "
        f"inserted, {total.updated:,} updated, {total.unchanged:,} unchanged, {total.collided:,} deliveries collided"
    )
