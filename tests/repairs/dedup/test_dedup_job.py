"""The dedup as an engineer starts it: the Dagster jobs, dry and for real, killed in the middle, and loads meanwhile."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.failures.sites import child, kill_group, wait_for
from tests.integration.graph.conftest import Home
from tracks_assets.repairs.dedup.dedup import archive, plan, rewrite, take_snapshot
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export

from .damaged_table import Damaged, damage
from .jobs import command, execute, pages

KILLED_AT = ("is taken", "rows are archived", "rewrites posthog.tracks", "verified and published")


def test_dry_by_default_then_for_real_then_back(home: Home) -> None:
    damaged = damage(home.path)
    before, rows_before = damaged.contents(), damaged.tracks()

    execute(home, "dedup_tracks")
    assert damaged.contents() == before
    (dry,) = pages(home, "dedup_tracks")
    assert "a dry run, nothing was changed" in dry
    assert "- rows to remove, each in full into posthog_ops.archived_duplicates: 2,000" in dry

    execute(home, "dedup_tracks", dry_run=False, snapshot_days=3)
    assert damaged.query("select count(*), count(distinct event_id) from posthog.tracks") == [(5_000, 5_000)]
    assert "- rows in posthog.tracks before: 7,000; now: 5,000" in pages(home, "dedup_tracks")[-1]
    assert damaged.query("select rows, excess_rows from posthog_ops.duplicate_census") == [(5_000, 0)]
    assert damaged.query("select expires_at - started_at = interval 3 days from posthog_ops.tracks_repairs") == [
        (True,)
    ]

    after = damaged.contents()
    execute(home, "dedup_tracks", dry_run=False)
    assert pages(home, "dedup_tracks") == [
        "Nothing to do: no event of posthog.tracks is duplicated. No snapshot was taken."
    ]
    assert damaged.contents() == after

    execute(home, "rollback_dedup")
    assert damaged.contents() == after
    execute(home, "rollback_dedup", dry_run=False)
    assert damaged.tracks() == rows_before


@pytest.mark.thorough
def test_a_dedup_that_is_killed_at_every_step_is_whole_after_the_next_start(home: Home, tmp_path: Path) -> None:
    """kill -9 right after a step, or in the middle of the rewrite; the next start clears or finishes what it left."""
    damaged = damage(home.path, events=150_000, duplicated=30_000)
    undamaged = expected(tmp_path / "undisturbed")
    before = damaged.contents()["tracks"]
    for words in KILLED_AT:
        with child(command("dedup_tracks", dry_run=False), home.environment) as process:
            wait_for(process, words)
            kill_group(process)
        assert damaged.contents()["tracks"] in (before, undamaged)
    assert damaged.contents()["tracks"] == undamaged, "it was killed after it was published"

    execute(home, "dedup_tracks", dry_run=False)

    assert damaged.contents()["tracks"] == undamaged
    assert damaged.query("select count(*), count(distinct dedup_id) from posthog_ops.archived_duplicates") == [
        (60_000, 1)
    ]
    assert damaged.query("select state, rows_before, rows_after from posthog_ops.tracks_repairs") == [
        ("reported", 210_000, 150_000)
    ]
    assert len(damaged.snapshots()) == 1
    assert damaged.query("select excess_rows from posthog_ops.duplicate_census") == [(0,)]


def expected(home: Path) -> tuple[object, ...]:
    """What tracks holds after a dedup that nobody disturbed."""
    undisturbed = damage(home, events=150_000, duplicated=30_000)
    now = datetime.now(UTC)
    with undisturbed.warehouse().opened() as warehouse:
        made = plan(warehouse, now, 14)
        assert made is not None
        take_snapshot(warehouse, made.repair_id, now, 14)
        archive(warehouse, made.repair_id, now)
        rewrite(warehouse, made.repair_id)
    return undisturbed.contents()["tracks"]


@pytest.mark.thorough
def test_an_hour_that_is_loaded_during_the_rewrite_is_in_tracks_after_the_next_run(home: Home) -> None:
    hour = datetime(2026, 3, 12, tzinfo=UTC)
    list(write_hours(home.path / "export", hour, 1, ExportPlan(events_per_hour=500)))
    damaged = damage(home.path)
    now = datetime.now(UTC)
    with damaged.warehouse().opened() as warehouse:
        made = plan(warehouse, now, 14)
        assert made is not None
        take_snapshot(warehouse, made.repair_id, now, 14)
    load(damaged, home, hour)
    with damaged.warehouse().opened() as warehouse:
        archive(warehouse, made.repair_id, now)
    load(damaged, home, hour)
    with damaged.warehouse().opened() as warehouse:
        rewrite(warehouse, made.repair_id)

    assert home.run_hours("2026-03-12-00:00").success

    delivered = damaged.query("select count(distinct event_id) from posthog.raw_tracks")[0][0]
    assert delivered >= 500
    assert damaged.query("select count(*), count(distinct event_id) from posthog.tracks") == [
        (5_000 + delivered, 5_000 + delivered)
    ]


def load(damaged: Damaged, home: Home, hour: datetime) -> None:
    """Loads an hour into raw_tracks, as a run of its own would."""
    with damaged.warehouse().opened() as warehouse:
        warehouse.load_slice(EVENTS, Export(str(home.path / "export")).inventory(hour), datetime.now(UTC))


def test_a_refusal_fails_the_run_with_its_reason(home: Home) -> None:
    damaged = damage(home.path, events=100, duplicated=10)
    damaged.query("update posthog.tracks set user_id = 'another' where rowid = 0")
    before = damaged.contents()

    with pytest.raises(AssertionError, match="have several"):
        execute(home, "dedup_tracks", dry_run=False)

    assert damaged.contents() == before
