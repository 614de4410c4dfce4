"""Which warehouse an engine's name stands for."""

from pathlib import Path

from tracks_assets.warehouse.base import Warehouse, WarehouseError
from tracks_assets.warehouse.duckdb import DuckDbWarehouse

LOCK_WAIT = 60.0
"""Seconds to wait for another process to let go of the embedded warehouse."""


def connect_warehouse(engine: str, duckdb_path: Path, lock_wait: float = LOCK_WAIT) -> Warehouse:
    """The warehouse of TRACKS_ENGINE, not yet opened.

    Raises:
        WarehouseError: the engine is not built yet.
    """
    if engine == "bigquery":
        raise WarehouseError(
            "TRACKS_ENGINE is 'bigquery', but loading into BigQuery is not built yet: set it to 'duckdb'."
        )
    return DuckDbWarehouse(duckdb_path, lock_wait)
