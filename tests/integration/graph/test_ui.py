"""The UI's pages and launches: `dagster dev` on the workspace and `dg dev`, asked as the UI's own pages ask it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests import ROOT
from tests.integration.graph.conftest import Home
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.sources.posthog.feeds import RAW_TRACKS

pytestmark = pytest.mark.thorough

PATIENCE = 180.0
_LAUNCH = """
mutation ($backfill: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfill) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
_STATUS = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }
"""
_RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
_MATERIALIZE = """
mutation ($run: ExecutionParams!) {
  launchPipelineExecution(executionParams: $run) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
_RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
_CHECKS = """
query ($keys: [AssetKeyInput!]) {
  assetNodes(assetKeys: $keys) {
    assetKey { path }
    assetChecksOrError { ... on AssetChecks { checks { name assetKey { path } } } }
  }
}
"""
_LAUNCHPAD = """
query ($selector: PipelineSelector!) {
  runConfigSchemaOrError(selector: $selector) {
    __typename
    ... on RunConfigSchema {
      rootConfigType { key }
      allConfigTypes { key ... on CompositeConfigType { fields { name configTypeKey } } }
    }
  }
}
"""
_LOCATION = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }"
HOURLY = [{"path": ["posthog", name]} for name in ("events_parquet", "raw_tracks", "tracks")]
BATCH_CHECKS = {
    "upload_complete",
    "rows_accounted_for",
    "rejected_share",
    "no_fewer_rows",
    "raw_tracks_fresh",
    "unique_event_id",
    "no_collisions",
    "cutover_share",
}
JOBS = {
    "prune_runs": {},
    "dedup_tracks": {"preflight": {"dry_run", "snapshot_days"}},
    "restore_created_at": {"preflight": {"dry_run", "tolerance_hours"}},
    "rollback_dedup": {"preflight": {"dry_run", "snapshot"}},
    "rollback_restore_created_at": {"preflight": {"dry_run", "snapshot"}},
    "rollback_squash_person_overrides": {"preflight": {"dry_run", "snapshot"}},
    "squash_person_overrides": {"preflight": {"dry_run", "rows_per_batch"}},
    "trace_event": {"trace": {"event_id"}},
    "tracks_checks": {},
    "load_hours": {"posthog__raw_tracks": {"allow_emptying", "resume"}},
    "load_persons": {"posthog__raw_persons": {"allow_emptying", "resume"}},
    "freshness": {},
}
"""The options that each job's launchpad offers, by its ops."""


class Ui:
    """The Dagster UI at an address, and its GraphQL side."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
            return data

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.ask("{ version }")
            except OSError:
                time.sleep(0.5)
            else:
                return
        pytest.fail("The UI did not come up.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(home: Home, log: Path, *command: str) -> Iterator[Ui]:
    """The UI that a command serves; every process of it is gone after the ``with`` block."""
    port = _free_port()
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name(command[0])), *command[1:], "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env=home.environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        asked = Ui(port)
        asked.wait_until_up()
        yield asked
    finally:
        os.killpg(process.pid, signal.SIGINT)
        # What a shell runs in the background ignores that, and so does all that it starts.
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        leftovers = subprocess.run(["pkill", "-9", "-g", str(process.pid)], check=False)
        process.wait()
        assert leftovers.returncode in (0, 1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, parsed_dbt: ParsedDbt) -> Home:
    """One home for the module's UI; its first export hour is a legacy hour as well, which is never loaded."""
    path = parsed_dbt.home_at(tmp_path_factory.mktemp("ui") / "home")
    (path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", path / "dagster")
    return Home(path, {"TRACKS_LEGACY_END": "2026-03-12-01:00"})


@pytest.fixture(scope="module")
def ui(home: Home) -> Iterator[Ui]:
    with serving(home, home.path / "ui.log", "dagster", "dev", "--workspace", "workspace.yaml") as asked:
        yield asked


def test_a_backfill_is_one_run_and_evaluates_the_checks_of_the_batch_only(ui: Ui, home: Home) -> None:
    hours = list(
        write_hours(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), 2, ExportPlan(events_per_hour=200))
    )
    partitions = ["2026-03-12-00:00", "2026-03-12-01:00"]

    launched = ui.ask(_LAUNCH, backfill={"assetSelection": HOURLY, "partitionNames": partitions})
    backfill = launched["launchPartitionBackfill"]["backfillId"]

    assert _end_of(lambda: ui.ask(_STATUS, id=backfill)["partitionBackfillOrError"]["status"]) == "COMPLETED_SUCCESS"
    (run,) = ui.ask(_RUNS)["runsOrError"]["results"]
    assert run["status"] == "SUCCESS"
    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(RAW_TRACKS) == sum(hour.rows - hour.malformed for hour in hours)
        assert warehouse.total_tracks(home.settings.takes_from).excess_rows == 0
    # For a backfill, the UI's server names every check of the assets.
    assert set(home.evaluated("__ASSET_JOB")) == BATCH_CHECKS


def test_an_hour_that_is_materialized_evaluates_the_checks_of_the_batch_only(ui: Ui, home: Home) -> None:
    """The UI's dialog names every check of the assets, so no check of the full table may belong to them."""
    nodes = ui.ask(_CHECKS, keys=HOURLY)["assetNodes"]
    checks = [check for node in nodes for check in node["assetChecksOrError"]["checks"]]
    run = {
        "selector": selector(ui, "__ASSET_JOB")
        | {
            "assetSelection": HOURLY,
            "assetCheckSelection": [{"name": check["name"], "assetKey": check["assetKey"]} for check in checks],
        },
        "mode": "default",
        "runConfigData": "{}",
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2026-03-12-00:00"}]},
    }

    launched = ui.ask(_MATERIALIZE, run=run)["launchPipelineExecution"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run_id = launched["run"]["runId"]

    assert _end_of(lambda: ui.ask(_RUN, id=run_id)["runOrError"]["status"]) == "SUCCESS"
    assert set(home.evaluated("__ASSET_JOB")) == BATCH_CHECKS


@pytest.mark.parametrize("job", JOBS)
def test_a_launchpad_offers_the_options_of_its_job_only(ui: Ui, job: str) -> None:
    schema = ui.ask(_LAUNCHPAD, selector=selector(ui, job))["runConfigSchemaOrError"]
    types = {each["key"]: each.get("fields") or [] for each in schema["allConfigTypes"]}

    def fields(key: str) -> dict[str, str]:
        return {field["name"]: field["configTypeKey"] for field in types[key]}

    def options(key: str) -> set[str]:
        config = fields(key).get("config")
        return set(fields(config)) if config else set()

    root = fields(schema["rootConfigType"]["key"])
    assert {name: options(key) for name, key in fields(root["resources"]).items() if options(key)} == {}
    assert {name: options(key) for name, key in fields(root["ops"]).items() if options(key)} == JOBS[job]


def selector(ui: Ui, job: str) -> dict[str, str]:
    """A job as the UI's queries name it."""
    (repository,) = ui.ask(_LOCATION)["repositoriesOrError"]["nodes"]
    return {
        "pipelineName": job,
        "repositoryName": repository["name"],
        "repositoryLocationName": repository["location"]["name"],
    }


def test_dg_serves_the_same_ui(new_home: Callable[..., Home], tmp_path: Path) -> None:
    with serving(new_home(), tmp_path / "dg.log", "dg", "dev") as asked:
        (repository,) = asked.ask(_LOCATION)["repositoriesOrError"]["nodes"]
    assert repository["location"]["name"] == "tracks_assets.definitions", "as workspace.yaml names it"


_UNFINISHED = ("REQUESTED", "COMPLETING", "QUEUED", "NOT_STARTED", "STARTING", "STARTED")


def _end_of(ask: Callable[[], str]) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status = ask()
        if status not in _UNFINISHED:
            return status
        time.sleep(1)
    return "still running"
