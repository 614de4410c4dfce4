"""The reproduced incident, counted by SQL that knows nothing of how it was made."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.incident import (
    IncidentCounts,
    IncidentError,
    IncidentPlan,
    build_incident,
    deliver_again,
    fill_backfill_tracks,
    fill_tracks_the_old_way,
    old_day_scoped_merge,
    old_hourly_merge,
    plan_incident,
    validation_case,
)
from tests.support.duckdb_file import connected
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
CUTOVER = datetime(2026, 3, 4, tzinfo=UTC)
SMALL = plan_incident(20_000, days=20)

COUNTS = """
    with marked as (
        select
            *,
            hash(tracks) as content,
            event_id[15] = '7' as is_uuid7,
            make_timestamptz(('0x' || event_id[1:8] || event_id[10:13])::bigint * 1000) as own_time
        from posthog.tracks as tracks
    ),
    events as (
        select
            event_id,
            count(*) as copies,
            count(distinct content) as contents,
            count(distinct created_at) as times,
            bool_and(created_at >= $cutover) as is_recent
        from marked
        group by event_id
    )
    select
        sum(copies) as rows,
        count(*) as distinct_ids,
        count(*) filter (copies > 1) as duplicate_ids,
        sum(copies - 1) as excess_rows,
        count(*) filter (copies = 2 and contents = 1 and not is_recent) as identical_pairs,
        count(*) filter (copies = 2 and times = 2) as resent_pairs,
        count(*) filter (copies = 2 and contents = 1 and is_recent) as refreshed_pairs,
        count(*) filter (copies > 2) as larger_groups,
        (
            select count(*) from marked
            where is_uuid7 and abs(epoch_us(created_at) - epoch_us(own_time)) > 86400000000
        ) as moved_rows
    from events
"""


def query(path: Path, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    with connected(path) as connection:
        return connection.execute(statement, parameters).fetchall()


def counted(path: Path) -> IncidentCounts:
    (row,) = query(path, COUNTS, cutover=CUTOVER)
    return IncidentCounts(*map(int, row))


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("incident") / "warehouse.duckdb"
    build_incident(path, SMALL)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize(
    "plan",
    [
        plan_incident(55),
        plan_incident(300, seed=7, days=5),
        plan_incident(4_000, seed=1),
        plan_incident(50_001, payload_bytes=900, people=10, merge_days=30),
    ],
    ids=lambda plan: str(plan.counts.rows),
)
def test_the_counts_are_true(tmp_path: Path, plan: IncidentPlan) -> None:
    reported = build_incident(tmp_path / "warehouse.duckdb", plan)

    assert counted(tmp_path / "warehouse.duckdb") == reported
    assert reported.duplicate_ids == (
        reported.identical_pairs + reported.resent_pairs + reported.refreshed_pairs + reported.larger_groups
    )


@pytest.mark.parametrize("rows", [55, 1_000, 7_654_321, 64_000_000])
def test_the_excess_is_092_percent_to_the_row(rows: int) -> None:
    counts = plan_incident(rows).counts

    assert counts.rows == rows
    assert abs(counts.excess_rows - 0.0092 * rows) < 1


def test_every_sort_of_damage_is_there(incident: Path) -> None:
    counts = counted(incident)

    assert min(counts.identical_pairs, counts.resent_pairs, counts.refreshed_pairs, counts.larger_groups) > 0
    assert counts.resent_pairs > counts.identical_pairs


def test_ids_carry_the_time_of_the_event_and_so_does_the_payload(incident: Path) -> None:
    (row,) = query(
        incident,
        "select count(*), count(*) filter (event_id = lower(event_id)), "
        "count(*) filter (regexp_full_match(event_id, '.{8}-.{4}-7.{3}-[89ab].{3}-.{12}')), "
        "count(*) filter (regexp_full_match(event_id, '.{8}-.{4}-4.{3}-[89ab].{3}-.{12}')) "
        "from posthog.backfill_tracks",
    )
    rows, lower_case, version_7, version_4 = row
    assert rows == lower_case == version_7 + version_4
    assert 0 < version_4 < rows * 0.05
    assert query(
        incident,
        "with firsts as ("
        "select event_id, epoch_ms(min(created_at)) as ms, any_value(event_payload->>'$.\"$time\"') as seconds "
        "from posthog.backfill_tracks group by event_id) "
        "select count(*) from firsts where ms != round(seconds::decimal(18, 3) * 1000) "
        "or event_id[15] = '7' and format('{:012x}', ms) != event_id[1:8] || event_id[10:13]",
    ) == [(0,)]


def test_an_event_that_was_sent_again_is_the_same_event_later(incident: Path) -> None:
    (row,) = query(
        incident,
        "select count(*), min(later.created_at - earlier.created_at), max(later.created_at - earlier.created_at), "
        "count(*) filter ("
        "later.event_name = earlier.event_name and later.user_id = earlier.user_id "
        "and later.bq_ingested_timestamp > earlier.bq_ingested_timestamp "
        "and later.event_inserted_at > earlier.event_inserted_at) "
        "from posthog.backfill_tracks as earlier join posthog.backfill_tracks as later "
        "on earlier.event_id = later.event_id and earlier.created_at < later.created_at",
    )
    pairs, nearest, farthest, as_it_must_be = row
    assert pairs == as_it_must_be > 0
    assert DAY * 2 <= nearest < farthest <= DAY * 7


def test_payloads_are_as_long_as_asked(tmp_path: Path) -> None:
    for length in (600, 2_300):
        path = tmp_path / f"{length}.duckdb"
        with DuckDbWarehouse(path).opened() as warehouse:
            fill_backfill_tracks(warehouse, plan_incident(300, payload_bytes=length))
        ((shortest, longest),) = query(
            path, "select min(strlen(event_payload)), max(strlen(event_payload)) from posthog.backfill_tracks"
        )
        assert length - 30 < shortest <= longest < length + 30


def test_the_same_seed_gives_the_same_rows(tmp_path: Path, incident: Path) -> None:
    content = "select sum(hash(tracks)::hugeint) from posthog.tracks as tracks"
    build_incident(tmp_path / "again.duckdb", SMALL)
    build_incident(tmp_path / "other.duckdb", replace(SMALL, seed=1))

    assert query(tmp_path / "again.duckdb", content) == query(incident, content)
    assert query(tmp_path / "other.duckdb", content) != query(incident, content)


def test_the_size_of_the_batches_does_not_matter(tmp_path: Path, incident: Path) -> None:
    content = "select count(*), sum(hash(tracks)::hugeint) from posthog.tracks as tracks"
    build_incident(tmp_path / "batches.duckdb", replace(SMALL, merge_days=7))

    assert query(tmp_path / "batches.duckdb", content) == query(incident, content)


def test_the_old_way_multiplies_what_was_sent_again_and_then_moves_it(tmp_path: Path) -> None:
    plan = plan_incident(5_000, days=10)
    path = tmp_path / "warehouse.duckdb"
    (hour, *_) = plan.redelivered_hours
    with DuckDbWarehouse(path).opened() as warehouse:
        fill_backfill_tracks(warehouse, plan)
        fill_tracks_the_old_way(warehouse, plan)
    merged = counted(path)
    with DuckDbWarehouse(path).opened() as warehouse:
        merged_again = old_day_scoped_merge(warehouse, plan.start, plan.end)
        delivered = deliver_again(warehouse, plan, 0)
        moved = old_hourly_merge(warehouse, hour, hour + HOUR)
    refreshed = counted(path)

    assert (merged.rows, merged.distinct_ids) == (5_000, plan.events)
    assert merged.refreshed_pairs == 0
    assert merged_again == 0
    assert moved == 2 * delivered > 0
    assert (refreshed.rows, refreshed.distinct_ids) == (merged.rows, merged.distinct_ids)
    assert refreshed.refreshed_pairs == delivered
    assert refreshed.moved_rows > merged.moved_rows


def test_redeliveries_are_in_raw_tracks_under_their_hour(incident: Path) -> None:
    rows = query(
        incident,
        "select window_start, any_value(source_file), count(*), "
        "bool_and(created_at between window_start and event_inserted_at "
        "and event_inserted_at < window_start + interval 1 hour) "
        "from posthog.raw_tracks group by all order by all",
    )

    assert [row[0] for row in rows] == list(SMALL.redelivered_hours)
    assert rows[0][1] == ("events/2026-03-09/10/2026-03-09T09:00:00+00:00-2026-03-09T10:00:00+00:00.parquet.sz")
    assert sum(row[2] for row in rows) == SMALL.counts.refreshed_pairs
    assert all(row[3] for row in rows)


def test_the_validation_case(tmp_path: Path) -> None:
    path = tmp_path / "validation.duckdb"
    reported = validation_case(path)

    assert counted(path) == reported
    assert (reported.rows, reported.distinct_ids, reported.duplicate_ids, reported.excess_rows) == (
        7_000,
        5_000,
        1_000,
        2_000,
    )
    assert min(reported.identical_pairs, reported.resent_pairs, reported.larger_groups) > 0
    assert reported.refreshed_pairs == 0


def test_a_warehouse_with_rows_is_left_alone(incident: Path) -> None:
    with pytest.raises(IncidentError) as caught:
        build_incident(incident, SMALL)

    assert str(caught.value) == f"The warehouse {incident} holds rows already: name a new file for the incident."


def test_plans_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(IncidentError, match="54 rows are too few for an incident: ask for at least 55"):
        plan_incident(54)
    with pytest.raises(IncidentError, match="let redelivered_hours be more than a day after 2026-03-19"):
        plan_incident(1_000, days=130)
    with pytest.raises(IncidentError, match="at least one event, day, day a merge and person"):
        plan_incident(1_000, people=0)
    with pytest.raises(IncidentError, match="990 events are fewer than those that are to be duplicated"):
        replace(plan_incident(999), kinds=plan_incident(999_999).kinds)
