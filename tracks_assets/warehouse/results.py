"""What loads and merges report: plain figures, and the checks that they must pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.tables import Table
from tracks_assets.storage.inventory import HourInventory

Row = dict[str, Any]
Parameters = Mapping[str, Any]


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


def load_log_row(
    log: Table, load: HourLoad, inventory: HourInventory, stamp: datetime, run_id: str | None
) -> Parameters:
    """The row of a feed's log for a load, without its cost.

    Args:
        log: the log.
        load: what the load did.
        inventory: the files that it read.
        stamp: the start of the loader run.
        run_id: the Dagster run; None if there is none.
    """
    values = {
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
        "fingerprint": inventory.fingerprint,
    }
    return {column.name: values[column.name] for column in log.columns if column.name in values}


@dataclass(frozen=True)
class HourCost:
    """What the load or the merge of an hour took; an engine that bills nothing reports no bytes and slots."""

    hour: datetime
    milliseconds: int
    bytes_billed: int | None = None
    slot_ms: int | None = None


@dataclass(frozen=True)
class LegacyMerge:
    """The result of merging the frozen table's rows of a window; each is counted under one of the last five.

    Attributes:
        rows: rows of the window.
        inserted: rows that tracks lacked and has now.
        already_stored: rows that were skipped because tracks held their event already.
        repeated: rows that were skipped because another row of the window of the same event was taken.
        collided: rows whose id belongs to another event, in tracks or in the window; they are in tracks_collisions.
        null_ids: rows that have no id, and can never be inserted.
    """

    rows: int
    inserted: int
    already_stored: int
    repeated: int
    null_ids: int
    collided: int = 0


@dataclass(frozen=True)
class TrackTotals:
    """What tracks holds: rows, distinct ids, and events that have another time than their first delivery's."""

    rows: int
    distinct_ids: int
    moved: int

    @property
    def excess_rows(self) -> int:
        """Rows beyond the first of each id: 0 where no event is duplicated."""
        return self.rows - self.distinct_ids


@dataclass(frozen=True)
class Usage:
    """What the engine did for an open warehouse, as it bills it; an engine that bills nothing has none.

    Attributes:
        jobs: jobs that ran.
        bytes_billed: bytes that they are billed for.
        slot_ms: milliseconds of slots that they took.
        inserted: rows that their DML inserted; None where the engine did not report all.
        updated: rows that it updated, in the same way.
        deleted: rows that it deleted, in the same way.
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
            _where_both_are_known(self.inserted, other.inserted),
            _where_both_are_known(self.updated, other.updated),
            _where_both_are_known(self.deleted, other.deleted),
        )

    def since(self, before: "Usage") -> "Usage":
        """What was used after ``before``."""
        return self + Usage(
            -before.jobs,
            -before.bytes_billed,
            -before.slot_ms,
            *(None if rows is None else -rows for rows in (before.inserted, before.updated, before.deleted)),
        )


def _where_both_are_known(rows: int | None, others: int | None) -> int | None:
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
        f"The {inventory.shown} has stored rows ({counts}), but {inventory.folder} holds {found}.",
        "Nothing was changed.",
        f"Put the files back and run the {inventory.unit} again. To empty the {inventory.unit}, run {asset} with "
        f"allow_emptying: true in its run config (ops: {asset.schema}__{asset.name}: config).",
    )


def check_accounted_for(load: HourLoad, inventory: HourInventory) -> HourLoad:
    """The load itself, if every row of its files was accepted or refused.

    Raises:
        WarehouseError: rows are missing.
    """
    if load.read != load.accepted + load.rejected:
        raise WarehouseError(
            f"The {inventory.shown} has {load.read} rows in its files, but {load.accepted} were accepted "
            f"and {load.rejected} rejected.",
            f"The {inventory.unit} is as it was before.",
            f"Check whether its files in {inventory.folder} change while they are read.",
        )
    return load
