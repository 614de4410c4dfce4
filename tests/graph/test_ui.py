"""What the UI does when someone backfills: `dagster dev` on the workspace, asked as the UI's own pages ask it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.graph.conftest import ROOT, Home
from tracks_assets.demo.generate import ExportPlan, write_hours
from tracks_assets.warehouse.tables import RAW_TRACKS

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
_RUNS = "{ runsOrError { ... on Runs { results { status tags { key value } } } } }"


class Ui:
    """The GraphQL side of the Dagster UI."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._address, body, {"Content-Type": "application/json"})
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


@pytest.fixture
def ui(home: Home, tmp_path: Path) -> Iterator[Ui]:
    port = _free_port()
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", "workspace.yaml"]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "ui.log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=home.environment, stdout=log, stderr=log, start_new_session=True
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


def test_a_backfill_is_one_run(ui: Ui, home: Home) -> None:
    hours = list(
        write_hours(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), 2, ExportPlan(events_per_hour=200))
    )
    assets = [{"path": ["posthog", name]} for name in ("events_parquet", "raw_tracks", "tracks")]
    partitions = ["2026-03-12-00:00", "2026-03-12-01:00"]

    launched = ui.ask(_LAUNCH, backfill={"assetSelection": assets, "partitionNames": partitions})
    backfill = launched["launchPartitionBackfill"]["backfillId"]

    assert _end_of(ui, backfill) == "COMPLETED_SUCCESS"
    (run,) = ui.ask(_RUNS)["runsOrError"]["results"]
    assert run["status"] == "SUCCESS"
    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(RAW_TRACKS) == sum(hour.rows - hour.malformed for hour in hours)
        assert warehouse.total_tracks(home.settings.takes_from).excess_rows == 0
    # Of all ways to run an hour, the UI's alone names every check of its assets: each runs once, whatever the range.
    assert len(home.evaluated("__ASSET_JOB")) == 9


def _end_of(ui: Ui, backfill: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        status: str = ui.ask(_STATUS, id=backfill)["partitionBackfillOrError"]["status"]
        if status not in ("REQUESTED", "COMPLETING"):
            return status
        time.sleep(1)
    return "still running"
