"""An export in a bucket is read as one on disk is, and what goes wrong there is said in one sentence."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.emulators.proxy import Answer, Fate, Request
from tests.storage.conftest import Bucket
from tracks_assets.demo.generate import write_hour, write_hours
from tracks_assets.demo.plan import ExportPlan
from tracks_assets.export.errors import ExportError
from tracks_assets.export.fetch import fetched
from tracks_assets.export.inventory import Export, HourInventory
from tracks_assets.export.layout import HOUR
from tracks_assets.warehouse.duckdb import DuckDbWarehouse
from tracks_assets.warehouse.tables import RAW_TRACKS, REJECTED_TRACKS

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 12, 3, tzinfo=UTC)
PLAN = ExportPlan(events_per_hour=300, people=20, malformed_share=0.02)
STORM = Answer(503, b'{"error": {"code": 503, "message": "We encountered an internal error. Please try again."}}')
DENIED = Answer(403, b'{"error": {"code": 403, "message": "tests@x does not have storage.objects.get access"}}')


@pytest.fixture
def written(bucket: Bucket, tmp_path: Path) -> Path:
    """Two hours on disk, and the same in the bucket."""
    list(write_hours(tmp_path / "export", FIRST, 2, PLAN))
    bucket.put(tmp_path / "export")
    return tmp_path / "export"


def said(inventory: HourInventory) -> str:
    """The sentence with which fetching ends."""
    with pytest.raises(ExportError) as told, fetched(inventory):
        raise AssertionError("it was fetched")
    return str(told.value)


def rows_of(warehouse: DuckDbWarehouse) -> list[list[tuple[object, ...]]]:
    return [
        sorted(warehouse.connection.execute(f"select * from {table}").fetchall(), key=str)
        for table in (RAW_TRACKS, REJECTED_TRACKS)
    ]


def test_an_hour_from_a_bucket_is_the_hour_on_disk(bucket: Bucket, written: Path, tmp_path: Path) -> None:
    held = []
    for name, uri in (("disk", str(written)), ("bucket", bucket.uri)):
        inventory = Export(uri).inventory(FIRST)
        with DuckDbWarehouse(tmp_path / f"{name}.duckdb").opened() as warehouse:
            load = warehouse.replace_hour(inventory, STAMP)
            held.append((load, rows_of(warehouse)))
        assert inventory.manifest
        assert len(inventory.files) == PLAN.files_per_hour
    assert held[0] == held[1]
    assert held[0][0].rejected > 0


def test_a_folder_that_is_not_there_is_an_empty_hour(bucket: Bucket, written: Path) -> None:
    assert Export(bucket.uri).inventory(FIRST + 9 * HOUR).files == ()


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(ExportError) as told:
        Export("gs://bucket-of-nobody/posthog").inventory(FIRST)
    assert str(told.value) == (
        "The export root gs://bucket-of-nobody/posthog does not exist: set TRACKS_EXPORT_URI to the folder or bucket "
        "prefix that holds the export's 'events' folder."
    )


def test_an_hour_that_got_more_files_is_listed_afresh(bucket: Bucket, written: Path, tmp_path: Path) -> None:
    assert Export(bucket.uri).inventory(FIRST + 2 * HOUR).files == ()
    write_hour(tmp_path / "later", FIRST + 2 * HOUR, PLAN)
    bucket.put(tmp_path / "later")
    assert len(Export(bucket.uri).inventory(FIRST + 2 * HOUR).files) == PLAN.files_per_hour


def test_a_torn_file_is_named(bucket: Bucket, written: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    file = inventory.files[1]
    blob = bucket.handle.blob(file.path.removeprefix(f"{bucket.name}/"))
    blob.upload_from_string(blob.download_as_bytes()[:-100])

    assert said(inventory) == (
        f"The file {file.name} has changed since it was listed ({file.size:,} bytes then, {file.size - 100:,} now): "
        "run the hour again."
    )
    with pytest.raises(ExportError, match="cannot be read as Parquet"):
        Export(bucket.uri).inventory(FIRST)


def test_a_file_that_is_gone_since_it_was_listed(bucket: Bucket, written: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    file = inventory.files[0]
    bucket.handle.blob(file.path.removeprefix(f"{bucket.name}/")).delete()

    assert said(inventory) == (
        f"The file {file.name} is gone since it was listed: run the hour again, and if it stays away, let PostHog "
        "export the hour again."
    )


def test_a_storm_that_ends_is_survived(bucket: Bucket, written: Path) -> None:
    refusals = iter(range(8))

    def fault(_: Request) -> Fate:
        number = next(refusals, None)
        return None if number is None else STORM if number % 2 else "cut"

    bucket.proxy.fault = fault
    with fetched(Export(bucket.uri).inventory(FIRST)) as local:
        assert local.rows == Export(str(written)).inventory(FIRST).rows
        assert all(Path(file.path).exists() for file in local.files)
    assert next(refusals, None) is None


def test_a_storm_without_an_end_leaves_the_hour(bucket: Bucket, written: Path, tmp_path: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    with DuckDbWarehouse(tmp_path / "warehouse.duckdb").opened() as warehouse:
        warehouse.replace_hour(inventory, STAMP)
        before = rows_of(warehouse)
        bucket.proxy.fault = lambda _: STORM
        with pytest.raises(ExportError) as told:
            warehouse.replace_hour(inventory, STAMP)
        assert rows_of(warehouse) == before
        bucket.proxy.fault = lambda _: None
        warehouse.replace_hour(inventory, STAMP)
        assert rows_of(warehouse) == before

    assert str(told.value) == (
        f"Cloud Storage failed at gs://{inventory.files[0].path} (We encountered an internal error. Please try again., "
        "503): it was tried again and again; look at Cloud Storage's status, then run the hour again."
    )


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_told_at_once(bucket: Bucket, written: Path, status: int) -> None:
    asked = iter(range(100))
    message = "tests@x does not have storage.objects.list access"

    def fault(_: Request) -> Fate:
        next(asked)
        return Answer(status, json.dumps({"error": {"code": status, "message": message}}).encode())

    bucket.proxy.fault = fault
    with pytest.raises(ExportError) as told:
        Export(bucket.uri).inventory(FIRST)

    assert str(told.value).startswith(f"Cloud Storage failed at {bucket.uri} ({message}")
    assert str(told.value).endswith(
        "): give the account roles/storage.objectViewer on the bucket, then run the hour again."
    )
    assert next(asked) <= 3
