"""The project's tables in memory, and the merge as dbt writes it for DuckDB, run hundreds of times."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.core.tables import Table
from tracks_assets.warehouse.tables import TABLES

from .bare_dbt import BareDbt
from .merge_text import SENTINELS, MergeText, written_merge

CUTOVER_DAY = "2026-03-04"

Row = dict[str, Any]


def run_text(session: duckdb.DuckDBPyConnection, text: MergeText) -> None:
    """Carries out a merge in a transaction, as dbt does."""
    session.execute("set timezone = 'UTC'; begin transaction")
    session.execute(text.text)
    session.execute("commit")


@dataclass(frozen=True)
class MergeEngine:
    """The project's tables in memory, and the merge."""

    connection: duckdb.DuckDBPyConnection
    text: MergeText = field(repr=False)

    def run(self, start: datetime, end: datetime) -> None:
        """Merges the window [start, end) in a session of its own."""
        with self.connection.cursor() as session:
            run_text(session, self.text.of(start, end, "run"))

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


def merge_engine(dbt: BareDbt) -> MergeEngine:
    """The engine, from what dbt writes and from the tables on which it wrote it."""
    dbt.run("run", "--select", "posthog_tracks", TRACKS_CUTOVER=CUTOVER_DAY, **SENTINELS)
    return MergeEngine(tables_in_memory(dbt), written_merge(dbt.target))


def tables_in_memory(dbt: BareDbt) -> duckdb.DuckDBPyConnection:
    """The project's tables, empty, by the names that dbt gives them."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(f"attach '{dbt.home / 'warehouse.duckdb'}' as prepared (read_only)")
    connection.execute("attach ':memory:' as warehouse")
    connection.execute("copy from database prepared to warehouse")
    for table in TABLES:
        connection.execute(f"delete from warehouse.{table}")
    connection.execute("detach prepared; use warehouse; set timezone = 'UTC'")
    return connection
