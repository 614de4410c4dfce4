"""The census and every check on every engine: green on what is whole, red on damage, with the ids to look at."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.integration.engines.engine import Engine
from tests.quality.checks.counted_rows import DAY, MINTED, NOW, row
from tests.repairs.restore_times.moved_rows import uuid7
from tracks_assets.defs.quality.census import counted_checks
from tracks_assets.defs.quality.dbt_tests import DBT_CHECKS, dbt_result
from tracks_assets.quality import census
from tracks_assets.quality.census import Census
from tracks_assets.quality.checks import CheckResult, rejected_share, rows_accounted_for, unique_event_id_of_batch
from tracks_assets.quality.hours import count_hours
from tracks_assets.quality.several_checks import evaluate
from tracks_assets.sources.posthog.feeds import RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import DUPLICATE_CENSUS, TRACKS

HOUR = timedelta(hours=1)
START = datetime(2026, 3, 12, tzinfo=UTC)
MOVED = uuid7(MINTED, 1)


def test_a_census_counts_and_is_kept(engine: Engine) -> None:
    with engine.opened() as warehouse:
        assert census.count(warehouse, NOW) == Census(NOW, 0, 0, 0, 0, 0, 0, 0, None, None)
        assert census.newest(warehouse) is None
    engine.put(
        TRACKS,
        *(row("once"), row("pair"), row("pair", created_at=MINTED + 9 * DAY, bq_ingested_timestamp=NOW - 40 * DAY)),
        *(row("three"), row("three"), row("three"), row(None), row(None, user_id="other")),
        *(row("users", user_id="a"), row("users", user_id="b"), row("names", event_name="a"), row("names")),
        *(row("nothing", user_id=None), row("nothing"), row("nothings", user_id=None), row("nothings", user_id=None)),
        *(row(MOVED, created_at=MINTED + DAY), row(MOVED, created_at=MINTED + DAY + timedelta(microseconds=1))),
        *(row(uuid7(MINTED, 2), created_at=MINTED - 2 * DAY), row(uuid7(MINTED, 3), created_at=None)),
    )
    counted = Census(
        measured_at=NOW,
        rows=20,
        distinct_event_ids=10,
        duplicate_event_ids=7,
        excess_rows=8,
        null_event_ids=2,
        colliding_event_ids=3,
        moved_rows=2,
        oldest_ingested_timestamp=NOW - 40 * DAY,
        newest_ingested_timestamp=NOW,
    )
    with engine.opened() as warehouse:
        assert census.count(warehouse, NOW) == counted
        assert sorted(census.duplicate_examples(warehouse)) == sorted(
            ["pair", "three", "users", "names", "nothing", "nothings", MOVED]
        )
        assert census.colliding_examples(warehouse) == ["names", "nothing", "users"]
        assert set(census.moved_row_examples(warehouse)) == {MOVED, uuid7(MINTED, 2)}
        by_month = {f"{each['ingestion_month']:%Y-%m}": each for each in census.duplicates_by_month(warehouse)}
        assert {month: int(each["duplicate_rows"]) for month, each in by_month.items()} == {"2026-05": 1, "2026-06": 14}
        assert {month: int(each["excess_rows"]) for month, each in by_month.items()} == {"2026-05": 1, "2026-06": 7}
        by_day = {f"{each['created_day']:%m-%d}": each for each in census.migrated_by_day(warehouse)}
        assert {day: int(each["duplicate_rows"]) for day, each in by_day.items()} == {
            "03-01": 12,
            "03-02": 2,
            "03-10": 1,
        }
        assert {day: int(each["migrated_rows"]) for day, each in by_day.items()} == {"03-01": 0, "03-02": 1, "03-10": 0}
        census.append(warehouse, census.count(warehouse, NOW - 9 * DAY))
        census.append(warehouse, counted)
        assert census.newest(warehouse) == counted
        assert census.baseline(warehouse, NOW) == Census(**(counted.__dict__ | {"measured_at": NOW - 9 * DAY}))
    assert len(engine.rows(DUPLICATE_CENSUS)) == 2


def evaluated(engine: Engine) -> dict[str, CheckResult]:
    """The results of the checks that count."""
    with engine.opened() as warehouse:
        found = evaluate(counted_checks(warehouse, census.count(warehouse, NOW)))
    found.raise_errors()
    return dict(found.results)


def test_growth_since_the_census_is_red_and_what_stays_is_green(engine: Engine) -> None:
    engine.put(TRACKS, row("a"), row("a"), row("b"), row("b"))
    first = evaluated(engine)
    assert first["flat_duplicate_count"].message.finding == "No baseline yet: 2 excess rows now."
    assert first["created_at_kept"].message.finding == "No census yet to compare with: 0 moved rows now."
    with engine.opened() as warehouse:
        census.append(warehouse, census.count(warehouse, NOW - 8 * DAY))
    same = evaluated(engine)
    assert {name: (each.passed, each.examples) for name, each in same.items()} == dict.fromkeys(
        ("flat_duplicate_count", "no_collisions_all", "created_at_kept"), (True, ())
    )

    engine.put(TRACKS, row("a"), row("b", user_id="another"), row(MOVED, created_at=MINTED + 30 * DAY))
    red = evaluated(engine)
    flat, kept, collision = red["flat_duplicate_count"], red["created_at_kept"], red["no_collisions_all"]
    assert (flat.passed, flat.severity, flat.examples) == (False, "ERROR", ("a", "b"))
    assert "4 excess rows" in flat.message.finding
    assert flat.message.comparison == "2 at the census of 2026-06-04 06:00 UTC."
    assert (kept.passed, kept.severity, kept.examples) == (False, "WARN", (MOVED,))
    assert (collision.passed, collision.severity, collision.examples) == (False, "ERROR", ("b",))


def batch(warehouse: Warehouse, start: datetime, end: datetime) -> CheckResult:
    """The result on the hours of a window."""
    bounds = {"window_start": start, "window_end": end, "cutover": START - DAY}
    (counts,) = warehouse.fetch("batch_duplicates", bounds)
    known = census.newest(warehouse)
    return unique_event_id_of_batch("the hours", counts["batch_ids"], counts["ids"], counts["examples"], known)


def test_the_ids_of_an_hour_are_looked_for_in_all_of_tracks(engine: Engine) -> None:
    repeated = [f"{number:02}" for number in range(12)]
    engine.put(TRACKS, row("once"), row("old"), row("old"))
    engine.put(TRACKS, *(row(event_id, created_at=MINTED - days * DAY) for event_id in repeated for days in (0, 300)))
    engine.put(
        RAW_TRACKS,
        *({"event_id": "once", "window_start": START, "created_at": START} for _ in range(2)),
        {"event_id": "old", "window_start": START, "created_at": START - DAY - timedelta(microseconds=1)},
        *({"event_id": event_id, "window_start": START + HOUR, "created_at": START} for event_id in repeated),
    )
    with engine.opened() as warehouse:
        empty = batch(warehouse, START - HOUR, START)
        green, red = batch(warehouse, START, START + HOUR), batch(warehouse, START, START + 2 * HOUR)
        census.append(warehouse, census.count(warehouse, NOW))
        known = batch(warehouse, START + HOUR, START + 2 * HOUR)
    assert (empty.passed, empty.figures) == (True, {"batch_ids": 0, "repeated_ids": 0})
    assert (green.passed, green.figures) == (True, {"batch_ids": 1, "repeated_ids": 0})
    assert (red.passed, red.severity, red.examples) == (False, "ERROR", tuple(repeated[:10]))
    assert red.figures == {"batch_ids": 13, "repeated_ids": 12}
    assert (known.passed, known.severity) == (False, "WARN"), "the census knows the pool"


def test_rows_are_counted_afresh_hour_by_hour(engine: Engine) -> None:
    hours = (START, START, START + 2 * HOUR, START + 3 * HOUR)
    engine.put(RAW_TRACKS, *({"event_id": "a", "window_start": hour, "created_at": START} for hour in hours))
    engine.put(REJECTED_TRACKS, {"window_start": START, "row_number": 0, "reason": "no id", "raw": "{}"})
    with engine.opened() as warehouse:
        whole = count_hours(warehouse, {START: 3, START + HOUR: 0, START + 2 * HOUR: 1})
        lost = count_hours(warehouse, {START: 3, START + HOUR: 2, START + 2 * HOUR: 1})
    assert rows_accounted_for(whole).passed
    assert rows_accounted_for(whole).figures == {"rows_read": 4, "rows_accepted": 3, "rows_rejected": 1}
    assert rejected_share(whole, 0.1, 1).severity == "ERROR", "a third of the first hour"
    assert rejected_share(whole[1:], 0.1, 1).passed
    assert rows_accounted_for(lost).message.finding == "2 rows of the hour 2026-03-12-01:00 are not stored."


def found_by_dbt(engine: Engine) -> dict[str, CheckResult]:
    """The results on what dbt's tests find."""
    results = engine.run_dbt("test", "--select", " ".join(DBT_CHECKS))
    named = {result["unique_id"].split(".")[2]: result for result in results}
    with engine.opened() as warehouse:
        return {name: dbt_result(warehouse, engine.settings.cutover, name, named, "") for name in DBT_CHECKS}


def test_dbts_tests_are_green_on_what_is_whole_and_red_on_damage(engine: Engine) -> None:
    cutover = datetime(2026, 3, 4, tzinfo=UTC)
    engine = replace(engine, variables={**engine.variables, "TRACKS_CUTOVER": f"{cutover:%Y-%m-%d}"})
    before = cutover - timedelta(microseconds=1)
    engine.put(TRACKS, row("a"), row("b"), row("old pair", created_at=before), row("old pair", created_at=before))
    assert {name: each.passed for name, each in found_by_dbt(engine).items()} == dict.fromkeys(DBT_CHECKS, True)

    engine.put(TRACKS, row("b", created_at=cutover), row("a", created_at=cutover), row("a", created_at=cutover))
    engine.put(TRACKS, row("b", created_at=cutover), row(None), row(None), row("timeless", created_at=None))
    red = found_by_dbt(engine)
    assert {name: each.passed for name, each in red.items()} == dict.fromkeys(DBT_CHECKS, False)
    assert red["unique_event_id_all"].figures == {"repeated_ids": 2}
    assert sorted(red["unique_event_id_all"].examples) == ["a", "b"]
    assert red["event_id_not_null"].figures == {"null_rows": 2}
    assert (red["created_at_not_null"].figures, red["created_at_not_null"].examples) == (
        {"null_rows": 1},
        ("timeless",),
    )
