"""A dedup that is killed or refused on BigQuery: tracks is as it was, or is published and known to be."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud import bigquery

from tests.outages.conftest import FIRST_LOAD, Outages
from tests.outages.test_jobs import job
from tests.outages.test_load import ABORTED
from tests.support.emulators.proxy import Answer, Fate, Request
from tests.support.emulators.servers import PROJECT
from tracks_assets.core.errors import WarehouseError
from tracks_assets.repairs import repair as repairs
from tracks_assets.repairs.dedup import dedup
from tracks_assets.repairs.dedup.rollback import roll_back
from tracks_assets.repairs.repair import RepairError, State
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import ARCHIVED_DUPLICATES, TRACKS

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
LATER = datetime(2026, 6, 12, 10, 30, tzinfo=UTC)


class KilledError(BaseException):
    """Represents a process that ends where it is."""


@pytest.fixture
def damaged(outages: Outages, delivered: HourInventory) -> Outages:
    """Tracks in which every event is duplicated, the second copy with a later stamp."""
    with outages.warehouse().opened() as opened:
        opened.load_slice(EVENTS, delivered, FIRST_LOAD)
    names = ", ".join(column.name for column in TRACKS.columns)
    later = names.replace("bq_ingested_timestamp", "timestamp_add(bq_ingested_timestamp, interval 1 day)")
    dataset = f"{PROJECT}.{outages.prefix}posthog"
    first = "row_number() over (partition by event_id order by source_file, created_at) = 1"
    raw = f"(select * from `{dataset}.raw_tracks` where true qualify {first})"
    client = bigquery.Client(PROJECT)
    for columns in (names, later):
        client.query(f"insert into `{dataset}.tracks` ({names}) select {columns} from {raw}").result()
    client.close()  # type: ignore[no-untyped-call]
    return outages


def archived(warehouse: Warehouse) -> str:
    """A dedup that came as far as its archive; its id."""
    planned = dedup.plan(warehouse, NOW, 14)
    assert planned is not None
    repair = dedup.take_snapshot(warehouse, planned.repair_id, NOW, 14)
    dedup.archive(warehouse, repair.repair_id, NOW)
    return repair.repair_id


def run(outages: Outages) -> None:
    """A dedup from its plan to its publication."""
    with outages.warehouse().opened() as opened:
        dedup.rewrite(opened, archived(opened))


def seen(outages: Outages) -> tuple[Any, Any, list[str]]:
    """Tracks, the archive, and the states of all dedups."""
    with outages.warehouse().opened() as opened:
        tracks = repairs.fingerprint(opened, repairs.qualified_tracks(opened))
        archive = opened.count_rows(ARCHIVED_DUPLICATES)
        return tracks, archive, [str(repair.state) for repair in repairs.repairs_of(opened, dedup.JOB)]


def check_dedup_works(outages: Outages, rows: int) -> None:
    """A dedup that is started again halves the table, and a rollback gives back exactly what it took."""
    before = seen(outages)[0]
    with outages.warehouse().opened() as opened:
        repair = dedup.rewrite(opened, archived(opened))
        assert (repair.state, repair.rows_after) == (State.PUBLISHED, rows // 2)
        assert opened.repairing.has_snapshot(repair.snapshot)
    with outages.warehouse().opened() as opened:
        assert dedup.plan(opened, LATER, 14) is None
        roll_back(opened, repair.repair_id)
    assert seen(outages)[0] == before


def test_the_estimate_counts_all_that_is_billed_and_names_no_table_that_is_not_there(damaged: Outages) -> None:
    """The emulator's dry run reads nothing: the proxy reports bytes, as BigQuery does of tables that it finds."""
    estimated: list[str] = []

    def fault(request: Request) -> Fate:
        if b'"dryRun": true' not in request.body:
            return None
        estimated.append(json.loads(request.body)["configuration"]["query"]["query"])
        return Answer(200, json.dumps(job("SELECT", totalBytesProcessed="1000")).encode())

    with damaged.warehouse(maximum_bytes_billed=999).opened() as opened:
        damaged.proxy.fault = fault
        with pytest.raises(RepairError, match=r"reads 0\.0 MB\. TRACKS_BQ_MAXIMUM_BYTES_BILLED allows"):
            dedup.plan(opened, NOW, 14)
    estimated.clear()
    with damaged.warehouse(maximum_bytes_billed=1_000).opened() as opened:
        planned = dedup.plan(opened, NOW, 14)

    assert planned is not None
    assert [(statement.name, statement.scanned_bytes) for statement in planned.statements] == [
        ("find_duplicates", 1_000),
        ("fingerprint", 1_000),
        ("archive_rows_to_remove", 1_000),
        ("rewrite_tracks", 1_000),
        ("fingerprint", 1_000),
        ("fingerprint", 1_000),
        ("fingerprint", 1_000),
        ("touched_rows", 1_000),
    ]
    assert planned.scanned_bytes == 8_000
    assert not any("temp table" in text for text in estimated), "BigQuery makes no dry run of it"
    named = {name for text in estimated for name in re.findall(r"posthog(?:_ops)?\.(\w+)`", text)}
    assert named == {"tracks", "archived_duplicates"}


@pytest.mark.parametrize(
    "words",
    [
        pytest.param('"operationType": "SNAPSHOT"', marks=pytest.mark.nightly),
        pytest.param("tracks_archive_rows_to_remove", marks=pytest.mark.nightly),
        "tracks_publish_",
    ],
)
def test_bigquery_dies_in_the_middle_of_a_dedup(damaged: Outages, words: str) -> None:
    before = seen(damaged)[0]

    damaged.on(words, is_fatal=True)
    with pytest.raises(WarehouseError) as reported:
        run(damaged)

    assert str(reported.value).endswith(
        "BigQuery could not be reached, or not in time: look at its status, then run again."
    )
    damaged.end()
    assert seen(damaged)[0] == before
    run(damaged)
    assert seen(damaged)[0].rows == before.rows // 2


def test_a_dedup_that_is_killed_between_publishing_and_recording(
    damaged: Outages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy job's own id is the evidence: nothing that was published is taken for unfinished."""
    rows = seen(damaged)[0].rows

    def die(*_: object, **__: object) -> None:
        raise KilledError

    with damaged.warehouse().opened() as opened:
        repair_id = archived(opened)
        monkeypatch.setattr(dedup, "advance", die)
        with pytest.raises(KilledError):
            dedup.rewrite(opened, repair_id)

    tracks, archive, states = seen(damaged)
    assert (tracks.rows, archive, states) == (rows // 2, rows // 2, [State.PUBLISHED])


@pytest.mark.nightly
def test_a_dedup_that_is_cleared_before_its_proof_ends_and_the_other_goes_on(
    damaged: Outages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another start took it for killed, with the table that it wrote; the other's own it leaves alone."""
    rows, verify, others = seen(damaged)[0].rows, dedup._verified, []

    def verified_late(*proof: Any) -> Any:
        monkeypatch.setattr(dedup, "_verified", verify)
        with damaged.warehouse().opened() as opened:
            planned = dedup.plan(opened, LATER, 14)
            assert planned is not None
            others.append(dedup.take_snapshot(opened, planned.repair_id, LATER, 14).repair_id)
            dedup.archive(opened, planned.repair_id, LATER)
        return verify(*proof)

    with damaged.warehouse().opened() as opened:
        first = archived(opened)
        monkeypatch.setattr(dedup, "_verified", verified_late)
        with pytest.raises(WarehouseError, match=rf"tracks_rewritten_{first} was not found"):
            dedup.rewrite(opened, first)

    assert seen(damaged)[2] == [State.ARCHIVED]
    with damaged.warehouse().opened() as opened:
        assert dedup.rewrite(opened, others[0]).state == State.PUBLISHED
    tracks, archive, _ = seen(damaged)
    assert (tracks.rows, archive) == (rows // 2, rows // 2)


def test_a_dedup_that_another_start_cleared_is_not_published(damaged: Outages) -> None:
    before = seen(damaged)[0]
    with damaged.warehouse().opened() as opened:
        first = repairs.find_repair(opened, dedup.JOB, archived(opened))
        with opened.repairing.deduplicated(first.qualified_snapshot(opened)) as rewritten:
            with damaged.warehouse().opened() as others:
                planned = dedup.plan(others, LATER, 14)
                assert planned is not None
                second = dedup.take_snapshot(others, planned.repair_id, LATER, 14)
                dedup.archive(others, second.repair_id, LATER)
            with pytest.raises(RepairError) as reported, opened.repairing.publication(rewritten, first.repair_id):
                repairs.check_unfinished(opened, first)

    assert str(reported.value) == (
        f"{first.repair_id} is not published and posthog.tracks is as it was. Another start of dedup_tracks "
        "cleared it meanwhile. Wait for it to finish, then run dedup_tracks again."
    )
    tracks, archive, states = seen(damaged)
    assert (tracks, archive, states) == (before, before.rows // 2, [State.ARCHIVED])
    with damaged.warehouse().opened() as opened:
        assert dedup.rewrite(opened, second.repair_id).state == State.PUBLISHED
    assert seen(damaged)[0].rows == before.rows // 2


def test_a_merge_that_comes_in_between_publishes_nothing(damaged: Outages) -> None:
    """The emulator does not keep the time of a table's last change: the proxy reports a later one."""
    before = seen(damaged)[0]
    client = bigquery.Client(PROJECT)
    table = client.get_table(f"{PROJECT}.{damaged.prefix}posthog.tracks").to_api_repr()
    client.close()  # type: ignore[no-untyped-call]
    changed = json.dumps({**table, "lastModifiedTime": str(int(table["lastModifiedTime"]) + 1)}).encode()

    with damaged.warehouse().opened() as opened:
        repair = repairs.find_repair(opened, dedup.JOB, archived(opened))
        with opened.repairing.deduplicated(repair.snapshot) as rewritten:
            damaged.on("/tables/tracks?", Answer(200, changed))
            with pytest.raises(WarehouseError) as reported, opened.repairing.publication(rewritten, repair.repair_id):
                pass

    assert str(reported.value) == (
        "posthog.tracks was changed while it was rewritten. Nothing was published. See that nothing else writes to "
        "it, then run again."
    )
    damaged.end()
    assert seen(damaged)[0] == before


def test_a_dedup_publishes_only_with_the_write_lock(damaged: Outages) -> None:
    before = seen(damaged)[0]

    damaged.on("tracks_acquire_write_lock_", ABORTED)
    with pytest.raises(WarehouseError) as reported:
        run(damaged)

    assert str(reported.value).startswith("BigQuery in tracks-tests failed at the statement acquire_write_lock (")
    assert "Another job changed the same table meanwhile" in str(reported.value)
    damaged.end()
    assert seen(damaged)[0] == before
    check_dedup_works(damaged, before.rows)


@pytest.mark.parametrize("words", [pytest.param("SNAPSHOT", marks=pytest.mark.nightly), "tracks_publish_"])
def test_the_lost_answer_of_a_copy_job_is_no_failure(damaged: Outages, words: str) -> None:
    """The client asks again, and hears that the job exists: its id finds it."""
    rows, once = seen(damaged)[0].rows, iter([True])

    def fault(request: Request) -> Fate:
        is_start = request.method == "POST" and request.path.split("?")[0].endswith("/jobs")
        return "cut after" if is_start and words.encode() in request.body and next(once, False) else None

    damaged.proxy.fault = fault
    run(damaged)

    assert next(once, None) is None, "the answer was lost"
    assert seen(damaged)[0].rows == rows // 2


def test_a_copy_job_that_fails_publishes_nothing(damaged: Outages) -> None:
    before = seen(damaged)[0]

    damaged.on("tracks_publish_", ABORTED)
    with pytest.raises(WarehouseError) as reported:
        run(damaged)

    assert "Another job changed the same table meanwhile" in str(reported.value)
    damaged.end()
    assert seen(damaged)[0] == before
    check_dedup_works(damaged, before.rows)
