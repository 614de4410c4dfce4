"""The deliveries of export hours that lie before the cutover, counted from raw_tracks."""

from datetime import UTC, datetime

from tracks_assets.quality.checks import CutoverHour
from tracks_assets.warehouse.base import Warehouse


def hours_before_cutover(warehouse: Warehouse, start: datetime, end: datetime, cutover: datetime) -> list[CutoverHour]:
    """The counts of the export hours in [start, end); an hour without deliveries is left out."""
    window = {"window_start": start, "window_end": end, "cutover": cutover}
    return [
        CutoverHour(row["window_start"].astimezone(UTC), row["deliveries"], int(row["before_cutover"]))
        for row in warehouse.fetch("hours_before_cutover", window)
    ]
