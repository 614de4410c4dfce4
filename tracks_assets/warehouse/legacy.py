"""The frozen table of the old pipeline: filled from files while there are files, and only looked at from then on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracks_assets.export.layout import HOUR
from tracks_assets.export.legacy import Legacy
from tracks_assets.warehouse.base import Row, Warehouse, WarehouseError
from tracks_assets.warehouse.tables import BACKFILL_TRACKS


class Treatment(StrEnum):
    """What was done with an hour of backfill_tracks."""

    LOADED = "loaded from its files"
    EMPTIED = "emptied: the hour has no files, and the run allows emptying"
    NO_FILES = "observed: the hour has no files, so its rows stand as they are"
    FROZEN = "observed: there is no legacy root, so the table is frozen"


@dataclass(frozen=True)
class LegacyHour:
    """One hour of backfill_tracks; the oldest and newest created_at are None where it has no rows."""

    hour: datetime
    treatment: Treatment
    files: int = 0
    rows: int = 0
    distinct_ids: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


def refresh_hours(
    warehouse: Warehouse, legacy: Legacy, hours: Sequence[datetime], *, allow_emptying: bool = False
) -> list[LegacyHour]:
    """Loads the hours that have files, each in a transaction of its own, and says what all of them hold then.

    Args:
        warehouse: the warehouse, opened.
        legacy: where the files would lie.
        hours: successive hours, in order.
        allow_emptying: whether an hour that has rows may lose all of them, because its files are gone or hold none.
            Without a legacy root, no hour does.

    Raises:
        ExportError: a file is not as it must be. Its hour and those after it are left as they were.
        WarehouseError: there are neither files nor rows, an hour would be emptied, or the engine failed.
    """
    files = _load(warehouse, legacy, hours, allow_emptying=allow_emptying) if legacy.exists() else {}
    if not files and not warehouse.count_rows(BACKFILL_TRACKS):
        raise WarehouseError(
            f"The legacy root {legacy.uri} does not exist and {BACKFILL_TRACKS} is empty: set TRACKS_LEGACY_URI to the "
            f"folder or bucket prefix that holds the old pipeline's rows."
        )
    rows = warehouse.fetch("backfill_hours", {"window_start": hours[0], "window_end": hours[-1] + HOUR})
    found = {row["created_hour"]: row for row in rows}
    no_files = Treatment.EMPTIED if allow_emptying else Treatment.NO_FILES
    return [_told(hour, files.get(hour), found.get(hour), no_files) for hour in hours]


def _load(
    warehouse: Warehouse, legacy: Legacy, hours: Sequence[datetime], *, allow_emptying: bool
) -> dict[datetime, int]:
    """Loads every hour that has files; gives the number of files of each hour."""
    files = {}
    for hour in hours:
        inventory = legacy.inventory(hour)
        if inventory.files or allow_emptying:
            warehouse.replace_legacy_hour(inventory, allow_emptying=allow_emptying)
        files[hour] = len(inventory.files)
    return files


def _told(hour: datetime, files: int | None, found: Row | None, no_files: Treatment) -> LegacyHour:
    treatment = Treatment.FROZEN if files is None else Treatment.LOADED if files else no_files
    if found is None:
        return LegacyHour(hour, treatment, files or 0)
    return LegacyHour(
        hour, treatment, files or 0, int(found["all_rows"]), found["distinct_ids"], found["oldest"], found["newest"]
    )
