"""Where the rows of the old pipeline come from: ``{date}/{hour}/*.parquet``, the columns of tracks, read by name.

A folder is named by the START of its hour, and its rows were created in that hour; file names are free. All this is
checked here, before the warehouse is touched. Where the root does not exist, there is nothing to load: what the
warehouse holds is frozen.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.hour_files import check_all_parquet
from tracks_assets.sources.posthog.layout import HOUR, parse_hour_folder
from tracks_assets.sources.posthog.root import CheckedDays, find_hours
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address, at_once, filesystem_of
from tracks_assets.storage.folder import exists, list_folder
from tracks_assets.storage.inventory import ExportFile, HourInventory, read_footer, scheme_of, unreadable

FieldType = Literal["text", "time", "other"]
"""The type of a field; of an ``other`` one only the name is checked here, and the type where its rows are read."""

TIME_FIELD = "created_at"
"""The column that says to which hour a row belongs."""

WRITE_AGAIN = "Write it again from the old pipeline's table, or take it out of the folder, and run the hour again."

AS_PARQUET = "Write the rows of the hour into this folder as Parquet."

_MOVE = "Move the files to {date}/{hour}/ below TRACKS_LEGACY_URI, such as 2026-03-01/00/, or set it to where they lie."

_SAID_TYPES = {"text": "text", "time": "a timestamp with a time zone, in microseconds"}


@dataclass(frozen=True)
class Legacy:
    """The old pipeline's root.

    Attributes:
        uri: a local folder or a ``gs://bucket/prefix``.
        fields: every column that a file must have, and what it must be.
    """

    uri: str
    fields: Mapping[str, FieldType]

    def exists(self) -> bool:
        """Whether there is a root at all; where there is none, the old pipeline's rows are frozen.

        Raises:
            ExportError: it cannot be known.
        """
        filesystem, root = filesystem_of(self.uri)
        try:
            return exists(filesystem, root, self.uri)
        except OSError as error:
            raise ExportError(
                f"It is unknown whether the legacy root {self.uri} exists ({error}).",
                next_step="Let TRACKS_LEGACY_URI name a folder or bucket prefix that this user may list.",
            ) from error

    def inventory(self, hour: datetime) -> HourInventory:
        """The files of the hour that starts at ``hour``; none where the old pipeline left nothing.

        Raises:
            ExportError: the root has another layout, the folder or a file cannot be read, the folder holds something
                else than Parquet files, a column is missing or of another type, or a file holds rows of another hour.
        """
        filesystem, root = filesystem_of(self.uri)
        folder = hour_folder(hour)
        listing = list_folder(filesystem, f"{root}/{folder}")
        if not listing.entries:
            self.check_layout()
            self._days.check(folder.rpartition("/")[0])
        check_all_parquet(listing, address(filesystem, listing.path), AS_PARQUET)
        paths = [f"{listing.path}/{name}" for name in listing.files]
        files = tuple(at_once(lambda path: self._read_file(filesystem, path, hour), paths))
        return HourInventory(hour, root, folder, WRITE_AGAIN, files, scheme=scheme_of(self.uri))

    def check_layout(self) -> datetime | None:
        """Checks that folders of hours lie below the root; looks only once.

        Returns:
            The newest hour that has a folder; None where the root is empty or missing.

        Raises:
            ExportError: something else than hours lies below the root.
        """
        return self._newest_hour

    @cached_property
    def _days(self) -> CheckedDays:
        return CheckedDays(self.uri, _MOVE)

    @cached_property
    def _newest_hour(self) -> datetime | None:
        filesystem, root = filesystem_of(self.uri)
        hours = find_hours(filesystem, root)
        if hours.other is not None:
            raise ExportError(
                f"The legacy root {self.uri} has no folder {{date}}/{{hour}}, but {hours.other!r}.", next_step=_MOVE
            )
        return parse_hour_folder(hours.newest) if hours.newest else None

    def _read_file(self, filesystem: AbstractFileSystem, path: str, hour: datetime) -> ExportFile:
        named = address(filesystem, path)
        file, schema = read_footer(filesystem, path, named, WRITE_AGAIN)
        for name, expected in self.fields.items():
            _check_field(named, schema, name, expected)
        _check_hour(filesystem, path, hour)
        return file


def hour_folder(hour: datetime) -> str:
    """The folder of an hour below the legacy root, for instance ``2026-03-01/00``: named by the hour's start."""
    return f"{hour:%Y-%m-%d}/{hour:%H}"


def _check_field(file: str, schema: pa.Schema, name: str, expected: FieldType) -> None:
    if name not in schema.names:
        raise ExportError(f"The file {file} has no column {name}.", next_step=WRITE_AGAIN)
    type_ = schema.field(name).type
    if expected != "other" and not (_is_time(type_) if expected == "time" else _is_text(type_)):
        raise ExportError(
            f"The column {name} of the file {file} is {type_}.", f"It must be {_SAID_TYPES[expected]}.", WRITE_AGAIN
        )


def _is_time(type_: pa.DataType) -> bool:
    return pa.types.is_timestamp(type_) and type_.tz is not None and type_.unit in ("us", "ms")


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or isinstance(type_, pa.JsonType)


def _check_hour(filesystem: AbstractFileSystem, path: str, hour: datetime) -> None:
    """Rows of another hour would be deleted with that hour, or be duplicated."""
    named = address(filesystem, path)
    try:
        with reaching(named), filesystem.open(path, "rb") as stream, pq.ParquetFile(stream) as parquet:
            times: Any = parquet.read(columns=[TIME_FIELD])[TIME_FIELD]
    except (pa.ArrowException, OSError) as error:
        raise unreadable(named, error, WRITE_AGAIN) from error
    start, end = (pa.scalar(moment, times.type) for moment in (hour, hour + HOUR))
    outside: Any = pc.or_(pc.less(times, start), pc.greater_equal(times, end))
    strays = times.filter(outside.fill_null(True))
    if len(strays):
        first = strays[0].as_py()
        raise ExportError(
            f"The file {named} holds rows of other hours ({len(strays):,} of {len(times):,}).",
            f"Its folder's hour is {hour:%Y-%m-%d-%H:%M}, and the first of them has the created_at {first or 'null'}.",
            "Move them to the folders of their own hours, then run the hour again.",
        )
