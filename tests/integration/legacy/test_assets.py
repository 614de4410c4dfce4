"""The legacy assets as an engineer runs them: a range, the range again, and then without the files it came from."""

import shutil
import subprocess

from examples.incident import IncidentPlan, Kind, write_legacy
from tests.integration.graph.conftest import Home
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS
from tracks_assets.warehouse.tables import TRACKS

from .sites import FIRST

PLAN = IncidentPlan(400, (Kind(5, (0, 0)),), days=1, start=FIRST)
SELECTION = 'key:"posthog/backfill_tracks" or key:"posthog/tracks_legacy"'
RANGE = "2026-02-01-00:00...2026-02-02-00:00"


def materialize(home: Home, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return home.dagster("asset", "materialize", "-m", "tracks_assets.definitions", "--select", SELECTION, *arguments)


def test_legacy_rows_from_files_to_tracks(home: Home) -> None:
    rows = write_legacy(home.path / "legacy", PLAN)

    first = materialize(home, "--partition-range", RANGE)
    assert first.returncode == 0, first.stdout + first.stderr
    merged = home.metadata("tracks_legacy", "2026-02-01-00:00")
    assert merged == merged | {
        "window_hours": 25,
        "window_rows": rows,
        "rows_inserted": PLAN.events,
        "rows_already_stored": 0,
        "rows_skipped_repeated": PLAN.counts.excess_rows,
        "rows_skipped_null_id": 0,
    }
    loaded = home.metadata("backfill_tracks", "2026-02-01-00:00")
    assert loaded == loaded | {"treatment": "loaded from its files", "files": 1, "dagster/row_count": rows}
    assert loaded["rows_repaired"] == 0
    assert loaded["oldest_created_at"] == FIRST.timestamp()
    assert home.metadata("backfill_tracks", "2026-02-02-00:00")["rows"] == 0

    shutil.rmtree(home.path / "legacy")
    again = materialize(home, "--partition", "2026-02-01-00:00")

    assert again.returncode == 0, again.stdout + again.stderr
    frozen = home.metadata("backfill_tracks", "2026-02-01-00:00")
    assert frozen == loaded | {
        "treatment": "observed: there is no legacy root, so the table is frozen",
        "files": 0,
    }
    merged_again = home.metadata("tracks_legacy", "2026-02-01-00:00")
    assert merged_again["rows_inserted"] == 0
    assert merged_again["rows_already_stored"] == frozen["rows"]
    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(TRACKS) == PLAN.events
        assert warehouse.count_rows(BACKFILL_TRACKS) == rows


def test_without_root_and_rows_the_hour_fails_with_one_sentence(home: Home) -> None:
    failed = materialize(home, "--partition", "2026-02-01-00:00")

    assert failed.returncode != 0
    assert (
        f"The legacy root {home.path}/legacy does not exist and posthog.backfill_tracks is empty. Set "
        f"TRACKS_LEGACY_URI to the folder or bucket prefix that holds the old pipeline's rows."
    ) in failed.stdout + failed.stderr
