"""The rows of files that already hold the columns of a table, their JSON held to the rules of an event's payload.

A row whose JSON is broken, or that lacks a value which it must have, is refused where the feed has a table for refused
rows. Without one it is an error.

DuckDB takes NaN and trailing commas for JSON, and BigQuery would refuse the hour: so each text that may hold one is
parsed by ``core.strict_json``. Files are read as a stream of small batches, as those of events are.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.core.columns import Column, ColumnType, FileField, field_types
from tracks_assets.core.errors import ExportError
from tracks_assets.core.feed import Feed
from tracks_assets.core.sql_files import macros, moment_sql, render
from tracks_assets.core.strict_json import MAX_DEPTH, InvalidJsonError, NumberRangeError, parse_json, repair_surrogates
from tracks_assets.storage.inventory import ExportFile, HourInventory
from tracks_assets.transform.compile import SQL, VALUES
from tracks_assets.transform.deliveries import ARROW_TYPES
from tracks_assets.transform.memory import batch_bytes
from tracks_assets.transform.reading import check_fields, delivered_rows, delivered_schema, read_rows
from tracks_assets.transform.refused_rows import refused_rows
from tracks_assets.transform.streams import Streams, streams

Repairs = Mapping[str, Mapping[int, Mapping[str, str]]]
"""Texts in place of delivered ones, by file, row number and field."""


class RefusedRowError(ValueError):
    """A row that does not fit.

    Args:
        reason: as the table of refused rows has it, without any value.
        finding: as a message goes on after "The file ..".
        cause: what exactly is wrong, for a message.
    """

    def __init__(self, reason: str, finding: str, cause: str = "") -> None:
        super().__init__(reason)
        self.reason, self.finding, self.cause = reason, finding, cause


@dataclass
class PlainRows:
    """The rows of an hour's files that hold the columns of a table.

    Attributes:
        streams: what adds relations to the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        batch_bytes: bytes of rows that one thread works on at a time.
        feed: whose files they are; each of its columns is a field of the files or a value of the load.
        repaired: rows in which half a surrogate pair is replaced.
        unfitting: always 0: a value that does not fit is an error.
    """

    streams: Streams
    inventory: HourInventory
    batch_bytes: int
    feed: Feed
    repaired: int = field(default=0, init=False)
    unfitting: int = field(default=0, init=False)
    _refused: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict), init=False)

    def prepare(self) -> None:
        """Finds the texts to repair and the rows to refuse, and makes the other rows a relation.

        Raises:
            ExportError: a field has another type than its column, or a row is to be refused and the feed has no table
                for it.
        """
        for file in self.inventory.files:
            check_fields(file, self._fields, self.inventory.remedy)
        schema = delivered_schema(self._fields)
        self.streams.add("plain_rows", schema, self._stream())
        doubtful = self._doubtful_rows()
        repairs = {file.name: self._checked(file, doubtful[file.name]) for file in self.inventory.files}
        self.repaired = sum(map(len, repairs.values()))
        self.streams.add("plain_rows", schema, _repaired(self._stream(), repairs))

    def accepted_rows(self, stamp: datetime) -> str:
        """The query of the rows of the table; it can be run once.

        Args:
            stamp: the start of the loader run.
        """
        stamps = {
            "bq_ingested_timestamp": moment_sql(stamp),
            "window_start": moment_sql(self.inventory.hour),
            "source_file": "source_file",
            "row_number": "row_number",
        }
        columns = [(column.name, _value(column) or stamps[column.name]) for column in self.feed.columns]
        return render(SQL / "plain_rows.sql", {"columns": columns})

    def rejected_rows(self, stamp: datetime) -> str:
        """The query of the refused rows; it can be run once.

        Args:
            stamp: the start of the loader run.
        """
        return refused_rows(self.streams, self.inventory, self._refused, stamp)

    @property
    def _fields(self) -> dict[str, pa.DataType]:
        fields = {name: ARROW_TYPES[type_] for name, type_ in field_types(self.feed.columns).items()}
        refusal = self.feed.fields.refusal
        return fields | ({refusal: pa.string()} if refusal else {})

    @property
    def _json(self) -> list[str]:
        return [name for name, type_ in field_types(self.feed.columns).items() if type_ is ColumnType.JSON]

    def _stream(self) -> Iterator[pa.RecordBatch]:
        for file in self.inventory.files:
            refused = sorted(self._refused.get(file.name, ()))
            yield from delivered_rows(file, self._fields, self.batch_bytes, self.inventory.remedy, refused)

    def _doubtful_rows(self) -> dict[str, list[int]]:
        """The numbers of the rows that are to be looked at here, by file and in order."""
        doubtful: dict[str, list[int]] = defaultdict(list)
        never_null = self.feed.fields.never_null
        refusal = self.feed.fields.refusal
        if not self._json and not never_null and not refusal:
            return doubtful
        limits = {"longest": self.batch_bytes, "max_depth": MAX_DEPTH}
        names = {"texts": self._json, "never_null": never_null, "refusal": refusal}
        variables = {**names, "values": macros(VALUES), **limits}
        statement = render(SQL / "doubtful_rows.sql", variables)
        for name, number in sorted(self.streams.connection.execute(statement).fetchall()):
            doubtful[name].append(number)
        return doubtful

    def _checked(self, file: ExportFile, numbers: list[int]) -> dict[int, dict[str, str]]:
        """The texts of some rows that are to be replaced; notes which of the rows are refused."""
        fields = self.feed.fields
        names = [*dict.fromkeys([*self._json, *fields.never_null, *([fields.refusal] if fields.refusal else [])])]
        repairs: dict[int, dict[str, str]] = {}
        for batch, found in read_rows(file, self.inventory.remedy, names, numbers) if numbers else ():
            for number, values in zip(found.to_pylist(), batch.to_pylist(), strict=True):
                try:
                    repaired = self._repaired_texts(values)
                except RefusedRowError as refusal:
                    self._refuse(file, number, refusal)
                    continue
                if repaired:
                    repairs[number] = repaired
        return repairs

    def _repaired_texts(self, values: Mapping[str, Any]) -> dict[str, str]:
        refusal = self.feed.fields.refusal
        if refusal and values.get(refusal) is not None:
            raise RefusedRowError(values[refusal], "is refused because", f" ({values[refusal]})")
        for name in self.feed.fields.never_null:
            if values.get(name) is None:
                raise RefusedRowError(f"{name} is null", f"holds null in the column {name}")
        texts = {name: values[name] for name in self._json if values.get(name) is not None}
        repaired = {name: _repair(name, text) for name, text in texts.items()}
        return {name: text for name, text in repaired.items() if text != texts[name]}

    def _refuse(self, file: ExportFile, number: int, refusal: RefusedRowError) -> None:
        if self.feed.rejected is None:
            raise ExportError(
                f"The file {file.name} {refusal.finding} of row {number}{refusal.cause}.",
                "Rows are counted from 0.",
                self.inventory.remedy,
            )
        self._refused[file.name][number] = refusal.reason


@contextmanager
def plain_rows(
    feed: Feed, connection: duckdb.DuckDBPyConnection, inventory: HourInventory, memory_limit: str
) -> Iterator[PlainRows]:
    """The rows of an hour's files, for the length of a ``with`` block.

    Half a surrogate pair is replaced by U+FFFD, as it is in an event.

    Args:
        feed: whose files they are.
        connection: the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        memory_limit: the limit of that DuckDB, for instance "2GB".

    Raises:
        ExportError: see ``PlainRows.prepare``.
    """
    with streams(connection) as added:
        rows = PlainRows(added, inventory, batch_bytes(connection, memory_limit), feed)
        rows.prepare()
        yield rows


def _value(column: Column) -> str | None:
    """A column's value as DuckDB's SQL: its first field that is not null; None if it is a value of the load."""
    if not isinstance(column.source, FileField):
        return None
    names = [f"delivered.{name}" for name in column.source.names]
    value = names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"
    return f"{value}::json" if column.type is ColumnType.JSON else value


def _repair(name: str, text: str) -> str:
    repaired = repair_surrogates(text)
    try:
        parse_json(repaired)
    except InvalidJsonError as error:
        is_wide = isinstance(error, NumberRangeError)
        reason = f"{name} holds a number outside the range of a double" if is_wide else f"{name} is not JSON"
        finding = f"holds text that is no JSON in the column {name}"
        raise RefusedRowError(reason, finding, f" ({error})") from None
    return repaired


def _repaired(batches: Iterator[pa.RecordBatch], repairs: Repairs) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        texts = repairs[str(batch["source_file"][0].as_py())]
        numbers: list[Any] = batch["row_number"].to_pylist() if texts else []
        if texts.keys().isdisjoint(numbers):
            yield batch
            continue
        given: list[Any] = batch["delivered"].to_pylist()
        rows = [row | texts.get(number, {}) for number, row in zip(numbers, given, strict=True)]
        delivered = pa.array(rows, batch.schema.field("delivered").type)
        yield batch.set_column(batch.schema.get_field_index("delivered"), "delivered", delivered)
