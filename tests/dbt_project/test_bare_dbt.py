"""Without Dagster, `dbt build` alone keeps tracks up to date: it finds its window by itself and is safe to repeat."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tracks_assets.sources.posthog import feeds
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import HOUR

from .bare_dbt import BareDbt

FIRST_HOUR = datetime(2026, 3, 12, tzinfo=UTC)
FIRST_STAMP = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
PLAN = ExportPlan(
    events_per_hour=300, files_per_hour=2, people=50, redelivery_share=0.05, repeat_share=0.05, edit_share=0.05
)
BUILD = ("build", "--exclude", "test_type:unit")

ALL_OF_TRACKS = "select * from posthog.tracks order by event_id"
LIVE = "select * from posthog.tracks_live order by event_id"
BY_PERSON = "select * from posthog.tracks_by_person order by event_id"
COLUMNS = "select column_name, data_type from duckdb_columns() where table_name = 'tracks' order by column_index"
EVENTS = """
    select
        event_id,
        arg_min(created_at, event_inserted_at) as created_at,
        arg_max(event_payload, event_inserted_at) as event_payload
    from posthog.raw_tracks
    group by event_id
    order by event_id
"""


def load(dbt: BareDbt, export: Path, *hours: int) -> None:
    """Loads hours of the export as the pipeline does, each with a later stamp."""
    with dbt.warehouse.opened() as warehouse:
        for hour in hours:
            inventory = Export(str(export)).inventory(FIRST_HOUR + hour * HOUR)
            assert (
                warehouse.load_slice(feeds.EVENTS, inventory, FIRST_STAMP + hour * HOUR).accepted > PLAN.events_per_hour
            )


def query(dbt: BareDbt, statement: str) -> list[tuple[Any, ...]]:
    """The rows that a statement gives, the warehouse closed again."""
    with dbt.warehouse.opened() as warehouse:
        return warehouse.connection.execute(statement).fetchall()


def stored(dbt: BareDbt) -> list[tuple[Any, ...]]:
    """Id, time and payload of every row of tracks."""
    return query(dbt, "select event_id, created_at, event_payload from posthog.tracks order by event_id")


def without_stamps(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows without their last two columns."""
    return [row[:-2] for row in rows]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hours with re-deliveries, repeats and edits."""
    root = tmp_path_factory.mktemp("export")
    assert sum(hour.redelivered + hour.repeats + hour.edits for hour in write_hours(root, FIRST_HOUR, 3, PLAN)) == 135
    return root


@pytest.mark.thorough
def test_dbt_build_alone_keeps_tracks_up_to_date(export: Path, dbt: BareDbt) -> None:
    """The first build makes the missing table, the second finds nothing to do, and a new hour is picked up."""
    columns = query(dbt, COLUMNS)
    load(dbt, export, 0, 1)
    query(dbt, "drop table posthog.tracks")
    dbt.run(*BUILD)
    assert query(dbt, COLUMNS) == columns
    assert query(dbt, BY_PERSON) == query(dbt, LIVE) == query(dbt, ALL_OF_TRACKS), "the views are there too"
    assert stored(dbt) == query(dbt, EVENTS)

    before = query(dbt, ALL_OF_TRACKS)
    assert len(before) > 2 * PLAN.events_per_hour
    dbt.run(*BUILD)
    assert query(dbt, ALL_OF_TRACKS) == before

    load(dbt, export, 2)
    dbt.run(*BUILD)
    assert stored(dbt) == query(dbt, EVENTS)
    assert len(stored(dbt)) == len(before) + PLAN.events_per_hour


@pytest.mark.thorough
def test_an_empty_build_works_and_changes_nothing(export: Path, dbt: BareDbt) -> None:
    """On tables that are empty, then on filled ones; deliveries wait in raw_tracks for the next build."""
    dbt.run(*BUILD, "--empty")
    assert query(dbt, ALL_OF_TRACKS) == []
    load(dbt, export, 0)
    dbt.run(*BUILD)
    before = query(dbt, ALL_OF_TRACKS)
    load(dbt, export, 1)
    dbt.run(*BUILD, "--empty")
    assert query(dbt, ALL_OF_TRACKS) == query(dbt, BY_PERSON) == before
    expected = query(dbt, LIVE)
    assert len(expected) == len(before) + PLAN.events_per_hour
    dbt.run(*BUILD)
    assert without_stamps(query(dbt, ALL_OF_TRACKS)) == without_stamps(expected)


@pytest.mark.nightly
@pytest.mark.parametrize("cutover", ["20260312", "2026-W11-4", "2026-03-12T00:00:00+00:00"])
def test_a_cutover_that_is_no_day_stops_dbt_with_one_sentence(cutover: str, dbt: BareDbt) -> None:
    sentence = f"TRACKS_CUTOVER is '{cutover}', but it must be a UTC day such as 2026-03-04."
    with pytest.raises(AssertionError, match=re.escape(sentence)):
        dbt.run("run", "--select", "posthog_tracks", TRACKS_CUTOVER=cutover)


@pytest.mark.thorough
def test_a_full_refresh_does_not_rebuild_tracks(export: Path, dbt: BareDbt) -> None:
    """A row that no delivery could bring back survives it; the deliveries are merged as ever."""
    only_here = ("only here", datetime(2025, 7, 1, tzinfo=UTC), '{"legacy":true}')
    with dbt.warehouse.opened() as warehouse:
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at, event_payload, event_name) values ($1, $2, $3, 'old')",
            only_here,
        )
    load(dbt, export, 0)
    dbt.run(*BUILD, "--full-refresh")
    assert stored(dbt) == sorted([*query(dbt, EVENTS), only_here])
