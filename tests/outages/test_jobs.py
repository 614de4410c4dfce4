"""The labels and limits of every job, as it goes over the wire: whose it is, and what it may take."""

import json
from typing import Any

import pytest

from tests.outages.conftest import FIRST_LOAD, HOUR, Outages
from tests.outages.test_load import DENIED
from tests.support.emulators.proxy import Answer, Fate, Request
from tests.support.emulators.servers import PROJECT
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.bigquery.engine import BigQueryWarehouse, Part
from tracks_assets.warehouse.tables import LOCK_TABLES, TRACKS, write_lock

LABELS = {"asset": "raw_tracks", "partition": "2026-03-12-00-00", "run": "ab-12"}


@pytest.fixture
def sent(outages: Outages) -> list[dict[str, Any]]:
    """The configurations of the jobs that go over the wire from here on."""
    configurations = []

    def note(request: Request) -> None:
        # Statements go to jobs, files to upload; both say first what the job is to be.
        if request.method == "POST" and request.path.split("?")[0].endswith("/jobs"):
            start = request.body.index(b"{")
            reported, _ = json.JSONDecoder().raw_decode(request.body[start:].decode("utf-8", "replace"))
            configurations.append(reported["configuration"])

    outages.proxy.fault = note
    return configurations


def test_every_job_says_whose_it_is_and_is_bounded(
    outages: Outages, sent: list[dict[str, Any]], delivered: HourInventory
) -> None:
    place = outages.target(maximum_bytes_billed=10**9, job_seconds=77, priority="batch")
    with BigQueryWarehouse(place, LABELS).opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
        opened.find_duplicates()
        opened.count_rows(TRACKS)
        opened.repairing.take_snapshot("posthog_ops.tracks_snapshot_x", "duplicate_ids", HOUR.replace(year=2099))

    assert {kind for job in sent for kind in job if kind in ("query", "load", "copy")} == {"query", "load", "copy"}
    for job in sent:
        assert job["labels"] == {"pipeline": "tracks", **LABELS}
        assert job.get("jobTimeoutMs") == (None if "copy" in job else "77000"), "BigQuery cannot stop a copy"
    (copy,) = (job["copy"] for job in sent if "copy" in job)
    assert (copy["operationType"], copy["destinationExpirationTime"][:10]) == ("SNAPSHOT", "2099-03-12")
    queries = [job["query"] for job in sent if "query" in job]
    assert {query["useQueryCache"] for query in queries} == {False}
    assert {query["maximumBytesBilled"] for query in queries} == {"1000000000"}
    in_session = [query for query in queries if query.get("createSession") or query.get("connectionProperties")]
    assert {query["priority"] for query in in_session} == {"INTERACTIVE"}
    assert {query["priority"] for query in queries if query not in in_session} == {"BATCH"}
    assert [bool(query.get("createSession")) for query in in_session] == [True] + [False] * (len(in_session) - 1)


def test_a_transaction_has_the_turn_to_write_tracks(outages: Outages, sent: list[dict[str, Any]]) -> None:
    """Before it reads anything: of two at once, BigQuery lets one go."""
    with outages.warehouse().opened() as opened:
        sent.clear()
        with opened.transaction():
            opened.count_rows(TRACKS)
    texts = [job["query"]["query"] for job in sent]
    lock = opened.statements.text("acquire_write_lock", lock=opened.statements.table(write_lock(TRACKS)))
    assert [text.split()[0] for text in texts] == ["begin", "merge", "select", "commit", "call"]
    assert texts[1] == lock


def test_the_first_writer_finds_a_row_to_change(outages: Outages, sent: list[dict[str, Any]]) -> None:
    """Two that only insert it would go side by side."""
    for takes in (len(LOCK_TABLES), 0):
        with outages.warehouse().opened() as opened:
            assert [opened.count_rows(lock) for lock in LOCK_TABLES] == [1] * len(LOCK_TABLES)
        assert sum(job["query"]["query"].startswith("merge into") for job in sent) == takes
        sent.clear()


def job(statement_type: str, job_id: str = "a", **statistics: object) -> dict[str, object]:
    """A job that is done, as BigQuery's API describes it."""
    return {
        "jobReference": {"projectId": PROJECT, "jobId": job_id, "location": "US"},
        "configuration": {"jobType": "QUERY", "query": {"query": "select 1"}},
        "status": {"state": "DONE"},
        "statistics": {"query": {"statementType": statement_type, **statistics}, "numChildJobs": "2"},
    }


DELETE = job("DELETE", dmlStats={"deletedRowCount": "5"})
INSERT = job("INSERT", dmlStats={"insertedRowCount": "3"})
LOCK = job("MERGE", dmlStats={"updatedRowCount": "1"})


@pytest.mark.parametrize(
    ("children", "changed"),
    [
        (Answer(200, json.dumps({"jobs": [LOCK, DELETE, INSERT]}).encode()), (3, 0, 5)),
        (DENIED, (None, None, None)),
    ],
    ids=["reported", "denied"],
)
def test_what_a_script_changed_is_reported_by_its_statements(
    outages: Outages, children: Answer, changed: tuple[int | None, ...]
) -> None:
    """The emulator has no jobs of statements: the proxy answers as BigQuery's API does."""
    script = json.dumps(job("SCRIPT", totalBytesBilled="10485760")).encode()

    def fault(request: Request) -> Fate:
        if "parentJobId=" in request.path:
            return children
        if "/queries/" in request.path:
            return Answer(200, b'{"jobComplete": true, "totalRows": "0", "schema": {"fields": []}}')
        return Answer(200, script) if "/jobs" in request.path else None

    with outages.warehouse().opened() as opened:
        outages.proxy.fault = fault
        parts = [Part(opened.statements.table(RAW_TRACKS), "window_start", None)]
        lock = opened.statements.table(write_lock(RAW_TRACKS))
        bounds = {"window_start": HOUR.isoformat(), "window_end": HOUR.isoformat()}
        opened.execute("replace_slice", parts=parts, lock=lock, log=None, logged=None, **bounds)
        assert opened.usage is not None
        assert (opened.usage.inserted, opened.usage.updated, opened.usage.deleted) == changed
        assert opened.usage.bytes_billed == 10_485_760
