"""An hour that is loaded while BigQuery is in trouble is as it was before, and comes in whole when it is run again."""

import json
from collections.abc import Callable

import pytest

from tests.outages.conftest import FIRST_LOAD, SECOND_LOAD, Outages
from tests.support.emulators.proxy import Answer, Fate, Request
from tracks_assets.core.errors import WarehouseError
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.bigquery import jobs as bigquery_jobs

STAMPS = "select distinct bq_ingested_timestamp as stamp from `{}`"


def refusal(status: int, reason: str, message: str) -> Answer:
    """An answer as BigQuery's API words its refusals."""
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    return Answer(status, json.dumps({"error": error}).encode())


ABORTED = refusal(
    400,
    "invalidQuery",
    "Transaction is aborted due to concurrent update against table tracks-tests:posthog.raw_tracks. Transaction ID: 1",
)
QUOTA = refusal(
    403, "quotaExceeded", "Quota exceeded: Your table exceeded quota for imports or query appends per table."
)
DENIED = refusal(403, "accessDenied", "Access Denied: Project tracks-tests: User does not have bigquery.jobs.create")
STREAMED = refusal(
    400,
    "invalidQuery",
    "UPDATE or DELETE statement over table posthog.raw_tracks would affect rows in the streaming buffer, which is not "
    "supported",
)
TOO_DEAR = refusal(
    500, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 1000. 10485760 or higher required."
)
TOO_LONG = refusal(400, "stopped", "Job execution was cancelled: Job timed out after 20s")
TAKEN = {
    "jobReference": {"projectId": "tracks-tests", "jobId": "j", "location": "US"},
    "configuration": {"jobType": "LOAD", "load": {}},
}
"""A load job, as BigQuery's API describes it."""
REPLACING = "begin transaction;\\n\\nmerge"
BEGINNING = "BigQuery in tracks-tests failed at the statement replace_slice ("


def held(outages: Outages) -> tuple[int, int, list[object]]:
    """Rows of both tables, and the stamps in raw_tracks."""
    with outages.warehouse().opened() as opened:
        stamps = opened.fetch("repairs", {"job": ""})
        assert stamps == []
        bounds = {"window_start": FIRST_LOAD.replace(hour=0, minute=0), "window_end": SECOND_LOAD}
        table = opened.statements.table(RAW_TRACKS)
        rows = opened.fetch("hour_totals", bounds, table=table, rejected_table=None)
        return opened.count_rows(RAW_TRACKS), opened.count_rows(REJECTED_TRACKS), [row["accepted"] for row in rows]


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        pytest.param(
            lambda outages: outages.on(REPLACING, ABORTED),
            BEGINNING + "Transaction is aborted due to concurrent update against table "
            "tracks-tests:posthog.raw_tracks. Transaction ID: 1). Another job changed the same table meanwhile, so "
            "nothing was changed: wait for it to finish, or end the session that a killed run left open "
            "(docs/runbooks.md says how), then run again.",
            id="aborted",
        ),
        pytest.param(
            lambda outages: outages.on(REPLACING, STREAMED),
            BEGINNING + "UPDATE or DELETE statement over table posthog.raw_tracks would affect rows in the streaming "
            "buffer, which is not supported). Rows that were streamed into the table cannot be changed for up to 90 "
            "minutes: stop the streaming, wait, then run again.",
            id="streamed",
        ),
        pytest.param(
            lambda outages: outages.on(REPLACING, TOO_DEAR),
            BEGINNING + "Query exceeded limit for bytes billed: 1000. 10485760 or higher required). Raise "
            "TRACKS_BQ_MAXIMUM_BYTES_BILLED to the cost that the statement may have, then run again.",
            id="too dear",
        ),
        pytest.param(
            lambda outages: outages.on(REPLACING, TOO_LONG),
            BEGINNING + "Job execution was cancelled: Job timed out after 20s). Raise TRACKS_BQ_JOB_SECONDS, or "
            "look at the plan in BigQuery's list of jobs, then run again.",
            id="too long",
        ),
        pytest.param(
            lambda outages: outages.on("/upload/", QUOTA),
            "BigQuery in tracks-tests failed at the hour 2026-03-12-00:00 of posthog.raw_tracks, which is as it was "
            "before (Quota exceeded: "
            "Your table exceeded quota for imports or query appends per table). Wait until the quota allows it again, "
            "or have it raised, then run again.",
            id="load job refused",
        ),
        pytest.param(
            lambda outages: outages.on(REPLACING, DENIED),
            BEGINNING + "Access Denied: Project tracks-tests: User does not have bigquery.jobs.create). Give the "
            "account roles/bigquery.jobUser on the project and roles/bigquery.dataOwner on the datasets, then run "
            "again.",
            id="denied",
        ),
    ],
)
def test_a_refused_load_leaves_the_hour(
    outages: Outages, delivered: HourInventory, break_it: Callable[[Outages], None], sentence: str
) -> None:
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    before = held(outages)

    break_it(outages)
    with pytest.raises(WarehouseError) as reported, outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, SECOND_LOAD)

    assert str(reported.value) == sentence
    outages.end()
    assert held(outages) == before
    check_repaired(outages, delivered)


@pytest.mark.parametrize("words", [REPLACING, "/upload/"])
def test_bigquery_dies_in_the_middle_of_a_load(outages: Outages, delivered: HourInventory, words: str) -> None:
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    before = held(outages)

    outages.on(words, is_fatal=True)
    with pytest.raises(WarehouseError) as reported, outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, SECOND_LOAD)

    assert str(reported.value).endswith(
        "BigQuery could not be reached, or not in time: look at its status, then run again."
    )
    outages.end()
    assert held(outages) == before
    check_repaired(outages, delivered)


def check_repaired(outages: Outages, delivered: HourInventory) -> None:
    """A second run brings the hour whole, once."""
    with outages.warehouse().opened() as opened:
        load = opened.load_slice(EVENTS, delivered, SECOND_LOAD)
    assert load.read == delivered.rows
    assert held(outages)[:2] == (load.accepted, load.rejected)
    assert load.rejected > 0


def test_an_answer_that_is_lost_loads_nothing_twice(outages: Outages, delivered: HourInventory) -> None:
    """The job is done and nobody hears of it: its id finds it again."""
    with outages.warehouse().opened() as opened:
        once = iter([True])
        outages.proxy.fault = lambda request: (
            "cut after" if b"replace_slice" in request.body and next(once, False) else None
        )
        load = opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    assert held(outages)[:2] == (load.accepted, load.rejected)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_an_upload_whose_answer_is_lost_lands_once(outages: Outages, delivered: HourInventory, method: str) -> None:
    """The emulator gives the job of an upload an id of its own: where it is asked for, the proxy answers."""
    once, done = iter([True]), {**TAKEN, "status": {"state": "DONE"}}

    def fault(request: Request) -> Fate:
        if request.method == method and "/upload/" in request.path and next(once, False):
            return "cut after"
        return Answer(200, json.dumps(done).encode()) if "/jobs/tracks_load_" in request.path else None

    with outages.warehouse().opened() as opened:
        outages.proxy.fault = fault
        load = opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    assert next(once, None) is None, "the answer was lost"
    assert held(outages)[:2] == (load.accepted, load.rejected)


def test_a_load_job_that_fails_leaves_the_hour(outages: Outages, delivered: HourInventory) -> None:
    """It was taken, and then failed: its end says why."""
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    before = held(outages)
    error = {"reason": "invalid", "message": "Error while reading data"}
    failed = {**TAKEN, "status": {"state": "DONE", "errorResult": error}}

    outages.proxy.fault = lambda request: (
        Answer(200, json.dumps(failed).encode()) if request.method == "PUT" and "/upload/" in request.path else None
    )
    with pytest.raises(WarehouseError) as reported, outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, SECOND_LOAD)

    assert str(reported.value) == (
        "BigQuery in tracks-tests failed at the hour 2026-03-12-00:00 of posthog.raw_tracks, which is as it was before "
        "(Error while reading "
        "data). A value in the data is one that BigQuery refuses: take it out of the hour's files, or out of the table "
        "that the statement reads, then run again."
    )
    outages.end()
    assert held(outages) == before
    check_repaired(outages, delivered)


def test_a_bigquery_that_is_silent_is_given_up(
    outages: Outages, delivered: HourInventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
        before = opened.count_rows(RAW_TRACKS)
        silence = bigquery_jobs.SILENCE
        monkeypatch.setattr(bigquery_jobs, "SILENCE", 0.5)
        outages.proxy.fault = lambda _: "hang"
        with pytest.raises(WarehouseError) as reported:
            opened.count_rows(RAW_TRACKS)
    assert str(reported.value).startswith("BigQuery in tracks-tests failed at the statement count_rows (")
    assert str(reported.value).endswith("could not be reached, or not in time: look at its status, then run again.")
    outages.proxy.is_over.set()
    outages.end()
    monkeypatch.setattr(bigquery_jobs, "SILENCE", silence)
    with outages.warehouse().opened() as opened:
        assert opened.count_rows(RAW_TRACKS) == before


def test_a_storm_that_ends_is_survived(outages: Outages, delivered: HourInventory) -> None:
    refusals = iter(range(3))
    storm = refusal(503, "backendError", "Error encountered during execution. Retrying may solve the problem.")

    def fault(_: object) -> Fate:
        return storm if next(refusals, None) is not None else None

    with outages.warehouse(retry_seconds=30).opened() as opened:
        outages.proxy.fault = fault
        load = opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    assert held(outages)[:2] == (load.accepted, load.rejected)
