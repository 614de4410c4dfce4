"""The interface of a warehouse: what the assets, checks and jobs ask of an engine, and no more."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

from tracks_assets.core.errors import WarehouseError
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.statements import Statements
from tracks_assets.warehouse.tables import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS, Table

Row = dict[str, Any]
Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Obstacle:
    """A property of a table or its dataset under which a repair would lose something.

    Attributes:
        table: the table or dataset, as people name it.
        found: the finding, without a subject: ``has row access policies (eu_only)``.
        fix: the sentence with the next step.
        loses_rows: whether rows disappear or are hidden even without a repair.
    """

    table: str
    found: str
    fix: str
    loses_rows: bool = False

    def __str__(self) -> str:
        return f"{self.table} {self.found}"


@dataclass(frozen=True)
class HourLoad:
    """The result of loading one export hour.

    Attributes:
        hour: the start of the hour.
        read: rows in its files.
        accepted: rows that the contract accepts.
        rejected: rows that it refuses.
        repaired: accepted rows in which half a surrogate pair was replaced by U+FFFD.
        unfitting: values of accepted rows that do not fit their column's type, and are null.
    """

    hour: datetime
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    repaired: int = 0
    unfitting: int = 0


def load_log_row(load: HourLoad, inventory: HourInventory, stamp: datetime, run_id: str | None) -> Parameters:
    """The row of ``load_log`` for a load, without its cost.

    Args:
        load: what the load did.
        inventory: the files that it read.
        stamp: the start of the loader run.
        run_id: the Dagster run; None if there is none.
    """
    return {
        "window_start": load.hour,
        "bq_ingested_timestamp": stamp,
        "run_id": run_id,
        "files": len(inventory.files),
        "bytes": inventory.size,
        "rows_read": load.read,
        "rows_accepted": load.accepted,
        "rows_rejected": load.rejected,
        "rows_repaired": load.repaired,
        "values_not_fitting": load.unfitting,
    }


@dataclass(frozen=True)
class HourCost:
    """What the load or the merge of an hour took; an engine that bills nothing reports no bytes and slots."""

    hour: datetime
    milliseconds: int
    bytes_billed: int | None = None
    slot_ms: int | None = None


@dataclass(frozen=True)
class LegacyLoad:
    """The result of loading one hour of the frozen table.

    Attributes:
        rows: rows inserted.
        repaired: those in which half a surrogate pair was replaced by U+FFFD.
    """

    rows: int = 0
    repaired: int = 0


@dataclass(frozen=True)
class LegacyMerge:
    """The result of merging the frozen table's rows of a window; each is counted under one of the last five.

    Attributes:
        rows: rows of the window.
        inserted: rows that tracks lacked and has now.
        standing: rows that were skipped because tracks held their event already.
        repeated: rows that were skipped because another row of the window of the same event was taken.
        collided: rows whose id belongs to another event, in tracks or in the window; they are in tracks_collisions.
        null_ids: rows that have no id, and can never be inserted.
    """

    rows: int
    inserted: int
    standing: int
    repeated: int
    null_ids: int
    collided: int = 0


@dataclass(frozen=True)
class TrackTotals:
    """What tracks holds: rows, distinct ids, and events that stand at another time than their first delivery's."""

    rows: int
    distinct_ids: int
    moved: int

    @property
    def excess_rows(self) -> int:
        """Rows beyond the first of each id: 0 where every event stands once."""
        return self.rows - self.distinct_ids


@dataclass(frozen=True)
class Rewritten:
    """Tracks without its losers, not yet published.

    Attributes:
        place: the table to verify.
        removed_rows: rows of tracks that it lacks.
        removed_content: the sum of the hashes of those rows, as they stood in tracks.
        publish: given a name of its own, what to check and what to record: while nobody else can write tracks, it
            checks, and puts this in the place of tracks in one step; then it records that. See
            ``Warehouse.was_published``. Whoever does not call it leaves tracks as it was.
    """

    place: str
    removed_rows: int
    removed_content: int
    publish: Callable[[str, Callable[[], object], Callable[[], object]], object]


@dataclass(frozen=True)
class Usage:
    """What the engine did for an open warehouse, as it bills it; an engine that bills nothing has none.

    Attributes:
        jobs: jobs that ran.
        bytes_billed: bytes that they are billed for.
        slot_ms: milliseconds of slots that they took.
        inserted: rows that their DML inserted; None where the engine did not tell of all.
        updated: rows that it updated, likewise.
        deleted: rows that it deleted, likewise.
    """

    jobs: int = 0
    bytes_billed: int = 0
    slot_ms: int = 0
    inserted: int | None = 0
    updated: int | None = 0
    deleted: int | None = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.jobs + other.jobs,
            self.bytes_billed + other.bytes_billed,
            self.slot_ms + other.slot_ms,
            _where_both_tell(self.inserted, other.inserted),
            _where_both_tell(self.updated, other.updated),
            _where_both_tell(self.deleted, other.deleted),
        )

    def since(self, before: "Usage") -> "Usage":
        """What was used after ``before``."""
        return self + Usage(
            -before.jobs,
            -before.bytes_billed,
            -before.slot_ms,
            *(None if rows is None else -rows for rows in (before.inserted, before.updated, before.deleted)),
        )


def _where_both_tell(rows: int | None, others: int | None) -> int | None:
    return None if rows is None or others is None else rows + others


def content_sum(text: str) -> int:
    """A sum of row hashes as the statements spell it: a decimal, whose fraction some engines write and is zero."""
    return int(Decimal(text))


def check_not_emptied(inventory: HourInventory, stored: Mapping[str, int], asset: Table) -> None:
    """Checks that an hour whose files hold no rows has none in the warehouse.

    Files can be gone because they expired in their bucket, or because a setting names the wrong folder.

    Args:
        inventory: the hour's files, which hold no rows.
        stored: the rows of the hour that are stored, by table.
        asset: the asset that loads the hour.

    Raises:
        WarehouseError: rows are stored.
    """
    if not any(stored.values()):
        return
    counts = " and ".join(f"{rows:,} in {table}" for table, rows in stored.items())
    found = "only files without rows" if inventory.files else "no files"
    raise WarehouseError(
        f"The hour {inventory.hour:%Y-%m-%d-%H:%M} has stored rows ({counts}), but {inventory.folder} holds {found}. "
        f"Nothing was changed: put the files back and run the hour again, or, to empty the hour, run {asset} with "
        f"allow_emptying: true in its run config (ops: {asset.schema}__{asset.name}: config)."
    )


def check_accounted_for(load: HourLoad, inventory: HourInventory) -> HourLoad:
    """The load itself, if every row of its files was accepted or refused.

    Raises:
        WarehouseError: rows are missing.
    """
    if load.read != load.accepted + load.rejected:
        raise WarehouseError(
            f"The hour {load.hour:%Y-%m-%d-%H:%M} has {load.read} rows in its files, but {load.accepted} were accepted "
            f"and {load.rejected} rejected: the hour is as it was before; do its files in {inventory.folder} change "
            f"while they are read?"
        )
    return load


class Warehouse(ABC):
    """One engine's side of the pipeline. Opened late and closed at once: an embedded engine has a single writer."""

    @property
    @abstractmethod
    def statements(self) -> Statements:
        """The texts of the project's statements in the engine's own words."""

    @contextmanager
    def opened(self) -> Iterator[Self]:
        """The warehouse with its tables in place, for the length of a ``with`` block.

        Raises:
            WarehouseError: it cannot be opened, for instance because another process holds it.
        """
        self._open()
        try:
            self._create_missing_tables()
            yield self
        finally:
            self._close()

    @abstractmethod
    def _open(self) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def _create_missing_tables(self) -> None: ...

    @abstractmethod
    def replace_hour(
        self, inventory: HourInventory, stamp: datetime, *, allow_emptying: bool = False, run_id: str | None = None
    ) -> HourLoad:
        """Replaces one hour of raw_tracks and rejected_tracks by what its files deliver, in one transaction.

        The same transaction adds the load to load_log.

        Args:
            inventory: the hour's files.
            stamp: the start of the loader run, which every row of the run carries.
            allow_emptying: whether an hour that has rows may lose all of them, because its files hold none.
            run_id: the Dagster run, for the log.

        Raises:
            ExportError: a file cannot be read to its end. The hour is left as it was.
            WarehouseError: the hour would be emptied, or the engine failed, for instance on a full disk. The hour is
                left as it was.
        """

    def record_costs(self, log: Table, run_id: str, costs: Sequence[HourCost]) -> None:
        """Adds to ``load_log`` or ``merge_log`` what each hour of a run took, where that is not recorded yet."""
        hours = sorted(cost.hour for cost in costs)
        if hours:
            window = {"run_id": run_id, "window_start": hours[0], "window_end": hours[-1] + HOUR}
            self.change("record_costs", window, log=self.statements.place(log.schema, log.name), costs=costs)

    @abstractmethod
    def replace_legacy_hour(self, inventory: HourInventory, *, allow_emptying: bool = False) -> LegacyLoad:
        """Replaces the rows of backfill_tracks created in one hour by what its files hold, in one transaction.

        Args:
            inventory: the hour's files, which hold rows of that hour only.
            allow_emptying: whether an hour that has rows may lose all of them, because its files hold none.

        Raises:
            ExportError: a file cannot be read to its end, or its JSON is none. The hour is left as it was.
            WarehouseError: the hour would be emptied, or the engine failed, for instance on a full disk. The hour is
                left as it was.
        """

    def _stays_empty(self, inventory: HourInventory, *, allow_emptying: bool) -> bool:
        """True if neither the files of an export hour nor the tables hold rows of it, so that nothing is to be done.

        Raises:
            WarehouseError: the tables hold rows, and the run does not allow to empty the hour.
        """
        if inventory.rows or allow_emptying:
            return False
        (stored,) = self.fetch("count_hour", {"window_start": inventory.hour})
        counts = {str(RAW_TRACKS): stored["accepted"], str(REJECTED_TRACKS): stored["rejected"]}
        check_not_emptied(inventory, counts, RAW_TRACKS)
        return True

    def _legacy_stays_empty(self, inventory: HourInventory, *, allow_emptying: bool) -> bool:
        """The same as ``_stays_empty``, for an hour of the frozen table."""
        if inventory.rows or allow_emptying:
            return False
        window = {"window_start": inventory.hour, "window_end": inventory.hour + HOUR}
        (stored,) = self.fetch("count_backfill_window", window)
        check_not_emptied(inventory, {str(BACKFILL_TRACKS): stored["all_rows"]}, BACKFILL_TRACKS)
        return True

    @abstractmethod
    def insert_missing_legacy(self, start: datetime, end: datetime) -> LegacyMerge:
        """Inserts into tracks what it lacks of backfill_tracks' rows created in [start, end), in one transaction.

        An event is looked for by its id alone, in all of tracks. Of several rows of one event, the latest ingested
        is taken. A row whose id belongs to another event goes into tracks_collisions, and replaces nothing in tracks.

        Raises:
            WarehouseError: the engine failed, or the counts do not add up. tracks is left as it was.
        """

    @abstractmethod
    def count_rows(self, table: Table) -> int:
        """Rows of one of the tables in ``warehouse.tables``."""

    @abstractmethod
    def total_tracks(self, cutover: datetime) -> TrackTotals:
        """Totals of tracks; reads its ids, and those of every delivery since ``cutover``."""

    @abstractmethod
    def fetch(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> list[Row]:
        """The rows that one of the project's statements gives, each by its columns' names.

        Args:
            statement: the statement's name; see ``Statements.text``.
            parameters: the values of its query parameters.
            blanks: what else its text is to be filled with.

        Raises:
            WarehouseError: the engine failed; whatever stands in the current transaction is undone.
        """

    @abstractmethod
    def change(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """Runs a statement that changes something, as ``fetch`` runs one that asks; returns the rows it changed."""

    @abstractmethod
    def tracks_as_of(self, moment: datetime) -> str | None:
        """Tracks as it stood at a moment, for a statement's blank ``table``; None where that is out of reach."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All that is changed in the ``with`` block, or, if it raises, nothing of it."""

    def repair_obstacles(self) -> tuple[Obstacle, ...]:
        """Properties of tracks and of a repair's own tables that a repair would lose; reads no row.

        An engine without such properties has none.

        Raises:
            WarehouseError: the engine failed.
        """
        return ()

    @abstractmethod
    def find_duplicates(self, table: str | None = None) -> None:
        """Fills the temporary table ``duplicate_ids`` (event_id, copies) with every id that stands more than once.

        It looks at tracks, or at the place ``table``. The result is there until the warehouse is closed.
        """

    @abstractmethod
    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:
        """Keeps, under the name ``snapshot`` beside tracks, at least all rows that a repair is going to touch.

        Args:
            snapshot: the name of the table that holds it from now on.
            touched: a table of the ids (event_id) that the repair is going to touch.
            expires_at: until when it is kept; an engine without expiring tables leaves that to ``drop_snapshot``.
        """

    @abstractmethod
    def snapshot_statements(self) -> tuple[str, ...]:
        """The statements by which ``take_snapshot`` reads tracks; none where a snapshot is a clone of all of it."""

    @abstractmethod
    def drop_snapshot(self, snapshot: str) -> None:
        """Removes the snapshot of that name, if it is there."""

    @abstractmethod
    def has_snapshot(self, snapshot: str) -> bool:
        """Whether the snapshot of that name is there."""

    @abstractmethod
    def without_losers(self, snapshot: str) -> AbstractContextManager[Rewritten]:
        """Makes tracks with one copy of each event, to be verified before it is published.

        Yields what is to be verified and then published. If the ``with`` block raises, or if somebody else changes
        tracks meanwhile, tracks is as it was.

        Args:
            snapshot: the place of a snapshot that holds at least all rows of all ids that stand more than once.
        """

    @abstractmethod
    def was_published(self, name: str) -> bool:
        """Whether ``Rewritten.publish`` came as far as publishing; it may have died before it recorded that."""

    @property
    @abstractmethod
    def usage(self) -> Usage | None:
        """What was used since the warehouse was opened; None where the engine bills nothing."""

    @abstractmethod
    def rewriting_statements(
        self, snapshot: str, rewritten: str | None = None
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """The statements by which ``without_losers`` removes the losers and looks at them, in order, with their blanks.

        One without blanks reads only what those before it have made.

        Args:
            snapshot: a place of the ids that stand more than once.
            rewritten: stands in for the table that an engine makes beside tracks, as long as there is none.
        """

    @abstractmethod
    def remedy(self, said: str) -> str:
        """The sentence with the next step for an error of the engine that dbt reported, of which the text is known."""

    @abstractmethod
    def is_passing(self, said: str) -> bool:
        """Whether the reason of an error passes; dbt reported it, so only its text is known."""

    @abstractmethod
    def scanned_bytes(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """Bytes that a statement would read, as the engine stores or bills them; runs nothing."""

    @property
    @abstractmethod
    def byte_limit(self) -> int | None:
        """The most bytes that one statement may read; None where there is no such limit."""

    @abstractmethod
    def free_bytes(self) -> int | None:
        """Bytes that the warehouse can still grow by; None where the engine knows no limit."""
