"""What jobs are labelled with, and what their bill says in the metadata."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import MagicMock

import dagster as dg
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tracks_assets.core.feed import Feed
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.core.tables import Table
from tracks_assets.defs.shared.billing import job_labels, label, usage_metadata
from tracks_assets.defs.shared.feed_assets import load_hours
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.bigquery.jobs import usage_of
from tracks_assets.warehouse.bigquery.staging import upload_retries
from tracks_assets.warehouse.results import HourCost, HourLoad, Usage

HOUR = datetime(2026, 3, 12, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("raw_tracks", "raw_tracks"),
        ("2026-03-12-05:00", "2026-03-12-05-00"),
        ("Zürich 1", "z-rich-1"),
        ("x" * 70, "x" * 63),
    ],
)
def test_a_text_becomes_a_label(text: str, value: str) -> None:
    assert label(text) == value


def test_labels_of_a_step() -> None:
    assert job_labels("dedup_tracks", "ab-12") == {"asset": "dedup_tracks", "run": "ab-12"}
    hour = dg.TimeWindow(HOUR, HOUR.replace(hour=6))
    assert job_labels("tracks", "ab-12", hour)["partition"] == "2026-03-12-05-00"
    day = dg.TimeWindow(HOUR.replace(hour=0), HOUR.replace(day=13, hour=0))
    assert job_labels("tracks", "ab-12", day)["partition"] == "2026-03-12-00-00_2026-03-12-23-00"


def test_what_was_billed_is_metadata_where_it_is_billed() -> None:
    assert usage_metadata(None) == {}
    usage = Usage(jobs=1, bytes_billed=10_485_760, slot_ms=120) + Usage(jobs=2, inserted=3, updated=4, deleted=5)
    assert usage_metadata(usage) == {
        "jobs": 3,
        "bytes_billed": 10_485_760,
        "slot_ms": 120,
        "dml_rows_inserted": 3,
        "dml_rows_updated": 4,
        "dml_rows_deleted": 5,
    }


def job(statement_type: str, **reported: object) -> bigquery.QueryJob:
    """A job that is done, as BigQuery's API describes it; the emulator knows neither bytes nor what DML changed."""
    nobody = bigquery.Client("p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    resource = {
        "jobReference": {"projectId": "p", "jobId": "j"},
        "configuration": {"query": {"query": "select 1"}},
        "statistics": {"query": {"statementType": statement_type, **reported}},
    }
    return bigquery.QueryJob.from_api_repr(resource, nobody)


INSERT = job("INSERT", dmlStats={"insertedRowCount": "3"})
UPDATE = job("UPDATE", dmlStats={"updatedRowCount": "4"})
DELETE = job("DELETE", dmlStats={"deletedRowCount": "5"})


def test_what_bigquery_says_of_a_job_is_its_usage() -> None:
    billed = {"totalBytesBilled": "10485760", "totalSlotMs": "120"}
    select, script = job("SELECT", **billed), job("SCRIPT", **billed)

    assert usage_of(select, [select]) == Usage(1, 10_485_760, 120)
    assert usage_of(script, [DELETE, INSERT, UPDATE]) == Usage(1, 10_485_760, 120, inserted=3, updated=4, deleted=5)


def test_an_hour_is_billed_what_was_used_since_the_one_before() -> None:
    before, after = Usage(2, 100, 10, inserted=5), Usage(5, 400, 25, inserted=12, updated=1)

    assert after.since(before) == Usage(3, 300, 15, inserted=7, updated=1)
    assert after.since(Usage(2, 100, 10, inserted=None)) == Usage(3, 300, 15, inserted=None, updated=1)
    assert usage_metadata(after, since=before)["bytes_billed"] == 300
    assert usage_metadata(after)["bytes_billed"] == 400
    assert usage_metadata(None, since=None) == {}


class OneJobAnHour:
    """A warehouse that bills 100 bytes for each hour."""

    def __init__(self) -> None:
        self.usage = Usage()

        self.costs: list[HourCost] = []

    def load_slice(
        self, feed: Feed, inventory: HourInventory, _stamp: datetime, *, allow_emptying: bool, run_id: str
    ) -> HourLoad:
        assert (feed, allow_emptying) == (EVENTS, False)
        assert run_id == "run"
        self.usage += Usage(jobs=1, bytes_billed=100)
        return HourLoad(inventory.hour)

    def record_costs(self, log: Table, run_id: str, costs: list[HourCost]) -> None:
        assert (log, run_id) == (LOAD_LOG, "run")
        self.costs += costs


def test_every_hour_of_a_range_has_its_own_bill(tmp_path: Path) -> None:
    (tmp_path / "export" / "events").mkdir(parents=True)
    context = MagicMock()
    context.partition_time_window = dg.TimeWindow(HOUR, HOUR + timedelta(hours=2))
    context.partition_key_range = dg.PartitionKeyRange("2026-03-12-05:00", "2026-03-12-06:00")
    context.run.run_id, warehouse = "run", OneJobAnHour()
    load_hours(context, Export(str(tmp_path / "export")), warehouse, allow_emptying=False)  # type: ignore[arg-type]
    reported = context.add_asset_metadata.call_args_list
    assert [(call.kwargs["partition_key"], call.args[0]["bytes_billed"]) for call in reported] == [
        ("2026-03-12-05:00", 100),
        ("2026-03-12-06:00", 100),
    ]
    assert [(cost.hour, cost.bytes_billed) for cost in warehouse.costs] == [
        (HOUR, 100),
        (HOUR + timedelta(hours=1), 100),
    ]


@pytest.mark.parametrize("statements", [[job("SCRIPT")], [INSERT, job("UPDATE")]], ids=["none", "one of two"])
def test_what_is_not_reported_is_not_taken_for_nothing(statements: list[bigquery.QueryJob]) -> None:
    usage = usage_of(job("SCRIPT"), statements)

    assert (usage.inserted, usage.updated, usage.deleted) == (None, None, None)
    assert usage_metadata(usage + Usage(jobs=1, inserted=3)) == {"jobs": 2, "bytes_billed": 0, "slot_ms": 0}


@pytest.mark.parametrize(("seconds", "retries"), [(1, 1), (2, 1), (3, 2), (120, 6), (3600, 11)])
def test_an_upload_is_repeated_no_longer_than_asked(seconds: int, retries: int) -> None:
    """The waits are 1, 2, 4 .. seconds, and so add up to a second less than the next one."""
    assert upload_retries(seconds) == retries
    assert 2**retries - 1 <= seconds
