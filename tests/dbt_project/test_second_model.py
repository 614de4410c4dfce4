"""event_merge serves a model with another key: Mixpanel's events, by insert id and time, through dbt itself."""

import re
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.support.duckdb_file import connected
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

from .bare_dbt import BareDbt
from .test_bigquery_text import Model

pytestmark = pytest.mark.slow

FILES = Path(__file__).with_name("mixpanel")
MODEL = "mixpanel_events"
RUN = ("run", "--select", MODEL)
MIXPANEL = Model(
    FILES / f"{MODEL}.sql",
    "`project`.`mixpanel`.`events`",
    {
        column["name"]: column["data_type"]
        for column in yaml.safe_load((FILES / f"{MODEL}.yml").read_text(encoding="utf-8"))["models"][0]["columns"]
    },
)
"""The model, to be written for BigQuery without dbt."""

EVENTS = "select mp_insert_id, extract(day from time), name, properties->>'v' from mixpanel.events order by all"
COLLISIONS = "select mp_insert_id, extract(day from time), name, file from mixpanel.events_collisions order by all"
REPEATS = (
    "select mp_insert_id, extract(day from time), file_of(loaded_at) from mixpanel.events_redelivered order by all"
)
DOCUMENTED = """
    select duckdb_tables.comment, duckdb_columns.comment
    from duckdb_tables()
    inner join duckdb_columns() using (schema_name, table_name)
    where schema_name = 'mixpanel' and table_name = 'events' and column_name = 'mp_insert_id'
"""
KEPT = (EVENTS, COLLISIONS, REPEATS, "select content from mixpanel.events_contents order by all")
LOGGED = """
    select extract(day from window_start), rows_inserted, rows_updated, rows_unchanged, rows_collided
    from mixpanel.events_log
    order by all
"""


def warehouse(dbt: BareDbt) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """The warehouse, for a ``with`` block."""
    return connected(dbt.home / "warehouse.duckdb")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> BareDbt:
    """dbt on the project with the second model in it; parsed once."""
    folder = tmp_path_factory.mktemp("second_model")
    project = folder / "project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    for name in (f"{MODEL}.sql", f"{MODEL}.yml"):
        shutil.copy(FILES / name, project / "models" / name)
    return BareDbt(folder, project)


@pytest.fixture
def mixpanel(home: BareDbt) -> BareDbt:
    """dbt on a warehouse that has, empty, what the second model needs."""
    with warehouse(home) as connection:
        connection.execute("drop schema if exists mixpanel cascade")
        connection.execute((FILES / "tables.sql").read_text(encoding="utf-8"))
    return home


def deliver(dbt: BareDbt, export_day: int, *deliveries: tuple[str, int, str, int, int | None]) -> None:
    """Adds deliveries of an export: insert id, day of the event, name, content, and the day Mixpanel processed it."""
    with warehouse(dbt) as connection:
        for insert_id, day, name, content, processed in deliveries:
            connection.execute(
                "insert into mixpanel.raw_events values "
                "($1, make_timestamptz(2026, 3, $2, 0, 0, 0), $3, 'u1', $4, make_timestamptz(2026, 3, $5, 0, 0, 0), "
                "make_timestamptz(2026, 3, $6, 9, 0, 0), make_timestamptz(2026, 3, $6, 0, 0, 0), $7)",
                [insert_id, day, name, f'{{"v": "{content}"}}', processed, export_day, f"day {export_day}"],
            )


def rows(dbt: BareDbt, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with warehouse(dbt) as connection:
        connection.execute("create temp macro file_of(moment) as 'day ' || extract(day from moment)")
        return connection.execute(query).fetchall()


@pytest.mark.thorough
def test_an_event_is_its_insert_id_and_its_time(mixpanel: BareDbt) -> None:
    """The first build makes the table; the next finds its window by itself, and follows the rules of the merge."""
    deliver(
        mixpanel,
        10,
        ("one", 5, "signup", 1, 5),
        ("one", 5, "signup", 2, 6),
        ("one", 6, "signup", 3, 6),
        ("taken", 5, "signup", 4, 5),
        ("taken", 5, "purchase", 5, 6),
        ("old", 1, "signup", 6, 5),
    )
    mixpanel.run(*RUN)
    assert rows(mixpanel, EVENTS) == [("one", 5, "signup", "2"), ("one", 6, "signup", "3"), ("taken", 5, "signup", "4")]
    assert rows(mixpanel, COLLISIONS) == [("taken", 5, "purchase", "day 10")]

    deliver(
        mixpanel,
        11,
        ("one", 5, "signup", 7, 8),  # newer: its content is taken
        ("one", 6, "signup", 8, 4),  # stale: nothing changes
        ("one", 7, "signup", 9, 8),  # another time: another event
        ("taken", 5, "signup", 10, 8),
        ("unknown", 5, "signup", 11, None),
    )
    mixpanel.run(*RUN)
    expected = [
        ("one", 5, "signup", "7"),
        ("one", 6, "signup", "3"),
        ("one", 7, "signup", "9"),
        ("taken", 5, "signup", "10"),
        ("unknown", 5, "signup", "11"),
    ]
    assert rows(mixpanel, EVENTS) == expected
    assert rows(mixpanel, COLLISIONS) == [("taken", 5, "purchase", "day 10")]

    deliver(mixpanel, 12, ("one", 7, "signup", 9, 9), ("one", 7, "purchase", 12, 9), ("unknown", 5, "signup", 11, 9))
    deliver(mixpanel, 12, ("one", 5, "signup", 7, 9))
    mixpanel.run(*RUN)
    assert rows(mixpanel, EVENTS) == expected
    assert rows(mixpanel, COLLISIONS) == [("one", 7, "purchase", "day 12"), ("taken", 5, "purchase", "day 10")]


def with_empty_table(dbt: BareDbt) -> BareDbt:
    """The table is there, as where a loader has made it, so that the first run is a merge already."""
    with warehouse(dbt) as connection:
        connection.execute(
            "create table mixpanel.events as select * exclude (export_day, file) from mixpanel.raw_events limit 0"
        )
    return dbt


@pytest.mark.nightly
def test_what_a_merge_keeps_is_of_its_own_model(mixpanel: BareDbt) -> None:
    """Repeats are known by the key of two columns, the log counts by export day; hooks run, and docs are kept."""
    deliver(with_empty_table(mixpanel), 10, ("one", 5, "signup", 1, 5), ("one", 6, "signup", 1, 5))
    mixpanel.run(*RUN)
    deliver(mixpanel, 11, ("one", 5, "signup", 1, 8), ("one", 6, "signup", 2, 8), ("one", 6, "purchase", 3, 8))
    mixpanel.run(*RUN, "--empty")
    mixpanel.run(*RUN)
    assert rows(mixpanel, EVENTS) == [("one", 5, "signup", "1"), ("one", 6, "signup", "2")]
    assert rows(mixpanel, REPEATS) == [("one", 5, "day 11")]
    assert rows(mixpanel, LOGGED) == [(10, 2, 0, 0, 0), (11, 0, 1, 1, 1)]
    hooks = [("before", 0), ("after", 1), ("before", 1), ("after", 1), ("before", 1), ("after", 2)]
    assert rows(mixpanel, "from mixpanel.hooks") == hooks, "the run with --empty logs nothing"
    assert rows(mixpanel, DOCUMENTED) == [("Every Mixpanel event once.", "Unique with the time.")]


@pytest.mark.nightly
def test_a_merge_is_one_transaction(mixpanel: BareDbt) -> None:
    """Its log comes last; where that fails, no row, repeat or collision of the merge is kept."""
    deliver(with_empty_table(mixpanel), 10, ("one", 5, "signup", 1, 5), ("two", 5, "signup", 1, 5))
    mixpanel.run(*RUN)
    kept = [rows(mixpanel, query) for query in KEPT]
    deliver(mixpanel, 11, ("one", 5, "signup", 1, 8), ("two", 5, "purchase", 2, 8), ("three", 5, "signup", 3, 8))
    with warehouse(mixpanel) as connection:
        connection.execute("alter table mixpanel.events_log rename rows_collided to not_logged")
    with pytest.raises(AssertionError, match="rows_collided"):
        mixpanel.run(*RUN)
    assert [rows(mixpanel, query) for query in KEPT] == kept

    with warehouse(mixpanel) as connection:
        connection.execute("alter table mixpanel.events_log rename not_logged to rows_collided")
    mixpanel.run(*RUN)
    assert [len(rows(mixpanel, query)) for query in KEPT] == [3, 1, 1, 3]


@pytest.mark.nightly
def test_a_rebuild_is_refused(mixpanel: BareDbt) -> None:
    """The model does not forbid it, but the materialization does: the row is of a delivery that is gone."""
    deliver(mixpanel, 10, ("one", 5, "signup", 1, 5))
    mixpanel.run(*RUN)
    with warehouse(mixpanel) as connection:
        connection.execute("delete from mixpanel.raw_events")
    with pytest.raises(AssertionError, match=re.escape("event_merge does not rebuild")):
        mixpanel.run(*RUN, "--full-refresh")
    assert rows(mixpanel, EVENTS) == [("one", 5, "signup", "1")]
