"""What one export hour holds: its files, as the listing, the manifest and the Parquet footers tell.

Nothing here reads an event. An hour without files is an empty hour. Everything else that is not as PostHog writes it
raises ``ExportError`` with one sentence: what, where, and what to do.
"""

import errno
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from tracks_assets.export.errors import ExportError
from tracks_assets.export.fields import KNOWN_FIELDS, READ_FIELDS, REQUIRED_FIELDS, TIME_FIELDS
from tracks_assets.export.layout import FolderHour, hour_folder, hour_interval, manifest_name, parse_file_name
from tracks_assets.export.storage import address, at_once, filesystem_of
from tracks_assets.export.storage_errors import reaching

EXPORT_AGAIN = "let PostHog export the hour again"


@dataclass(frozen=True)
class ExportFile:
    """One Parquet file of an export, as its footer tells.

    Attributes:
        path: where the export's filesystem finds it.
        name: its name below the export's root, as the tables record it.
        rows: rows in the file.
        size: bytes of the file.
        fields: names of the file's fields.
    """

    path: str
    name: str
    rows: int
    size: int
    fields: frozenset[str]


@dataclass(frozen=True)
class HourInventory:
    """The files of one hour.

    Attributes:
        hour: the start of the hour.
        root: where the folders of all hours lie.
        folder: the hour's own folder below it.
        files: the Parquet files there.
        manifest: the manifest's name, if there is one.
        remedy: what to do when one of the files cannot be read.
        scheme: what stands before the root where it is no local folder, for instance ``gs://``.
    """

    hour: datetime
    root: str
    folder: str
    files: tuple[ExportFile, ...] = ()
    manifest: str | None = None
    remedy: str = EXPORT_AGAIN
    scheme: str = ""

    @property
    def uri(self) -> str:
        """The root as settings name it."""
        return f"{self.scheme}{self.root}"

    @property
    def rows(self) -> int:
        """Rows in all the files."""
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all the files."""
        return sum(file.size for file in self.files)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that any of the files has."""
        return frozenset[str]().union(*(file.fields for file in self.files))

    @property
    def unknown_fields(self) -> list[str]:
        """Fields that PostHog's export did not have when this was written: a hint that it grew."""
        return sorted(self.fields - KNOWN_FIELDS)


@dataclass(frozen=True)
class Export:
    """An export's root: a local folder or a ``gs://bucket/prefix``."""

    uri: str
    folder_hour: FolderHour = "end"

    def inventory(self, hour: datetime) -> HourInventory:
        """The files of the export hour that starts at ``hour``; none where PostHog exported nothing.

        Raises:
            ExportError: the root is missing, the folder or a file cannot be read, a file belongs to another hour,
                or a file's fields are not those of PostHog's export.
        """
        filesystem, root = filesystem_of(self.uri)
        if not exists(filesystem, root, self.uri):
            raise ExportError(
                f"The export root {self.uri} does not exist: set TRACKS_EXPORT_URI to the folder or bucket "
                f"prefix that holds the export's 'events' folder."
            )
        folder = hour_folder(hour, self.folder_hour)
        listing = list_folder(filesystem, f"{root}/{folder}")
        manifest = _find_manifest(listing, hour, folder)
        paths = _files_of_manifest(filesystem, manifest, listing, folder) if manifest else parquet_files(listing)
        _check_intervals(paths, hour, folder)
        files = tuple(at_once(lambda path: _read_file(filesystem, path, f"{folder}/{_name(path)}"), paths))
        return HourInventory(
            hour, root, folder, files, _name(manifest) if manifest else None, scheme=scheme_of(self.uri)
        )


def scheme_of(uri: str) -> str:
    """What stands before the path in a place that is no local one; nothing in a local one."""
    scheme, sign, _ = uri.partition("://")
    return f"{scheme}{sign}" if sign else ""


def exists(filesystem: AbstractFileSystem, root: str, uri: str) -> bool:
    """Whether a root is there.

    Raises:
        ExportError: that cannot be told.
    """
    try:
        with reaching(uri):
            filesystem.info(root)
    except FileNotFoundError:
        return False
    return True


def list_folder(filesystem: AbstractFileSystem, folder: str) -> list[str]:
    """The paths of a folder's files, in order; none where there is no such folder.

    Raises:
        ExportError: it is there and cannot be read.
    """
    place = address(filesystem, folder)
    try:
        with reaching(place):
            entries = filesystem.ls(folder, detail=True)
        listing = sorted(entry["name"] for entry in entries if entry["type"] != "directory")
        # A file answers a listing with itself; taken for a folder without exports, it would empty the hour.
        if listing == [folder]:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ExportError(
            f"The folder {place} cannot be read ({_cause(error)}): "
            f"make it a folder that this user may list, then run the hour again."
        ) from error
    return listing


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _find_manifest(listing: Iterable[str], hour: datetime, folder: str) -> str | None:
    manifests = [path for path in listing if path.endswith("_manifest.json")]
    expected = manifest_name(hour_interval(hour))
    for path in manifests:
        if _name(path) != expected:
            raise ExportError(
                f"The manifest {folder}/{_name(path)} is of another hour: "
                f"this folder belongs to {hour_interval(hour)}; move the manifest away or set "
                f"TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour names."
            )
    return manifests[0] if manifests else None


def _files_of_manifest(filesystem: AbstractFileSystem, manifest: str, listing: Iterable[str], folder: str) -> list[str]:
    """Exactly the manifest's files: a retry with fewer parts leaves stale ones beside them."""
    by_name, place = {_name(path): path for path in listing}, f"{folder}/{_name(manifest)}"
    try:
        with reaching(address(filesystem, manifest)):
            text = filesystem.cat_file(manifest)
        names = _names_in_manifest(text)
    except (ValueError, OSError) as error:
        raise ExportError(f"The manifest {place} cannot be read ({_cause(error)}): {EXPORT_AGAIN}.") from error
    missing = [name for name in names if name not in by_name]
    if missing:
        raise ExportError(f"The manifest {place} names {missing[0]!r}, which is not there: {EXPORT_AGAIN}.")
    return [by_name[name] for name in names]


def _names_in_manifest(text: bytes) -> list[str]:
    """The file names in a manifest; one that is named twice is still one file."""
    manifest = json.loads(text)
    keys = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError('it is not {"files": [names]}')
    return list(dict.fromkeys(map(_name, keys)))


def parquet_files(listing: Iterable[str]) -> list[str]:
    """The paths that name a Parquet file, whatever is compressed inside."""
    return [path for path in listing if ".parquet" in _name(path)]


def _check_intervals(paths: Iterable[str], hour: datetime, folder: str) -> None:
    expected = hour_interval(hour)
    for path in paths:
        interval = parse_file_name(_name(path))
        if interval is not None and interval != expected:
            raise ExportError(
                f"The file {folder}/{_name(path)} carries the interval {interval}, but the hour being loaded is "
                f"{expected}: move the file to its own folder, or set TRACKS_EXPORT_FOLDER_HOUR to what the "
                f"folder's hour names (the interval's end or its start)."
            )


def _read_file(filesystem: AbstractFileSystem, path: str, name: str) -> ExportFile:
    file, schema = read_footer(filesystem, path, name, EXPORT_AGAIN)
    _check_fields(name, schema)
    return file


def read_footer(filesystem: AbstractFileSystem, path: str, name: str, remedy: str) -> tuple[ExportFile, pa.Schema]:
    """What a file's footer tells.

    Args:
        filesystem: where the file lies.
        path: its path there.
        name: how messages and tables name it.
        remedy: what to do when it cannot be read.

    Raises:
        ExportError: it is empty, torn or no Parquet at all.
    """
    place = address(filesystem, path)
    try:
        with reaching(place):
            size = int(filesystem.size(path) or 0)
        if size == 0:
            raise ExportError(f"The file {name} is empty (0 bytes): {remedy}.")
        with reaching(place), filesystem.open(path, "rb") as stream, pq.ParquetFile(stream) as parquet:
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise unreadable(name, error, remedy) from error
    return ExportFile(path, name, rows, size, frozenset(schema.names)), schema


def unreadable(name: str, error: Exception, remedy: str = EXPORT_AGAIN) -> ExportError:
    """The error for a file that is torn or no Parquet at all."""
    return ExportError(f"The file {name} cannot be read as Parquet ({_cause(error)}): {remedy}.")


def _cause(error: Exception) -> str:
    """What an error says, cut to its first sentence."""
    # What is not in a bucket is told by its path alone.
    number = errno.ENOENT if isinstance(error, FileNotFoundError) else getattr(error, "errno", None)
    said = os.strerror(number) if number else str(error)
    return re.split(r"\.(?:\s|$)|\n", said.strip(), maxsplit=1)[0]


def _check_fields(name: str, schema: pa.Schema) -> None:
    for alternatives in REQUIRED_FIELDS:
        if not any(field in schema.names for field in alternatives):
            raise ExportError(
                f"The file {name} has no field {' or '.join(alternatives)}: "
                f"export PostHog's 'events' model with all its default fields."
            )
    for field in schema:
        if field.name in READ_FIELDS and not _has_type(field):
            expected = "a UTC timestamp in microseconds" if field.name in TIME_FIELDS else "text"
            raise ExportError(
                f"The field {field.name} of the file {name} is {field.type}, but PostHog exports {expected}: "
                f"export PostHog's 'events' model with its own types."
            )


def _has_type(field: "pa.Field[Any]") -> bool:
    if field.name in TIME_FIELDS:
        return pa.types.is_timestamp(field.type) and field.type.tz == "UTC" and field.type.unit in ("us", "ms")
    return pa.types.is_string(field.type) or pa.types.is_large_string(field.type)


def find_unreadable(inventory: HourInventory) -> ExportError | None:
    """The error of the first file whose rows cannot be read to the end, if there is one; reads the hour whole.

    Validating finds text that is not UTF-8, which Arrow reads and DuckDB does not.
    """
    filesystem, _ = filesystem_of(inventory.uri)
    for file in inventory.files:
        try:
            with filesystem.open(file.path, "rb") as stream, pq.ParquetFile(stream) as parquet:
                for batch in parquet.iter_batches():
                    batch.validate(full=True)
        except (pa.ArrowException, OSError) as error:
            return unreadable(file.name, error, inventory.remedy)
    return None
