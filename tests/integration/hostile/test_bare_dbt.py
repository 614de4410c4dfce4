"""A bare dbt reads the environment by itself: what is no day, moment or prefix stops it before its first statement."""

import subprocess

import duckdb
import pytest

from tests.dbt_project.bare_dbt import BareDbt, bare_dbt
from tests.support import warm
from tests.support.cases import first_in_make_test
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.tables import TRACKS

pytestmark = pytest.mark.slow

DAY, MOMENT = "2026-03-04", "2026-03-12T00:00:00+00:00"
INJECTION = "'::timestamptz or true; drop table posthog.tracks; --"
REFUSED = [
    ({"TRACKS_CUTOVER": DAY + INJECTION}, "TRACKS_CUTOVER", "a UTC day such as 2026-03-04"),
    ({"TRACKS_CUTOVER": "yesterday"}, "TRACKS_CUTOVER", "a UTC day such as 2026-03-04"),
    (
        {"TRACKS_WINDOW_START": MOMENT + INJECTION, "TRACKS_WINDOW_END": MOMENT},
        "TRACKS_WINDOW_START",
        "a moment such as 2026-03-12T00:00:00+00:00",
    ),
    (
        {"TRACKS_WINDOW_START": MOMENT, "TRACKS_WINDOW_END": "T" + INJECTION},
        "TRACKS_WINDOW_END",
        "a moment such as 2026-03-12T01:00:00+00:00",
    ),
    (
        {"TRACKS_BQ_DATASET_PREFIX": "x`.y; drop table posthog.tracks; --"},
        "TRACKS_BQ_DATASET_PREFIX",
        "letters, digits and underscores only, such as staging_",
    ),
]


@pytest.fixture(scope="module")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> BareDbt:
    return bare_dbt(tmp_path_factory.mktemp("bare"))


def call(dbt: BareDbt, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs dbt, whatever it says."""
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    folders += ["--target-path", str(dbt.target), "--log-path", str(dbt.target)]
    return subprocess.run(
        [warm.command("dbt"), "--no-use-colors", *arguments, *folders],
        env={"PATH": "/usr/bin:/bin", "HOME": str(dbt.home), "TRACKS_HOME": str(dbt.home)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def has_tracks(dbt: BareDbt) -> bool:
    """Whether the table is still there; opening the warehouse would make a new one."""
    with duckdb.connect(str(dbt.home / "warehouse.duckdb"), read_only=True) as connection:
        return ("posthog", TRACKS.name) in connection.execute(
            "select schema_name, table_name from duckdb_tables()"
        ).fetchall()


@pytest.mark.parametrize(("variables", "name", "allowed"), first_in_make_test(REFUSED), ids=str)
@pytest.mark.parametrize("command", ["run", pytest.param("test", marks=pytest.mark.nightly)])
def test_text_that_would_be_sql_stops_dbt(
    dbt: BareDbt, command: str, variables: dict[str, str], name: str, allowed: str
) -> None:
    done = call(dbt, command, "--exclude", "test_type:unit", **variables)
    assert done.returncode != 0
    assert f"{name} is '{variables[name]}', but it must be {allowed}." in done.stdout
    assert has_tracks(dbt)


@pytest.mark.thorough
def test_a_var_that_would_be_sql_stops_dbt(dbt: BareDbt) -> None:
    done = call(dbt, "run", "--vars", '{overlap_hours: "1 hours\'; drop table posthog.tracks; --"}')
    assert done.returncode != 0
    assert "but it must be a whole number of hours such as 72." in done.stdout
    assert has_tracks(dbt)


@pytest.mark.thorough
def test_right_values_are_taken(dbt: BareDbt) -> None:
    window = {"TRACKS_WINDOW_START": MOMENT, "TRACKS_WINDOW_END": "2026-03-12T01:00:00+00:00"}
    done = call(dbt, "build", "--exclude", "test_type:unit", TRACKS_CUTOVER=DAY, **window)
    assert done.returncode == 0, done.stdout
