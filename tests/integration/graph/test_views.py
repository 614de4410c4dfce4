"""The job make_views through the real graph: what is loaded is shown before it is merged."""

from datetime import UTC, datetime

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.graph.conftest import Home
from tracks_assets.core.tables import Table
from tracks_assets.defs.posthog.views import JOB
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import TRACKS, TRACKS_BY_PERSON, TRACKS_LIVE

HOURS = ("2026-03-12-00:00", "2026-03-12-01:00")


def ids(home: Home, table: Table) -> list[str]:
    """The ids of a table or view, in order."""
    with home.warehouse().opened() as warehouse:
        rows = warehouse.connection.execute(f"select event_id from {table} order by event_id").fetchall()
    return [event_id for (event_id,) in rows]


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
