"""The deliveries of one hour, validated by the contract and made into rows: in DuckDB, whatever the warehouse's engine.

One transform means one behaviour. Where DuckDB is the warehouse, the rows go straight into its tables; where it is not,
they go into Parquet files, which the engine loads. The files are read as a stream of small batches, so that the largest
events fit into the memory limit; a row that is too large or too doubtful for SQL goes through the contract itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.core.columns import Column, ColumnType, field_types
from tracks_assets.core.sql_files import moment_sql
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS, WINDOW_COLUMNS
from tracks_assets.sources.posthog.contract import RawPostHogEvent, Reason, validate
from tracks_assets.storage.inventory import ExportFile, HourInventory
from tracks_assets.transform.compile import BY_ROW, refusals_sql, tracks_sql
from tracks_assets.transform.memory import batch_bytes
from tracks_assets.transform.reading import (
    check_fields,
    delivered_rows,
    delivered_schema,
    read_rows,
)
from tracks_assets.transform.refused_rows import refused_rows
from tracks_assets.transform.streams import Streams, streams

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    ColumnType.STRING: pa.string(),
    ColumnType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    ColumnType.JSON: pa.string(),
    ColumnType.INT64: pa.int64(),
    ColumnType.FLOAT64: pa.float64(),
    ColumnType.BOOL: pa.bool_(),
}
"""The types of the columns in batches; JSON is text there."""

_ROWS_BY_ROW = 256
"""Rows of the contract in a batch, at most."""


@dataclass
class Deliveries:
    """The deliveries of an hour's files, and what the contract makes of them once ``validate`` has run.

    Attributes:
        streams: what adds relations to the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        batch_bytes: bytes of deliveries that one thread works on at a time; longer JSON goes through the contract.
        columns: the column list.
        repaired: accepted rows in which half a surrogate pair was replaced.
        unfitting: values of accepted rows that do not fit their column's type, and are null.
    """

    streams: Streams
    inventory: HourInventory
    batch_bytes: int
    columns: Sequence[Column] = TRACK_COLUMNS
    repaired: int = field(default=0, init=False)
    unfitting: int = field(default=0, init=False)
    _refused: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict), init=False)
    _by_row: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list), init=False)

    def validate(self) -> None:
        """Finds the rows that the contract refuses, and those that do not go through SQL.

        Raises:
            ExportError: a field has another type than its column.
        """
        for file in self.inventory.files:
            check_fields(file, self._fields, self.inventory.remedy)
        self._register("delivered_rows", self._stream())
        statement = refusals_sql("delivered_rows", self.batch_bytes, self.columns)
        for name, number, reason, unfitting in self.streams.connection.execute(statement).fetchall():
            self.unfitting += unfitting
            if reason == BY_ROW:
                self._by_row[name].append(number)
            elif reason is not None:
                self._refused[name][number] = reason
        for numbers in self._by_row.values():
            numbers.sort()
        self._validate_by_row()

    def accepted_rows(self, stamp: datetime) -> str:
        """The query of the hour's rows of raw_tracks; it can be run once.

        Args:
            stamp: the start of the loader run.
        """
        stamps = {
            "bq_ingested_timestamp": moment_sql(stamp),
            "window_start": moment_sql(self.inventory.hour),
            "source_file": "source_file",
        }
        self._register("delivered_rows", self._stream(without_refused=True))
        query = tracks_sql("delivered_rows", stamps, self.columns)
        if not any(self._by_row.values()):
            return query
        columns = [*self.columns, *WINDOW_COLUMNS]
        schema = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in columns])
        rows = self._extracted_by_row(stamp)
        self.streams.add("rows_by_row", schema, _batches(rows, schema))
        names = ", ".join(schema.names)
        return f"select {names} from ({query}) union all select {names} from rows_by_row"

    def rejected_rows(self, stamp: datetime) -> str:
        """The query of the hour's rows of rejected_tracks; it can be run once.

        Args:
            stamp: the start of the loader run.
        """
        return refused_rows(self.streams, self.inventory, self._refused, stamp)

    @property
    def _fields(self) -> dict[str, pa.DataType]:
        return {name: ARROW_TYPES[type_] for name, type_ in field_types(self.columns).items()}

    def _register(self, name: str, batches: Iterator[pa.RecordBatch]) -> None:
        self.streams.add(name, delivered_schema(self._fields), batches)

    def _stream(self, without_refused: bool = False) -> Iterator[pa.RecordBatch]:
        for file in self.inventory.files:
            left_out = [*self._refused.get(file.name, {}), *self._by_row.get(file.name, [])] if without_refused else []
            yield from delivered_rows(file, self._fields, self.batch_bytes, self.inventory.remedy, sorted(left_out))

    def _validate_by_row(self) -> None:
        accepted: dict[str, list[int]] = defaultdict(list)
        for file, number, row in self._rows_by_row():
            event = validate(row)
            if isinstance(event, Reason):
                self._refused[file.name][number] = event.value
                continue
            track = event.extract(self.columns)
            self.repaired += track.repaired
            self.unfitting += track.unfitting
            # What only looked doubtful goes through SQL after all, which is faster.
            if track.repaired or track.unfitting or self._is_long(row):
                accepted[file.name].append(number)
        self._by_row = accepted

    def _is_long(self, row: Mapping[str, Any]) -> bool:
        return any(isinstance(value, str) and len(value.encode()) > self.batch_bytes for value in row.values())

    def _extracted_by_row(self, stamp: datetime) -> Iterator[dict[str, Any]]:
        stamps = {"bq_ingested_timestamp": stamp, "window_start": self.inventory.hour}
        for file, _, row in self._rows_by_row():
            event = validate(row)
            if isinstance(event, RawPostHogEvent):
                yield event.track(self.columns) | stamps | {"source_file": file.name}

    def _rows_by_row(self) -> Iterator[tuple[ExportFile, int, dict[str, Any]]]:
        for file in self.inventory.files:
            if self._by_row.get(file.name):
                numbered = read_rows(file, self.inventory.remedy, list(self._fields), self._by_row[file.name])
                for batch, numbers in numbered:
                    for position, number in enumerate(numbers.to_pylist()):
                        yield file, number, _values(batch.slice(position, 1))


@contextmanager
def validated(
    connection: duckdb.DuckDBPyConnection,
    inventory: HourInventory,
    memory_limit: str,
    columns: Sequence[Column] = TRACK_COLUMNS,
) -> Iterator[Deliveries]:
    """The deliveries of an hour, validated, for the length of a ``with`` block.

    Args:
        connection: the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        memory_limit: the limit of that DuckDB, for instance "2GB".
        columns: the column list.

    Raises:
        ExportError: a field has another type than its column.
    """
    with streams(connection) as added:
        deliveries = Deliveries(added, inventory, batch_bytes(connection, memory_limit), columns)
        deliveries.validate()
        yield deliveries


def _values(row: pa.RecordBatch) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, column in zip(row.schema.names, row.columns, strict=True):
        try:
            values[name] = column[0].as_py()
        except (ValueError, OverflowError):
            # A time that Python has no datetime for: as far outside the contract's range as it goes.
            values[name] = datetime.max.replace(tzinfo=UTC)
    return values


def _batches(rows: Iterator[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """One row a batch where rows are large: none is held longer than it takes to write it."""
    waiting: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row.get("event_payload") or "")
        if len(waiting) >= _ROWS_BY_ROW or size > 2**20:
            yield pa.RecordBatch.from_pylist(waiting, schema)
            waiting, size = [], 0
    if waiting:
        yield pa.RecordBatch.from_pylist(waiting, schema)
