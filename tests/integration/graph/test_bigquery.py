"""The real graph on BigQuery and Cloud Storage by the command line: hours, legacy rows, checks, and every job."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from google.cloud import bigquery, storage

from examples.export_generator.generate import HourWritten, write_hours
from examples.export_generator.plan import ExportPlan
from tests import ROOT
from tests.integration.graph.conftest import Home
from tests.integration.legacy.sites import FIRST, Site, table
from tests.outages.test_load import ABORTED
from tests.repairs.restore_times.moved_rows import uuid7
from tests.support.emulators.proxy import proxy_to
from tests.support.emulators.servers import PROJECT, GoogleCloud
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.tables import TABLES

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
    """A home whose warehouse is BigQuery, with datasets of its own, and whose logs go where its export lies."""
    home = new_home(
        TRACKS_ENGINE="bigquery",
        TRACKS_BQ_PROJECT=PROJECT,
        TRACKS_BQ_DATASET_PREFIX=f"t{uuid4().hex[:8]}_",
        TRACKS_BQ_RETRY_SECONDS="10",
        TRACKS_BQ_MAXIMUM_BYTES_BILLED="1000000000",
        TRACKS_EXPORT_URI=bucket[0],
    )
    ensure_manifest(home.settings, DBT_PROJECT)
    with (home.path / "dagster" / "dagster.yaml").open("a", encoding="utf-8") as settings:
        settings.write(log_settings(bucket[0]))
    return home


def log_settings(export: str) -> str:
    """What docs/operate/bigquery.md adds to Dagster's settings, with another bucket."""
    (settings,) = re.findall(
        r"```yaml\n(compute_logs:.*?)```", (ROOT / "docs" / "operate" / "bigquery.md").read_text(), re.DOTALL
    )
    return str(settings).replace("my-dagster-logs", export.removeprefix("gs://").partition("/")[0])


@pytest.mark.thorough
def test_hours_come_from_the_bucket_into_tracks(cloud_home: Home, bucket: tuple[str, list[HourWritten]]) -> None:
    home, written = cloud_home, bucket[1]

    for hour in HOURS:
        run = home.materialize("--partition", hour)
        assert run.returncode == 0, run.stdout + run.stderr
        assert "leaked" not in run.stderr, "DuckDB reports at the end what it could not let go"

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
    assert set(home.evaluated("__ASSET_JOB")) == {
        "upload_complete",
        "rows_accounted_for",
        "raw_tracks_fresh",
        "rejected_share",
        "no_fewer_rows",
        "unique_event_id",
        "no_collisions",
        "cutover_share",
    }

    logs = logs_in(bucket[0])
    assert any("1 of 1 OK created sql event_merge model" in text for text in logs), "dbt's output is in the bucket"

    checks = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", "tracks_checks")
    assert checks.returncode == 0, checks.stdout + checks.stderr
    evaluated = home.evaluated("tracks_checks")
    assert len(evaluated) == 6
    assert all(each.passed for each in evaluated.values())


def logs_in(export: str) -> list[str]:
    """The logs of all runs' steps."""
    client = storage.Client()
    texts = [
        blob.download_as_text()
        for blob in client.list_blobs(export.removeprefix("gs://").partition("/")[0], prefix="tracks/")
    ]
    client.close()
    return texts


@pytest.mark.nightly
def test_a_merge_that_bigquery_refuses_is_reported_in_one_sentence(cloud_home: Home, cloud: GoogleCloud) -> None:
    assert cloud_home.materialize("--partition", HOURS[0]).returncode == 0
    before = count(cloud_home, "tracks")

    with proxy_to(cloud.bigquery.port) as proxy:
        proxy.fault = lambda request: ABORTED if b"declare content_days" in request.body else None
        behind = replace(cloud_home, variables={**cloud_home.variables, "BIGQUERY_EMULATOR_HOST": proxy.address})
        run = behind.materialize("--partition", HOURS[1])

    assert run.returncode == 1
    assert (
        f"TransientWarehouseError: The merge of the hour {HOURS[1]} into posthog.tracks failed (Transaction is aborted "
        "due to concurrent update against table tracks-tests:posthog.raw_tracks. Transaction ID: 1). A merge is "
        "applied in full or not at all, so running it again is safe. Another job changed the same table meanwhile, "
        "so nothing was changed: wait for it to finish, or end the session that a killed run left open "
        "(docs/runbooks.md says how), then run again."
    ) in run.stdout + run.stderr
    assert count(cloud_home, "tracks") == before
    assert cloud_home.materialize("--partition", HOURS[1]).returncode == 0
    assert count(cloud_home, "tracks") == ids(cloud_home, "raw_tracks")


@pytest.mark.thorough
def test_legacy_rows_and_every_job(cloud_home: Home, bucket: tuple[str, list[HourWritten]]) -> None:
    """The old pipeline's rows come in by the id; duplicates and moved events are repaired, and the repairs undone."""
    home = put_legacy(cloud_home, bucket[0])
    run = home.dagster(
        "asset",
        "materialize",
        "-m",
        "tracks_assets.definitions",
        "--partition",
        f"{FIRST:%Y-%m-%d-%H:%M}",
        "--select",
        'key:"posthog/backfill_tracks" or key:"posthog/tracks_legacy"',
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert (count(home, "backfill_tracks"), count(home, "tracks")) == (3, 2)
    merged = home.metadata("tracks_legacy", f"{FIRST:%Y-%m-%d-%H:%M}")
    assert (merged["rows_inserted"], isinstance(merged["bytes_billed"], int)) == (2, True)

    asked(
        home,
        f"insert into {site(home, 'tracks')} select * replace (timestamp_add(created_at, interval 9 day) as "
        f"created_at) from {site(home, 'tracks')} where event_id = '{MINTED}'",
    )
    execute(home, "dedup_tracks", dry_run="false")
    assert (count(home, "tracks"), count(home, "archived_duplicates"), count(home, "duplicate_census")) == (2, 1, 1)
    text = execute(home, "rollback_dedup", dry_run="false")
    assert "0.0 MB billed and 0.0 slot seconds for rollback_dedup" in text, "the emulator bills nothing"
    assert (count(home, "tracks"), ids(home, "tracks"), count(home, "archived_duplicates")) == (3, 2, 0)

    # After a repair that left a record, the trace reads tracks as of before it, which the emulator refuses at times.
    assert "One event, held by the old pipeline, is stored twice" in execute(
        home, "trace_event", op="trace", event_id=MINTED
    )

    execute(home, "restore_created_at", dry_run="false")
    restored = f"select count(*) as answer from {site(home, 'tracks')} where event_id = '{MINTED}' and created_at = "
    assert asked(home, f"{restored}timestamp '{FIRST.isoformat()}'") == 2
    execute(home, "rollback_restore_created_at", dry_run="false")
    assert asked(home, f"{restored}timestamp '{FIRST.isoformat()}'") == 1

    event = f"(event_id, created_at, user_id, person_id) values ('e', timestamp '{FIRST.isoformat()}', 'ann', 'old')"
    asked(home, f"insert into {site(home, 'tracks')} {event}")
    mapping = "(team_id, distinct_id, person_id) values (1, 'ann', 'p ann')"
    asked(home, f"insert into {site(home, 'person_distinct_ids')} {mapping}")
    execute(home, "squash_person_overrides", dry_run="false")
    squashed = f"select countif(person_id = 'p ann') as answer from {site(home, 'tracks')}"
    assert (asked(home, squashed), count(home, "archived_person_ids")) == (1, 1)
    execute(home, "rollback_squash_person_overrides", dry_run="false")
    assert (asked(home, squashed), count(home, "archived_person_ids")) == (0, 0)


MINTED = uuid7(FIRST, 1)


def put_legacy(home: Home, export: str) -> Home:
    """Puts a file of the old pipeline into the export's bucket; the home with its root."""
    rows = [{"event_id": MINTED, "created_at": FIRST, "bq_ingested_timestamp": FIRST}]
    rows += [{"event_id": "twice", "created_at": FIRST, "bq_ingested_timestamp": FIRST}] * 2
    file = Site(home.path).write(table(*rows))
    bucket = export.removeprefix("gs://").partition("/")[0]
    client = storage.Client()
    client.bucket(bucket).blob(f"old/{file.relative_to(Site(home.path).root)}").upload_from_filename(str(file))
    client.close()
    return replace(home, variables={**home.variables, "TRACKS_LEGACY_URI": f"gs://{bucket}/old"})


def execute(home: Home, job: str, op: str = "preflight", **config: str) -> str:
    """Runs a job to its end; its output."""
    values = ", ".join(f"{name}: {value}" for name, value in config.items())
    file = home.path / f"{job}.yaml"
    file.write_text(f"{{ops: {{{op}: {{config: {{{values}}}}}}}}}", encoding="utf-8")
    run = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", job, "-c", str(file))
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


def count(home: Home, table: str) -> int:
    """Rows of a table."""
    return asked(home, f"select count(*) as answer from {site(home, table)}")


def ids(home: Home, table: str, condition: str = "true") -> int:
    """Different ids of a table."""
    return asked(home, f"select count(distinct event_id) as answer from {site(home, table)} where {condition}")


def site(home: Home, table: str) -> str:
    schema = next(each.schema for each in TABLES if each.name == table)
    return f"`{PROJECT}.{home.settings.bq_dataset_prefix}{schema}.{table}`"


def asked(home: Home, query: str) -> int:
    """The answer of a query of one number; 0 of a statement that changes something."""
    client = bigquery.Client(PROJECT)
    rows = list(client.query(query).result())
    client.close()  # type: ignore[no-untyped-call]
    return int(rows[0]["answer"]) if rows else 0
