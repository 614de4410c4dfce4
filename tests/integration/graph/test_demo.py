"""`make demo`, with few events: it runs the real commands, and the home that it leaves shows what it printed."""

import shutil
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from examples import demo
from tests import ROOT
from tests.support import warm
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.shared.partitions import export_hours
from tracks_assets.settings import Settings, read_settings
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

NOW = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)


def settings_of(home: Path, now: datetime = NOW) -> Settings:
    return demo.demo_settings({"TRACKS_HOME": str(home), "TRACKS_EXPORT_URI": "gs://not-the-demos"}, now)


def run(settings: Settings) -> str:
    console = Console(width=120, record=True, file=StringIO())
    with warm.beside_python():
        demo.run(settings, console)
    return console.export_text()


@pytest.mark.timeout(1800)  # it starts six processes, and a loaded machine takes a minute for each
def test_the_demo_leaves_a_home_that_shows_what_it_printed(
    tmp_path: Path, parsed_dbt: ParsedDbt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "HOURS", 2)
    monkeypatch.setattr(demo, "EVENTS_AN_HOUR", 500)
    monkeypatch.setattr(demo, "REDELIVERED", 40)
    monkeypatch.setattr(demo, "INCIDENT_ROWS", 2_000)
    home = parsed_dbt.home_at(tmp_path / "home")
    (home / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", home / "dagster")

    printed = run(settings_of(home))

    assert cells(printed, "excess rows") == ["0"]
    assert cells(printed, "exported events that moved in time") == ["0"]
    assert cells(printed, "unique_event_id_all") == ["FAILED", "passed"]
    assert cells(printed, "created_at_kept") == ["passed", "passed"]
    assert "0 events inserted, 0 updated, 40 unchanged" in printed
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        check_home(home, instance)
    check_that_it_runs_again_and_removes_nothing_of_others(home)


def check_home(home: Path, instance: dg.DagsterInstance) -> None:
    """The hours are the latest ones; the census is green and was red once; tracks names its own table."""
    here = read_settings({"TRACKS_HOME": str(home)})
    hours = export_hours(here).get_partition_keys(current_time=NOW)
    assert hours == ["2026-09-01-07:00", "2026-09-01-08:00", "2026-09-01-09:00"]
    assert instance.get_materialized_partitions(TRACKS_KEY) == set(hours)

    unique = dg.AssetCheckKey(CENSUS_KEY, "unique_event_id_all")
    history = instance.event_log_storage.get_asset_check_execution_history(unique, limit=5)
    assert [each.status.value for each in history] == ["SUCCEEDED", "FAILED"]
    latest = instance.get_latest_materialization_event(CENSUS_KEY)
    assert latest is not None
    assert latest.run_id == history[0].run_id
    spec = build_definitions(here).resolve_asset_graph().get(TRACKS_KEY)
    assert str(spec.metadata["dagster/table_name"]).endswith("warehouse.posthog.tracks")


def check_that_it_runs_again_and_removes_nothing_of_others(home: Path) -> None:
    later = settings_of(home, NOW + timedelta(hours=5))
    demo.claim_home(later)
    assert not later.duckdb_path.exists(), "an earlier demo's warehouse is made again"

    with DuckDbWarehouse(later.duckdb_path).opened() as warehouse:
        warehouse.connection.execute("insert into posthog.raw_tracks (event_id) values ('mine')")
    with pytest.raises(demo.DemoError, match="holds more than a finished demo"):
        demo.claim_home(later)
    assert later.duckdb_path.exists()


def cells(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"│ {name} "))
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_the_demo_leaves_a_foreign_warehouse_alone(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"not written by the demo")

    with pytest.raises(demo.DemoError, match="holds more than a finished demo: name another folder"):
        demo.claim_home(settings_of(tmp_path))

    assert (tmp_path / "warehouse.duckdb").read_bytes() == b"not written by the demo"
    assert not (tmp_path / "export_start").exists()


def test_a_variable_wins_over_the_start_that_a_home_carries(tmp_path: Path) -> None:
    (tmp_path / "export_start").write_text("2026-09-01-07:00\n")
    home = {"TRACKS_HOME": str(tmp_path)}
    assert read_settings(home).export_start == datetime(2026, 9, 1, 7, tzinfo=UTC)
    named = read_settings(home | {"TRACKS_EXPORT_START": "2026-03-12-00:00"})
    assert named.export_start == datetime(2026, 3, 12, tzinfo=UTC)
