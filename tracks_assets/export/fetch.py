"""The files of an hour on local disk, wherever they lie: DuckDB reads them there, whatever the warehouse's engine is.

What lies in a bucket is streamed to a temporary folder, several files at a time, through the ecosystem's own filesystem
library, which repeats what fails for a passing reason.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from tracks_assets.export.inventory import ExportError, ExportFile, HourInventory, filesystem_of

FILES_AT_ONCE = 4


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
        fetch = partial(_fetch, filesystem, Path(folder), inventory)
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            files = tuple(pool.map(fetch, inventory.files))
        yield replace(inventory, scheme="", root=folder, files=files)


def _fetch(filesystem: AbstractFileSystem, folder: Path, inventory: HourInventory, file: ExportFile) -> ExportFile:
    local = folder / file.path.removeprefix(f"{inventory.root}/")
    local.parent.mkdir(parents=True, exist_ok=True)
    try:
        filesystem.get_file(file.path, str(local))
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
