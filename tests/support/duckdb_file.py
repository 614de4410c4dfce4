"""A DuckDB file that a test reads without opening the project's warehouse, which takes twice as long."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb


@contextmanager
def connected(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with times in UTC, for a ``with`` block."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection
