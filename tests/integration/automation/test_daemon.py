"""A real `dagster dev` with TRACKS_AUTOMATION=on: files arrive, and the hour is loaded and merged by itself."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hour
from tests.integration.graph.conftest import Home
from tests.integration.graph.test_ui import serving
from tracks_assets.defs.posthog.export_runs import REQUEST_TAG
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.layout import HOUR

PATIENCE = 300.0

pytestmark = pytest.mark.slow


def wait_for_run(home: Home, runs: int) -> list[dg.DagsterRun]:
    """The runs that the sensor requested, once there are so many and all have ended."""
    deadline = time.monotonic() + PATIENCE
    found: list[dg.DagsterRun] = []
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        while time.monotonic() < deadline:
            found = [run for run in instance.get_runs(dg.RunsFilter(job_name="load_hours")) if REQUEST_TAG in run.tags]
            if len(found) >= runs and all(run.is_finished for run in found):
                break
            time.sleep(1)
    return found


@pytest.mark.thorough
def test_an_hour_that_arrives_is_loaded_and_merged_by_itself(new_home: Callable[..., Home], tmp_path: Path) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * HOUR
    home = new_home(
        TRACKS_AUTOMATION="on",
        TRACKS_UPLOAD_INACTIVITY_SECONDS="3",
        TRACKS_UPLOAD_POKE_SECONDS="2",
        TRACKS_EXPORT_START=hour.strftime(PARTITION_FORMAT),
    )
    plan = ExportPlan(events_per_hour=200, files_per_hour=1)
    with serving(home, tmp_path / "dev.log", "dagster", "dev", "--workspace", "workspace.yaml"):
        written = write_hour(home.path / "export", hour, plan)
        runs = wait_for_run(home, 1)
        assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS], (tmp_path / "dev.log").read_text()[-5000:]
        with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
            records = instance.fetch_materializations(TRACKS_KEY, limit=10).records
        assert [record.partition_key for record in records] == [hour.strftime(PARTITION_FORMAT)]
        with home.warehouse().opened() as warehouse:
            totals = warehouse.total_tracks(home.settings.takes_from)
    assert 0 < totals.rows <= written.rows
    assert totals.excess_rows == 0
