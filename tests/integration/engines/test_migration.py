"""A warehouse that an earlier release wrote comes to today's tables: nothing is lost, and its repairs go back.

``recorded`` holds such a warehouse for each engine, as that release's own code wrote it: merges of two hours, a census,
a dedup and a restore of times, with their snapshots.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from google.cloud import bigquery

from tests.dbt_project.deliveries import FIRST_HOUR
from tests.integration.engines.engine import BigQueryEngine, Engine, Row
from tracks_assets import migrate
from tracks_assets.core.columns import Column, ColumnType, Stamp
from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.doctor import __main__ as doctor
from tracks_assets.doctor.findings import Status
from tracks_assets.repairs.dedup import rollback as dedup_rollback
from tracks_assets.repairs.restore_times import rollback as times_rollback
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.migration import FORMER_LOCKS, MOVES, NEXT_STEP, Move
from tracks_assets.warehouse.tables import CONTENT_FINGERPRINTS, TRACKS, TRACKS_REPAIRS, UNCHANGED_REDELIVERIES

RECORDED = Path(__file__).parent / "recorded"


@dataclass(frozen=True)
class Earlier:
    """A warehouse of the earlier release.

    Attributes:
        engine: where it is.
        tables: its tables by ``schema.name``.
    """

    engine: Engine
    tables: dict[str, Table]

    def rows(self, table: str) -> list[Row]:
        """The rows of one of its tables."""
        return self.engine.rows(self.tables[table])

    def warehouse(self) -> Warehouse:
        """The warehouse, not open."""
        return warehouse_of(self.engine.settings, lock_wait=5)

    def stored(self) -> set[str]:
        """The names of the tables in the schema ``posthog``."""
        if isinstance(self.engine, BigQueryEngine):
            dataset = f"{self.engine.settings.bq_project}.{self.engine.settings.bq_dataset_prefix}{SCHEMA}"
            return {table.table_id for table in self.engine.client.list_tables(dataset)}
        found = self.engine.query(f"select table_name from duckdb_tables() where schema_name = '{SCHEMA}'")
        return {name for (name,) in found}


@pytest.fixture
def earlier(engine: Engine) -> Earlier:
    """The recorded warehouse on each engine."""
    for move in MOVES:
        engine.query(f"drop table {move.table}")
    recorded = json.loads((RECORDED / f"{engine.settings.engine}.json").read_text())["tables"]
    tables = {}
    for each in recorded:
        columns = tuple(Column(name, ColumnType(type_), Stamp(), "") for name, type_ in each["columns"])
        table = Table(each["name"], columns, "", schema=each["schema"])
        _create(engine, table, each)
        engine.put(table, *(_values(table, row) for row in each["rows"]))
        tables[str(table)] = table
    return Earlier(engine, tables)


def _create(engine: Engine, table: Table, recorded: dict[str, Any]) -> None:
    if isinstance(engine, BigQueryEngine):
        dataset = f"{engine.settings.bq_dataset_prefix}{table.schema}"
        reference = {"projectId": engine.settings.bq_project, "datasetId": dataset, "tableId": table.name}
        described = {
            key: recorded["api"][key] for key in ("schema", "timePartitioning", "clustering") if key in recorded["api"]
        }
        made = bigquery.Table.from_api_repr({"tableReference": reference, **described})
        engine.client.delete_table(made, not_found_ok=True)
        engine.client.create_table(made)
    else:
        engine.query(f"drop table if exists {table}")
        engine.query(recorded["ddl"])


def _values(table: Table, row: Row) -> Row:
    times = {column.name for column in table.columns if column.type is ColumnType.TIMESTAMP}
    return {name: datetime.fromisoformat(value) if name in times and value else value for name, value in row.items()}


def expected(move: Move, rows: list[Row]) -> list[Row]:
    """The rows of a former table as today's table is to hold them."""
    renamed = {former.removeprefix("former."): name for name, former in move.former_values.items()}
    moved = [{renamed.get(name, name): value for name, value in row.items()} for row in rows]
    if move.table is TRACKS_REPAIRS:
        return [row | {"snapshot": f"posthog.{row['snapshot']}"} for row in moved]
    return moved


def test_it_is_refused_and_left_as_it_is_until_it_is_moved(earlier: Earlier) -> None:
    before = {name: earlier.rows(name) for name in earlier.tables}

    with pytest.raises(WarehouseError) as caught, earlier.warehouse().opened():
        pass

    assert "posthog.tracks_contents, posthog.tracks_redelivered" in str(caught.value)
    assert str(caught.value).endswith("then run python -m tracks_assets.migrate.")
    assert {name: earlier.rows(name) for name in earlier.tables} == before


@pytest.mark.thorough
def test_the_doctor_says_so(earlier: Earlier, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in earlier.engine.variables.items():
        monkeypatch.setenv(name, value)

    (finding,) = (each for each in doctor.check(None, lock_wait=5) if each.check == "tables")

    assert (finding.status, finding.fix) == (Status.FAIL, NEXT_STEP)
    assert "posthog.tracks_contents" in finding.found


def test_every_row_is_in_todays_table_and_the_former_ones_are_gone(earlier: Earlier) -> None:
    wanted = {move.former: expected(move, earlier.rows(f"{SCHEMA}.{move.former}")) for move in MOVES}
    kept = {name: earlier.rows(name) for name in ("posthog.tracks", "posthog.raw_tracks", "posthog_ops.merge_log")}
    assert all(wanted.values()), "a table without rows would prove nothing"

    moved = earlier.warehouse().migrate()

    assert [(each.former, each.rows) for each in moved] == [(move.former, len(wanted[move.former])) for move in MOVES]
    for move in MOVES:
        assert sorted(map(repr, earlier.engine.rows(move.table))) == sorted(map(repr, wanted[move.former]))
    assert {name: earlier.rows(name) for name in kept} == kept
    assert not earlier.stored() & {*FORMER_LOCKS, *(move.former for move in MOVES)}
    assert earlier.warehouse().migrate() == []


@pytest.mark.parametrize("statements", [1, *(pytest.param(number, marks=pytest.mark.nightly) for number in (2, 3, 5))])
def test_killed_at_any_statement_it_ends_the_same_when_run_again(
    earlier: Earlier, statements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = {move.former: expected(move, earlier.rows(f"{SCHEMA}.{move.former}")) for move in MOVES}
    killed = earlier.warehouse()
    monkeypatch.setattr(killed, "execute", dying_after(statements, killed.execute))

    with pytest.raises(KeyboardInterrupt):
        killed.migrate()
    with pytest.raises(WarehouseError, match="earlier release"), earlier.engine.opened():
        pass
    earlier.warehouse().migrate()

    for move in MOVES:
        assert sorted(map(repr, earlier.engine.rows(move.table))) == sorted(map(repr, wanted[move.former]))
    assert earlier.warehouse().migrate() == []


def dying_after(statements: int, execute: Callable[..., int]) -> Callable[..., int]:
    """``execute``, which dies before it runs one statement more than so many."""
    left = iter(range(statements))

    def dying(name: str, *arguments: Any, **variables: Any) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return execute(name, *arguments, **variables)

    return dying


@pytest.mark.thorough
def test_its_repairs_are_rolled_back_from_their_own_snapshots(earlier: Earlier) -> None:
    ((dedup_id, dedup_snapshot), (restore_id, _)) = sorted(
        (row["repair_id"], row["snapshot"]) for row in earlier.rows("posthog.tracks_repairs")
    )
    moved_before = earlier.rows("posthog.tracks_redated")
    earlier.warehouse().migrate()

    with earlier.engine.opened() as warehouse:
        times_rollback.roll_back(warehouse, restore_id)
        dedup_rollback.roll_back(warehouse, dedup_id)

    rows = earlier.engine.rows(TRACKS)
    times = {row["event_id"]: row["created_at"] for row in rows}
    assert {row["event_id"]: times[row["event_id"]] for row in moved_before} == {
        row["event_id"]: row["created_at"] for row in moved_before
    }
    snapshot = earlier.rows(f"posthog.{dedup_snapshot}")
    ids = {row["event_id"] for row in snapshot}
    assert [row for row in rows if row["event_id"] in ids] == snapshot


@pytest.mark.thorough
def test_what_it_knew_of_deliveries_is_still_known(earlier: Earlier) -> None:
    earlier.warehouse().migrate()
    before = [earlier.engine.rows(table) for table in (TRACKS, CONTENT_FINGERPRINTS, UNCHANGED_REDELIVERIES)]

    with earlier.engine.opened():
        pass
    earlier.engine.merge(FIRST_HOUR, FIRST_HOUR + 2 * HOUR)

    assert [earlier.engine.rows(table) for table in (TRACKS, CONTENT_FINGERPRINTS, UNCHANGED_REDELIVERIES)] == before


@pytest.mark.thorough
def test_the_command_says_what_it_moved(
    earlier: Earlier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in earlier.engine.variables.items():
        monkeypatch.setenv(name, value)

    assert migrate.main() == 0
    assert "posthog.tracks_contents -> posthog_ops.content_fingerprints: 3 rows\n" in capsys.readouterr().out
    assert migrate.main() == 0
    assert capsys.readouterr().out == "Nothing to do: the warehouse has no table of an earlier release.\n"


@pytest.mark.thorough
def test_the_command_says_why_it_failed(
    earlier: Earlier, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in earlier.engine.variables.items():
        monkeypatch.setenv(name, value)
    earlier.engine.query("alter table posthog.tracks_redelivered drop column standing_inserted_at")
    before = earlier.engine.query("select count(*) from posthog.tracks_redelivered")

    assert migrate.main() == 1
    assert "move_rows" in capsys.readouterr().err
    assert earlier.engine.query("select count(*) from posthog.tracks_redelivered") == before
