"""The last step of the hourly path: dbt merges the window's deliveries into tracks, one call for the whole range."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliEventMessage,
    DbtCliInvocation,
    DbtProject,
    dbt_assets,
)

from tracks_assets.core.errors import TransientWarehouseError
from tracks_assets.core.tables import SCHEMA
from tracks_assets.defs.shared.billing import billed_text, job_labels
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.dbt_results import cause_of, errors_in, results_of, usage_of
from tracks_assets.defs.shared.merge_report import MergeCounts, MergeError, counts_by_hour, merge_failure, shares
from tracks_assets.defs.shared.metadata import column_lineage, column_sources, merge_metadata, table_metadata
from tracks_assets.defs.shared.partitions import export_hours, hours_of, merge_windows, partition_key, window_of
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.defs.shared.state import known_state, state_metadata
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
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


class TracksTranslator(DagsterDbtTranslator):
    """A model's asset key is its table's name in the warehouse; what writes the table beside dbt is upstream of it."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """``<schema>/<alias>`` for models; sources name their own key."""
        if dbt_resource_props["resource_type"] == "model":
            return dg.AssetKey([SCHEMA, dbt_resource_props["alias"]])
        return super().get_asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:  # noqa: ARG002 (dagster-dbt's signature)
        """All the models of the hourly path are in its group."""
        return "hourly"

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec that dagster-dbt derives, with the model's file and where its columns come from.

        tracks_legacy, of which dbt knows nothing, comes before tracks.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        if spec.key != TRACKS_KEY:
            return spec
        file = DBT_PROJECT / manifest["nodes"][unique_id]["original_file_path"]
        metadata = {"dagster/code_references": model_reference(file), **column_sources(TRACKS, RAW_TRACKS)}
        return spec.merge_attributes(metadata=metadata, deps=[LEGACY_DEP])


def model_reference(file: Path) -> dg.CodeReferencesMetadataValue:
    """The file of a dbt model as a code reference."""
    return dg.CodeReferencesMetadataValue(
        code_references=[dg.LocalFileCodeReference(file_path=str(file), line_number=1, label="dbt model")]
    )


def label_variables(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of dbt's jobs, as its macro ``tracks_query_comment`` reads them."""
    return {"TRACKS_RUN_LABEL": labels["run"], "TRACKS_PARTITION_LABEL": labels.get("partition", "")}


def merge_variables(window: dg.TimeWindow, run_id: str) -> dict[str, str]:
    """The environment variables of one merge: its window, and the labels of its jobs."""
    return label_variables(job_labels(TRACKS.name, run_id, window)) | {
        "TRACKS_RUN_ID": run_id,
        "TRACKS_WINDOW_START": window.start.isoformat(),
        "TRACKS_WINDOW_END": window.end.isoformat(),
    }


def tracks_assets(settings: Settings, project: Path) -> dg.AssetsDefinition:
    """The asset ``posthog/tracks``."""
    manifest = json.loads(ensure_manifest(settings, project).read_text())
    # dbt's tests read the full table: they run with the census (defs/census.py), not with every hour.
    translator = TracksTranslator(DagsterDbtTranslatorSettings(enable_asset_checks=False))

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
        hours = window_of(context)
        with retried(context, settings):
            with warehouse.opened(context, TRACKS.name, hours):
                context.log.debug("The warehouse's tables are in place.")
            for number, window in enumerate(merge_windows(hours)):
                started = time.monotonic()
                merge = dbt.run(
                    ["run", "--select", MODEL],
                    run_name=f"{context.run.run_id}-{number}",
                    variables=merge_variables(window, context.run.run_id),
                    manifest=manifest,
                    translator=translator,
                    context=context,
                )
                events = list(merge.stream_raw_events())
                if not merge.is_successful():
                    raise _failure(merge, events, window, warehouse.warehouse())
                seconds = time.monotonic() - started
                billed = usage_of(results_of(merge.target_path / "run_results.json"))
                with warehouse.opened(context, TRACKS.name, window) as tables:
                    _record(context, tables, window, seconds, billed)
                    rows = tables.count_rows(TRACKS)
                    state = known_state(context.instance, tables)
        described = table_metadata(TRACKS) | column_lineage(TRACKS, RAW_TRACKS)
        known = {"dagster/row_count": rows, **state_metadata(state)}
        context.add_asset_metadata(known | described, asset_key=TRACKS_KEY)
        for event in events:
            yield from event.to_default_asset_events(manifest, translator, context)

    return tracks


def _failure(
    merge: DbtCliInvocation, events: Sequence[DbtCliEventMessage], window: dg.TimeWindow, engine: Warehouse
) -> MergeError | TransientWarehouseError:
    """What became of a merge that dbt did not finish."""
    cause = cause_of(MODEL, results_of(merge.target_path / "run_results.json"), errors_in(events))
    hours = [partition_key(hour) for hour in hours_of(window)]
    diagnosis = engine.diagnose(cause)
    kind = TransientWarehouseError if diagnosis.passes else MergeError
    return kind(merge_failure(hours[0], hours[-1], cause, diagnosis.next_step))


def _record(
    context: dg.AssetExecutionContext, tables: Warehouse, window: dg.TimeWindow, seconds: float, billed: Usage
) -> None:
    """Puts a merge's counts on the partitions of its window, their sum into the log, and its cost into merge_log."""
    run_id, hours = context.run.run_id, hours_of(window)
    merged = {"run_id": run_id, "window_start": window.start, "window_end": window.end}
    counts = counts_by_hour(tables.fetch("merges_of_run", merged))
    costs = shares(hours, seconds, billed)
    tables.record_costs(MERGE_LOG, run_id, costs)
    for cost in costs:
        metadata = merge_metadata(counts[cost.hour], seconds, cost)
        context.add_asset_metadata(metadata, asset_key=TRACKS_KEY, partition_key=partition_key(cost.hour))
    context.log.info(merge_line(sum(counts.values(), MergeCounts()), len(hours), seconds, billed))


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
