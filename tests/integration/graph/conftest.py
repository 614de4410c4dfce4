"""Homes to run the real graph in: each with its own export, warehouse, Dagster home and environment."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from tests import ROOT
from tests.support import warm
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.quality.anomalies import DAILY_METRICS_KEY
from tracks_assets.settings import Settings, read_settings
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

HOURLY = ("events_parquet", "raw_tracks", "tracks")
SELECTION = 'key:"posthog/events_parquet" or key:"posthog/raw_tracks" or key:"posthog/tracks"'


@dataclass(frozen=True)
class Home:
    """A TRACKS_HOME and the variables that a command in it is given.

    Attributes:
        path: the folder.
        variables: variables beside TRACKS_HOME and DAGSTER_HOME.
        is_installed: whether commands are the installed ones; else they are those of ``tests.support.warm``.
    """

    path: Path
    variables: dict[str, str] = field(default_factory=dict)
    is_installed: bool = False

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "DAGSTER_"))}
        own = {"TRACKS_HOME": str(self.path), "DAGSTER_HOME": str(self.path / "dagster")}
        return inherited | own | self.variables

    @property
    def settings(self) -> Settings:
        return read_settings(self.environment)

    def warehouse(self) -> DuckDbWarehouse:
        return DuckDbWarehouse(self.settings.duckdb_path)

    def dagster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a dagster command in this home, from the project's root, as an engineer would."""
        return self._command("dagster", *arguments)

    def run_dg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs a dg command in the same way."""
        return self._command("dg", *arguments)

    def _command(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = str(Path(sys.executable).with_name(program)) if self.is_installed else warm.command(program)
        return subprocess.run(
            [path, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def run_job(self, job: str, config: dict[str, object] | None = None) -> dg.ExecuteInProcessResult:
        """Runs a job of the real definitions in this process, recorded in this home; a failure is a result."""
        with dg.DagsterInstance.from_config(str(self.path / "dagster")) as instance, warm.beside_python():
            return (
                build_definitions(self.settings)
                .resolve_job_def(job)
                .execute_in_process(
                    run_config={"ops": {"preflight": {"config": config}}} if config else None,
                    instance=instance,
                    raise_on_error=False,
                )
            )

    def run_hours(
        self,
        first: str,
        last: str | None = None,
        assets: Sequence[str] = HOURLY,
        schema: str = "posthog",
        config: dict[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Takes hours through assets of the real definitions in this process; a failure is a result."""
        tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
        with dg.DagsterInstance.from_config(str(self.path / "dagster")) as instance, warm.beside_python():
            job = build_definitions(self.settings).resolve_implicit_global_asset_job_def()
            return job.execute_in_process(
                asset_selection=[dg.AssetKey([schema, name]) for name in assets],
                run_config=config,
                tags=tags,
                instance=instance,
                raise_on_error=False,
            )

    def materialize(self, *partitions: str) -> subprocess.CompletedProcess[str]:
        return self.dagster(
            "asset", "materialize", "-m", "tracks_assets.definitions", "--select", SELECTION, *partitions
        )

    def metadata(self, table: str, partition: str, schema: str = "posthog") -> dict[str, object]:
        """The metadata of the newest materialization of a partition, by name."""
        with dg.DagsterInstance.from_config(str(self.path / "dagster")) as instance:
            (record,) = instance.fetch_materializations(
                dg.AssetRecordsFilter(dg.AssetKey([schema, table]), asset_partitions=[partition]), limit=1
            ).records
        materialization = record.asset_materialization
        assert materialization is not None
        return {name: entry.value for name, entry in materialization.metadata.items()}

    def evaluated(self, job: str) -> dict[str, dg.AssetCheckEvaluation]:
        """The results of the newest run of a job, by the check's name: each planned check has one.

        But for the checks of daily_metrics, which are planned and not evaluated without enough history.
        """
        with dg.DagsterInstance.from_config(str(self.path / "dagster")) as instance:
            (run,) = instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
            events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
        planned = [
            event.asset_check_planned_data
            for event in events
            if event.event_type_value == "ASSET_CHECK_EVALUATION_PLANNED"
        ]
        found = [
            event.asset_check_evaluation_data for event in events if event.event_type_value == "ASSET_CHECK_EVALUATION"
        ]
        evaluated = {each.check_name: each for each in found}
        assert len(evaluated) == len(found)
        assert {each.check_name for each in planned if each.asset_key != DAILY_METRICS_KEY} <= set(evaluated)
        return evaluated


@pytest.fixture
def new_home(tmp_path: Path, parsed_dbt: ParsedDbt) -> Callable[..., Home]:
    """Makes a home with Dagster's settings in place, as make leaves it."""

    def make(**variables: str) -> Home:
        path = parsed_dbt.home_at(tmp_path / "home")
        (path / "dagster").mkdir()
        shutil.copy(ROOT / "dagster.yaml", path / "dagster" / "dagster.yaml")
        return Home(path, variables)

    return make


@pytest.fixture
def home(new_home: Callable[..., Home]) -> Home:
    return new_home()
