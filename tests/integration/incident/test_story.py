"""The incident of 2026-06-12, in order: each test goes on where the one before it ended.

The old way makes duplicates and moves them; the new way does neither; the checks see them; the dedup removes them; the
rollback brings them back; the hourly run goes on.
"""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from examples.incident import (
    build_incident,
    deliver_again,
    fill_backfill_tracks,
    plan_incident,
    validation_case,
)
from tests import ROOT
from tests.dbt_project.bare_dbt import BareDbt
from tests.integration.graph.conftest import Home
from tests.repairs.dedup.damaged_table import Damaged
from tests.repairs.dedup.jobs import execute, pages
from tests.repairs.dedup.test_dedup import dedup
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.sources.posthog.layout import HOUR

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

PLAN = plan_incident(5_000, days=5)
MOVED_TO = "created_at >= '2026-03-09' and created_at < '2026-03-12'"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, parsed_dbt: ParsedDbt) -> Home:
    """One home for the whole story."""
    path = parsed_dbt.home_at(tmp_path_factory.mktemp("story") / "home")
    (path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", path / "dagster")
    return Home(path)


@pytest.fixture(scope="module")
def tracks(story: Home) -> Damaged:
    """What the story's warehouse holds."""
    return Damaged(story.path)


def counts(tracks: Damaged) -> tuple[Any, ...]:
    return tracks.query("select count(*), count(distinct event_id) from posthog.tracks")[0]


def check(home: Home) -> set[str]:
    """The checks that a census finds red."""
    run = home.run_job("tracks_checks")
    assert run.success
    found = run.get_asset_check_evaluations()
    assert len(found) == 6
    return {each.check_name for each in found if not each.passed}


def test_1_the_old_way_makes_duplicates_and_moves_them(story: Home, tracks: Damaged) -> None:
    state = build_incident(tracks.path, PLAN)

    assert counts(tracks) == (5_000, 5_000 - 46) == (state.rows, state.distinct_ids)
    assert state.excess_rows / state.rows == 0.0092
    assert min(state.identical_pairs, state.resent_pairs, state.refreshed_pairs) > 0
    moved = tracks.query(
        f"select event_id, count(*), count(distinct (created_at, event_payload::varchar)) from posthog.tracks "
        f"where {MOVED_TO} group by all"
    )
    assert len(moved) == state.refreshed_pairs
    assert {(copies, different) for _, copies, different in moved} == {(2, 1)}


def test_2_the_new_way_does_neither(tmp_path: Path) -> None:
    """The same legacy rows and the same re-deliveries, by tracks_legacy's statement and by the merge."""
    dbt = BareDbt(tmp_path)
    with dbt.warehouse.opened() as warehouse:
        fill_backfill_tracks(warehouse, PLAN)
        merged = warehouse.merge_legacy(PLAN.start, PLAN.end)
        again = warehouse.merge_legacy(PLAN.start, PLAN.end)
        for number in range(len(PLAN.redelivered_hours)):
            deliver_again(warehouse, PLAN, number)
    assert (merged.inserted, again.inserted) == (4_954, 0)
    first, end = PLAN.redelivered_hours[0], PLAN.redelivered_hours[-1] + HOUR
    dbt.run(
        "run",
        "--select",
        "posthog_tracks",
        TRACKS_WINDOW_START=first.isoformat(),
        TRACKS_WINDOW_END=end.isoformat(),
    )

    new = Damaged(tmp_path)
    assert counts(new) == (4_954, 4_954)
    assert new.query(f"select count(*) from posthog.tracks where {MOVED_TO}") == [(0,)]
    (updated,) = new.query("select count(*) from posthog.tracks where bq_ingested_timestamp >= '2026-03-09'")
    assert updated == (PLAN.counts.refreshed_pairs,), "each took the content of its re-delivery, and kept its time"


def test_3_the_checks_see_them(story: Home) -> None:
    assert check(story) == {"unique_event_id_all"}


def test_4_the_dedup_removes_them(story: Home, tracks: Damaged) -> None:
    before = tracks.tracks()
    latest = tracks.query("select event_id, max(bq_ingested_timestamp) from posthog.tracks group by all order by all")
    (tracks.home / "before").mkdir()
    shutil.copy(tracks.path, tracks.home / "before")

    execute(story, "dedup_tracks", dry_run=False)

    assert "- rows removed, in full in posthog_ops.archived_duplicates: 46" in pages(story, "dedup_tracks")[-1]
    assert counts(tracks) == (4_954, 4_954)
    assert tracks.query("select event_id, bq_ingested_timestamp from posthog.tracks order by all") == latest
    assert len(before) == 4_954 + tracks.query("select count(*) from posthog_ops.archived_duplicates")[0][0]
    assert check(story) == set()


def test_5_the_rollback_brings_them_back(story: Home, tracks: Damaged) -> None:
    execute(story, "rollback_dedup", dry_run=False)

    assert tracks.query("select count(*) from posthog_ops.archived_duplicates") == [(0,)]
    assert tracks.tracks() == Damaged(tracks.home / "before").tracks()
    assert counts(tracks) == (5_000, 4_954)
    assert check(story) == {"unique_event_id_all"}


def test_6_the_hourly_run_goes_on(story: Home, tracks: Damaged) -> None:
    execute(story, "dedup_tracks", dry_run=False)
    (hour,) = write_hours(
        story.path / "export", story.settings.export_start, 1, ExportPlan(events_per_hour=400, repeat_share=0.05)
    )

    assert story.run_hours(f"{hour.hour:%Y-%m-%d-%H:%M}").success
    ((delivered,),) = tracks.query(
        "select count(distinct event_id) from posthog.raw_tracks where window_start >= '2026-03-12'"
    )
    assert delivered >= 400
    assert counts(tracks) == (4_954 + delivered, 4_954 + delivered)
    assert check(story) == set()


def test_the_validation_as_the_company_did_it(tmp_path: Path) -> None:
    """7,000 rows with 1,000 duplicated ids become 5,000, 2,000 are archived, and the latest ingested copy stays."""
    case = Damaged(tmp_path)
    state = validation_case(case.path)
    assert (state.rows, state.duplicate_ids, state.excess_rows) == (7_000, 1_000, 2_000)
    latest = case.query("select event_id, max(bq_ingested_timestamp) from posthog.tracks group by all order by all")

    dedup(case)

    assert counts(case) == (5_000, 5_000)
    assert case.query("select count(*) from posthog_ops.archived_duplicates") == [(2_000,)]
    assert case.query("select event_id, bq_ingested_timestamp from posthog.tracks order by all") == latest
    assert timedelta(days=1) < max(
        after - before
        for after, before in case.query(
            "select max(created_at), min(created_at) from "
            "(from posthog_ops.archived_duplicates select event_id, created_at "
            "union all from posthog.tracks select event_id, created_at) group by event_id"
        )
    ), "some were sent again on a later day"
