"""The frozen table of the old pipeline: filled from files while there are files, and only looked at from then on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from tracks_assets.core.errors import WarehouseError
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, LEGACY
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row


class Treatment(StrEnum):
    """How a run treated an hour of backfill_tracks."""

    LOADED = "loaded from its files"
    EMPTIED = "emptied: the hour has no files, and the run allows emptying"
    NO_FILES = "observed: the hour has no files, so its rows stay as they are"
    FROZEN = "observed: there is no legacy root, so the table is frozen"


@dataclass(frozen=True)
class LegacyHour:
    """One hour of backfill_tracks.

    Attributes:
        hour: its start.
        treatment: how the run treated it.
        files: its files.
        rows: its rows afterwards, and so on.
        distinct_ids: different ids.
        oldest: the oldest created_at; None where it has no rows.
        newest: the newest created_at; None where it has no rows.
        repaired: rows in which this run replaced half a surrogate pair.
    """

    hour: datetime
    treatment: Treatment
    files: int = 0
    rows: int = 0
    distinct_ids: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    repaired: int = 0


def refresh_hours(
    warehouse: Warehouse, legacy: Legacy, hours: Sequence[datetime], *, allow_emptying: bool = False
) -> list[LegacyHour]:
    """Loads the hours that have files, each in a transaction of its own, and counts the rows of all of them.

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
    has_root = legacy.exists()
    if not has_root and not warehouse.count_rows(BACKFILL_TRACKS):
        raise WarehouseError(
            f"The legacy root {legacy.uri} does not exist and {BACKFILL_TRACKS} is empty.",
            next_step="Set TRACKS_LEGACY_URI to the folder or bucket prefix that holds the old pipeline's rows.",
        )
    treated = [
        _refresh(warehouse, legacy.inventory(hour), allow_emptying=allow_emptying)
        if has_root
        else LegacyHour(hour, Treatment.FROZEN)
        for hour in hours
    ]
    rows = warehouse.fetch("backfill_hours", {"window_start": hours[0], "window_end": hours[-1] + HOUR})
    found = {row["created_hour"]: row for row in rows}
    return [_counted(hour, found.get(hour.hour)) for hour in treated]


def _refresh(warehouse: Warehouse, inventory: HourInventory, *, allow_emptying: bool) -> LegacyHour:
    """Loads an hour that has files; empties one that has none, where that is allowed."""
    if not inventory.files and not allow_emptying:
        return LegacyHour(inventory.hour, Treatment.NO_FILES)
    load = warehouse.load_slice(LEGACY, inventory, datetime.now(UTC), allow_emptying=allow_emptying)
    treatment = Treatment.LOADED if inventory.files else Treatment.EMPTIED
    return LegacyHour(inventory.hour, treatment, len(inventory.files), repaired=load.repaired)


def _counted(hour: LegacyHour, found: Row | None) -> LegacyHour:
    if found is None:
        return hour
    return replace(
        hour,
        rows=int(found["all_rows"]),
        distinct_ids=found["distinct_ids"],
        oldest=found["oldest"],
        newest=found["newest"],
    )
