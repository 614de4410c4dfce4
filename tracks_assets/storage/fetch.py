"""The files of an hour on local disk, wherever they lie: DuckDB reads them there, whatever the warehouse's engine is.

What lies in a bucket is streamed to a temporary folder, several files at a time, through the ecosystem's own filesystem
library, which repeats what fails for a passing reason.
"""

import errno
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import google_crc32c
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.spec import AbstractBufferedFile

from tracks_assets.core.errors import ExportError, TransientExportError
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address, at_once, filesystem_of
from tracks_assets.storage.inventory import ExportFile, HourInventory

BLOCK_BYTES = 8 * 2**20
"""What is asked for at a time, and held in memory for each file."""

PREFIX = "tracks_export_"

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def fetched(inventory: HourInventory) -> Iterator[HourInventory]:
    """The inventory with its files on local disk, for a ``with`` block; a local one is given back as it is.

    Raises:
        TransientExportError: a file changed since it was listed, the disk is full, or the storage cannot be reached.
        ExportError: a file cannot be read or copied.
    """
    filesystem, _ = filesystem_of(inventory.uri)
    if isinstance(filesystem, LocalFileSystem) or not inventory.files:
        yield inventory
        return
    with TemporaryDirectory(prefix=PREFIX) as folder:
        files = tuple(at_once(partial(_fetch, filesystem, Path(folder), inventory), inventory.files))
        yield replace(inventory, scheme="", root=folder, files=files)


def _fetch(filesystem: AbstractFileSystem, folder: Path, inventory: HourInventory, file: ExportFile) -> ExportFile:
    local = folder / file.path.removeprefix(f"{inventory.root}/")
    location = address(filesystem, file.path)
    try:
        local.parent.mkdir(parents=True, exist_ok=True)
        # Not get_file, which repeats nothing that fails: each block that is read here is asked for again.
        with reaching(location), filesystem.open(file.path, "rb", BLOCK_BYTES) as source, local.open("wb") as target:
            is_as_it_lies_there = _copy(source, target)
    except FileNotFoundError as error:
        otherwise = inventory.remedy[0].lower() + inventory.remedy[1:-1]
        raise TransientExportError(
            f"The file {location} is gone since it was listed.",
            next_step=f"Run the hour again. If the file stays away, {otherwise}.",
        ) from error
    except OSError as error:
        kind = TransientExportError if error.errno in _FULL else ExportError
        raise kind(
            f"The file {location} cannot be copied into {folder} ({error.strerror or error}).",
            next_step=next_step(error, inventory.size),
        ) from error
    size = local.stat().st_size
    if size != file.size:
        raise TransientExportError(
            f"The file {location} has changed since it was listed.",
            f"It had {file.size:,} bytes then, and has {size:,} now.",
            "Run the hour again.",
        )
    if not is_as_it_lies_there:
        raise TransientExportError(
            f"The file {location} has changed while it was read.",
            "Its checksum is another one.",
            "Run the hour again.",
        )
    return replace(file, path=str(local))


def next_step(error: OSError, size: int) -> str:
    """The sentence with the next step for a copy that failed: only a full disk asks for space.

    Args:
        error: the cause.
        size: bytes of all the hour's files.
    """
    match error.errno:
        case full if full in _FULL:
            return (
                f"Free disk space there, or set TMPDIR to a folder with {size:,} bytes of free space, then "
                f"run the hour again."
            )
        case errno.EFBIG:
            return "Raise the limit on the size of files (ulimit -f), then run the hour again."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "Set TMPDIR to a folder that this user may write, then run the hour again."
        case _:
            return "Check that disk, then run the hour again."


def _copy(source: AbstractBufferedFile, target: BinaryIO) -> bool:
    """Copies block by block; returns whether what arrived is what the bucket says that it holds.

    A file that is replaced between two blocks is a bit of each, and may well be as long as before.
    """
    checksum = 0
    while block := source.read(BLOCK_BYTES):
        checksum = google_crc32c.extend(checksum, block)
        target.write(block)
    held = getattr(source, "details", {}).get("crc32c")
    return held in (None, b64encode(checksum.to_bytes(4, "big")).decode())
