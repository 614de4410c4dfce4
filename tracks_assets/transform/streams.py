"""Streams of Arrow batches as relations of a DuckDB connection."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa


@dataclass
class Streams:
    """The relations that were added to a connection."""

    connection: duckdb.DuckDBPyConnection
    _names: set[str] = field(default_factory=set)

    def add(self, name: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        """Makes a stream of batches the relation of that name; one query can read it."""
        # A connection whose last result nobody has read takes no new relation.
        self.connection.complete()
        self.connection.register(name, pa.RecordBatchReader.from_batches(schema, batches))
        self._names.add(name)

    def remove(self) -> None:
        """Removes the relations. A connection that keeps one keeps all that its generator refers to."""
        for name in self._names:
            self.connection.complete()
            self.connection.unregister(name)


@contextmanager
def streams(connection: duckdb.DuckDBPyConnection) -> Iterator[Streams]:
    """Adds streams to a connection; they are removed at the end of the ``with`` block."""
    added = Streams(connection)
    try:
        yield added
    finally:
        # After a failure the connection may be of no use, and an error of its own would hide the cause.
        with suppress(duckdb.Error):
            added.remove()
