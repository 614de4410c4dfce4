"""The hourly path as an engineer types it: an hour, then a range, on a fresh home; and what Dagster then knows."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, HourWritten, write_hours
from tests.integration.graph.conftest import Home
from tests.support.cases import first_in_make_test
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.sources.posthog.feeds import RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.warehouse.tables import TRACKS

START = datetime(2026, 3, 12, tzinfo=UTC)
LEGACY = ("backfill_tracks", "tracks_legacy")
PARTITIONED = [(("raw_tracks",),), (LEGACY,), (("events_parquet",),), (("tracks",),)]
PLAN = ExportPlan(events_per_hour=1_000, files_per_hour=2, malformed_share=0.005)


@pytest.fixture
def installed(home: Home) -> Home:
    """A home in which commands are the installed ones, as an engineer types them."""
    return replace(home, is_installed=True)


def _export(home: Home, hours: int) -> list[HourWritten]:
    return list(write_hours(home.path / "export", START, hours, PLAN))


@pytest.mark.thorough
def test_an_hour_then_a_range(installed: Home) -> None:
    home = installed
    written = _export(home, 4)

    hour = home.run_dg("launch", "--assets", "group:hourly", "--partition", "2026-03-12-00:00")
    assert hour.returncode == 0, hour.stdout + hour.stderr
    ranged = home.materialize("--partition-range", "2026-03-12-00:00...2026-03-12-04:00")
    assert ranged.returncode == 0, ranged.stdout + ranged.stderr

    with home.warehouse().opened() as warehouse:
        totals = warehouse.total_tracks(home.settings.takes_from)
        raw_rows = warehouse.count_rows(RAW_TRACKS)
        rejected = warehouse.count_rows(REJECTED_TRACKS)
    assert raw_rows + rejected == sum(hour.rows for hour in written)
    assert rejected == sum(hour.malformed for hour in written) > 0
    assert totals.excess_rows == 0
    assert totals.moved == 0
    assert "2026-03-12-01:00 loaded (2 of 5 hours, 40%)" in ranged.stdout + ranged.stderr
    _check_metadata(home, written, totals.rows)


def _check_metadata(home: Home, written: list[HourWritten], rows_in_tracks: int) -> None:
    second = written[1]
    files = home.metadata("events_parquet", "2026-03-12-01:00")
    assert files["files"] == 2
    assert files["bytes"] == sum(path.stat().st_size for path in second.files)
    assert files["dagster/partition_row_count"] == second.rows
    assert files["unknown_fields"] == 0

    load = home.metadata("raw_tracks", "2026-03-12-01:00")
    assert load["rows_read"] == second.rows
    assert load["rows_rejected"] == second.malformed
    assert load["rows_accepted"] == second.rows - second.malformed
    assert isinstance(load["seconds"], float)

    merges = [home.metadata("tracks", f"2026-03-12-{hour:02}:00") for hour in range(5)]
    # The first hour was merged before: its events were there, and a new stamp is no new event.
    assert merges[0]["rows_inserted"] == 0
    assert sum(int(str(merge["rows_inserted"])) for merge in merges[1:]) > 0
    assert merges[4] == merges[4] | {"rows_inserted": 0, "rows_updated": 0, "rows_unchanged": 0}
    assert merges[0]["dagster/row_count"] == rows_in_tracks
    assert {"rows_inserted", "rows_updated", "rows_unchanged", "seconds"} <= merges[1].keys()
    schema = merges[1]["dagster/column_schema"]
    assert [(column.name, column.description) for column in schema.columns] == [  # type: ignore[attr-defined]
        (column.name, column.description) for column in TRACK_COLUMNS
    ]


@pytest.mark.nightly
def test_dg_takes_a_range_and_refuses_one_that_ends_before_it_starts(home: Home) -> None:
    _export(home, 2)
    launch = ("launch", "--assets", "group:hourly", "--partition-range")

    ranged = home.run_dg(*launch, "2026-03-12-00:00...2026-03-12-01:00")
    assert ranged.returncode == 0, ranged.stdout + ranged.stderr
    before = _rows(home)

    reversed_range = home.run_dg(*launch, "2026-03-12-01:00...2026-03-12-00:00")
    assert reversed_range.returncode == 1
    assert REVERSED in reversed_range.stdout + reversed_range.stderr
    assert _rows(home) == before


REVERSED = (
    "PartitionError: The partition range 2026-03-12-01:00...2026-03-12-00:00 ends before it starts. Name the earlier "
    "one first, 2026-03-12-00:00...2026-03-12-01:00."
)


def _rows(home: Home) -> tuple[int, int]:
    with home.warehouse().opened() as warehouse:
        return warehouse.count_rows(RAW_TRACKS), warehouse.count_rows(TRACKS)


def test_dagster_refuses_a_range_that_ends_before_it_starts(home: Home) -> None:
    _export(home, 2)
    refused = home.materialize("--partition-range", "2026-03-12-01:00...2026-03-12-00:00")
    assert refused.returncode == 1
    assert REVERSED in refused.stdout + refused.stderr
    assert not home.settings.duckdb_path.exists(), "nothing was opened"


@pytest.mark.parametrize("assets", first_in_make_test(PARTITIONED, 2), ids=str)
def test_no_asset_takes_a_range_that_ends_before_it_starts(home: Home, assets: tuple[str, ...]) -> None:
    first, last = ("2026-03-12-05:00", "2026-03-12-04:00") if assets != LEGACY else (FEBRUARY, "2026-02-01-00:00")
    refused = home.run_hours(first, last, assets)
    assert not refused.success
    assert refused.get_asset_materialization_events() == []
    assert refused.get_asset_check_evaluations() == []
    assert f"The partition range {first}...{last} ends before it starts" in _failure(refused)


FEBRUARY = "2026-02-01-02:00"


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        ("2026-03-12-05:30", "2026-03-12-05:30", "2026-03-12-05:30"),
        ("2026-03-12-05:00", "2026-03-12-06:30", "2026-03-12-06:30"),
    ],
)
def test_a_key_that_is_not_the_start_of_an_hour_is_refused(home: Home, first: str, last: str, named: str) -> None:
    """Dagster itself takes the next hour for it."""
    refused = home.run_hours(first, last, ("raw_tracks",))
    assert not refused.success
    assert _failure(refused) == (
        f"tracks_assets.defs.shared.partitions.PartitionError: The partition {named} is not the start of an hour. "
        f"Name a full hour, for instance {named.replace('30', '00')}.\n"
    )


def _failure(run: dg.ExecuteInProcessResult) -> str:
    """The message of the error that failed the first step."""
    failed = next(event for event in run.all_node_events if event.is_step_failure)
    error = failed.step_failure_data.error
    assert error is not None
    assert error.cause is not None
    return error.cause.message


def test_the_definitions_load_from_the_workspace(home: Home) -> None:
    validated = home.dagster("definitions", "validate", "-w", "workspace.yaml")

    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert "Validation successful" in validated.stdout + validated.stderr


@pytest.mark.thorough
def test_dg_checks_the_definitions(home: Home) -> None:
    checked = home.run_dg("check", "defs")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "All definitions loaded successfully." in checked.stdout


@pytest.mark.thorough
def test_dg_lists_the_definitions(home: Home) -> None:
    listed = home.run_dg("list", "defs", "--json")

    assert listed.returncode == 0, listed.stdout + listed.stderr
    definitions = json.loads(listed.stdout[listed.stdout.index("{") :])
    assert {"posthog/tracks", "posthog/tracks_legacy"} <= {asset["asset_key"] for asset in definitions["assets"]}
    assert [schedule["name"] for schedule in definitions["schedules"]] == [
        "freshness_every_15_minutes",
        "make_views_every_day",
        "mixpanel_every_day",
        "prune_runs_daily",
        "tracks_checks_twice_a_day",
    ]
    assert "tracks_checks" in [job["name"] for job in definitions["jobs"]]


@pytest.mark.thorough
def test_old_dbt_artifacts_do_not_pile_up(home: Home) -> None:
    _export(home, 1)
    runs = home.path / "dbt" / "runs"
    for number in range(30):
        (runs / f"old-{number}").mkdir(parents=True)

    assert home.run_hours("2026-03-12-00:00").success

    assert len(list(runs.iterdir())) <= 21
