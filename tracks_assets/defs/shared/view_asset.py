"""The asset of a dbt model that is made in full: a view, which reads no row then, or a small table.

It has no partitions, because a view follows its tables. A new text or setting takes effect when it is made again.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from tracks_assets.core.errors import ReportedError, TransientWarehouseError
from tracks_assets.core.tables import Table
from tracks_assets.defs.shared.billing import job_labels, usage_metadata
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.dbt_merge import label_variables
from tracks_assets.defs.shared.dbt_results import Results, cause_of, errors_in, results_of, usage_of
from tracks_assets.defs.shared.metadata import column_lineage, column_sources, table_key, table_metadata
from tracks_assets.defs.shared.model_asset import model_reference
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.dbt_properties import properties_file


class ViewError(ReportedError):
    """A view or table that was not made."""


Guard = Callable[[dg.DagsterInstance, Table], None]
"""Is called before a model is made, and raises if it must not be made now."""


@dataclass(frozen=True)
class ViewModel:
    """A dbt model that is made in full.

    Attributes:
        name: the model.
        view: what it makes.
        upstream: the table whose columns it has.
        others: columns of other tables that it uses.
        kind: whether it is a view or a table. dbt's tests of a table run with it.
        tags: the tags of its asset.
        owners: the owners of its asset where TRACKS_OWNERS names none.
        condition: when it is made by itself.
        guard: what decides whether it may be made.
    """

    name: str
    view: Table
    upstream: Table
    others: tuple[tuple[Table, str], ...] = ()
    kind: Literal["view", "table"] = "view"
    tags: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    condition: dg.AutomationCondition[dg.AssetKey] | None = None
    guard: Guard | None = None

    @property
    def tables(self) -> list[Table]:
        """The tables that it reads."""
        return list(dict.fromkeys((self.upstream, *(table for table, _ in self.others))))

    @property
    def command(self) -> list[str]:
        """What dbt is called with."""
        if self.kind == "view":
            return ["run", "--select", self.name]
        return ["build", "--select", self.name, "--exclude", "test_type:unit"]


def view_asset(settings: Settings, project: Path, model: ViewModel, group: str) -> dg.AssetsDefinition:
    """The asset of a view or table, in a group."""
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
        kinds={settings.engine, model.kind},
        tags=model.tags,
        owners=model.owners,
        automation_condition=model.condition,
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
        if model.guard:
            model.guard(context.instance, view)
        with retried(context, settings):
            # It is made of tables, so they have to be there.
            with warehouse.opened(context, view.name):
                context.log.debug("The warehouse's tables are in place.")
            call = dbt.run(
                model.command,
                run_name=f"{context.run.run_id}-{view.name}",
                variables=label_variables(job_labels(view.name, context.run.run_id)),
                manifest=manifest,
                translator=DagsterDbtTranslator(),
                context=context,
            )
            logged = errors_in(call.stream_raw_events())
            results = results_of(call.target_path / "run_results.json")
            if not call.is_successful():
                raise _failure(model, results, logged, warehouse.warehouse())
        billed = usage_of(results)
        return dg.MaterializeResult(
            metadata={
                **column_lineage(view, model.upstream, *model.others),
                **(usage_metadata(billed) if billed.jobs else {}),
            }
        )

    return made_view


def _failure(model: ViewModel, results: Results, logged: str, engine: Warehouse) -> ViewError | TransientWarehouseError:
    kind, view = model.kind, model.view
    failed = [name for name, result in results.items() if result["status"] in ("error", "fail")]
    cause = cause_of((failed or [model.name])[0], results, logged)
    diagnosis = engine.diagnose(cause)
    error = TransientWarehouseError if diagnosis.passes else ViewError
    if failed and model.name not in failed:
        return error(f"The {kind} {view} was made, but dbt's test {failed[0]} of it failed ({cause}).")
    return error(f"The {kind} {view} could not be made ({cause}).", f"The {kind} is as it was.", diagnosis.next_step)
