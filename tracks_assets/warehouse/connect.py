"""Which warehouse an engine's name means."""

from collections.abc import Mapping
from typing import assert_never

from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.bigquery.engine import BigQueryWarehouse
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

LOCK_WAIT = 60.0
"""Seconds to wait for another process to let go of the embedded warehouse."""


def warehouse_of(
    settings: Settings, lock_wait: float = LOCK_WAIT, labels: Mapping[str, str] | None = None
) -> Warehouse:
    """The warehouse of the settings, not yet opened.

    Args:
        settings: engine, location and memory limit.
        lock_wait: seconds to wait for another process to let go of the embedded warehouse.
        labels: what jobs carry, on the engine that bills them.
    """
    match settings.engine:
        case "bigquery":
            return BigQueryWarehouse(bigquery_target(settings), labels, settings.memory_limit)
        case "duckdb":
            return DuckDbWarehouse(settings.duckdb_path, lock_wait, settings.memory_limit)
        case unknown:
            assert_never(unknown)


def existing_warehouse(settings: Settings, lock_wait: float = LOCK_WAIT) -> Warehouse:
    """The warehouse of the settings, not yet opened, for a command that only asks it.

    Raises:
        WarehouseError: there is none; opening it would make an empty one.
    """
    if settings.engine == "duckdb" and not settings.duckdb_path.exists():
        raise WarehouseError(
            f"There is no warehouse {settings.duckdb_path}.",
            next_step="Let TRACKS_HOME or TRACKS_DUCKDB_PATH name the one to ask.",
        )
    return warehouse_of(settings, lock_wait)


def bigquery_target(settings: Settings) -> BigQueryTarget:
    """Where the settings say that BigQuery's datasets are."""
    return BigQueryTarget(
        project=settings.bq_project or "",
        location=settings.bq_location,
        dataset_prefix=settings.bq_dataset_prefix,
        maximum_bytes_billed=settings.bq_maximum_bytes_billed,
        retry_seconds=settings.bq_retry_seconds,
        job_seconds=settings.bq_job_seconds,
        priority=settings.bq_priority,
    )
