"""The visible entries of one folder, in a bucket or on disk.

Other tools leave hidden companions beside data files, for instance ``._x.parquet`` (macOS), ``.x.crc`` (Hadoop) or
``_SUCCESS`` (Spark). Readers of Parquet datasets ignore names that begin with ``.`` or ``_``, and so does this module.
"""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address

HIDDEN = (".", "_")


@dataclass(frozen=True)
class Folder:
    """A folder's visible entries.

    Attributes:
        path: the folder's path in its filesystem.
        files: names of the files in it, in order.
        folders: names of the folders in it, in order.
    """

    path: str
    files: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of files, then of folders; the latter end with a slash, as messages show them."""
        return self.files + tuple(f"{name}/" for name in self.folders)


def list_folder(filesystem: AbstractFileSystem, path: str) -> Folder:
    """The visible entries of a folder; none where there is no such folder.

    Raises:
        ExportError: the folder exists and cannot be read.
    """
    location = address(filesystem, path)
    try:
        with reaching(location):
            entries = filesystem.ls(path, detail=True)
            # A file answers a listing with itself. Taken for a folder without files, it would be an empty hour.
            if any(entry["name"] == path and not _is_folder(filesystem, entry) for entry in entries):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            folders = {_name(entry) for entry in entries if _is_folder(filesystem, entry)}
    except FileNotFoundError:
        return Folder(path)
    except OSError as error:
        raise ExportError(
            f"The folder {location} cannot be read ({cause(error)}).",
            next_step="Make it a folder that this user may list, then run the hour again.",
        ) from error
    # A placeholder object ("events/") makes a bucket list a folder as its own entry.
    names = sorted(_name(entry) for entry in entries if entry["name"] != path)
    visible = [name for name in names if not is_hidden(name)]
    return Folder(
        path,
        tuple(name for name in visible if name not in folders),
        tuple(name for name in visible if name in folders),
    )


def is_hidden(name: str) -> bool:
    """True if readers of Parquet datasets ignore a file or folder of this name."""
    return name.startswith(HIDDEN)


def exists(filesystem: AbstractFileSystem, root: str, uri: str) -> bool:
    """True if a root exists.

    Raises:
        ExportError: the storage cannot be reached.
    """
    try:
        with reaching(uri):
            filesystem.info(root)
    except FileNotFoundError:
        return False
    return True


def cause(error: Exception) -> str:
    """An error's own text up to the end of its first sentence."""
    # An error about a missing object holds its path alone.
    number = errno.ENOENT if isinstance(error, FileNotFoundError) else getattr(error, "errno", None)
    error_text = os.strerror(number) if number else str(error)
    return re.split(r"\.(?:\s|$)|\n", error_text.strip(), maxsplit=1)[0]


def _name(entry: dict[str, Any]) -> str:
    return PurePosixPath(entry["name"]).name


def _is_folder(filesystem: AbstractFileSystem, entry: dict[str, Any]) -> bool:
    # A local link has neither type.
    is_link = entry["type"] == "other"
    return entry["type"] == "directory" or (is_link and bool(filesystem.isdir(entry["name"])))
