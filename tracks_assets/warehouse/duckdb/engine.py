"""The embedded engine: one DuckDB file, one writer at a time.

A second process cannot open the file while one holds it, so opening waits a bounded time and then says who holds it.
"""

import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tracks_assets.core.errors import WarehouseError
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.storage.fetch import fetched
from tracks_assets.storage.inventory import HourInventory, find_unreadable
from tracks_assets.transform.deliveries import validated
from tracks_assets.transform.duckdb_errors import (
    PASSING,
    cause_in,
    is_held,
    next_step,
    opening_error,
    shape_refusal,
    warehouse_error,
)
from tracks_assets.transform.legacy_rows import legacy_rows
from tracks_assets.warehouse.base import (
    HourLoad,
    LegacyLoad,
    LegacyMerge,
    Parameters,
    Rewritten,
    Row,
    TrackTotals,
    Usage,
    Warehouse,
    check_accounted_for,
    content_sum,
    load_log_row,
)
from tracks_assets.warehouse.duckdb.inspection import COLUMN_TYPES, shape_differences, stored_columns
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS, Statements
from tracks_assets.warehouse.tables import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS, TABLES, TRACKS, Table

_BULKY = ("event_payload", "feature_flags_values", "raw")
"""Columns worth zstd: a third less time to write and half the file (benchmarks/load.py)."""

_LOCK_RETRY_SECONDS = 0.2


class DuckDbWarehouse(Warehouse):
    """The warehouse in a DuckDB file, made where it is missing.

    Args:
        path: the file.
        lock_wait: seconds to wait for another process to let go of the file.
        memory_limit: DuckDB's own limit, for instance "2GB"; above it, work spills to disk beside the file.
    """

    def __init__(self, path: Path, lock_wait: float = 60.0, memory_limit: str = "2GB") -> None:
        self._path = path
        self._lock_wait = lock_wait
        self._memory_limit = memory_limit
        self._connection: duckdb.DuckDBPyConnection | None = None

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
            raise WarehouseError(f"The warehouse {self._path} is not open: use it inside 'with warehouse.opened()'.")
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

    def _create_missing_tables(self) -> None:
        try:
            for schema in sorted({table.schema for table in TABLES}):
                self.connection.execute(f"create schema if not exists {schema}")
            for table in TABLES:
                self._run("create_table", table=table, types=COLUMN_TYPES, bulky=_BULKY)
            differences = shape_differences(stored_columns(self.connection))
        except duckdb.Error as error:
            raise opening_error(self._path, self._lock_wait, error) from error
        for name, difference in differences.items():
            raise WarehouseError(shape_refusal(self._path, name, difference))

    def replace_hour(
        self, inventory: HourInventory, stamp: datetime, *, allow_emptying: bool = False, run_id: str | None = None
    ) -> HourLoad:
        """See ``Warehouse.replace_hour``."""
        stays_empty = self._stays_empty(inventory, allow_emptying=allow_emptying)
        with fetched(inventory) as local, self._loading(local):
            load = HourLoad(inventory.hour) if stays_empty else self._replace_rows(local, stamp)
            check_accounted_for(load, inventory)
            self._run("insert_load_log", load_log_row(load, inventory, stamp, run_id))
        return load

    def _replace_rows(self, local: HourInventory, stamp: datetime) -> HourLoad:
        for table in (RAW_TRACKS, REJECTED_TRACKS):
            self._run("delete_hour", {"window_start": local.hour}, table=table)
        if not local.files:
            return HourLoad(local.hour)
        with validated(self.connection, local, self._memory_limit) as deliveries:
            return HourLoad(
                local.hour,
                read=local.rows,
                accepted=self._insert(RAW_TRACKS, deliveries.accepted_rows(stamp)),
                rejected=self._insert(REJECTED_TRACKS, deliveries.rejected_rows(stamp)),
                repaired=deliveries.repaired,
                unfitting=deliveries.unfitting,
            )

    def _insert(self, table: Table, rows: str) -> int:
        return self._changed(f"insert into {table} by name {rows}", {})

    def replace_legacy_hour(self, inventory: HourInventory, *, allow_emptying: bool = False) -> LegacyLoad:
        """See ``Warehouse.replace_legacy_hour``."""
        if self._legacy_stays_empty(inventory, allow_emptying=allow_emptying):
            return LegacyLoad()
        with fetched(inventory) as local, self._loading(local):
            self._run("delete_backfill_hour", {"window_start": inventory.hour, "window_end": inventory.hour + HOUR})
            if not local.files:
                return LegacyLoad()
            with legacy_rows(self.connection, local, self._memory_limit) as rows:
                return LegacyLoad(self._insert(BACKFILL_TRACKS, rows.query), rows.repaired)

    def insert_missing_legacy(self, start: datetime, end: datetime) -> LegacyMerge:
        """See ``Warehouse.insert_missing_legacy``: keys are matched first, and payloads are read by row number."""
        window = {"window_start": start, "window_end": end}
        with self.transaction():
            (rows,) = self.fetch("count_backfill_window", window)
            missing = self.change("find_missing_legacy", window)
            self.change("find_repeated_legacy")
            self.change("find_collided_legacy", window)
            (collided,) = self.fetch("count_collided_legacy")
            self.change("keep_collided_legacy")
            repeated = self.change("drop_repeated_legacy")
            inserted = self.change("insert_missing_legacy", window)
            if inserted != missing - repeated:
                raise WarehouseError(
                    f"The warehouse {self._path} inserted {inserted:,} rows into {TRACKS}, but {missing:,} were "
                    f"missing, {repeated:,} of them repeats: nothing was changed; run the hours again."
                )
        return LegacyMerge(
            rows=rows["all_rows"],
            inserted=inserted,
            standing=rows["rows_with_id"] - missing - collided["of_stored_ids"],
            repeated=repeated - (collided["all_rows"] - collided["of_stored_ids"]),
            collided=collided["all_rows"],
            null_ids=rows["all_rows"] - rows["rows_with_id"],
        )

    def count_rows(self, table: Table) -> int:
        """See ``Warehouse.count_rows``."""
        (rows,) = self.fetch("count_rows", table=table)
        return int(rows["all_rows"])

    def total_tracks(self, cutover: datetime) -> TrackTotals:
        """See ``Warehouse.total_tracks``."""
        (totals,) = self.fetch("totals", {"cutover": cutover})
        return TrackTotals(totals["all_rows"], totals["distinct_ids"], int(totals["moved"]))

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""
        with self._told_in_a_sentence(statement):
            result = self._run(statement, parameters, **blanks)
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, values, strict=True)) for values in result.fetchall()]

    def change(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.change``."""
        with self._told_in_a_sentence(statement):
            changed = self._run(statement, parameters, **blanks).fetchone()
            return int(changed[0]) if changed and isinstance(changed[0], int) else 0

    def tracks_as_of(self, moment: datetime) -> str | None:  # noqa: ARG002 (no moment is in reach)
        """See ``Warehouse.tracks_as_of``: DuckDB does not travel in time."""
        return None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``."""
        self.connection.execute("begin transaction")
        try:
            yield
            with self._told_in_a_sentence("commit"):
                self.connection.execute("commit")
        except BaseException:
            self._roll_back()
            raise

    def find_duplicates(self, table: str | None = None) -> None:
        """See ``Warehouse.find_duplicates``."""
        self.change("find_duplicates", table=table or str(TRACKS))

    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:  # noqa: ARG002 (none expires)
        """See ``Warehouse.take_snapshot``."""
        self.change("snapshot_tracks", snapshot=self._beside_tracks(snapshot), touched=touched)

    def snapshot_statements(self) -> tuple[str, ...]:
        """See ``Warehouse.snapshot_statements``."""
        return ("snapshot_tracks",)

    def drop_snapshot(self, snapshot: str) -> None:
        """See ``Warehouse.drop_snapshot``."""
        self.change("drop_snapshot", snapshot=self._beside_tracks(snapshot))

    def has_snapshot(self, snapshot: str) -> bool:
        """See ``Warehouse.has_snapshot``."""
        (found,) = self.fetch("table_exists", {"schema": TRACKS.schema, "name": snapshot})
        return bool(found["tables"])

    def _beside_tracks(self, name: str) -> str:
        return self.statements.place(TRACKS.schema, name)

    @contextmanager
    def without_losers(self, snapshot: str) -> Iterator[Rewritten]:
        """See ``Warehouse.without_losers``: the losers are deleted in a transaction, which nobody else sees."""
        with self.transaction():
            for statement, blanks in self.rewriting_statements(snapshot):
                self.change(statement, **blanks)
            (removed,) = self.fetch("removed_content")
            yield Rewritten(
                str(TRACKS),
                removed["all_rows"],
                content_sum(removed["content"]),
                # All of it is one transaction of the only writer: nothing can have come in between.
                publish=lambda _name, _check, record: record(),
            )

    def was_published(self, name: str) -> bool:  # noqa: ARG002 (what is published is recorded in the same transaction)
        """See ``Warehouse.was_published``: publishing and recording are one transaction."""
        return False

    @property
    def usage(self) -> Usage | None:
        """See ``Warehouse.usage``."""
        return None

    def rewriting_statements(
        self,
        snapshot: str,
        rewritten: str | None = None,  # noqa: ARG002 (tracks itself is rewritten)
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """See ``Warehouse.rewriting_statements``."""
        return (("find_losers", {"touched": snapshot}), ("delete_losers", {}))

    def remedy(self, said: str) -> str:
        """See ``Warehouse.remedy``."""
        return next_step(cause_in(said), said, str(self._path.parent))

    def is_passing(self, said: str) -> bool:
        """See ``Warehouse.is_passing``."""
        return cause_in(said) in PASSING

    def scanned_bytes(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.scanned_bytes``: the blocks, in the file, of the columns that the statement reads."""
        with self._told_in_a_sentence(statement):
            explained = self.connection.execute(
                f"explain (format json) {self.statements.text(statement, **blanks)}", parameters
            ).fetchall()
            return sum(
                self._stored_bytes(table, columns) for table, columns in scans_in_plan(json.loads(explained[0][1]))
            )

    @property
    def byte_limit(self) -> int | None:
        """See ``Warehouse.byte_limit``."""
        return None

    def free_bytes(self) -> int | None:
        """See ``Warehouse.free_bytes``: free space on the disk and in the file."""
        (blocks,) = self.connection.execute("select free_blocks * block_size from pragma_database_size()").fetchall()
        return shutil.disk_usage(self._path.parent).free + int(blocks[0])

    def _stored_bytes(self, table: str, columns: Sequence[str]) -> int:
        (blocks,) = self._run("stored_blocks", {"table": table, "columns": list(columns)}).fetchall()
        (size,) = self.connection.execute("select block_size from pragma_database_size()").fetchall()
        return int(blocks[0]) * int(size[0])

    @contextmanager
    def _told_in_a_sentence(self, statement: str) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            finding = f"The warehouse {self._path} failed at the statement {statement}, which changed nothing"
            raise warehouse_error(finding, error, self._path.parent) from error

    def _changed(self, statement: str, parameters: dict[str, Any]) -> int:
        (rows,) = self.connection.execute(statement, parameters).fetchone() or (0,)
        return int(rows)

    def _run(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(self.statements.text(statement, **blanks), parameters)

    @contextmanager
    def _loading(self, inventory: HourInventory) -> Iterator[None]:
        self.connection.execute("begin transaction")
        try:
            yield
            self.connection.execute("commit")
        except duckdb.Error as error:
            self._roll_back()
            raise find_unreadable(inventory) or loading_error(self._path, inventory.hour, error) from error
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # A failed commit has ended the transaction already, and a full disk has closed the whole database: then there
        # is nothing left to undo, and an error of its own would hide the cause.
        with suppress(duckdb.Error):
            self.connection.execute("rollback")


def scans_in_plan(plan: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The tables that a query plan of DuckDB reads, each with the columns read of it."""
    scans: list[tuple[str, list[str]]] = []
    for node in plan:
        about = node.get("extra_info", {})
        if "Table" in about:
            read = about.get("Projections", [])
            scans.append((about["Table"], [read] if isinstance(read, str) else list(read)))
        scans += scans_in_plan(node.get("children", []))
    return scans


def loading_error(path: Path, hour: datetime, error: duckdb.Error) -> WarehouseError:
    """The error for an engine that failed while it loaded an hour."""
    finding = f"The warehouse {path} failed to load the hour {hour:%Y-%m-%d-%H:%M}, which is unchanged"
    return warehouse_error(finding, error, path.parent)
