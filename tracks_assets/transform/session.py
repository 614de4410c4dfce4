"""The DuckDB in memory that makes rows of an hour's files before BigQuery loads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import duckdb

from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.duckdb_errors import warehouse_error


@contextmanager
def transforming(inventory: HourInventory, memory_limit: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that transforms an hour's files.

    Args:
        inventory: the hour's files.
        memory_limit: its limit, for instance "2GB"; above it, work spills into a temporary folder.

    Raises:
        WarehouseError: the transform failed, for instance on a full disk.
    """
    with TemporaryDirectory(prefix="tracks_spilled_") as folder:
        config: dict[str, Any] = {
            "memory_limit": memory_limit,
            "preserve_insertion_order": False,
            "temp_directory": folder,
        }
        with _connected(config, inventory) as connection:
            yield connection


@contextmanager
def _connected(config: dict[str, Any], inventory: HourInventory) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=config) as connection:
        connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
        try:
            yield connection
        except duckdb.Error as error:
            finding = f"The {inventory.shown} could not be transformed"
            folder = f"{gettempdir()} (or set TMPDIR to another folder)"
            raise warehouse_error(finding, error, folder, "Nothing was changed.") from error
