"""The job make_views through the real graph: what is loaded is shown before it is merged."""

import json
from datetime import UTC, datetime

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.graph.conftest import Home
from tracks_assets.core.tables import Table
from tracks_assets.defs.posthog.views import JOB
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.duckdb.repairing import scans_in_plan
from tracks_assets.warehouse.tables import TRACKS, TRACKS_BY_PERSON, TRACKS_LIVE

PLAN = "explain (format json) {}"
HOURS = ("2026-03-12-00:00", "2026-03-12-01:00")


def ids(home: Home, table: Table) -> list[str]:
    """The ids of a table or view, in order."""
    with home.warehouse().opened() as warehouse:
        rows = warehouse.connection.execute(f"select event_id from {table} order by event_id").fetchall()
    return [event_id for (event_id,) in rows]


def columns_read(home: Home, query: str) -> int:
    """The number of columns of tracks that a query reads, over all scans of its plan."""
    with home.warehouse().opened() as warehouse:
        ((_, plan),) = warehouse.connection.execute(PLAN.format(query)).fetchall()
    return sum(len(columns) for table, columns in scans_in_plan(json.loads(plan)) if table.endswith(str(TRACKS)))


@pytest.mark.thorough
def test_a_count_reads_no_payload(home: Home) -> None:
    """DuckDB reads every column for a count(*), unless a union lies above what the view has in common."""
    assert home.run_job(JOB).success
    by_name = f"select event_name, count(*) from {TRACKS_LIVE} group by 1"
    assert 0 < columns_read(home, f"select count(*) from {TRACKS_LIVE}") <= columns_read(home, by_name)


@pytest.mark.thorough
def test_the_job_makes_the_views_and_a_load_is_seen_at_once(home: Home) -> None:
    plan = ExportPlan(events_per_hour=200, people=20, repeat_share=0.1, redelivery_share=0.1)
    list(write_hours(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), 2, plan))
    assert home.run_hours(HOURS[0]).success
    assert home.run_job(JOB).success
    assert ids(home, TRACKS_LIVE) == ids(home, TRACKS_BY_PERSON) == ids(home, TRACKS)

    assert home.run_hours(HOURS[1], assets=("events_parquet", "raw_tracks")).success
    merged, delivered = ids(home, TRACKS), ids(home, RAW_TRACKS)
    shown = ids(home, TRACKS_LIVE)
    assert len(delivered) > len(shown) > len(merged)
    assert shown == sorted(set(delivered))
    assert home.run_hours(HOURS[1], assets=("tracks",)).success
    assert ids(home, TRACKS_LIVE) == ids(home, TRACKS) == shown
