"""What one day of Mixpanel's export holds: its files, as the listing shows them. No file is opened here.

A day without a folder is an empty day. Everything else that is not as Mixpanel writes it raises ``ExportError``.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.core.feed import Feed
from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.mixpanel.layout import (
    FOLDER,
    FOLDER_TEMPLATE,
    LEVELS,
    day_folder,
    is_lines,
    is_parquet,
    stem,
)
from tracks_assets.sources.mixpanel.read import as_parquet
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address, at_once, filesystem_of
from tracks_assets.storage.folder import Folder, exists, list_folder
from tracks_assets.storage.inventory import ExportFile, HourInventory, scheme_of

REMEDY = "Let Mixpanel export the day again."

_LAYOUT = f"Put the files of each day into {FOLDER_TEMPLATE}."

_VERSIONS = ("etag", "crc32c", "md5Hash", "mtime")
"""What a storage calls the version of a file; the first that it gives is taken."""


@dataclass(frozen=True)
class MixpanelExport:
    """An export of Mixpanel's.

    Attributes:
        uri: its root, a local folder or a ``gs://bucket/prefix``.
        feed: the feed, whose folder is below the root.
    """

    uri: str
    feed: Feed = MIXPANEL

    def inventory(self, hour: datetime) -> HourInventory:
        """The files of the day that starts at ``hour``; none where Mixpanel exported nothing.

        Raises:
            ExportError: the root is missing or has another layout, a folder cannot be read, or the day's
                folder holds something else than files of events.
        """
        filesystem, root = filesystem_of(self.uri)
        folder = day_folder(hour)
        self._check_root(filesystem, root)
        listing = list_folder(filesystem, f"{root}/{folder}")
        if not listing.entries:
            _check_levels(filesystem, root, folder)
        _check_entries(listing, folder)
        files = tuple(
            at_once(lambda name: _file(filesystem, f"{listing.path}/{name}", f"{folder}/{name}"), listing.files)
        )
        return HourInventory(
            hour, root, folder, REMEDY, files, scheme=scheme_of(self.uri), unit="day", reader=as_parquet
        )

    def is_there(self) -> bool:
        """Whether the export has its folder.

        Raises:
            ExportError: the storage cannot be reached.
        """
        filesystem, root = filesystem_of(self.uri)
        return exists(filesystem, f"{root}/{FOLDER}", self.uri)

    def _check_root(self, filesystem: AbstractFileSystem, root: str) -> None:
        """A root that is set wrongly has no folder for any day: each day would look empty."""
        if not exists(filesystem, f"{root}/{FOLDER}", self.uri):
            raise ExportError(
                f"Mixpanel's export root {self.uri} has no folder {FOLDER!r}.",
                next_step="Set TRACKS_MIXPANEL_URI to the folder or bucket prefix that holds it.",
            )


def _check_levels(filesystem: AbstractFileSystem, root: str, folder: str) -> None:
    """Checks the folders above a day without files: the day may lie there under another name.

    Raises:
        ExportError: something else lies there than folders of years, months or days.
    """
    path, *names = folder.split("/")
    for pattern, name in zip(LEVELS, names, strict=True):
        listing = list_folder(filesystem, f"{root}/{path}")
        fitting = {f"{entry}/" for entry in listing.folders if pattern.fullmatch(entry)}
        others = [entry for entry in listing.entries if entry not in fitting]
        if others:
            raise ExportError(
                f"The folder {path} holds {others[0]!r}, which is no folder of a year, month or day.",
                "A day could look empty.",
                _LAYOUT,
            )
        path = f"{path}/{name}"


def _check_entries(listing: Folder, folder: str) -> None:
    """Checks that a day's folder holds files of events and nothing else, and none of them twice.

    Raises:
        ExportError: it holds a folder, another file, or a file in two forms.
    """
    stems: dict[str, str] = {}
    for entry in listing.entries:
        if entry.endswith("/") or not (is_lines(entry) or is_parquet(entry)):
            raise ExportError(
                f"The folder {folder} holds {entry!r}, which is no file of events.",
                "Files of events end in .json, .jsonl, either with .gz, or .parquet. Rows could be missing.",
                "Take it out of the folder, or let Mixpanel export the day again.",
            )
        other = stems.setdefault(stem(entry), entry)
        if other != entry:
            raise ExportError(
                f"The folder {folder} holds one export twice, as {other!r} and {entry!r}.",
                next_step="Take one of them out of the folder.",
            )


def _file(filesystem: AbstractFileSystem, path: str, name: str) -> ExportFile:
    """What the listing says of a file; how many rows it has is not known before it is read.

    Raises:
        ExportError: it is empty: a file without any byte is an upload that was cut off.
    """
    with reaching(address(filesystem, path)):
        info: dict[str, Any] = filesystem.info(path)
    size = int(info["size"] or 0)
    if size == 0:
        raise ExportError(f"The file {name} is empty (0 bytes).", next_step=REMEDY)
    version = next((str(info[key]) for key in _VERSIONS if info.get(key)), "")
    return ExportFile(path, name, rows=None, size=size, fields=frozenset(), version=version)
