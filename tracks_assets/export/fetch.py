"""The files of an hour on local disk, wherever they lie: DuckDB reads them there, whatever the warehouse's engine is.

What lies in a bucket is streamed to a temporary folder, several files at a time, through the ecosystem's own filesystem
library, which repeats what fails for a passing reason.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tracks_assets.export.errors import ExportError
from tracks_assets.export.inventory import ExportFile, HourInventory
from tracks_assets.export.storage import at_once, filesystem_of, reaching

BLOCK_BYTES = 8 * 2**20
"""What is asked for at a time, and held in memory for each file."""


@contextmanager
def fetched(inventory: HourInventory) -> Iterator[HourInventory]:
    """The inventory with its files on local disk, for a ``with`` block; a local one is given back as it is.

    Raises:
        ExportError: a file changed since it was listed, or cannot be read.
    """
    filesystem, _ = filesystem_of(inventory.uri)
    if isinstance(filesystem, LocalFileSystem) or not inventory.files:
        yield inventory
        return
    with TemporaryDirectory(prefix="tracks_export_") as folder:
        files = tuple(at_once(partial(_fetch, filesystem, Path(folder), inventory), inventory.files))
        yield replace(inventory, scheme="", root=folder, files=files)


def _fetch(filesystem: AbstractFileSystem, folder: Path, inventory: HourInventory, file: ExportFile) -> ExportFile:
    local = folder / file.path.removeprefix(f"{inventory.root}/")
    local.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Not get_file, which repeats nothing that fails: each block that is read here is asked for again.
        with reaching(f"{inventory.scheme}{file.path}"), _opened(filesystem, file, local) as (source, target):
            shutil.copyfileobj(source, target, BLOCK_BYTES)
    except FileNotFoundError as error:
        raise ExportError(
            f"The file {file.name} is gone since it was listed: run the hour again, and if it stays away, "
            f"{inventory.remedy}."
        ) from error
    if local.stat().st_size != file.size:
        raise ExportError(
            f"The file {file.name} has changed since it was listed ({file.size:,} bytes then, "
            f"{local.stat().st_size:,} now): run the hour again."
        )
    return replace(file, path=str(local))


@contextmanager
def _opened(filesystem: AbstractFileSystem, file: ExportFile, local: Path) -> Iterator[tuple[Any, Any]]:
    with filesystem.open(file.path, "rb", BLOCK_BYTES) as source, local.open("wb") as target:
        yield source, target
