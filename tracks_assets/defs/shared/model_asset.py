"""The asset of a dbt model that merges a feed's hours into a table.

A new table of mappings or events is one dbt model and one call of ``model_asset``.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
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
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.results import Usage

Further = Sequence[tuple[Table, Table]]
"""Tables of dbt models, each with the table that it is made of."""

Recorder = Callable[[dg.AssetExecutionContext, Warehouse, Merged], None]
"""Records what a merge did; the warehouse is open."""


class ModelTranslator(DagsterDbtTranslator):
    """A model's asset key is its table's name in the warehouse. dbt's tests are no checks of the asset.

    Args:
        table: the model's table.
        upstream: the table that it is merged from.
        group: the group of its asset.
        further: tables of further models of the same call, each with the table that it is made of.
    """

    def __init__(self, table: Table, upstream: Table, group: str, further: Further = ()) -> None:
        # A feed's table of refused rows is written by the asset of its accepted rows.
        super().__init__(
            DagsterDbtTranslatorSettings(enable_asset_checks=False, enable_duplicate_source_asset_keys=True)
        )
        self._table, self._group = table, group
        self._upstream = {table_key(made): made_of for made, made_of in ((table, upstream), *further)}
        self._tables = {table_key(made): made for made, _ in ((table, upstream), *further)}

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
        if spec.key not in self._tables:
            return spec
        file = DBT_PROJECT / manifest["nodes"][unique_id]["original_file_path"]
        metadata = {
            "dagster/code_references": model_reference(file),
            **column_sources(self._tables[spec.key], self._upstream[spec.key]),
        }
        deps = [dep for dep in spec.deps if dep.asset_key.path[0] != OPS_SCHEMA]
        return spec.replace_attributes(deps=deps).merge_attributes(metadata=metadata)


def model_reference(file: Path) -> dg.CodeReferencesMetadataValue:
    """The file of a dbt model, for the page of its asset."""
    return dg.CodeReferencesMetadataValue(
        code_references=[dg.LocalFileCodeReference(file_path=str(file), line_number=1, label="dbt model")]
    )


@dataclass(frozen=True)
class MergedModels:
    """dbt models that one call builds: the one that merges a feed's hours or days into a table, and those around it.

    Attributes:
        names: the models.
        table: the table of the model that merges.
        upstream: the table that it is merged from.
        group: the group of their assets.
        partitions: their partitions.
        length: how long a partition is.
        further: the tables of the models around it, each with the table that it is made of.
        record: is called after each merge.
    """

    names: tuple[str, ...]
    table: Table
    upstream: Table
    group: str
    partitions: dg.TimeWindowPartitionsDefinition
    length: timedelta = HOUR
    further: Further = ()
    record: Recorder | None = None


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
    return model_assets(settings, project, MergedModels((name,), table, upstream, group, export_hours(settings)))


def model_assets(settings: Settings, project: Path, models: MergedModels) -> dg.AssetsDefinition:
    """The assets of some dbt models: one call of dbt merges the hours or days of a run.

    Args:
        settings: what dbt reads.
        project: the dbt project.
        models: the models.
    """
    manifest, table, names = json.loads(ensure_manifest(settings, project).read_text()), models.table, models.names
    translator = ModelTranslator(table, models.upstream, models.group, models.further)
    model = MergeModel(" ".join(names), table, manifest, translator, models.length)

    @dbt_assets(
        manifest=manifest,
        select=model.name,
        name=table.name,
        partitions_def=models.partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        dagster_dbt_translator=translator,
        pool=WAREHOUSE_POOL,
    )
    def merged_table(
        context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource
    ) -> Iterator[Any]:
        with retried(context, settings):
            merges = []
            for merge in merged_windows(context, dbt, warehouse, model):
                merges.append(merge)
                with warehouse.opened(context, table.name, merge.window) as opened:
                    if models.record:
                        models.record(context, opened, merge)
                    rows = opened.count_rows(table)
        known = {"dagster/row_count": rows, "seconds": sum(merge.seconds for merge in merges), **_billed(merges)}
        context.add_asset_metadata(known, asset_key=table_key(table))
        for made, made_of in ((table, models.upstream), *models.further):
            context.add_asset_metadata(table_metadata(made) | column_lineage(made, made_of), asset_key=table_key(made))
        for event in (event for merge in merges[-1:] for event in merge.events):
            yield from event.to_default_asset_events(manifest, translator, context)

    return merged_table


def _billed(merges: Sequence[Merged]) -> Mapping[str, Any]:
    """What the merges were billed; nothing on an engine that bills nothing."""
    usage = sum((merge.billed for merge in merges), Usage())
    return usage_metadata(usage) if usage.jobs else {}
