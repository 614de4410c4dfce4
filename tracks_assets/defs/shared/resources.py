"""The resources of assets and jobs: the export, the legacy files, the warehouse and dbt, as the settings say.

They are plain objects without a config schema, so that a launchpad offers a job's own options only: engine, paths and
project come from the environment and cannot be changed for one run.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliInvocation
from packaging.version import Version

from tracks_assets.defs.shared.billing import job_labels, usage_line
from tracks_assets.defs.shared.dbt_manifest import dbt_executable, parsed_state
from tracks_assets.settings import Settings
from tracks_assets.sources.mixpanel.inventory import MixpanelExport
from tracks_assets.sources.posthog.columns import legacy_fields
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.connect import LOCK_WAIT, warehouse_of

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext

WAREHOUSE_POOL = "warehouse"
"""Everything that opens the warehouse belongs to this pool, of size 1: the embedded engine has one writer."""

_KEPT_DBT_RUNS = 20
_PARTIAL_PARSE = "partial_parse.msgpack"


@dataclass(frozen=True)
class WarehouseOpener:
    """The warehouse of the settings; each step opens it as late and as briefly as possible.

    Attributes:
        settings: engine and location.
        lock_wait: seconds to wait for another process to close the embedded warehouse.
    """

    settings: Settings
    lock_wait: float = LOCK_WAIT

    @contextmanager
    def opened(self, context: Context, purpose: str, window: dg.TimeWindow | None = None) -> Iterator[Warehouse]:
        """The warehouse, open for one step, for the length of a ``with`` block.

        On an engine that bills its jobs, each job is labelled with its purpose, and the step's log has the cost.

        Args:
            context: the step.
            purpose: the asset, check or job that it works for.
            window: its hours, where it is partitioned.

        Raises:
            WarehouseError: it cannot be opened.
        """
        with self.warehouse(job_labels(purpose, context.run.run_id, window)).opened() as opened:
            try:
                yield opened
            finally:
                if opened.usage is not None and opened.usage.jobs:
                    context.log.info(usage_line(purpose, opened.usage))

    def warehouse(self, labels: Mapping[str, str] | None = None) -> Warehouse:
        """The warehouse, not yet opened; on an engine that bills its jobs, each carries the labels."""
        return warehouse_of(self.settings, self.lock_wait, labels)


@dataclass(frozen=True)
class DbtRunner:
    """dbt's command line, in a process of its own.

    ``DbtCliResource.cli`` would first ask ``dbt --version``, which looks for newer versions in the package index
    (several seconds and a network connection), and start an adapter inside Dagster's own process.

    Attributes:
        settings: what the profile and the models read from the environment.
        project: the folder of the dbt project.
    """

    settings: Settings
    project: Path

    def run(
        self,
        args: Sequence[str],
        *,
        run_name: str,
        variables: dict[str, str],
        manifest: Mapping[str, Any],
        translator: DagsterDbtTranslator,
        context: dg.AssetExecutionContext,
    ) -> DbtCliInvocation:
        """Starts dbt. A failure of dbt raises nothing here; ask the invocation.

        Args:
            args: the command and its options.
            run_name: the name of the folder for this call's artifacts.
            variables: environment variables for this call.
            manifest: the project's manifest.
            translator: gives models their asset keys.
            context: the step.
        """
        target_path = self._new_target_path(run_name)
        return DbtCliInvocation.run(
            args=[dbt_executable(), *args, "--target", self.settings.engine],
            env=self._environment(target_path) | variables,
            manifest=manifest,
            dagster_dbt_translator=translator,
            project_dir=self.project,
            target_path=target_path,
            raise_on_error=False,
            context=context,
            adapter=None,
            cli_version=Version(version("dbt-core")),
        )

    def _environment(self, target_path: Path) -> dict[str, str]:
        """The environment of a call: the settings, JSON logs (which Dagster reads), and dbt's folders."""
        dbt = {
            "DBT_LOG_FORMAT": "json",
            "DBT_TARGET_PATH": str(target_path),
            "DBT_LOG_PATH": str(target_path),
            "DBT_PROFILES_DIR": str(self.project),
            "DBT_PROJECT_DIR": str(self.project),
            "PYTHONUNBUFFERED": "1",
        }
        return os.environ | self.settings.child_environment() | dbt

    def _new_target_path(self, run_name: str) -> Path:
        """A folder for one call's artifacts, with dbt's parse state in it; those of old calls are removed."""
        runs = self.settings.home / "dbt" / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        for old in sorted(runs.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT_DBT_RUNS]:
            shutil.rmtree(old, ignore_errors=True)
        target_path = runs / run_name
        target_path.mkdir(exist_ok=True)
        state = parsed_state(self.settings, self.project) / _PARTIAL_PARSE
        if state.exists():
            shutil.copy(state, target_path)
        return target_path


ExportResource = dg.ResourceParam[Export]
LegacyResource = dg.ResourceParam[Legacy]
WarehouseResource = dg.ResourceParam[WarehouseOpener]
DbtResource = dg.ResourceParam[DbtRunner]


def _fixed(value: object) -> dg.ResourceDefinition:
    """A resource that no run config can change: an empty config schema refuses every value."""
    return dg.ResourceDefinition(lambda _context: value, config_schema={})


@dg.io_manager(config_schema={})
def _step_values(context: dg.InitResourceContext) -> dg.IOManager:
    """The values between a job's steps, in Dagster's own folder, as by default, but with nothing to configure."""
    return dg.FilesystemIOManager().create_io_manager(context)


def resources(settings: Settings, dbt_project: Path) -> dict[str, Any]:
    """The resources by the names under which assets ask for them."""
    return {
        "export": _fixed(Export(settings.export_uri, settings.export_folder_hour)),
        "mixpanel": _fixed(MixpanelExport(settings.mixpanel_uri)),
        "legacy": _fixed(Legacy(settings.legacy_uri, legacy_fields())),
        "warehouse": _fixed(WarehouseOpener(settings)),
        "dbt": _fixed(DbtRunner(settings, dbt_project)),
        "io_manager": _step_values,
    }
