"""Freshness: Dagster's check and `dbt source freshness` give the same state for the same data."""

import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from tests.support import warm
from tests.support.warm.parsed import ParsedDbt
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.hourly import RAW_TRACKS_KEY
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.quality.freshness import Limits, freshness, newest_load
from tracks_assets.settings import Settings, read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
LIMITS = Limits(timedelta(hours=2), timedelta(hours=4))
STATES = {10: "pass", 119: "pass", 130: "warn", 239: "warn", 250: "error", 5_000: "error", None: "error"}
"""The state by the age of the newest load in minutes."""


def state_of(newest: datetime | None, now: datetime) -> str:
    result = freshness(newest, now, LIMITS)
    return "pass" if result.passed else result.severity.lower()


@pytest.mark.parametrize(("age", "state"), STATES.items())
def test_the_state_follows_the_age(age: int | None, state: str) -> None:
    assert state_of(NOW - timedelta(minutes=age) if age is not None else None, NOW) == state


def test_the_limits_themselves_are_allowed() -> None:
    assert state_of(NOW - LIMITS.warn_after, NOW) == "pass"
    assert state_of(NOW - LIMITS.error_after, NOW) == "warn"


@pytest.mark.parametrize(("age", "limit"), [(130, 120), (250, 240)])
def test_an_old_load_is_compared_with_its_limit(age: int, limit: int) -> None:
    newest = NOW - timedelta(minutes=age)
    message = freshness(newest, NOW, LIMITS).message
    assert message.finding == f"No rows were loaded into posthog.raw_tracks for {age} minutes."
    assert f"limit is {limit} minutes" in message.comparison
    assert f"{newest:%Y-%m-%d %H:%M} UTC" in message.comparison


def load(settings: Settings, age: int | None) -> None:
    """The log of loads whose newest with rows was so many minutes ago, or none; an empty hour was loaded just now."""
    with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
        warehouse.connection.execute("delete from posthog_ops.load_log")
        for minutes, rows in [(age, 1), (age + 600, 1)] if age is not None else []:
            _log(warehouse, minutes, rows)
        _log(warehouse, 0, 0)


def _log(warehouse: DuckDbWarehouse, age: int, rows: int) -> None:
    warehouse.connection.execute(
        "insert into posthog_ops.load_log (window_start, bq_ingested_timestamp, rows_accepted) values ($1, $1, $2)",
        [datetime.now(UTC) - timedelta(minutes=age), rows],
    )


def dbt_state(settings: Settings, folder: Path) -> str:
    command = [warm.command("dbt"), "source", "freshness", "--project-dir", str(DBT_PROJECT)]
    command += ["--profiles-dir", str(DBT_PROJECT), "--target-path", str(folder), "--log-path", str(folder)]
    done = subprocess.run(
        command, env=os.environ | settings.child_environment(), capture_output=True, text=True, check=False
    )
    file = folder / "sources.json"
    assert file.exists(), done.stdout
    (result,) = json.loads(file.read_text())["results"]
    return str(result["status"])


@pytest.mark.thorough
@pytest.mark.slow
def test_dbt_gives_the_same_state(tmp_path: Path) -> None:
    settings = read_settings({"TRACKS_HOME": str(tmp_path)})
    for age in (10, 130, 250, None):
        load(settings, age)
        with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
            found = state_of(newest_load(warehouse), datetime.now(UTC))
        assert found == dbt_state(settings, tmp_path / "target") == STATES[age]


@pytest.mark.thorough
@pytest.mark.slow
def test_the_limits_are_those_of_the_settings(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "TRACKS_HOME": str(tmp_path),
            "TRACKS_FRESHNESS_WARN_MINUTES": "20",
            "TRACKS_FRESHNESS_ERROR_MINUTES": "30",
        }
    )
    load(settings, 25)
    assert dbt_state(settings, tmp_path / "target") == "warn"


def test_the_job_evaluates_the_check_and_the_asset_has_the_policy(parsed_dbt: ParsedDbt, tmp_path: Path) -> None:
    (tmp_path / "dbt").symlink_to(parsed_dbt.state)
    settings = read_settings({"TRACKS_HOME": str(tmp_path)})
    load(settings, 130)
    definitions = build_definitions(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("freshness").execute_in_process(
            instance=instance, resources={"warehouse": WarehouseOpener(settings)}
        )
    (evaluation,) = result.get_asset_check_evaluations()
    assert (evaluation.check_name, evaluation.passed) == ("raw_tracks_fresh", False)
    assert evaluation.severity is dg.AssetCheckSeverity.WARN
    policy = definitions.resolve_asset_graph().get(RAW_TRACKS_KEY).freshness_policy
    assert policy == dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=4), warn_window=timedelta(hours=2))
