"""The page on an event, from real tables to the letter: by the function, by the command and by the job."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.integration.failures.sites import holding
from tests.repairs.restore_times.moved_rows import insert
from tests.trace.life import (
    EVENT,
    NEVER_SEEN,
    REPAIRED,
    WHOLE_LIFE,
    delivered,
    repair,
    row,
    whole_life,
)
from tracks_assets.defs.quality.trace import trace_job
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.settings import Settings, read_settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.trace.__main__ import main
from tracks_assets.trace.facts import EventIdError, check_event_id, fetch_trace
from tracks_assets.trace.page import code, page
from tracks_assets.trace.result import result
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import ARCHIVED_DUPLICATES, TRACKS, TRACKS_REPAIRS


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings({"TRACKS_HOME": str(tmp_path)})


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[DuckDbWarehouse]:
    with DuckDbWarehouse(settings.duckdb_path).opened() as opened:
        yield opened


def trace_page(warehouse: DuckDbWarehouse, settings: Settings, event_id: str = EVENT) -> str:
    return page(fetch_trace(warehouse, event_id, settings.takes_from))


def fill(warehouse: DuckDbWarehouse) -> None:
    for table, rows in whole_life().items():
        insert(warehouse.connection, table, *rows)


def test_a_whole_life_is_on_the_page(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    fill(warehouse)
    assert trace_page(warehouse, settings) == WHOLE_LIFE


def test_an_id_that_was_never_seen(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    fill(warehouse)
    assert trace_page(warehouse, settings, "nobody") == NEVER_SEEN


def test_the_next_step_is_under_the_result(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    insert(warehouse.connection, RAW_TRACKS, delivered())
    assert trace_page(warehouse, settings).splitlines()[2:5] == [
        "One event, delivered once, is not in tracks yet: its hour is still to be merged.",
        "",
        "To do: Materialize hour 2026-03-12-00:00 of posthog/tracks.",
    ]


def result_of(warehouse: DuckDbWarehouse, settings: Settings) -> str:
    return result(fetch_trace(warehouse, EVENT, settings.takes_from)).partition("is stored ")[2]


def test_copies_are_exact_only_if_every_column_is(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    insert(warehouse.connection, TRACKS, row(), row())
    assert result_of(warehouse, settings) == "twice (exact copies); its time agrees with its id."
    warehouse.connection.execute("delete from posthog.tracks")
    insert(warehouse.connection, TRACKS, row(), row(locale="de"))
    assert result_of(warehouse, settings) == (
        "twice (at one time, with different contents); its time agrees with its id."
    )


def test_copies_without_a_time_are_compared_too(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    insert(warehouse.connection, TRACKS, row(created_at=None), row(created_at=None))
    assert result_of(warehouse, settings) == "twice (exact copies); it has no time."


def test_the_copies_of_a_repair_that_is_not_in_force(warehouse: DuckDbWarehouse, settings: Settings) -> None:
    insert(warehouse.connection, TRACKS, row(), row())
    insert(warehouse.connection, ARCHIVED_DUPLICATES, row(dedup_id="dedup_1", removed_at=REPAIRED))
    insert(warehouse.connection, TRACKS_REPAIRS, repair("dedup_1", "dedup_tracks") | {"state": "archived"})
    assert "- 2026-06-10 00:30:00: archived for a removal that is not in force\n" in trace_page(warehouse, settings)


@pytest.mark.parametrize(
    "event_id",
    ["' or true --", '"; drop table posthog.tracks; --', "ffffffff-ffff-7fff-bfff-ffffffffffff", "%", "01\\'", "🙂"],
)
def test_an_id_is_a_value_and_nothing_else(warehouse: DuckDbWarehouse, settings: Settings, event_id: str) -> None:
    insert(warehouse.connection, TRACKS, row())
    trace = fetch_trace(warehouse, event_id, settings.takes_from)
    assert (trace.is_known, trace.minted_at) == (False, None)
    assert warehouse.count_rows(TRACKS) == 1


def test_values_from_the_data_cannot_break_the_page() -> None:
    assert code("a`b\n# c") == "`a'b # c`"
    assert code(None) == "null"


@pytest.mark.parametrize("text", ["", " ", "a ", "\ta", "a\nb"])
def test_what_is_no_event_id(text: str) -> None:
    with pytest.raises(EventIdError) as caught:
        check_event_id(text)
    assert str(caught.value) == (
        f"{text!r} is no event id. Give one as in posthog.tracks, for instance 01958a3c-7c00-7000-8000-000000000001."
    )


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracks_assets.trace", *arguments],
        env=os.environ | {"TRACKS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.thorough
@pytest.mark.slow
def test_the_command_prints_the_page(settings: Settings) -> None:
    with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
        fill(warehouse)
    done = command(settings.home, EVENT)
    assert (done.returncode, done.stdout, done.stderr) == (0, WHOLE_LIFE, "")
    done = command(settings.home, "nobody")
    assert (done.returncode, done.stdout, done.stderr) == (1, NEVER_SEEN, "")


Captured = pytest.CaptureFixture[str]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRACKS_HOME", str(tmp_path))
    return tmp_path


def test_a_missing_warehouse_stays_missing(home: Path, capsys: Captured) -> None:
    assert main([EVENT]) == 2
    assert capsys.readouterr() == (
        "",
        f"There is no warehouse {home}/warehouse.duckdb. Let TRACKS_HOME or TRACKS_DUCKDB_PATH name the one to ask.\n",
    )
    assert not (home / "warehouse.duckdb").exists()


def test_a_wrong_setting_is_named(home: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKS_CUTOVER", "yesterday")
    assert main([EVENT]) == 2
    assert capsys.readouterr() == (
        "",
        "TRACKS_CUTOVER is 'yesterday', but it must be a UTC day such as 2026-03-04.\n",
    )


def test_a_malformed_argument_is_named(home: Path, capsys: Captured) -> None:
    assert main([""]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.startswith("'' is no event id. ")


@pytest.mark.slow
def test_a_held_warehouse_names_its_holder(home: Path, capsys: Captured) -> None:
    with DuckDbWarehouse(home / "warehouse.duckdb").opened():
        pass
    with holding(home / "warehouse.duckdb") as holder:
        assert main([EVENT, "--lock-wait", "0.5"]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error == (
        f"The warehouse {home}/warehouse.duckdb is held by process {holder.pid} ({Path(sys.executable).resolve()}). "
        f"That process did not finish within 0.5 seconds. Wait for it to finish, then run again.\n"
    )


@pytest.mark.slow
def test_the_job_shows_the_page(settings: Settings) -> None:
    with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
        fill(warehouse)
    resources = {"warehouse": WarehouseOpener(settings)}
    with dg.DagsterInstance.ephemeral() as instance:
        result = trace_job(settings).execute_in_process(
            run_config={"ops": {"trace": {"config": {"event_id": EVENT}}}}, resources=resources, instance=instance
        )
        logs = [record.user_message for record in instance.all_logs(result.run_id)]
    metadata = next(event.step_output_data.metadata for event in result.all_node_events if event.is_successful_output)
    assert metadata["page"] == dg.MetadataValue.md(WHOLE_LIFE)
    assert metadata["result"].value == WHOLE_LIFE.splitlines()[2]
    assert WHOLE_LIFE in logs
