"""A third engine, in memory, made of the required members of ``Warehouse`` alone: what a new engine has to bring."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from tests.integration.engines.dbt_process import TARGET_TYPE
from tests.integration.engines.engine import DuckDbEngine, Row
from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import Table
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.rows import typed_rows
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.duckdb.inspection import COLUMN_TYPES
from tracks_assets.warehouse.results import HourLoad, Parameters, check_accounted_for, load_log_row
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS, Statements
from tracks_assets.warehouse.tables import TABLES


def _connect() -> duckdb.DuckDBPyConnection:
    """A database in memory by the name that dbt gives the file's, so that dbt's texts fit."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse; use warehouse")
    return connection


@dataclass
class MemoryWarehouse(Warehouse):
    """Tables in the memory of one process; they live as long as the object."""

    connection: duckdb.DuckDBPyConnection = field(default_factory=_connect)

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""
        return DUCKDB_STATEMENTS

    def _open(self) -> None:
        self.connection.execute("set timezone = 'UTC'")

    def _close(self) -> None:
        """The tables stay."""

    def _ensure_tables(self) -> None:
        for schema in {table.schema for table in TABLES}:
            self.connection.execute(f"create schema if not exists {schema}")
        for table in TABLES:
            self.execute("create_table", table=table, types=COLUMN_TYPES, compression={})

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""
        try:
            found = self.connection.execute(self.statements.text(statement, **variables), parameters)
        except duckdb.Error as error:
            raise WarehouseError(f"The statement {statement} failed: {error}") from error
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, values, strict=True)) for values in found.fetchall()]

    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``Warehouse.execute``."""
        rows = self.fetch(statement, parameters, **variables)
        return int(rows[0].get("Count", 0)) if rows else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``."""
        self.connection.execute("begin transaction")
        try:
            yield
            self.connection.execute("commit")
        except BaseException:
            self.connection.execute("rollback")
            raise

    def _replace_slice(self, feed: Feed, local: HourInventory, stamp: datetime, run_id: str | None) -> HourLoad:
        load = HourLoad(local.hour)
        with self.transaction():
            for table, column in feed.slices:
                bounds = {"window_start": local.hour, "window_end": local.hour + feed.slice_length}
                self.execute("delete_slice", bounds, table=table, column=column)
            if local.files:
                with typed_rows(feed, self.connection, local, "1GB") as rows:
                    accepted = self._insert(feed.table, rows.accepted_rows(stamp))
                    rejected = self._insert(feed.rejected, rows.rejected_rows(stamp)) if feed.rejected else 0
                    load = HourLoad(local.hour, local.rows, accepted, rejected, rows.repaired, rows.unfitting)
            check_accounted_for(load, local)
            if feed.log:
                self.execute("insert_load_log", load_log_row(feed.log, load, local, stamp, run_id), log=feed.log)
        return load

    def _insert(self, table: Table, rows: str) -> int:
        (inserted,) = self.connection.execute(f"insert into {table} by name {rows}").fetchone() or (0,)
        return int(inserted)


@dataclass(frozen=True)
class MemoryEngine(DuckDbEngine):
    """The third engine as a scenario uses it; dbt writes its merge for a ``target.type`` that no macro names.

    Attributes:
        warehouse: the tables of this test.
    """

    warehouse: MemoryWarehouse = field(default_factory=MemoryWarehouse)

    @contextmanager
    def opened(self) -> Iterator[Warehouse]:
        """See ``Engine.opened``."""
        with self.warehouse.opened() as warehouse:
            yield warehouse

    @contextmanager
    def _connected(self) -> Iterator[duckdb.DuckDBPyConnection]:
        yield self.warehouse.connection

    def merge_by_dbt(self, **window: str) -> None:
        """See ``Engine.merge_by_dbt``: dbt runs on an empty file, for its text alone."""
        on_file = DuckDbEngine(self.home, self.dbt, self.variables, {TARGET_TYPE: "memory"})
        with on_file.opened():
            pass
        on_file.merge_by_dbt(**window)
