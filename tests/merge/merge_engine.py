"""The plan and the merge as dbt writes them for DuckDB, run hundreds of times without dbt.

dbt runs once, on a real warehouse, with a window that no delivery could fall into; its compiled texts then have the
window and the plan's name replaced. So what is tested is what runs, however many statements it is made of.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.warehouse.tables import TABLES, Table

from .bare_dbt import BareDbt

_START, _END = "1801-01-01T00:00:00+00:00", "1802-02-02T00:00:00+00:00"
CUTOVER_DAY = "2026-03-04"
_PLAN = re.compile(r'(?:"\w+"\.)*"tracks__dbt_tmp\w*"')
_MODEL = "tracks/models/marts/posthog_tracks.sql"

Row = dict[str, Any]


@dataclass(frozen=True)
class MergeEngine:
    """The project's tables in memory, and the merge; ``plan`` and ``merge`` have sentinels for the window."""

    connection: duckdb.DuckDBPyConnection
    plan: str = field(repr=False)
    merge: str = field(repr=False)

    def run(self, start: datetime, end: datetime) -> None:
        """Merges the window [start, end) in a session and a transaction of its own, as dbt does."""
        with self.connection.cursor() as session:
            session.execute("set timezone = 'UTC'; begin transaction")
            session.execute(f"create temporary table plan as {_fill(self.plan, start, end)}")
            session.execute(_fill(self.merge, start, end))
            session.execute("commit")

    def fill(self, table: Table, rows: Sequence[Row]) -> None:
        """Puts ``rows`` in place of a table's own."""
        self.connection.execute(f"delete from {table}")
        if rows:
            self.connection.register("given_rows", pa.Table.from_pylist(list(rows)))
            self.connection.execute(f"insert into {table} by name select * from given_rows")

    def rows(self, statement: str) -> list[Row]:
        """The rows of a query."""
        result = self.connection.execute(statement)
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, values, strict=True)) for values in result.fetchall()]


def _fill(text: str, start: datetime, end: datetime) -> str:
    return text.replace(_START, start.isoformat()).replace(_END, end.isoformat())


def merge_engine(dbt: BareDbt) -> MergeEngine:
    """The engine, from what dbt writes and from the tables on which it wrote it."""
    window = {"TRACKS_WINDOW_START": _START, "TRACKS_WINDOW_END": _END}
    dbt.run("run", "--select", "posthog_tracks", TRACKS_CUTOVER=CUTOVER_DAY, **window)
    plan = (dbt.target / "compiled" / _MODEL).read_text(encoding="utf-8")
    merge, names = _PLAN.subn("plan", (dbt.target / "run" / _MODEL).read_text(encoding="utf-8"))
    assert names > 0, "dbt names the plan in another way than this looks for"
    assert all(sentinel in plan for sentinel in (_START, _END))
    return MergeEngine(_tables_in_memory(dbt), plan, merge)


def _tables_in_memory(dbt: BareDbt) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"attach '{dbt.home / 'warehouse.duckdb'}' as prepared (read_only)")
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("copy from database prepared to warehouse")
    for table in TABLES:
        connection.execute(f"delete from warehouse.{table}")
    connection.execute("detach prepared; use warehouse; set timezone = 'UTC'")
    return connection
