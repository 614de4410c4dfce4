"""deploy/dagster.production.yaml on a real PostgreSQL server, with the services that the systemd units start."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import psutil
import pytest
import sqlalchemy

from examples.export_generator.generate import ExportPlan, write_hours
from tests import ROOT
from tests.integration.deploy.postgres import Postgres
from tests.integration.deploy.services import Services, services
from tests.integration.graph.conftest import HOURLY, Home
from tests.integration.graph.test_ui import Ui, selector
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.defs.shared.run_history import prune
from tracks_assets.sources.posthog.feeds import RAW_TRACKS

pytestmark = pytest.mark.thorough

PATIENCE = 600.0
START = datetime(2026, 3, 12, tzinfo=UTC)
_LAUNCH = """
mutation ($run: ExecutionParams!) {
  launchPipelineExecution(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_CANCEL = """
mutation ($id: String!) {
  terminateRun(runId: $id, terminatePolicy: MARK_AS_CANCELED_IMMEDIATELY) {
    __typename
    ... on PythonError { message }
  }
}
"""


@dataclass
class Production:
    """Dagster as deploy/ sets it up.

    Attributes:
        home: its home.
        postgres: the server of its storage.
        services: the running services.
        ui: the UI.
    """

    home: Home
    postgres: Postgres
    services: Services
    ui: Ui

    def select(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that Dagster has in PostgreSQL."""
        engine = sqlalchemy.create_engine(self.postgres.url)
        with engine.connect() as connection:
            rows = [tuple(row) for row in connection.execute(sqlalchemy.text(statement))]
        engine.dispose()
        return rows

    def launch(self, partition: str) -> str:
        """Starts an hour as the UI does; returns the run's id."""
        run = {
            "selector": selector(self.ui, "__ASSET_JOB")
            | {"assetSelection": [{"path": ["posthog", name]} for name in HOURLY]},
            "mode": "default",
            "runConfigData": "{}",
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": partition}]},
        }
        launched = self.ui.ask(_LAUNCH, run=run)["launchPipelineExecution"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def status(self, run_id: str) -> str:
        """The status of a run, as PostgreSQL has it."""
        ((found,),) = self.select(f"select status from runs where run_id = '{run_id}'")
        return str(found)

    def cancel(self, run_id: str) -> None:
        """Marks a run as canceled, as the UI does where its process is gone."""
        answer = self.ui.ask(_CANCEL, id=run_id)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def instance(self) -> dg.DagsterInstance:
        """The instance, as a command opens it."""
        return dg.DagsterInstance.from_config(str(self.home.path / "dagster"))


@pytest.fixture(scope="module")
def production(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory, parsed_dbt: ParsedDbt
) -> Iterator[Production]:
    path = parsed_dbt.home_at(tmp_path_factory.mktemp("production") / "home")
    (path / "dagster").mkdir()
    shutil.copy(ROOT / "deploy" / "dagster.production.yaml", path / "dagster" / "dagster.yaml")
    home = Home(path, postgres.variables, is_installed=True)
    list(write_hours(path / "export", START, 3, ExportPlan(events_per_hour=200)))
    with pytest.MonkeyPatch.context() as patch, services(home.environment, path) as running:
        for name, value in postgres.variables.items():
            patch.setenv(name, value)
        ui = Ui(running.ui_port)
        ui.wait_until_up()
        yield Production(home, postgres, running, ui)


def wait_for(what: str, is_done: Callable[[], Any]) -> Any:
    """Waits until something is true; returns it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := is_done():
            return found
        time.sleep(0.5)
    return pytest.fail(f"{what} did not happen within {PATIENCE:g} seconds")


def test_the_ui_is_offered_to_this_machine_only(production: Production) -> None:
    process = psutil.Process(production.services.processes["webserver"].pid)
    family = [process, *process.children(recursive=True)]
    listening = {
        (each.laddr.ip, each.laddr.port)
        for member in family
        for each in member.net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", production.services.ui_port)}


def test_an_hour_by_the_real_command_is_recorded_in_postgresql(production: Production) -> None:
    done = production.home.run_dg("launch", "--assets", "group:hourly", "--partition", "2026-03-12-00:00")
    assert done.returncode == 0, done.stdout + done.stderr

    assert production.select("select status from runs") == [("SUCCESS",)]
    made = "select count(*) from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
    assert production.select(made) == [(len(HOURLY),)]
    ((evaluated,),) = production.select(
        "select count(*) from asset_check_executions where evaluation_event is not null"
    )
    assert evaluated > 0
    history = production.home.path / "dagster" / "history"
    assert not list(history.rglob("*.db")), "nothing is kept in SQLite"


def test_a_run_that_died_with_its_code_server_is_run_again(production: Production) -> None:
    dead = production.launch("2026-03-12-01:00")
    wait_for("the start of the run", lambda: production.status(dead) == "STARTED" and is_writing(production, dead))
    production.services.kill("code")
    production.services.start("code")
    assert production.status(dead) == "STARTED", "nobody has seen it die"

    production.cancel(dead)
    again = production.launch("2026-03-12-01:00")

    wait_for("the end of the second run", lambda: production.status(again) in ("SUCCESS", "FAILURE"))
    assert production.status(again) == "SUCCESS"
    with production.home.warehouse().opened() as warehouse:
        hours = warehouse.connection.execute(f"select distinct window_start from {RAW_TRACKS}").fetchall()
        assert warehouse.total_tracks(production.home.settings.takes_from).excess_rows == 0
    assert len(hours) == 2


def is_writing(production: Production, run_id: str) -> bool:
    """Whether a run's process has begun its first step."""
    started = f"select 1 from event_logs where dagster_event_type = 'STEP_START' and run_id = '{run_id}'"
    return bool(production.select(started))


def test_the_logs_of_old_runs_go_and_their_partitions_stay(production: Production) -> None:
    with production.instance() as instance:
        runs = instance.get_runs_count()
        pruned = prune(instance, datetime.now(UTC) + timedelta(days=31), log_days=30, run_days=400)
        assert (pruned.logs, pruned.runs) == (runs, 0)
        hours = instance.get_materialized_partitions(dg.AssetKey(["posthog", "tracks"]))
    assert hours == {"2026-03-12-00:00", "2026-03-12-01:00"}
    types = "select distinct dagster_event_type from event_logs where asset_key is null"
    assert all(str(kind).startswith("PIPELINE_") for (kind,) in production.select(types))
    storage = production.home.path / "dagster" / "storage"
    assert not [folder for folder in storage.glob("*-*-*-*-*") if folder.is_dir()], "nothing of a run is left on disk"
