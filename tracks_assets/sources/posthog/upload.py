"""The state of uploads: which files each export hour has, from listings alone.

A sensor asks this every minute, so it lists a day at a time: in a bucket, one request returns every file of a day's
24 hours. No file is opened, except a manifest, which names the parts that an hour must have.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.hour_files import manifest_parts
from tracks_assets.sources.posthog.layout import is_day, is_hour, is_manifest, is_parquet, parse_file_name
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address
from tracks_assets.storage.folder import Folder, cause, is_hidden, list_folder

_DIGEST_BYTES = 6


@dataclass(frozen=True)
class UploadedFile:
    """A file as a listing shows it.

    Attributes:
        name: its name below the hour's folder.
        size: bytes.
        modified: when it was written.
    """

    name: str
    size: int
    modified: datetime


@dataclass(frozen=True)
class Upload:
    """The visible files of one hour's folder.

    Attributes:
        path: the folder's path in its filesystem.
        files: its files, in order of their names.
    """

    path: str
    files: tuple[UploadedFile, ...]

    @property
    def digest(self) -> str:
        """A short hash of all names, sizes and modification times."""
        lines = (f"{file.name}\0{file.size}\0{file.modified.timestamp():.6f}\n" for file in self.files)
        return blake2b("".join(lines).encode("utf-8", "surrogateescape"), digest_size=_DIGEST_BYTES).hexdigest()

    @property
    def newest(self) -> datetime:
        """When the newest file was written."""
        return max(file.modified for file in self.files)

    @property
    def manifest(self) -> str | None:
        """The manifest's name, if there is exactly one."""
        names = [file.name for file in self.files if is_manifest(file.name)]
        return names[0] if len(names) == 1 else None

    @property
    def has_parts(self) -> bool:
        """Whether a file is one of several parts, so that a manifest must follow."""
        meanings = (parse_file_name(file.name) for file in self.files)
        return any(meaning is not None and meaning.part is not None for meaning in meanings)


def list_days(filesystem: AbstractFileSystem, path: str) -> list[str]:
    """The folders of days below a folder, in order; none where it does not exist.

    Raises:
        ExportError: it cannot be listed.
    """
    return [name for name in list_folder(filesystem, path).folders if is_day(name)]


def list_day(filesystem: AbstractFileSystem, path: str) -> dict[str, Upload]:
    """The uploads below the folder of a day, by the folder of their hour, such as ``01``.

    Raises:
        ExportError: the day cannot be listed.
    """
    entries = _local_files(filesystem, path) if isinstance(filesystem, LocalFileSystem) else _all(filesystem, path)
    found: dict[str, list[UploadedFile]] = {}
    for entry in entries:
        hour, _, name = entry["name"].removeprefix(f"{path}/").partition("/")
        if is_hour(hour) and name and not any(map(is_hidden, PurePosixPath(name).parts)):
            found.setdefault(hour, []).append(UploadedFile(name, int(entry["size"] or 0), _moment(entry["mtime"])))
    return {
        hour: Upload(f"{path}/{hour}", tuple(sorted(files, key=lambda file: file.name)))
        for hour, files in found.items()
    }


def missing_parts(filesystem: AbstractFileSystem, upload: Upload) -> tuple[str, ...] | None:
    """The parts that the upload's manifest names and its folder lacks; None if there is no manifest to go by.

    A manifest that cannot be understood is left to the load, which says what is wrong with it.

    Raises:
        ExportError: the storage cannot be reached.
    """
    if upload.manifest is None:
        return None
    path = f"{upload.path}/{upload.manifest}"
    try:
        with reaching(address(filesystem, path)):
            text = filesystem.cat_file(path)
        names = manifest_parts(text)
    except (ValueError, OSError):
        return None
    present = {file.name for file in upload.files}
    meanings = {parse_file_name(name) for name in present if is_parquet(name)} - {None}
    return tuple(name for name in names if name not in present and parse_file_name(name) not in meanings)


def _local_files(filesystem: AbstractFileSystem, path: str) -> Iterable[Mapping[str, Any]]:
    """The files of each hour's folder; links to folders and files are followed, as the load follows them."""
    for hour in list_folder(filesystem, path).folders:
        for file in _names(list_folder(filesystem, f"{path}/{hour}")):
            try:
                yield filesystem.info(file)
            except FileNotFoundError:
                # It was removed since it was listed.
                continue


def _names(folder: Folder) -> Sequence[str]:
    return [f"{folder.path}/{name}" for name in folder.files]


def _all(filesystem: AbstractFileSystem, path: str) -> Iterable[Mapping[str, Any]]:
    location = address(filesystem, path)
    try:
        with reaching(location):
            entries: Mapping[str, Mapping[str, Any]] = filesystem.find(path, detail=True)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ExportError(
            f"The folder {location} cannot be listed ({cause(error)}).",
            next_step="Make it a folder that this user may list.",
        ) from error
    return [entry for entry in entries.values() if entry["type"] == "file" and not entry["name"].endswith("/")]


def _moment(modified: float | datetime) -> datetime:
    return modified.astimezone(UTC) if isinstance(modified, datetime) else datetime.fromtimestamp(modified, UTC)
