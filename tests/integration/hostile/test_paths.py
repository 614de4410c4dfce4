"""Names of folders and files are names and nothing else: the hourly path runs from any home, export and warehouse."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests import ROOT
from tests.dbt_project.bare_dbt import BareDbt
from tests.integration.graph.conftest import Home
from tracks_assets.settings import SettingsError, read_settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import EVERY_TABLE, VIEWS

FOLDER = "it's \"a\" `home`; drop table x; -- {{ env_var('HOME') }} $HOME %s & 🙂"
HOURS = ("2026-03-12-00:00", "2026-03-12-01:00")


@pytest.mark.thorough
@pytest.mark.dagster
def test_the_hourly_path_runs_from_a_hostile_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path / FOLDER, {"TRACKS_EXPORT_URI": str(tmp_path / f"export {FOLDER}")})
    (home.path / "dagster").mkdir(parents=True)
    (tmp_path / f"temporary {FOLDER}").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / f"temporary {FOLDER}"))
    shutil.copy(ROOT / "dagster.yaml", home.path / "dagster")
    written = list(
        write_hours(
            Path(home.settings.export_uri), datetime(2026, 3, 12, tzinfo=UTC), 2, ExportPlan(events_per_hour=200)
        )
    )

    assert home.run_hours(*HOURS).success

    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(RAW_TRACKS) == sum(hour.rows - hour.malformed for hour in written)
        assert warehouse.total_tracks(home.settings.takes_from).excess_rows == 0


@pytest.mark.parametrize(
    "name",
    [
        'a"b.duckdb',
        "a'b.duckdb",
        "a;b.duckdb",
        "a`b.duckdb",
        "a{{b}}.duckdb",
        "\u00e4.duckdb",
    ],
)
def test_a_warehouse_whose_name_would_be_sql_is_refused(name: str, tmp_path: Path) -> None:
    """dbt takes the file's name for the database's and does not escape it."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_DUCKDB_PATH": str(tmp_path / name)})
    assert "TRACKS_DUCKDB_PATH is " in str(caught.value)
    assert "a file name of letters, digits, spaces, '.', '_' and '-', such as warehouse.duckdb" in str(caught.value)


@pytest.mark.parametrize("name", ["temp.duckdb", "System.db", "posthog.duckdb", "posthog_ops", "mixpanel.duckdb"])
def test_a_warehouse_with_the_name_of_a_schema_is_refused(name: str, tmp_path: Path) -> None:
    """DuckDB would not know which of the two a statement means."""
    with pytest.raises(SettingsError, match="but it must be a file of another name"):
        read_settings({"TRACKS_DUCKDB_PATH": str(tmp_path / name)})


def test_the_name_of_every_schema_is_refused() -> None:
    schemas = {table.schema for table in (*EVERY_TABLE, *VIEWS)}
    assert schemas >= {"posthog", "mixpanel", "growth", "marketing"}
    for schema in schemas:
        with pytest.raises(SettingsError):
            read_settings({"TRACKS_DUCKDB_PATH": f"{schema}.duckdb"})


NAMES = [
    "a b.duckdb",
    *(pytest.param(name, marks=pytest.mark.nightly) for name in ("a.b.duckdb", "1-2.duckdb", "select.db")),
]


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_dbt_takes_every_name_that_the_settings_take(name: str, tmp_path: Path) -> None:
    path = read_settings({"TRACKS_DUCKDB_PATH": str(tmp_path / name)}).duckdb_path
    with DuckDbWarehouse(path).opened():
        pass
    BareDbt(tmp_path).run("build", "--exclude", "test_type:unit", TRACKS_DUCKDB_PATH=str(path))
