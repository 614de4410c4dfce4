"""Which checks run when: those of the batch with every hour, those of the full table with the census."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.graph.conftest import Home
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.anomalies import DAILY_METRICS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.quality.checks import batch_checks
from tracks_assets.defs.shared.resources import resources
from tracks_assets.quality import census
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.statements import Statements

START = datetime(2026, 3, 12, tzinfo=UTC)
CUTOVER = START - timedelta(days=1)
"""Not the default, to see that dbt's test follows it."""

PLAN = ExportPlan(events_per_hour=500, files_per_hour=2, malformed_share=0.005, people=100)

REFUSED = "separate the events of 1 duplicated event id used for several events, which dedup_tracks refuses"

CENSUS_CHECKS = {
    "created_at_kept",
    "created_at_not_null",
    "event_id_not_null",
    "flat_duplicate_count",
    "no_collisions_all",
    "unique_event_id_all",
}


def passed(run: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in run.get_asset_check_evaluations()}


def part(evaluation: dg.AssetCheckEvaluation, name: str) -> str:
    """A part of the message of an evaluation."""
    return str(evaluation.metadata[name].value)


def evaluations(run: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {each.check_name: each for each in run.get_asset_check_evaluations()}


def test_an_hour_runs_the_checks_of_the_batch_and_the_census_the_rest(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_CUTOVER=f"{CUTOVER:%Y-%m-%d}")
    list(write_hours(home.path / "export", START, 2, PLAN))

    hourly = home.run_hours("2026-03-12-00:00", "2026-03-12-01:00")
    assert passed(hourly) == {
        "upload_complete": True,
        "raw_tracks_fresh": True,
        "unique_event_id": True,
        "no_collisions": True,
        "cutover_share": True,
        "rejected_share": False,
        "no_fewer_rows": True,
        "rows_accounted_for": True,
    }
    found = evaluations(hourly)
    assert found["rejected_share"].severity == dg.AssetCheckSeverity.WARN
    assert "more than 0.1 %" in part(found["rejected_share"], "comparison")
    assert {name: each.asset_key.path[-1] for name, each in found.items()} == {
        "upload_complete": "events_parquet",
        "raw_tracks_fresh": "raw_tracks",
        "unique_event_id": "tracks",
        "no_collisions": "tracks",
        "cutover_share": "tracks",
        "rejected_share": "raw_tracks",
        "no_fewer_rows": "raw_tracks",
        "rows_accounted_for": "raw_tracks",
    }

    green = home.run_job("tracks_checks")
    assert green.success
    assert passed(green) == dict.fromkeys(CENSUS_CHECKS, True)
    assert {each.asset_key for each in green.get_asset_check_evaluations()} == {CENSUS_KEY}

    damage(home)
    check_damage(home.run_job("tracks_checks"))

    again = evaluations(home.run_hours("2026-03-12-00:00"))["unique_event_id"]
    assert (again.passed, again.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "has 4 excess rows" in part(again, "comparison")
    assert REFUSED in part(again, "next_step")
    assert still_red(home) == CENSUS_CHECKS, "an hour that is merged later hides no red check"


def check_damage(run: dg.ExecuteInProcessResult) -> None:
    assert run.success, "a red check fails no run"
    red = evaluations(run)
    assert passed(run) == dict.fromkeys(CENSUS_CHECKS, False)
    unique = red["unique_event_id_all"]
    assert unique.metadata["repeated_ids"].value == 3, "not those before the cutover"
    assert len(str(unique.metadata["example_ids"].value).split()) == 3
    assert part(red["created_at_not_null"], "finding") == "1 row of posthog.tracks is without created_at."
    for name in ("unique_event_id_all", "flat_duplicate_count"):
        assert REFUSED in part(red[name], "next_step")


def still_red(home: Home) -> set[str]:
    """The failed checks that the census's page shows: those of its latest materialization."""
    keys = [dg.AssetCheckKey(CENSUS_KEY, name) for name in CENSUS_CHECKS]
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        shown = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        latest = instance.get_latest_materialization_event(CENSUS_KEY)
    assert latest is not None
    failed = {key.name for key, each in shown.items() if each.status.value == "FAILED"}
    assert {each.run_id for each in shown.values()} == {latest.run_id}
    return failed


@pytest.mark.parametrize(("hours_ago", "is_seen"), [(2, True), (23, True), (26, False)])
def test_the_checks_of_a_batch_alone_look_at_the_last_day(home: Home, hours_ago: int, is_seen: bool) -> None:
    """The UI executes checks by themselves, too, and then its run has no hours."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with home.warehouse().opened() as warehouse:
        for table, hour in (("raw_tracks", ", window_start"), ("tracks", ""), ("tracks", "")):
            values = f"'pair', $1{', $1' if hour else ''}"
            warehouse.connection.execute(
                f"insert into posthog.{table} (event_id, created_at{hour}) values ({values})", [now - hours_ago * HOUR]
            )
    alone = dg.define_asset_job(
        "alone", selection=dg.AssetSelection.checks(dg.AssetCheckKey(TRACKS_KEY, "unique_event_id"))
    )
    definitions = dg.Definitions(
        asset_checks=[batch_checks(home.settings)], jobs=[alone], resources=resources(home.settings, DBT_PROJECT)
    )
    (found,) = definitions.resolve_job_def("alone").execute_in_process().get_asset_check_evaluations()
    assert (found.passed, found.metadata["repeated_ids"].value) == (not is_seen, int(is_seen))


def damage(home: Home) -> None:
    """Damage that no merge here does: pairs, one of them of two events, rows without id or time, a moved event."""
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


def test_a_check_that_cannot_be_computed_fails_its_run_and_hides_no_other(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement that counts fails, and dbt's tests do not."""
    text = Statements.text

    def broken(self: Statements, statement: str, /, **variables: Any) -> str:
        return "select error('broken')" if statement == "census" else text(self, statement, **variables)

    monkeypatch.setattr(Statements, "text", broken)

    no_count = home.run_job("tracks_checks")

    assert not no_count.success
    assert passed(no_count) == {"unique_event_id_all": True, "event_id_not_null": True, "created_at_not_null": True}
    assert materialized(no_count) == {DAILY_METRICS_KEY}
    assert "The check created_at_kept could not be computed: " in failure(no_count)
    assert "failed at the statement census" in failure(no_count)


def test_tests_that_dbt_cannot_run_hide_no_other_check(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracks_assets.defs.shared.resources.dbt_executable", lambda: "false")

    no_dbt = home.run_job("tracks_checks")

    assert not no_dbt.success
    assert passed(no_dbt) == {"flat_duplicate_count": True, "no_collisions_all": True, "created_at_kept": True}
    assert materialized(no_dbt) == {CENSUS_KEY, DAILY_METRICS_KEY}
    assert "The check unique_event_id_all could not be computed: dbt did not finish its test" in failure(no_dbt)


def materialized(run: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    return {event.asset_key for event in run.get_asset_materialization_events() if event.asset_key}


def failure(run: dg.ExecuteInProcessResult) -> str:
    """The message of the error that failed the census."""
    data = run.failure_data_for_node("posthog__duplicate_census")
    assert data is not None
    assert data.error is not None
    assert data.error.cause is not None
    return data.error.cause.message


@pytest.mark.thorough
def test_checks_are_compared_with_the_census_before(home: Home) -> None:
    """A count does not compare with itself: growth since the last census is red, and then recorded."""
    assert home.run_job("tracks_checks").success
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at) values ($1, $2)",
            ["0195a3b2-0000-7000-8000-000000000000", START + 30 * 24 * HOUR],
        )
    moved = evaluations(home.run_job("tracks_checks"))["created_at_kept"]
    assert (moved.passed, moved.metadata["moved_rows_before"].value) == (False, 0)
    with home.warehouse().opened() as warehouse:
        recorded = census.newest(warehouse)
    assert recorded is not None
    assert recorded.moved_rows == 1


def test_a_census_is_a_row_and_numbers_that_plot(home: Home) -> None:
    with home.warehouse().opened() as warehouse:
        for stamp in (START, START + HOUR):
            warehouse.connection.execute(
                "insert into posthog.tracks (event_id, created_at, bq_ingested_timestamp) values ('pair', $1, $2)",
                [START, stamp],
            )

    events = home.run_job("tracks_checks").get_asset_materialization_events()
    (event,) = (each for each in events if each.asset_key == CENSUS_KEY)

    with home.warehouse().opened() as warehouse:
        recorded = census.newest(warehouse)
    assert recorded is not None
    assert (recorded.rows, recorded.excess_rows) == (2, 1)
    metadata = {name: entry.value for name, entry in event.materialization.metadata.items()}
    counts = {name: value for name, value in asdict(recorded).items() if isinstance(value, int)}
    assert len(counts) == 7
    assert {name: metadata[name] for name in counts} == counts
    assert str(metadata["duplicates_by_ingestion_month"]).splitlines() == [
        "| ingestion_month | duplicate_rows | excess_rows |",
        "| --- | --- | --- |",
        "| 2026-03-01 | 2 | 1 |",
    ]
