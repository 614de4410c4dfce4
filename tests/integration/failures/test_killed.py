"""kill -9 in the middle of a load and of a merge, then run again: nothing is lost and no event is duplicated."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import write_hour
from tracks_assets.defs.shared.dbt_manifest import dbt_executable, parsed_state
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

from .sites import FIRST, PLAN, SECOND, Fingerprints, Site, child, kill_group, loader, merge_first_hour, wait_for

pytestmark = pytest.mark.slow

BUSY = PLAN.model_copy(update={"events_per_hour": 15_000, "redelivery_share": 0.05, "edit_share": 0.05})
BEFORE = "before.duckdb"
SEEDED = random.Random(7)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two bigger hours, the second with re-deliveries of the first; both loaded, the first one merged."""
    site = Site(tmp_path_factory.mktemp("busy"))
    for hour in (FIRST, SECOND):
        write_hour(site.export, hour, BUSY)
        site.load(hour)
    merge_first_hour(site.warehouse)
    shutil.copy(site.warehouse, site.folder / BEFORE)
    return site


@pytest.fixture
def busy(loaded: Site) -> Site:
    """The same site before every test: dbt's parse state is good for one path only, and takes seconds to make."""
    restore(loaded)
    return loaded


def restore(site: Site) -> None:
    site.warehouse.with_name("warehouse.duckdb.wal").unlink(missing_ok=True)
    shutil.copy(site.folder / BEFORE, site.warehouse)


def assert_whole(site: Site, undisturbed: Fingerprints, stamped: bool) -> None:
    """Every delivery is in raw_tracks or rejected_tracks, every id once in tracks, all as if undisturbed."""
    tables = site.fingerprints(stamped)
    assert tables == undisturbed
    delivered = sum(pq.ParquetFile(file).metadata.num_rows for file in site.export.rglob("*.parquet.sz"))
    assert tables["posthog.raw_tracks"][0] + tables["posthog.rejected_tracks"][0] == delivered
    assert site.distinct_tracks() == tables["posthog.tracks"][0] > 0


def test_a_load_that_is_killed_again_and_again_is_whole_after_the_next_run(busy: Site) -> None:
    before = busy.fingerprints(stamped=False)
    for seconds in (0.05, *(SEEDED.uniform(0.1, 0.9) for _ in range(3))):
        with child(loader(busy, SECOND)) as process:
            wait_for(process, "loading")
            time.sleep(seconds)
            kill_group(process)
        assert busy.fingerprints(stamped=False) == before
    with child(loader(busy, SECOND)) as process:
        process.communicate(timeout=900)
    assert process.returncode == 0
    assert_whole(busy, before, stamped=False)


@contextmanager
def merge(site: Site) -> Iterator["subprocess.Popen[str]"]:
    """A dbt process that merges the second hour."""
    settings = read_settings({"TRACKS_HOME": str(site.folder)})
    state, variables = str(parsed_state(settings, DBT_PROJECT)), settings.child_environment()
    window = {"TRACKS_WINDOW_START": SECOND.isoformat(), "TRACKS_WINDOW_END": (SECOND + HOUR).isoformat()}
    command = [dbt_executable(), "run", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    command += ["--target-path", state, "--log-path", state]
    with child(command, os.environ | variables | window) as process:
        yield process


@pytest.fixture(scope="module")
def merged(loaded: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The second hour merged by a dbt that nobody disturbed."""
    restore(loaded)
    with merge(loaded) as process:
        text, _ = process.communicate(timeout=900)
    assert process.returncode == 0, text
    site = Site(tmp_path_factory.mktemp("merged"))
    shutil.copy(loaded.warehouse, site.warehouse)
    return site


@pytest.mark.nightly
def test_a_merge_that_is_killed_again_and_again_is_whole_after_the_next_run(merged: Site, busy: Site) -> None:
    before, after = busy.fingerprints(), merged.fingerprints()
    assert before != after
    for seconds in (SEEDED.uniform(0, 0.3), SEEDED.uniform(0.3, 1)):
        with merge(busy) as process:
            wait_for(process, "START sql")
            time.sleep(seconds)
            kill_group(process)
        assert busy.fingerprints() in (before, after)
    with merge(busy) as process:
        process.communicate(timeout=900)
    assert process.returncode == 0
    assert_whole(busy, after, stamped=True)


def materialize() -> list[str]:
    """The command that takes the second hour through raw_tracks and tracks."""
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "asset",
        "materialize",
        "-m",
        "tracks_assets.definitions",
    ]
    return [*command, "--select", 'key:"posthog/raw_tracks" or key:"posthog/tracks"', "--partition", "2026-03-12-01:00"]


@pytest.mark.thorough
def test_a_dagster_run_that_is_killed_in_its_merge_is_whole_after_the_next_run(merged: Site, busy: Site) -> None:
    home = busy.folder / "dagster"
    home.mkdir()
    shutil.copy(DBT_PROJECT.parent / "dagster.yaml", home)
    environment = os.environ | {"TRACKS_HOME": str(busy.folder), "DAGSTER_HOME": str(home)}
    with child(materialize(), environment) as process:
        wait_for(process, "START sql")
        time.sleep(SEEDED.uniform(0, 0.5))
        kill_group(process)
    with child(materialize(), environment) as process:
        text, _ = process.communicate(timeout=900)
    assert process.returncode == 0, text[-3_000:]
    assert_whole(busy, merged.fingerprints(stamped=False), stamped=False)
