"""A merge by dbt while BigQuery is in trouble: tracks is as it was or whole, and a next run leaves each event once."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from google.cloud import bigquery

from tests.outages.conftest import FIRST_LOAD, HOUR, Outages
from tests.outages.test_load import ABORTED
from tests.support import warm
from tests.support.emulators.proxy import Request
from tests.support.emulators.servers import PROJECT
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.layout import HOUR as AN_HOUR
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

MERGING = "declare content_days"
PATIENCE = 25.0
"""Seconds after which a merge is killed that BigQuery never answers."""

Merge = Callable[[float | None], subprocess.CompletedProcess[str]]


@pytest.fixture
def merge(outages: Outages, delivered: HourInventory, tmp_path: Path) -> Merge:
    """Merges the hour that is loaded; returns dbt's output."""
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    variables = {
        "TRACKS_ENGINE": "bigquery",
        "TRACKS_BQ_PROJECT": PROJECT,
        "TRACKS_BQ_DATASET_PREFIX": outages.prefix,
        "TRACKS_BQ_RETRY_SECONDS": "3",
        "TRACKS_BQ_JOB_SECONDS": "77",
        "TRACKS_BQ_MAXIMUM_BYTES_BILLED": "1000000000",
        "TRACKS_BQ_PRIORITY": "batch",
        "TRACKS_RUN_LABEL": "ab-12",
        "TRACKS_PARTITION_LABEL": "2026-03-12-00-00",
        "TRACKS_WINDOW_START": HOUR.isoformat(),
        "TRACKS_WINDOW_END": (HOUR + AN_HOUR).isoformat(),
    }
    command = [
        warm.command("dbt"),
        "--no-use-colors",
        "run",
        "--select",
        "posthog_tracks",
        "--target-path",
        str(tmp_path),
    ]
    command += ["--log-path", str(tmp_path), "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]

    def run(patience: float | None) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("TRACKS_")}
        return subprocess.run(
            command, env=environment | variables, capture_output=True, text=True, check=False, timeout=patience
        )

    return run


def held(outages: Outages) -> tuple[int, int, int]:
    """Rows of tracks, its different ids, and those of raw_tracks."""
    dataset = f"{PROJECT}.{outages.prefix}posthog"
    client = bigquery.Client(PROJECT)
    (row,) = client.query(
        f"select (select count(*) from `{dataset}.tracks`) as stored, "
        f"(select count(distinct event_id) from `{dataset}.tracks`) as ids, "
        f"(select count(distinct event_id) from `{dataset}.raw_tracks`) as delivered"
    ).result()
    client.close()  # type: ignore[no-untyped-call]
    return row["stored"], row["ids"], row["delivered"]


def test_dbts_job_says_whose_it_is_and_is_bounded_as_the_warehouses_are(outages: Outages, merge: Merge) -> None:
    sent = []

    def note(request: Request) -> None:
        if MERGING.encode() in request.body:
            sent.append(json.loads(request.body)["configuration"])

    outages.proxy.fault = note
    assert merge(None).returncode == 0

    (job,) = sent
    labels = {"pipeline": "tracks", "asset": "tracks", "partition": "2026-03-12-00-00", "run": "ab-12"}
    assert {name: job["labels"][name] for name in labels} == labels
    assert job["jobTimeoutMs"] == "77000"
    assert (job["query"]["maximumBytesBilled"], job["query"]["priority"]) == ("1000000000", "BATCH")


@pytest.mark.parametrize(
    ("break_it", "is_silent"),
    [
        pytest.param(lambda outages: outages.on(MERGING, is_fatal=True), True, id="it dies"),
        pytest.param(lambda outages: outages.on(MERGING, ABORTED), False, id="the transaction aborts"),
    ],
)
def test_a_merge_that_fails_is_made_up_for(
    outages: Outages, merge: Merge, break_it: Callable[[Outages], None], is_silent: bool
) -> None:
    break_it(outages)
    # Where nobody answers, dbt's client asks again for ten minutes: it is killed then, as an impatient engineer would.
    with suppress(subprocess.TimeoutExpired):
        done = merge(PATIENCE if is_silent else None)
        assert done.returncode == 1
        assert "Transaction is aborted due to concurrent update" in done.stdout
    outages.end()

    stored, ids, delivered = held(outages)
    assert stored == ids
    assert ids in (0, delivered)

    assert merge(None).returncode == 0
    assert held(outages) == (delivered, delivered, delivered)
