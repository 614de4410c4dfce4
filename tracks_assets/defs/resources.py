"""What the assets are given to work with: the export, the warehouse and dbt, as the settings say."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version
from pydantic import Field

from tracks_assets.defs.billing import job_labels, usage_line
from tracks_assets.defs.dbt_manifest import dbt_executable
from tracks_assets.events.columns import legacy_fields
from tracks_assets.export.inventory import Export
from tracks_assets.export.layout import FolderHour
from tracks_assets.export.legacy import Legacy
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.bigquery_place import BigQueryPlace
from tracks_assets.warehouse.connect import LOCK_WAIT, bigquery_place, connect_warehouse

Context = dg.AssetExecutionContext | dg.AssetCheckExecutionContext | dg.OpExecutionContext

WAREHOUSE_POOL = "warehouse"
"""Everything that opens the warehouse stands in this pool, of size 1: the embedded engine has one writer."""

_KEPT_DBT_RUNS = 20


class ExportResource(dg.ConfigurableResource[Any]):
    """PostHog's export: where it lies, and what its folders' hours name."""

    uri: str
    folder_hour: str

    def export(self) -> Export:
        """The export."""
        folder_hour: FolderHour = "start" if self.folder_hour == "start" else "end"
        return Export(self.uri, folder_hour)


class LegacyResource(dg.ConfigurableResource[Any]):
    """The rows of the old pipeline: where they lie."""

    uri: str

    def legacy(self) -> Legacy:
        """The old pipeline's root."""
        return Legacy(self.uri, legacy_fields())


class BigQueryConfig(dg.Config):
    """Where BigQuery's datasets are, and the bounds of its jobs; see ``BigQueryPlace``."""

    project: str = ""
    location: str = "US"
    dataset_prefix: str = ""
    maximum_bytes_billed: int | None = None
    retry_seconds: int = 120
    job_seconds: int = 3600
    priority: str = "interactive"

    def place(self) -> BigQueryPlace:
        """The same as the warehouse takes it."""
        return BigQueryPlace(**self.model_dump())


class WarehouseResource(dg.ConfigurableResource[Any]):
    """The warehouse of the settings; opened by who uses it, as late and as briefly as possible."""

    engine: str
    duckdb_path: str
    memory_limit: str = "2GB"
    bigquery: BigQueryConfig = BigQueryConfig()
    lock_wait: float = Field(
        default=LOCK_WAIT, ge=0, le=3600, description="Seconds to wait for another process to let go of the warehouse."
    )

    @contextmanager
    def opened(self, context: Context, purpose: str, window: dg.TimeWindow | None = None) -> Iterator[Warehouse]:
        """The warehouse, open for one step, for the length of a ``with`` block.

        On an engine that bills its jobs, each says what it is for, and the step's log says what they were billed.

        Args:
            context: the step.
            purpose: the asset, check or job that it works for.
            window: its hours, where it is partitioned.

        Raises:
            WarehouseError: it cannot be opened.
        """
        with self.warehouse(job_labels(purpose, context.run.run_id, window)).opened() as tables:
            try:
                yield tables
            finally:
                if tables.usage is not None and tables.usage.jobs:
                    context.log.info(usage_line(purpose, tables.usage))

    def warehouse(self, labels: Mapping[str, str] | None = None) -> Warehouse:
        """The warehouse, not yet opened; on an engine that bills its jobs, each carries the labels."""
        return connect_warehouse(
            self.engine,
            Path(self.duckdb_path),
            self.bigquery.place(),
            labels=labels,
            lock_wait=self.lock_wait,
            memory_limit=self.memory_limit,
        )


class TracksDbt(DbtCliResource):
    """dbt's command line without what an hourly run can do without.

    ``dbt --version`` asks the package index for newer versions, several seconds and a network connection; and an
    adapter inside Dagster's own process only serves metadata that this project does not fetch.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:  # noqa: ARG002 (dagster-dbt's signature)
        return None


def new_target_path(home: Path, run_id: str) -> Path:
    """A folder of its own for one dbt call's artifacts; those of old calls are removed."""
    runs = home / "dbt" / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    for old in sorted(runs.iterdir(), key=lambda path: path.stat().st_mtime)[:-_KEPT_DBT_RUNS]:
        shutil.rmtree(old, ignore_errors=True)
    return runs / run_id


def resources(settings: Settings, dbt_project: Path) -> dict[str, Any]:
    """The resources by the names under which assets ask for them."""
    return {
        "export": ExportResource(uri=settings.export_uri, folder_hour=settings.export_folder_hour),
        "legacy": LegacyResource(uri=settings.legacy_uri),
        "warehouse": WarehouseResource(
            engine=settings.engine,
            duckdb_path=str(settings.duckdb_path),
            memory_limit=settings.memory_limit,
            bigquery=BigQueryConfig(**asdict(bigquery_place(settings))),
        ),
        "dbt": TracksDbt(
            project_dir=str(dbt_project),
            profiles_dir=str(dbt_project),
            target=settings.engine,
            dbt_executable=dbt_executable(),
        ),
    }
