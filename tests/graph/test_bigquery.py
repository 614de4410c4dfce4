"""The real graph on BigQuery and Cloud Storage by the command line: an hour, its checks, the daily ones, a dedup."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from google.cloud import bigquery, storage

from tests.emulators.servers import PROJECT, GoogleCloud
from tests.graph.conftest import Home
from tracks_assets.defs.dbt_manifest import ensure_manifest
from tracks_assets.demo.generate import HourWritten, write_hours
from tracks_assets.demo.plan import ExportPlan
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

PLAN = ExportPlan(events_per_hour=500, people=50, redelivery_share=0.02, repeat_share=0.01, malformed_share=0.004)
HOURS = ("2026-03-12-00:00", "2026-03-12-01:00")


@pytest.fixture
def bucket(cloud: GoogleCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[HourWritten]]:
    """Two export hours in a bucket of their own: its address below a prefix, and what was written."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    written = list(write_hours(tmp_path / "written", PLAN.export_start, len(HOURS), PLAN))
    name = f"exports-{uuid4().hex[:8]}"
    client = storage.Client()
    made = client.create_bucket(name)
    for file in sorted((tmp_path / "written").rglob("*")):
        if file.is_file():
            made.blob(f"posthog/{file.relative_to(tmp_path / 'written')}").upload_from_filename(str(file))
    client.close()
    return f"gs://{name}/posthog", written


@pytest.fixture
def cloud_home(new_home: Callable[..., Home], bucket: tuple[str, list[HourWritten]]) -> Home:
    """A home whose warehouse is BigQuery, with datasets of its own."""
    home = new_home(
        TRACKS_ENGINE="bigquery",
        TRACKS_BQ_PROJECT=PROJECT,
        TRACKS_BQ_DATASET_PREFIX=f"t{uuid4().hex[:8]}_",
        TRACKS_BQ_RETRY_SECONDS="10",
        TRACKS_BQ_MAXIMUM_BYTES_BILLED="1000000000",
        TRACKS_EXPORT_URI=bucket[0],
    )
    ensure_manifest(home.settings, DBT_PROJECT)
    return home


def test_hours_come_from_the_bucket_into_tracks(cloud_home: Home, bucket: tuple[str, list[HourWritten]]) -> None:
    home, written = cloud_home, bucket[1]

    for hour in HOURS:
        run = home.materialize("--partition", hour)
        assert run.returncode == 0, run.stdout + run.stderr

    rows = sum(hour.rows - hour.malformed for hour in written)
    rejected = sum(hour.malformed for hour in written)
    assert (count(home, "raw_tracks"), count(home, "rejected_tracks")) == (rows, rejected)
    assert count(home, "tracks") == ids(home, "tracks") == ids(home, "raw_tracks")

    loaded = home.metadata("raw_tracks", HOURS[1])
    assert (loaded["rows_read"], loaded["rows_rejected"]) == (written[1].rows, written[1].malformed)
    assert isinstance(loaded["bytes_billed"], int)
    assert isinstance(loaded["slot_ms"], int)
    merged = home.metadata("tracks", HOURS[1])
    assert merged["rows_inserted"] == ids(home, "tracks") - ids(
        home, "raw_tracks", f"window_start < '{HOURS[1][:10]} 01:00:00'"
    )
    assert set(home.evaluated("__ASSET_JOB")) == {"rows_accounted_for", "rejected_share", "batch_is_unique"}

    checks = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", "tracks_checks")
    assert checks.returncode == 0, checks.stdout + checks.stderr
    evaluated = home.evaluated("tracks_checks")
    assert len(evaluated) == 6
    assert all(each.passed for each in evaluated.values())


def count(home: Home, table: str) -> int:
    """Rows of a table."""
    return asked(home, f"select count(*) as answer from {place(home, table)}")


def ids(home: Home, table: str, condition: str = "true") -> int:
    """Different ids of a table."""
    return asked(home, f"select count(distinct event_id) as answer from {place(home, table)} where {condition}")


def place(home: Home, table: str) -> str:
    return f"`{PROJECT}.{home.settings.bq_dataset_prefix}posthog.{table}`"


def asked(home: Home, query: str) -> int:
    """The answer of a query of one number."""
    client = bigquery.Client(PROJECT)
    (row,) = client.query(query).result()
    client.close()  # type: ignore[no-untyped-call]
    return int(row["answer"])
