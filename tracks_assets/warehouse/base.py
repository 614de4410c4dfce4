"""The interface of a warehouse: the few members that an engine implements, and what follows from them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.storage.fetch import fetched
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.capabilities import Capabilities
from tracks_assets.warehouse.migration import FORMER_LOCKS, NEXT_STEP, Move, Moved, former_tables, pending_moves
from tracks_assets.warehouse.repairing import RepairSupport
from tracks_assets.warehouse.results import (
    HourCost,
    HourLoad,
    LegacyMerge,
    Parameters,
    Row,
    TrackTotals,
    Usage,
    check_not_emptied,
    load_log_row,
)
from tracks_assets.warehouse.statements import Statements
from tracks_assets.warehouse.tables import TRACKS


@dataclass(frozen=True)
class Diagnosis:
    """What an error text of an engine means.

    Attributes:
        next_step: the sentence with the next step.
        passes: whether the cause passes by itself, so that the same work can succeed later.
    """

    next_step: str
    passes: bool


class Warehouse(ABC):
    """One engine's side of the pipeline. Opened late and closed at once: an embedded engine has a single writer.

    An engine implements the abstract members. The others have a default; an engine replaces one where it can do more.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the engine can do beyond the least."""
        return Capabilities()

    @property
    @abstractmethod
    def statements(self) -> Statements:
        """The texts of the project's statements in the engine's own words."""

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """The warehouse with its tables in place, for the length of a ``with`` block.

        Raises:
            WarehouseError: it cannot be opened, for instance because another process holds it, or it has tables of
                an earlier release.
        """
        self._open()
        try:
            finding = former_tables(self._stored_tables())
            if finding:
                raise WarehouseError(f"The warehouse is refused, because {finding}.", "Nothing was changed.", NEXT_STEP)
            self._ensure_tables()
            yield self
        finally:
            self._close()

    def migrate(self) -> list[Moved]:
        """Moves the rows of an earlier release's tables to today's; see ``warehouse.migration``.

        Killed at any moment, it may be run again: a table is dropped only after its rows are in another.

        Raises:
            WarehouseError: the engine failed; the table that was being moved is as it was.
        """
        self._open()
        try:
            stored = self._stored_tables()
            self._ensure_tables()
            moved = [self._move(move) for move in pending_moves(stored)]
            for name in stored.intersection(FORMER_LOCKS):
                self.execute("drop_table", table=self.statements.qualified(SCHEMA, name))
            return moved
        finally:
            self._close()

    def _move(self, move: Move) -> Moved:
        former, table = self.statements.qualified(SCHEMA, move.former), self.statements.table(move.table)
        with self.transaction():
            # An earlier attempt may have been killed between the rows and the table that they came from.
            self.execute("empty_table", table=table)
            self.execute("move_rows", table=table, former=former, expressions=move.expressions())
            (wanted,), (found,) = (self.fetch("count_rows", table=each) for each in (former, table))
            if wanted != found:
                raise WarehouseError(
                    f"{SCHEMA}.{move.former} has {wanted['all_rows']:,} rows, but {found['all_rows']:,} came to "
                    f"{move.table}.",
                    "Nothing was changed.",
                    "Stop every process that writes to the warehouse, then run python -m tracks_assets.migrate again.",
                )
        self.execute("drop_table", table=former)
        return Moved(move.former, move.table, int(found["all_rows"]))

    def _stored_tables(self) -> set[str]:
        """The names of the tables that the schema ``posthog`` has; an engine without earlier releases knows none."""
        return set()

    @abstractmethod
    def _open(self) -> None:
        """Connects."""

    @abstractmethod
    def _close(self) -> None:
        """Disconnects; does nothing where there is no connection."""

    @abstractmethod
    def _ensure_tables(self) -> None:
        """Creates the tables that are missing, and refuses those whose columns differ."""

    @abstractmethod
    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """The rows that one of the project's statements returns, each by its columns' names.

        A TIMESTAMP is a ``datetime`` in UTC.

        Args:
            statement: the statement's name; see ``Statements.text``.
            parameters: the values of its query parameters.
            variables: what else its text needs.

        Raises:
            WarehouseError: the engine failed; the current transaction is undone.
        """

    @abstractmethod
    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """Runs a statement that changes something, as ``fetch`` runs a query; returns the rows that it changed."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All that is changed in the ``with`` block, or, if it raises, nothing of it.

        Where several processes can write, it holds the write lock of tracks.
        """

    @abstractmethod
    def _replace_slice(self, feed: Feed, local: HourInventory, stamp: datetime, run_id: str | None) -> HourLoad:
        """Replaces a slice of a feed's tables by the rows of its files, and logs the load, in one transaction.

        The rows are those of ``typed_rows``. Before the commit, ``check_accounted_for`` checks that none is missing.
        The log, if the feed has one, gets the row of ``load_log_row``, by the statement ``insert_load_log``.

        Args:
            feed: whose tables; ``feed.slices`` names them and the column that says to which slice a row belongs.
            local: the hour's files, on local disk.
            stamp: the start of the loader run.
            run_id: the Dagster run, for the log.
        """

    def diagnose(self, error_text: str) -> Diagnosis:  # noqa: ARG002 (an engine that knows its errors reads the text)
        """The next step for an error of the engine of which only the text is known, because dbt reported it."""
        return Diagnosis("Remove the cause that the error names, then run again.", passes=False)

    def load_slice(
        self,
        feed: Feed,
        inventory: HourInventory,
        stamp: datetime,
        *,
        allow_emptying: bool = False,
        run_id: str | None = None,
    ) -> HourLoad:
        """Replaces one slice of a feed's tables by what its files hold, in one transaction.

        The same transaction adds the load to the feed's log, if it has one.

        Args:
            feed: whose files, and whose tables.
            inventory: the slice's files.
            stamp: the start of the loader run, which every row of the run carries.
            allow_emptying: whether an hour that has rows may lose all of them, because its files hold none.
            run_id: the Dagster run, for the log.

        Raises:
            ExportError: a file cannot be read to its end. The hour is left as it was.
            WarehouseError: the hour would be emptied, or the engine failed, for instance on a full disk. The hour is
                left as it was.
        """
        with fetched(inventory) as files, files.readable() as local:
            if local.rows or allow_emptying:
                return self._replace_slice(feed, local, stamp, run_id)
        stored = {str(table): self._count_slice(feed, table, column, inventory) for table, column in feed.slices}
        check_not_emptied(inventory, stored, feed.table)
        empty = HourLoad(inventory.hour)
        if feed.log:
            row = load_log_row(feed.log, empty, inventory, stamp, run_id)
            self.execute("insert_load_log", row, log=self.statements.table(feed.log))
        return empty

    def loaded_rows(self, feed: Feed, inventory: HourInventory) -> int | None:
        """Rows of the last load of a slice, if it read the same files, by names, sizes and versions; else None.

        A feed whose log has no fingerprint knows of none.
        """
        if feed.log is None or "fingerprint" not in {column.name for column in feed.log.columns}:
            return None
        log = self.statements.table(feed.log)
        found = self.fetch("newest_load", {"window_start": inventory.hour}, log=log)
        known = found[0] if found else {"fingerprint": None, "rows_read": 0}
        return int(known["rows_read"]) if known["fingerprint"] == inventory.fingerprint else None

    def _count_slice(self, feed: Feed, table: Table, column: str, inventory: HourInventory) -> int:
        bounds = {"window_start": inventory.hour, "window_end": inventory.hour + feed.slice_length}
        (found,) = self.fetch("count_slice", bounds, table=self.statements.table(table), column=column)
        return int(found["all_rows"])

    def record_costs(self, log: Table, run_id: str, costs: Sequence[HourCost]) -> None:
        """Adds to a log of loads or merges what each slice of a run took, where that is not recorded yet."""
        hours = sorted(cost.hour for cost in costs)
        if hours:
            window = {"run_id": run_id, "window_start": hours[0], "window_end": hours[-1] + timedelta(microseconds=1)}
            self.execute("record_costs", window, log=self.statements.table(log), costs=costs)

    def merge_legacy(self, start: datetime, end: datetime) -> LegacyMerge:  # noqa: ARG002 (see the subclasses)
        """Inserts into tracks what it lacks of backfill_tracks' rows created in [start, end), in one transaction.

        An event is looked for by its id alone, in all of tracks. Of several rows of one event, the latest ingested
        is taken. A row whose id belongs to another event goes into tracks_collisions, and replaces nothing in tracks.

        Raises:
            WarehouseError: the engine failed, or the counts do not add up. tracks is left as it was.
        """
        raise WarehouseError(
            f"{type(self).__name__} merges no legacy rows.", next_step="Run the backfill on another engine."
        )

    def count_rows(self, table: Table) -> int:
        """Rows of one of the project's tables."""
        (rows,) = self.fetch("count_rows", table=self.statements.table(table))
        return int(rows["all_rows"])

    def total_tracks(self, cutover: datetime) -> TrackTotals:
        """Totals of tracks; reads its ids, and those of every delivery since ``cutover``."""
        (totals,) = self.fetch("totals", {"cutover": cutover})
        return TrackTotals(totals["all_rows"], totals["distinct_ids"], int(totals["moved"]))

    def find_duplicates(self, table: str | None = None) -> None:
        """Fills the temporary table ``duplicate_ids`` (event_id, row_count) with every duplicated id.

        It reads tracks, or the table of the qualified name ``table``. The result is there until the warehouse is
        closed.
        """
        self.execute("find_duplicates", table=table or self.statements.table(TRACKS))

    def tracks_as_of(self, moment: datetime) -> str | None:  # noqa: ARG002 (without time travel, none is in reach)
        """Tracks as it was at a moment, for a statement's variable ``table``; None where that is out of reach."""
        return None

    @property
    def usage(self) -> Usage | None:
        """What was used since the warehouse was opened; None where the engine bills nothing."""
        return None

    @property
    def repairing(self) -> RepairSupport:
        """What a repair needs of the engine.

        Raises:
            WarehouseError: the engine has no repairs.
        """
        raise WarehouseError(f"{type(self).__name__} supports no repairs.", next_step="Run them on another engine.")
