"""Loads one export hour in a process of its own, which can be killed, or kept from writing more than so many bytes.

Usage: loader.py EXPORT WAREHOUSE HOUR MOST_BYTES (-1 for any number)
"""

import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse


def main(export: str, warehouse: str, key: str, most_bytes: str) -> None:
    """Says when it starts and what it did; an error of the warehouse is its last word."""
    hour = datetime.strptime(key, PARTITION_FORMAT).replace(tzinfo=UTC)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), resource.RLIM_INFINITY))
    print("loading", flush=True)  # noqa: T201 (this is how the test hears of it)
    try:
        with DuckDbWarehouse(Path(warehouse)).opened() as opened:
            load = opened.load_slice(EVENTS, Export(export).inventory(hour), datetime.now(UTC))
    except WarehouseError as error:
        sys.exit(str(error))
    print(f"loaded {load.accepted}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
