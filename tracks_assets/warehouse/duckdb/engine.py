"""The embedded engine: one DuckDB file, one writer at a time.

A second process cannot open the file while one holds it, so opening waits a bounded time and then says who holds it.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.duckdb_errors import (
    PASSING,
    cause_in,
    is_held,
    next_step,
    opening_error,
    shape_refusal,
    warehouse_error,
)
from tracks_assets.transform.rows import typed_rows
from tracks_assets.warehouse.base import Diagnosis, Warehouse
from tracks_assets.warehouse.capabilities import Capabilities
from tracks_assets.warehouse.duckdb.inspection import COLUMN_TYPES, shape_differences, stored_columns
from tracks_assets.warehouse.duckdb.repairing import DuckDbRepairs
from tracks_assets.warehouse.repairing import RepairSupport
from tracks_assets.warehouse.results import HourLoad, LegacyMerge, Parameters, Row, check_accounted_for, load_log_row
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS, Statements
from tracks_assets.warehouse.tables import TABLES, TRACKS

_COMPRESSION = {
    **dict.fromkeys(("event_payload", "feature_flags_values", "properties", "raw"), "zstd"),
    **dict.fromkeys(("event_id", "mp_insert_id", "distinct_id"), "uncompressed"),
}
"""Compression by column, where DuckDB's own choice is slow: zstd for JSON takes a third less time to write and half the
file (benchmarks/load.py). Each merge reads the ids of a full table, and random text hardly shrinks: uncompressed, it is
read in a third of the time (benchmarks/live.py) for 18 more bytes a row."""

_LOCK_RETRY_SECONDS = 0.2


class DuckDbWarehouse(Warehouse):
    """The warehouse in a DuckDB file, made where it is missing.

    Args:
        path: the file.
        lock_wait: seconds to wait for another process to let go of the file.
        memory_limit: DuckDB's own limit, for instance "2GB"; above it, work spills to disk beside the file.
    """

    def __init__(self, path: Path, lock_wait: float = 60.0, memory_limit: str = MEMORY_LIMIT) -> None:
        self._path = path
        self._lock_wait = lock_wait
        self._memory_limit = memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None

    @property
    def capabilities(self) -> Capabilities:
        """See ``Warehouse.capabilities``."""
        return Capabilities(single_writer=True)

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""
        return DUCKDB_STATEMENTS

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The open connection.

        Raises:
            WarehouseError: outside of ``opened()``.
        """
        if self._connection is None:
            raise WarehouseError(
                f"The warehouse {self._path} is not open.", next_step="Use it inside 'with warehouse.opened()'."
            )
        return self._connection

    def _open(self) -> None:
        deadline = time.monotonic() + self._lock_wait
        while self._connection is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._connection = self._connect()
            except (duckdb.Error, OSError) as error:
                if not is_held(error) or time.monotonic() > deadline:
                    raise opening_error(self._path, self._lock_wait, error) from error
                time.sleep(_LOCK_RETRY_SECONDS)

    def _connect(self) -> duckdb.DuckDBPyConnection:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self._memory_limit,
            "preserve_insertion_order": False,
        }
        connection = duckdb.connect(str(self._path), config=config)
        connection.execute("set timezone = 'UTC'")
        # Left on, it draws into the output of whatever runs the load, a terminal or not.
        connection.execute("set enable_progress_bar = false")
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _stored_tables(self) -> set[str]:
        """See ``Warehouse._stored_tables``."""
        try:
            stored = (relation.partition(".") for relation in stored_columns(self.connection))
            return {name for schema, _, name in stored if schema == SCHEMA}
        except duckdb.Error as error:
            raise opening_error(self._path, self._lock_wait, error) from error

    def _ensure_tables(self) -> None:
        """See ``Warehouse._ensure_tables``: reading the catalogue is faster than one statement for each table."""
        try:
            stored = stored_columns(self.connection)
            for name, difference in shape_differences(stored).items():
                raise shape_refusal(self._path, name, difference)
            missing = [table for table in TABLES if str(table) not in stored]
            if missing:
                self._create(missing)
        except duckdb.Error as error:
            raise opening_error(self._path, self._lock_wait, error) from error

    def _create(self, missing: Sequence[Table]) -> None:
        """Creates tables in one transaction: all of them or none."""
        with self.transaction():
            for schema in sorted({table.schema for table in missing}):
                self.connection.execute(f"create schema if not exists {schema}")
            for table in missing:
                self._run("create_table", table=table, types=COLUMN_TYPES, compression=_COMPRESSION)

    def _replace_slice(self, feed: Feed, local: HourInventory, stamp: datetime, run_id: str | None) -> HourLoad:
        """See ``Warehouse._replace_slice``."""
        with self._loading(local):
            for table, column in feed.slices:
                bounds = {"window_start": local.hour, "window_end": local.hour + feed.slice_length}
                self._run("delete_slice", bounds, table=table, column=column)
            load = self._insert_slice(feed, local, stamp) if local.files else HourLoad(local.hour)
            check_accounted_for(load, local)
            if feed.log:
                self._run("insert_load_log", load_log_row(feed.log, load, local, stamp, run_id), log=feed.log)
        return load

    def _insert_slice(self, feed: Feed, local: HourInventory, stamp: datetime) -> HourLoad:
        with typed_rows(feed, self.connection, local, self._memory_limit) as rows:
            return HourLoad(
                local.hour,
                read=local.rows,
                accepted=self._insert(feed.table, rows.accepted_rows(stamp)),
                rejected=self._insert(feed.rejected, rows.rejected_rows(stamp)) if feed.rejected else 0,
                repaired=rows.repaired,
                unfitting=rows.unfitting,
            )

    def _insert(self, table: Table, rows: str) -> int:
        (inserted,) = self.connection.execute(f"insert into {table} by name {rows}").fetchone() or (0,)
        return int(inserted)

    def merge_legacy(self, start: datetime, end: datetime) -> LegacyMerge:
        """See ``Warehouse.merge_legacy``: keys are matched first, and payloads are read by row number."""
        window = {"window_start": start, "window_end": end}
        with self.transaction():
            (rows,) = self.fetch("count_backfill_window", window)
            missing = self.execute("find_missing_legacy", window)
            self.execute("find_repeated_legacy")
            self.execute("find_collided_legacy", window)
            (collided,) = self.fetch("count_collided_legacy")
            self.execute("keep_collided_legacy")
            repeated = self.execute("drop_repeated_legacy")
            inserted = self.execute("insert_missing_legacy", window)
            if inserted != missing - repeated:
                raise WarehouseError(
                    f"The warehouse {self._path} inserted {inserted:,} rows into {TRACKS}, but {missing:,} were "
                    f"missing.",
                    f"Of these, {repeated:,} are repeats. Nothing was changed.",
                    "Run the hours again.",
                )
        return LegacyMerge(
            rows=rows["all_rows"],
            inserted=inserted,
            already_stored=rows["rows_with_id"] - missing - collided["of_stored_ids"],
            repeated=repeated - (collided["all_rows"] - collided["of_stored_ids"]),
            collided=collided["all_rows"],
            null_ids=rows["all_rows"] - rows["rows_with_id"],
        )

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""
        with self._error_context(statement):
            result = self._run(statement, parameters, **variables)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``Warehouse.execute``."""
        with self._error_context(statement):
            changed = self._run(statement, parameters, **variables).fetchone()
            return int(changed[0]) if changed and isinstance(changed[0], int) else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``."""
        self.connection.execute("begin transaction")
        try:
            yield
            with self._error_context("commit"):
                self.connection.execute("commit")
        except BaseException:
            self._roll_back()
            raise

    @property
    def repairing(self) -> RepairSupport:
        """See ``Warehouse.repairing``."""
        return DuckDbRepairs(self, self._path, self._explained)

    def _explained(self, statement: str, parameters: Parameters | None, variables: Mapping[str, Any]) -> str:
        with self._error_context(statement):
            text = f"explain (format json) {self.statements.text(statement, **variables)}"
            ((_, plan),) = self.connection.execute(text, parameters).fetchall()
            return str(plan)

    def diagnose(self, error_text: str) -> Diagnosis:
        """See ``Warehouse.diagnose``."""
        cause = cause_in(error_text)
        return Diagnosis(next_step(cause, error_text, str(self._path.parent)), cause in PASSING)

    @contextmanager
    def _error_context(self, statement: str) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            finding = f"The warehouse {self._path} failed at the statement {statement}"
            raise warehouse_error(finding, error, self._path.parent, "It changed nothing.") from error

    def _run(
        self, statement: str, parameters: Parameters | None = None, /, **variables: Any
    ) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(self.statements.text(statement, **variables), parameters)

    @contextmanager
    def _loading(self, inventory: HourInventory) -> Iterator[None]:
        self.connection.execute("begin transaction")
        try:
            yield
            self.connection.execute("commit")
        except duckdb.Error as error:
            self._roll_back()
            raise loading_error(self._path, inventory.shown, error) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # A failed commit has ended the transaction already, and a full disk has closed the whole database: then there
        # is nothing left to undo, and an error of its own would hide the cause.
        with suppress(duckdb.Error):
            self.connection.execute("rollback")


def loading_error(path: Path, shown: str, error: duckdb.Error) -> WarehouseError:
    """The error for an engine that failed while it loaded a slice, which is shown as messages name it."""
    return warehouse_error(
        f"The warehouse {path} failed to load the {shown}", error, path.parent, "Nothing was changed."
    )
