"""Checks of the export: its layout, and the files of one hour."""

from collections.abc import Iterator
from datetime import datetime

from tracks_assets.core.errors import ExportError
from tracks_assets.doctor.findings import Finding, fail, ok, warn
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.inventory import Export, unknown_fields
from tracks_assets.storage.inventory import HourInventory, find_unreadable

EXPORT, HOUR = "export", "hour"

MOST_READ = 200_000_000
"""Bytes of an hour's files up to which each file is read to its end; of more, only the footers are read."""


def check_export(export: Export, start: datetime, wanted: datetime | None) -> Iterator[Finding]:
    """Checks the layout of an export and one of its hours.

    Args:
        export: the export.
        start: the first hour that the pipeline has a partition for.
        wanted: the start of the hour to look at; None for the newest one.
    """
    try:
        newest = export.check_layout()
    except ExportError as error:
        yield fail(EXPORT, str(error))
        yield warn(HOUR, "not checked, because the export is not as expected")
        return
    yield layout_finding(export.uri, start, newest)
    hour = wanted or newest
    yield warn(HOUR, "not checked, because the export has no hour") if hour is None else check_hour(export, hour)


def layout_finding(uri: str, start: datetime, newest: datetime | None) -> Finding:
    """The finding for an export with the expected layout.

    Args:
        uri: its root.
        start: the first hour that the pipeline has a partition for.
        newest: the newest hour that has a folder.
    """
    if newest is None:
        return warn(
            EXPORT,
            f"{uri} has a folder 'events' without any hour",
            "Wait for PostHog's first export, or set TRACKS_EXPORT_URI to the root of another export.",
        )
    found = f"{uri} has hours, the newest is {newest:{PARTITION_FORMAT}}"
    if newest < start:
        return fail(
            EXPORT,
            f"{found}, before TRACKS_EXPORT_START ({start:{PARTITION_FORMAT}})",
            "Set TRACKS_EXPORT_START to the first hour of the export.",
        )
    return ok(EXPORT, found)


def check_hour(export: Export, hour: datetime) -> Finding:
    """Checks the files of one hour, as a load would find them."""
    try:
        inventory = export.inventory(hour)
        unreadable = find_unreadable(inventory) if inventory.size <= MOST_READ else None
    except ExportError as error:
        return fail(HOUR, f"{hour:{PARTITION_FORMAT}}: {error}")
    if unreadable is not None:
        return fail(HOUR, f"{hour:{PARTITION_FORMAT}}: {unreadable}")
    return hour_finding(inventory)


def hour_finding(inventory: HourInventory) -> Finding:
    """The finding for an hour whose files can be read."""
    key = f"{inventory.hour:{PARTITION_FORMAT}}"
    if not inventory.files:
        return fail(
            HOUR,
            f"{key} has no Parquet files in {inventory.folder}",
            "Export PostHog's 'events' model hourly as Parquet, or name an hour that has files with --hour.",
        )
    files = f"{len(inventory.files)} {'file' if len(inventory.files) == 1 else 'files'}"
    parts = [f"{key} has {files}", f"{inventory.rows:,} rows", f"{inventory.size:,} bytes"]
    parts += ["a manifest"] if inventory.manifest else []
    if unknown_fields(inventory):
        parts.append(f"fields that PostHog did not export before ({', '.join(unknown_fields(inventory))})")
    return ok(HOUR, ", ".join(parts)) if inventory.rows else warn(HOUR, ", ".join(parts), "Look at an hour with rows.")
