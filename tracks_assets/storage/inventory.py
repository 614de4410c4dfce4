"""The files of one hour or day, as a listing and Parquet footers describe them; no row is read here."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address, filesystem_of
from tracks_assets.storage.folder import cause


@dataclass(frozen=True)
class ExportFile:
    """One file of an export.

    Attributes:
        path: where the export's filesystem finds it.
        name: its name below the export's root, as the tables record it.
        rows: rows in the file; None where only the inventory's reader can count them.
        size: bytes of the file.
        fields: names of the file's fields.
        version: what changes when the storage gets another file of that name; empty where that is not asked.
    """

    path: str
    name: str
    rows: int | None
    size: int
    fields: frozenset[str]
    version: str = ""


@dataclass(frozen=True)
class HourInventory:
    """The files of one hour, or of another length of time.

    Attributes:
        hour: the start of the hour.
        root: where the folders of all hours lie.
        folder: the hour's own folder below it.
        remedy: the sentence with what to do when one of the files cannot be read.
        files: the Parquet files there.
        manifest: the manifest's name, if there is one.
        scheme: the prefix of the root where it is no local folder, for instance ``gs://``.
        unit: what messages call the length of time: ``hour`` or ``day``.
        reader: makes Parquet files with a feed's fields of local files; None where they are that already. Without its
            work, nobody knows how many rows the files hold.
    """

    hour: datetime
    root: str
    folder: str
    remedy: str
    files: tuple[ExportFile, ...] = ()
    manifest: str | None = None
    scheme: str = ""
    unit: str = "hour"
    reader: "Callable[[HourInventory], AbstractContextManager[HourInventory]] | None" = None

    @property
    def shown(self) -> str:
        """The hour or day as messages name it."""
        return f"{self.unit} {self.hour:{'%Y-%m-%d' if self.unit == 'day' else '%Y-%m-%d-%H:%M'}}"

    def readable(self) -> "AbstractContextManager[HourInventory]":
        """The inventory of the Parquet files to load, for a ``with`` block; this one's files are on local disk.

        Raises:
            ExportError: a file cannot be read to its end.
        """
        return self.reader(self) if self.reader else nullcontext(self)

    @property
    def fingerprint(self) -> str:
        """A hash of the files' names, sizes and versions: what has another one has other files."""
        listed = sorted(f"{file.name} {file.size} {file.version}" for file in self.files)
        return hashlib.sha256("\n".join(listed).encode()).hexdigest()[:32]

    @property
    def uri(self) -> str:
        """The root as settings name it."""
        return f"{self.scheme}{self.root}"

    @property
    def rows(self) -> int:
        """Rows in all the files.

        Raises:
            ValueError: a file's rows are not counted yet, so the files would look empty.
        """
        uncounted = [file.name for file in self.files if file.rows is None]
        if uncounted:
            raise ValueError(
                f"The rows of the file {uncounted[0]} are not counted. Count them in the inventory's reader."
            )
        return sum(file.rows or 0 for file in self.files)

    @property
    def size(self) -> int:
        """Bytes of all the files."""
        return sum(file.size for file in self.files)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every field that any of the files has."""
        return frozenset[str]().union(*(file.fields for file in self.files))


def scheme_of(uri: str) -> str:
    """The scheme of a URI with its ``://``, for instance ``gs://``; empty for a local path."""
    scheme, sign, _ = uri.partition("://")
    return f"{scheme}{sign}" if sign else ""


def read_footer(filesystem: AbstractFileSystem, path: str, name: str, remedy: str) -> tuple[ExportFile, pa.Schema]:
    """What a file's footer says.

    Args:
        filesystem: where the file lies.
        path: its path there.
        name: how messages and tables name it.
        remedy: the sentence with what to do when it cannot be read.

    Raises:
        ExportError: it is empty, torn or no Parquet at all, or two of its fields have one name.
    """
    location = address(filesystem, path)
    try:
        with reaching(location):
            size = int(filesystem.size(path) or 0)
        if size == 0:
            raise ExportError(f"The file {name} is empty (0 bytes).", next_step=remedy)
        with reaching(location), filesystem.open(path, "rb") as stream, pq.ParquetFile(stream) as parquet:
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise unreadable(name, error, remedy) from error
    _check_names_differ(name, schema.names, remedy)
    return ExportFile(path, name, rows, size, frozenset(schema.names)), schema


def _check_names_differ(file: str, names: Sequence[str], remedy: str) -> None:
    """DuckDB reads fields by name and ignores case, so it would silently take one of two."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if names.count(name) > 1:
            raise ExportError(f"The file {file} has the field {name!r} twice.", next_step=remedy)
        if other != name:
            raise ExportError(
                f"The fields {other!r} and {name!r} of the file {file} differ only in case.", next_step=remedy
            )


def check_names_agree(files: Iterable[ExportFile], remedy: str) -> None:
    """Checks that all files of an hour spell a field in one way: DuckDB reads them as one field.

    Args:
        files: the files of the hour.
        remedy: the sentence with what to do where they do not.

    Raises:
        ExportError: a field's names differ in case between two files.
    """
    seen: dict[str, tuple[str, str]] = {}
    for file in files:
        for name in sorted(file.fields):
            other, holder = seen.setdefault(name.lower(), (name, file.name))
            if other != name:
                raise ExportError(
                    f"The file {holder} has the field {other!r}, but the file {file.name} has {name!r}.",
                    "The names differ only in case.",
                    remedy,
                )


def unreadable(name: str, error: Exception, remedy: str) -> ExportError:
    """The error for a file that is torn or no Parquet at all."""
    return ExportError(f"The file {name} cannot be read as Parquet ({cause(error)}).", next_step=remedy)


def find_unreadable(inventory: HourInventory) -> ExportError | None:
    """The error of the first file whose rows cannot be read to the end, if there is one; reads the hour in full.

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
