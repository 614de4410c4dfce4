"""dbt's manifest follows the settings and the project's files, whatever their age."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.integration.graph.conftest import Home
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest, fingerprint, parsed_state
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT


@pytest.mark.nightly
def test_a_manifest_is_not_taken_over_by_another_warehouse(home: Home) -> None:
    other = home.settings.model_copy(update={"duckdb_path": home.path / "other.duckdb"})

    manifest = json.loads(ensure_manifest(other, DBT_PROJECT).read_text())

    assert manifest["nodes"]["model.tracks.posthog_tracks"]["database"] == "other"


def test_a_manifest_of_the_same_settings_is_not_parsed_again(home: Home) -> None:
    manifest = parsed_state(home.settings, DBT_PROJECT) / "manifest.json"
    before = manifest.stat().st_mtime_ns

    assert ensure_manifest(home.settings, DBT_PROJECT) == manifest
    assert manifest.stat().st_mtime_ns == before


_ENSURE = """
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
ensure_manifest(read_settings(), DBT_PROJECT)
"""


@pytest.mark.thorough
@pytest.mark.slow
def test_processes_that_start_at_once_and_one_that_is_killed_leave_a_whole_manifest(tmp_path: Path) -> None:
    environment = os.environ | {"TRACKS_HOME": str(tmp_path)}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", _ENSURE], cwd=ROOT, env=environment, start_new_session=True)

    killed = start()
    manifest = parsed_state(read_settings(environment), DBT_PROJECT) / "manifest.json"
    while not list(tmp_path.glob("dbt/duckdb/parsing_*/*")):
        assert killed.poll() is None, "it was to be killed while it parses"
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not manifest.exists()

    both = [start(), start()]
    assert [process.wait() for process in both] == [0, 0]
    assert json.loads(manifest.read_text())["nodes"]["model.tracks.posthog_tracks"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRACKS_DUCKDB_PATH", "other.duckdb"),
        ("TRACKS_CUTOVER", "2026-01-01"),
        ("TRACKS_BQ_PROJECT", "other"),
        ("TRACKS_BQ_DATASET_PREFIX", "other_"),
        ("TRACKS_BQ_LOCATION", "EU"),
        ("TRACKS_BQ_MAXIMUM_BYTES_BILLED", "1000"),
    ],
)
def test_a_setting_that_dbt_reads_changes_the_fingerprint(variable: str, value: str) -> None:
    before, after = read_settings({}), read_settings({variable: value})
    assert fingerprint(before, DBT_PROJECT) != fingerprint(after, DBT_PROJECT)


def test_another_home_does_not(tmp_path: Path) -> None:
    other = read_settings({"TRACKS_HOME": str(tmp_path), "TRACKS_EXPORT_START": "2026-09-01-00:00"})
    assert fingerprint(read_settings({}), DBT_PROJECT) == fingerprint(other, DBT_PROJECT)


def test_a_file_of_the_project_changes_the_fingerprint_whatever_its_age(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    before = fingerprint(read_settings({}), project)
    model = project / "models" / "marts" / "posthog_tracks.sql"
    model.write_text(model.read_text() + "\n-- another line\n")
    os.utime(model, (0, 0))
    assert fingerprint(read_settings({}), project) != before
