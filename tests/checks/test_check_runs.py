"""Which checks run when, through the real command line: few with every hour, the table-wide ones in their own job."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from tests.graph.conftest import Home
from tracks_assets.defs.checks import batch_check
from tracks_assets.defs.resources import resources
from tracks_assets.defs.tracks import TRACKS_KEY
from tracks_assets.demo.generate import ExportPlan, write_hours
from tracks_assets.export.layout import HOUR
from tracks_assets.integrity import census
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

START = datetime(2026, 3, 12, tzinfo=UTC)
CUTOVER = START - timedelta(days=1)
"""Not the default, to see that dbt's test follows it."""

PLAN = ExportPlan(events_per_hour=500, files_per_hour=2, malformed_share=0.005)


def passed(checks: dict[str, dg.AssetCheckEvaluation]) -> dict[str, bool]:
    return {name: each.passed for name, each in sorted(checks.items())}


def test_an_hour_runs_its_own_checks_and_tracks_checks_runs_the_rest(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_CUTOVER=f"{CUTOVER:%Y-%m-%d}")
    list(write_hours(home.path / "export", START, 2, PLAN))

    merged = home.materialize("--partition-range", "2026-03-12-00:00...2026-03-12-01:00")
    assert merged.returncode == 0, merged.stdout + merged.stderr
    hourly = home.evaluated("__ASSET_JOB")
    assert passed(hourly) == {"batch_is_unique": True, "rejected_share": False, "rows_accounted_for": True}
    assert hourly["rejected_share"].severity == dg.AssetCheckSeverity.WARN
    assert "more than 0.1 %" in str(hourly["rejected_share"].description)
    assert {each.asset_key.path[-1] for each in hourly.values()} == {"raw_tracks", "tracks"}

    checked = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", "tracks_checks")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert passed(home.evaluated("tracks_checks")) == {
        "created_at_kept": True,
        "created_at_not_null": True,
        "event_id_not_null": True,
        "flat_duplicate_count": True,
        "no_collisions": True,
        "unique_event_id": True,
    }

    damage(home)
    ran = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", "tracks_checks")
    assert ran.returncode == 0, "a red check fails no run"
    red = home.evaluated("tracks_checks")
    assert passed(red) == {
        "created_at_kept": False,
        "created_at_not_null": False,
        "event_id_not_null": False,
        "flat_duplicate_count": False,
        "no_collisions": False,
        "unique_event_id": False,
    }
    assert "3 event ids stand more than once" in str(red["unique_event_id"].description), "not those before the cutover"
    assert len(str(red["unique_event_id"].metadata["example_ids"].value).split()) == 3
    assert "1 row of posthog.tracks has no created_at" in str(red["created_at_not_null"].description)

    home.materialize("--partition", "2026-03-12-00:00")
    batch = home.evaluated("__ASSET_JOB")["batch_is_unique"]
    assert (batch.passed, batch.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "found no excess rows, so this is new damage" in str(batch.description)


@pytest.mark.parametrize(("hours_ago", "is_seen"), [(2, True), (23, True), (26, False)])
def test_the_check_of_a_batch_alone_looks_at_the_last_day(home: Home, hours_ago: int, is_seen: bool) -> None:
    """The UI executes checks by themselves, too, and then its run has no hours."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with home.warehouse().opened() as warehouse:
        for table, hour in (("raw_tracks", ", window_start"), ("tracks", ""), ("tracks", "")):
            values = f"'pair', $1{', $1' if hour else ''}"
            warehouse.connection.execute(
                f"insert into posthog.{table} (event_id, created_at{hour}) values ({values})", [now - hours_ago * HOUR]
            )
    alone = dg.define_asset_job(
        "alone", selection=dg.AssetSelection.checks(dg.AssetCheckKey(TRACKS_KEY, "batch_is_unique"))
    )
    definitions = dg.Definitions(
        asset_checks=[batch_check(home.settings)], jobs=[alone], resources=resources(home.settings, DBT_PROJECT)
    )
    (found,) = definitions.resolve_job_def("alone").execute_in_process().get_asset_check_evaluations()
    assert (found.passed, found.metadata["repeated_ids"].value) == (not is_seen, int(is_seen))


def damage(home: Home) -> None:
    """What no merge of this project does: pairs, one of them of two events, rows without id or time, a moved event."""
    now = datetime.now(UTC)
    with home.warehouse().opened() as warehouse:
        census.append(warehouse, census.count(warehouse, now - timedelta(days=8)))
        for statement in (
            "insert into posthog.tracks from posthog.tracks order by event_id limit 3",
            "update posthog.tracks set user_id = 'another' where rowid = (select max(rowid) from posthog.tracks)",
            "insert into posthog.tracks (event_id, created_at) values (null, now())",
            "insert into posthog.tracks (event_id) values ('no time')",
        ):
            warehouse.connection.execute(statement)
        for _ in range(2):
            warehouse.connection.execute(
                "insert into posthog.tracks (event_id, created_at) values ('old pair', $1)", [CUTOVER - HOUR]
            )
        moved = "0195a3b2-0000-7000-8000-000000000000"
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at) values ($1, $2)", [moved, START + 30 * 24 * HOUR]
        )


def test_a_check_that_cannot_be_computed_fails_its_run_and_hides_no_other(home: Home) -> None:
    """dbt finds a warehouse whose tracks has lost a column; the checks that need it not still give their verdict."""
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute("alter table posthog.tracks drop column bq_ingested_timestamp")

    ran = home.dagster("job", "execute", "-m", "tracks_assets.definitions", "-j", "tracks_checks")

    assert ran.returncode != 0
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name="tracks_checks"), limit=1)
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
        found = [record.event_log_entry.dagster_event for record in records]
    names = {event.asset_check_evaluation_data.check_name for event in found if event}
    assert names == {"unique_event_id", "event_id_not_null", "created_at_not_null"}
    assert "failed at the statement census" in ran.stdout + ran.stderr


def test_a_census_is_a_row_and_numbers_that_plot(home: Home) -> None:
    with home.warehouse().opened() as warehouse:
        for stamp in (START, START + HOUR):
            warehouse.connection.execute(
                "insert into posthog.tracks (event_id, created_at, bq_ingested_timestamp) values ('pair', $1, $2)",
                [START, stamp],
            )

    ran = home.dagster(
        "asset", "materialize", "-m", "tracks_assets.definitions", "--select", 'key:"posthog/duplicate_census"'
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert home.evaluated("__ASSET_JOB") == {}
    with home.warehouse().opened() as warehouse:
        recorded = census.newest(warehouse)
    assert recorded is not None
    assert (recorded.rows, recorded.excess_rows) == (2, 1)
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["posthog", "duplicate_census"]))
    assert event is not None
    assert event.asset_materialization is not None
    metadata = {name: entry.value for name, entry in event.asset_materialization.metadata.items()}
    counts = {name: value for name, value in asdict(recorded).items() if isinstance(value, int)}
    assert len(counts) == 7
    assert {name: metadata[name] for name in counts} == counts
    assert str(metadata["duplicates_by_ingestion_month"]).splitlines() == [
        "| ingestion_month | duplicate_rows | excess_rows |",
        "| --- | --- | --- |",
        "| 2026-03-01 | 2 | 1 |",
    ]
