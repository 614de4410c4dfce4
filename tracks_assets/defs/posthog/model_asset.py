"""The asset of a dbt model that merges a feed's hours into a table.

A new table of mappings or events is one dbt model and one call of ``model_asset``.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from tracks_assets.core.tables import OPS_SCHEMA, Table
from tracks_assets.defs.shared.billing import usage_metadata
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.dbt_merge import Merged, MergeModel, merged_windows
from tracks_assets.defs.shared.metadata import column_lineage, column_sources, table_key, table_metadata
from tracks_assets.defs.shared.partitions import export_hours
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.settings import Settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.results import Usage


class ModelTranslator(DagsterDbtTranslator):
    """A model's asset key is its table's name in the warehouse. dbt's tests are no checks of the asset.

    Args:
        table: the model's table.
        upstream: the table that it is merged from.
        group: the group of its asset.
    """

    def __init__(self, table: Table, upstream: Table, group: str) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_asset_checks=False))
        self._table, self._upstream, self._group = table, upstream, group

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """``<schema>/<alias>`` for models; sources name their own key."""
        if dbt_resource_props["resource_type"] == "model":
            return dg.AssetKey([self._table.schema, dbt_resource_props["alias"]])
        return super().get_asset_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:  # noqa: ARG002 (dagster-dbt's signature)
        """The group of the model's asset."""
        return self._group

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The spec that dagster-dbt derives, with the model's file and where its columns come from.

        What the pipeline keeps for itself is no asset, so a merge that reads of it does not depend on it.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        if spec.key != table_key(self._table):
            return spec
        file = DBT_PROJECT / manifest["nodes"][unique_id]["original_file_path"]
        metadata = {"dagster/code_references": _reference(file), **column_sources(self._table, self._upstream)}
        deps = [dep for dep in spec.deps if dep.asset_key.path[0] != OPS_SCHEMA]
        return spec.replace_attributes(deps=deps).merge_attributes(metadata=metadata)


def _reference(file: Path) -> dg.CodeReferencesMetadataValue:
    return dg.CodeReferencesMetadataValue(
        code_references=[dg.LocalFileCodeReference(file_path=str(file), line_number=1, label="dbt model")]
    )


def model_asset(
    settings: Settings, project: Path, name: str, table: Table, upstream: Table, group: str
) -> dg.AssetsDefinition:
    """The asset of a dbt model: one call of dbt merges the hours of a run.

    Args:
        settings: the first hour, and what dbt reads.
        project: the dbt project.
        name: the dbt model.
        table: its table.
        upstream: the table of the feed that it merges.
        group: the group of the asset.
    """
    manifest = json.loads(ensure_manifest(settings, project).read_text())
    model = MergeModel(name, table, manifest, ModelTranslator(table, upstream, group))

    @dbt_assets(
        manifest=manifest,
        select=name,
        name=table.name,
        partitions_def=export_hours(settings),
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=model.translator,
        pool=WAREHOUSE_POOL,
    )
    def merged_table(
        context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        with retried(context, settings):
            merges = list(merged_windows(context, dbt, warehouse, model))
            with warehouse.opened(context, table.name) as opened:
                rows = opened.count_rows(table)
        known = {"dagster/row_count": rows, "seconds": sum(merge.seconds for merge in merges), **_billed(merges)}
        described = table_metadata(table) | column_lineage(table, upstream)
        context.add_asset_metadata(known | described, asset_key=table_key(table))
        for event in merges[-1].events:
            yield from event.to_default_asset_events(manifest, model.translator, context)

    return merged_table


def _billed(merges: Sequence[Merged]) -> Mapping[str, Any]:
    """What the merges were billed; nothing on an engine that bills nothing."""
    usage = sum((merge.billed for merge in merges), Usage())
    return usage_metadata(usage) if usage.jobs else {}
