"""What one export hour holds: its files, as the listing, the manifest and the Parquet footers show it.

Nothing here reads an event. An hour without files is an empty hour. Everything else that is not as PostHog writes it
raises ``ExportError``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
from fsspec import AbstractFileSystem

from tracks_assets.core.columns import ColumnType, field_types
from tracks_assets.core.errors import ExportError
from tracks_assets.core.feed import Feed
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.hour_files import EXPORT_AGAIN, find_files
from tracks_assets.sources.posthog.layout import (
    FOLDER_TEMPLATE,
    HOUR,
    FolderHour,
    hour_folder,
    parse_hour_folder,
)
from tracks_assets.sources.posthog.root import CheckedDays, find_hours, shown
from tracks_assets.sources.posthog.upload import Upload, list_day, list_days, missing_parts
from tracks_assets.storage.filesystem import at_once, filesystem_of
from tracks_assets.storage.folder import exists, list_folder
from tracks_assets.storage.inventory import (
    ExportFile,
    HourInventory,
    check_names_agree,
    read_footer,
    scheme_of,
)


@dataclass(frozen=True)
class Export:
    """An export of one feed.

    Attributes:
        uri: its root, a local folder or a ``gs://bucket/prefix``.
        folder_hour: whether a folder names the end or the start of its hour.
        feed: the feed, whose folder is below the root.
    """

    uri: str
    folder_hour: FolderHour = "end"
    feed: Feed = EVENTS

    def inventory(self, hour: datetime) -> HourInventory:
        """The files of the export hour that starts at ``hour``; none where PostHog exported nothing.

        Raises:
            ExportError: the root is missing or has another layout, the folder or a file cannot be read, the folder
                holds something else than Parquet files, the export is not finished, a file belongs to another hour,
                or a file's fields are not those of PostHog's export.
        """
        filesystem, root = self._locate()
        folder = hour_folder(hour, self.folder_hour, self.feed.folder)
        listing = list_folder(filesystem, f"{root}/{folder}")
        if not listing.entries:
            self.check_layout()
            self._days.check(folder.rpartition("/")[0])
            return HourInventory(hour, root, folder, EXPORT_AGAIN, scheme=scheme_of(self.uri))
        found = find_files(filesystem, listing, hour, folder)
        files = tuple(
            at_once(lambda name: self._read_file(filesystem, f"{listing.path}/{name}", f"{folder}/{name}"), found.names)
        )
        check_names_agree(files, EXPORT_AGAIN)
        return HourInventory(hour, root, folder, EXPORT_AGAIN, files, found.manifest, scheme=scheme_of(self.uri))

    def _read_file(self, filesystem: AbstractFileSystem, path: str, name: str) -> ExportFile:
        file, schema = read_footer(filesystem, path, name, EXPORT_AGAIN)
        _check_fields(self.feed, name, schema)
        return file

    def check_layout(self) -> datetime | None:
        """Checks that folders of hours lie below the root, as PostHog writes them; looks only once.

        Returns:
            The start of the newest export hour that has a folder; None where ``events`` is empty.

        Raises:
            ExportError: the root is missing, has no folder ``events``, or something else than hours lies in that.
        """
        return self._newest_hour

    def upload_days(self) -> list[str]:
        """The days that have a folder, in order; one listing.

        Raises:
            ExportError: the root is missing or cannot be listed.
        """
        filesystem, root = self._locate()
        return list_days(filesystem, f"{root}/{self.feed.folder}")

    def uploads(self, day: str) -> dict[datetime, Upload]:
        """The uploads below the folder of a day, by export hour; one listing, and no file is opened.

        Raises:
            ExportError: the day cannot be listed.
        """
        filesystem, root = filesystem_of(self.uri)
        found = list_day(filesystem, f"{root}/{self.feed.folder}/{day}")
        return {self._hour_of(f"{day}/{hour}"): upload for hour, upload in found.items()}

    def missing_parts(self, upload: Upload) -> tuple[str, ...] | None:
        """The parts that an upload's manifest names and its folder lacks; None if there is no manifest to go by.

        Raises:
            ExportError: the storage cannot be reached.
        """
        filesystem, _ = filesystem_of(self.uri)
        return missing_parts(filesystem, upload)

    def upload_day(self, hour: datetime) -> str:
        """The day whose folder holds an export hour."""
        return hour_folder(hour, self.folder_hour, self.feed.folder).split("/")[1]

    def _hour_of(self, folder: str) -> datetime:
        """The export hour that a folder ``{date}/{hour}`` holds."""
        return parse_hour_folder(folder) - (HOUR if self.folder_hour == "end" else timedelta())

    @cached_property
    def _days(self) -> CheckedDays:
        return CheckedDays(self.uri, _export_to_template(self.feed.folder))

    def _locate(self) -> tuple[AbstractFileSystem, str]:
        filesystem, root = filesystem_of(self.uri)
        if not exists(filesystem, root, self.uri):
            raise ExportError(f"The export root {self.uri} does not exist.", next_step=f"{_set_uri(self.feed.folder)}.")
        return filesystem, root

    @cached_property
    def _newest_hour(self) -> datetime | None:
        filesystem, root = self._locate()
        listing = list_folder(filesystem, root)
        if self.feed.folder not in listing.folders:
            raise _no_folder(self.uri, self.feed.folder, find_hours(filesystem, root).newest, listing.entries)
        hours = find_hours(filesystem, f"{root}/{self.feed.folder}")
        if hours.other is not None:
            raise ExportError(
                f"The export root {self.uri} has no folder {self.feed.folder}/{{date}}/{{hour}}.",
                f"It holds {f'{self.feed.folder}/{hours.other}'!r} instead of, for instance, "
                f"{self.feed.folder}/2026-03-12/01.",
                _export_to_template(self.feed.folder),
            )
        if hours.newest is None:
            return None
        return self._hour_of(hours.newest)


def _export_to_template(folder: str) -> str:
    return f"Set the key prefix of PostHog's export to '{folder}/{FOLDER_TEMPLATE}', or move the files."


def _set_uri(folder: str) -> str:
    return f"Set TRACKS_EXPORT_URI to the folder or bucket prefix that holds the export's {folder!r} folder"


def _no_folder(uri: str, folder: str, newest: str | None, entries: Sequence[str]) -> ExportError:
    if newest is None:
        return ExportError(
            f"The export root {uri} has no folder {folder!r}.",
            f"It holds {shown(entries)}.",
            f"{_set_uri(folder)}, or wait for the first hour of a new export.",
        )
    parent, _, name = uri.rstrip("/").rpartition("/")
    is_feed = name == folder
    return ExportError(
        f"The export root {uri} has no folder {folder!r}.",
        f"It holds {newest!r} itself.",
        f"Set TRACKS_EXPORT_URI to its parent {parent}." if is_feed else _export_to_template(folder),
    )


def _check_fields(feed: Feed, name: str, schema: pa.Schema) -> None:
    default_fields = f"Export PostHog's {feed.name!r} model with all its default fields."
    for delivered in schema.names:
        known = delivered.lower()
        if delivered not in feed.fields.read and known in feed.fields.read:
            raise ExportError(
                f"The file {name} has the field {delivered!r}.", f"PostHog's name is {known!r}.", default_fields
            )
    for required in sorted(feed.fields.required):
        if required not in schema.names:
            raise ExportError(f"The file {name} has no field {required}.", next_step=default_fields)
    types = field_types(feed.columns)
    for field in schema:
        if field.name in feed.fields.read and not _has_type(field, types[field.name]):
            expected = _TYPE_NAMES.get(types[field.name], "text")
            raise ExportError(
                f"The field {field.name} of the file {name} is {field.type}.",
                f"PostHog exports {expected}.",
                f"Export PostHog's {feed.name!r} model with its own types.",
            )


_TYPE_NAMES = {
    ColumnType.TIMESTAMP: "a UTC timestamp in microseconds",
    ColumnType.INT64: "an integer",
    ColumnType.BOOL: "a boolean",
    ColumnType.FLOAT64: "a number",
}


def _has_type(field: "pa.Field[Any]", type_: ColumnType) -> bool:
    match type_:
        case ColumnType.TIMESTAMP:
            return pa.types.is_timestamp(field.type) and field.type.tz == "UTC" and field.type.unit in ("us", "ms")
        case ColumnType.INT64:
            return pa.types.is_integer(field.type)
        case ColumnType.BOOL:
            return pa.types.is_boolean(field.type)
        case ColumnType.FLOAT64:
            return pa.types.is_floating(field.type)
    return pa.types.is_string(field.type) or pa.types.is_large_string(field.type)


def unknown_fields(inventory: HourInventory, feed: Feed = EVENTS) -> list[str]:
    """Fields that PostHog's export did not have when this was written: a hint that it grew."""
    return sorted(inventory.fields - feed.fields.known)
