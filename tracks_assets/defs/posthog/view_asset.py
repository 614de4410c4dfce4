"""The asset of a dbt model that is a view: to materialize it is to make the view again, which reads no row.

It has no partitions, because a view follows its tables. A new text or setting takes effect when it is made again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from tracks_assets.core.errors import TransientWarehouseError
from tracks_assets.core.tables import Table
from tracks_assets.defs.posthog.model_asset import model_reference
from tracks_assets.defs.shared.billing import job_labels
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.dbt_merge import label_variables
from tracks_assets.defs.shared.dbt_results import cause_of, errors_in, results_of
from tracks_assets.defs.shared.metadata import column_lineage, column_sources, table_key, table_metadata
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.dbt_properties import properties_file


class ViewError(Exception):
    """A view that was not made; the message is for the person on duty."""


@dataclass(frozen=True)
class ViewModel:
    """A dbt model that is a view.

    Attributes:
        name: the model.
        view: what it makes.
        upstream: the table whose columns it has.
        others: columns of other tables that it uses.
    """

    name: str
    view: Table
    upstream: Table
    others: tuple[tuple[Table, str], ...] = ()

    @property
    def tables(self) -> list[Table]:
        """The tables that it reads."""
        return list(dict.fromkeys((self.upstream, *(table for table, _ in self.others))))


def view_asset(settings: Settings, project: Path, model: ViewModel, group: str) -> dg.AssetsDefinition:
    """The asset of a view, in a group."""
    manifest = json.loads(ensure_manifest(settings, project).read_text())
    view = model.view
    reference = model_reference(properties_file(model.name).with_suffix(".sql"))

    @dg.asset(
        key=table_key(view),
        deps=list(map(table_key, model.tables)),
        # It has no partitions. A run of a range of its tables' hours takes it along only if it says this.
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool=WAREHOUSE_POOL,
        group_name=group,
        kinds={settings.engine, "view"},
        description=view.description,
        metadata={
            **table_metadata(view),
            **column_sources(view, model.upstream, *model.others),
            "dagster/code_references": reference,
        },
    )
    def made_view(
        context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource
    ) -> dg.MaterializeResult[None]:
        with retried(context, settings):
            # The view is made of tables, so they have to be there.
            with warehouse.opened(context, view.name):
                context.log.debug("The warehouse's tables are in place.")
            call = dbt.run(
                ["run", "--select", model.name],
                run_name=f"{context.run.run_id}-{view.name}",
                variables=label_variables(job_labels(view.name, context.run.run_id)),
                manifest=manifest,
                translator=DagsterDbtTranslator(),
                context=context,
            )
            logged = errors_in(call.stream_raw_events())
            if not call.is_successful():
                cause = cause_of(model.name, results_of(call.target_path / "run_results.json"), logged)
                raise _failure(view, cause, warehouse.warehouse())
        return dg.MaterializeResult(metadata=column_lineage(view, model.upstream, *model.others))

    return made_view


def _failure(view: Table, cause: str, engine: Warehouse) -> ViewError | TransientWarehouseError:
    diagnosis = engine.diagnose(cause)
    kind = TransientWarehouseError if diagnosis.passes else ViewError
    return kind(f"The view {view} could not be made ({cause}). {diagnosis.next_step} The view is as it was.")
