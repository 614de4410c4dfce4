"""The checks that count, on real tables: green on what stays as it was, red on what grows, and none hides another."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.quality.checks.counted_rows import DAY, MINTED, NOW, fill, row
from tests.repairs.restore_times.moved_rows import uuid7
from tracks_assets.defs.quality.census import counted_checks
from tracks_assets.defs.quality.dbt_tests import failures_of
from tracks_assets.quality import census
from tracks_assets.quality.checks import CheckResult, rejected_share, rows_accounted_for, unique_event_id_of_batch
from tracks_assets.quality.hours import count_hours
from tracks_assets.quality.several_checks import CheckError, Evaluated, evaluate
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 12, tzinfo=UTC)


def counted(warehouse: Warehouse) -> Evaluated:
    return evaluate(counted_checks(warehouse, census.count(warehouse, NOW)))


def found(warehouse: Warehouse, name: str) -> CheckResult:
    return counted(warehouse).results[name]


def test_growth_since_the_census_is_red_and_what_stays_is_green(tmp_path: Path) -> None:
    moved = uuid7(MINTED, 1)
    with fill(tmp_path, [row("a"), row("a"), row("b"), row("b")]).opened() as warehouse:
        assert found(warehouse, "flat_duplicate_count").message.finding == "No baseline yet: 2 excess rows now."
        census.append(warehouse, census.count(warehouse, NOW - 8 * DAY))
        same = counted(warehouse)
        assert {name: result.passed for name, result in same.results.items()} == dict.fromkeys(
            ("flat_duplicate_count", "no_collisions_all", "created_at_kept"), True
        )
        assert {result.examples for result in same.results.values()} == {()}

        warehouse.connection.execute("insert into posthog.tracks from posthog.tracks where event_id = 'a'")
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at) values ($1, $2)", [moved, MINTED + 30 * DAY]
        )
        flat, kept = found(warehouse, "flat_duplicate_count"), found(warehouse, "created_at_kept")
    assert not flat.passed
    assert "4 excess rows" in flat.message.finding
    assert flat.message.comparison == "2 at the census of 2026-06-04 06:00 UTC."
    assert flat.examples == ("a", "b")
    assert (kept.passed, kept.severity, kept.examples) == (False, "WARN", (moved,))


def test_growth_is_measured_from_a_census_that_is_old_enough(tmp_path: Path) -> None:
    with fill(tmp_path, [row("a")]).opened() as warehouse:
        census.append(warehouse, census.count(warehouse, NOW - 6 * DAY))
        warehouse.connection.execute("insert into posthog.tracks from posthog.tracks")
        assert found(warehouse, "flat_duplicate_count").passed, "six days are no baseline"
        census.append(warehouse, census.count(warehouse, NOW - 7 * DAY))
        warehouse.connection.execute("insert into posthog.tracks from posthog.tracks limit 1")
        grown = found(warehouse, "flat_duplicate_count").message
    assert "2 excess rows" in grown.finding
    assert "1 at the census of 2026-06-05" in grown.comparison


@pytest.mark.parametrize("other", ["2", None])
def test_an_id_of_two_events_is_red(tmp_path: Path, other: str | None) -> None:
    with fill(tmp_path, [row("a"), row("a"), row("c", user_id="1"), row("c", user_id=other)]).opened() as warehouse:
        collision = found(warehouse, "no_collisions_all")
    assert (collision.passed, collision.severity, collision.examples) == (False, "ERROR", ("c",))


def test_a_check_that_raises_hides_no_other(tmp_path: Path) -> None:
    with fill(tmp_path, [row("c", user_id="1"), row("c", user_id="2")]).opened() as warehouse:
        warehouse.connection.execute("alter table posthog_ops.duplicate_census rename column measured_at to moment")
        evaluated = counted(warehouse)
    assert list(evaluated.results) == ["no_collisions_all"]
    assert not evaluated.results["no_collisions_all"].passed
    with pytest.raises(CheckError) as raised:
        evaluated.raise_errors()
    for name in ("flat_duplicate_count", "created_at_kept"):
        assert f"The check {name} could not be computed: The warehouse " in str(raised.value)


def test_what_could_be_computed_raises_nothing(tmp_path: Path) -> None:
    with fill(tmp_path, []).opened() as warehouse:
        counted(warehouse).raise_errors()


@pytest.mark.parametrize(
    ("results", "cause"),
    [
        ({}, "it is locked"),
        ({"unique_event_id_all": {"status": "error", "message": "no such table", "failures": None}}, "no such table"),
        ({"unique_event_id_all": {"status": "skipped", "message": None, "failures": None}}, "it is locked"),
    ],
    ids=["dbt did not run it", "dbt failed", "dbt skipped it"],
)
def test_a_test_that_dbt_did_not_finish_is_no_result(results: dict[str, Any], cause: str) -> None:
    with pytest.raises(CheckError) as raised:
        failures_of("unique_event_id_all", results, "it is locked", lambda cause: f"See {cause}.")
    assert str(raised.value) == (f"dbt did not finish its test ({cause}). See {cause}.")


def deliver(warehouse: DuckDbWarehouse, event_id: str, hour: datetime, created_at: datetime = START) -> None:
    warehouse.connection.execute(
        "insert into posthog.raw_tracks (event_id, window_start, created_at) values ($1, $2, $3)",
        [event_id, hour, created_at],
    )


def batch(warehouse: Warehouse, start: datetime, end: datetime) -> CheckResult:
    bounds = {"window_start": start, "window_end": end, "cutover": START - DAY}
    (counts,) = warehouse.fetch("batch_duplicates", bounds)
    known = census.newest(warehouse)
    return unique_event_id_of_batch("the hours", counts["batch_ids"], counts["ids"], counts["examples"], known)


def test_only_the_ids_of_the_hours_are_looked_at_and_in_all_of_tracks(tmp_path: Path) -> None:
    rows = [row("pair"), row("pair", created_at=MINTED - 300 * DAY), row("once"), row("old"), row("old")]
    with fill(tmp_path, rows).opened() as warehouse:
        deliver(warehouse, "once", START)
        deliver(warehouse, "once", START)
        deliver(warehouse, "old", START, created_at=START - DAY - timedelta(microseconds=1))
        deliver(warehouse, "pair", START + HOUR)
        green, red = batch(warehouse, START, START + HOUR), batch(warehouse, START, START + 2 * HOUR)
        assert (green.passed, green.figures) == (True, {"batch_ids": 1, "repeated_ids": 0})
        assert (red.passed, red.severity, red.examples) == (False, "ERROR", ("pair",))
        assert red.figures == {"batch_ids": 2, "repeated_ids": 1}

        census.append(warehouse, census.count(warehouse, NOW))
        assert batch(warehouse, START + HOUR, START + 2 * HOUR).severity == "WARN", "the census knows the pool"


def test_no_more_than_ten_ids_are_named(tmp_path: Path) -> None:
    rows = [row(f"{number:02}", user_id=str(copy)) for number in range(12) for copy in (1, 2)]
    with fill(tmp_path, rows).opened() as warehouse:
        for number in range(12):
            deliver(warehouse, f"{number:02}", START)
        red = batch(warehouse, START, START + HOUR)
        collision = found(warehouse, "no_collisions_all")
    assert red.figures["repeated_ids"] == collision.figures["colliding_event_ids"] == 12
    assert red.examples == collision.examples == tuple(f"{number:02}" for number in range(10))


def test_rows_are_counted_afresh_hour_by_hour(tmp_path: Path) -> None:
    with fill(tmp_path, []).opened() as warehouse:
        for hour in (START, START, START + 2 * HOUR, START + 3 * HOUR):
            deliver(warehouse, "a", hour)
        warehouse.connection.execute(
            "insert into posthog.rejected_tracks (window_start, row_number) values ($1, 0)", [START]
        )
        whole = count_hours(warehouse, {START: 3, START + HOUR: 0, START + 2 * HOUR: 1})
        assert rows_accounted_for(whole).passed
        assert rows_accounted_for(whole).figures == {"rows_read": 4, "rows_accepted": 3, "rows_rejected": 1}
        assert rejected_share(whole, 0.1, 1).severity == "ERROR", "a third of the first hour"

        lost = rows_accounted_for(count_hours(warehouse, {START: 3, START + HOUR: 2, START + 2 * HOUR: 1}))
    assert not lost.passed
    assert lost.message.finding == "2 rows of the hour 2026-03-12-01:00 are not stored."
    assert "2 rows, raw_tracks 0 and rejected_tracks 0." in lost.message.comparison
