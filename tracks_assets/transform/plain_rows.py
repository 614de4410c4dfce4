"""The rows of files that already hold the columns of a table, their JSON held to the rules of an event's payload.

DuckDB takes NaN and trailing commas for JSON, and BigQuery would refuse the hour: so each text that may hold one is
parsed by ``core.strict_json``. Files are read as a stream of small batches, as those of events are.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.core.columns import Column, ColumnType, FileField, field_types
from tracks_assets.core.errors import ExportError
from tracks_assets.core.sql_files import macros, render
from tracks_assets.core.strict_json import MAX_DEPTH, InvalidJsonError, parse_json, repair_surrogates
from tracks_assets.storage.inventory import ExportFile, HourInventory
from tracks_assets.transform.compile import SQL, VALUES
from tracks_assets.transform.deliveries import ARROW_TYPES, moment_sql
from tracks_assets.transform.memory import batch_bytes
from tracks_assets.transform.reading import check_fields, delivered_rows, delivered_schema, read_rows
from tracks_assets.transform.streams import Streams, streams

Repairs = Mapping[str, Mapping[int, Mapping[str, str]]]
"""Texts in place of delivered ones, by file, row number and field."""


@dataclass
class PlainRows:
    """The rows of an hour's files that hold the columns of a table; each of them must fit.

    Attributes:
        streams: what adds relations to the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        batch_bytes: bytes of rows that one thread works on at a time.
        columns: the columns, each a field of the files or a value of the load.
        repaired: rows in which half a surrogate pair is replaced.
        unfitting: always 0: a value that does not fit is an error.
    """

    streams: Streams
    inventory: HourInventory
    batch_bytes: int
    columns: Sequence[Column]
    repaired: int = field(default=0, init=False)
    unfitting: int = field(default=0, init=False)

    def prepare(self) -> None:
        """Finds the texts to repair, and makes the rows a relation.

        Raises:
            ExportError: a field has another type than its column, or a text is not JSON that both engines can hold.
        """
        for file in self.inventory.files:
            check_fields(file, self._fields)
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
        columns = [(column.name, _value(column) or stamps[column.name]) for column in self.columns]
        return render(SQL / "plain_rows.sql", {"columns": columns})

    def rejected_rows(self, stamp: datetime) -> str:
        """The query of refused rows; there is none."""
        raise NotImplementedError("A feed without a contract refuses no row.")

    @property
    def _fields(self) -> dict[str, pa.DataType]:
        return {name: ARROW_TYPES[type_] for name, type_ in field_types(self.columns).items()}

    @property
    def _json(self) -> list[str]:
        return [name for name, type_ in field_types(self.columns).items() if type_ is ColumnType.JSON]

    def _stream(self) -> Iterator[pa.RecordBatch]:
        for file in self.inventory.files:
            yield from delivered_rows(file, self._fields, self.batch_bytes, remedy=self.inventory.remedy)

    def _doubtful_rows(self) -> dict[str, list[int]]:
        """The numbers of the rows whose JSON is to be parsed here, by file and in order."""
        doubtful: dict[str, list[int]] = defaultdict(list)
        if not self._json:
            return doubtful
        variables = {"texts": self._json, "longest": self.batch_bytes, "max_depth": MAX_DEPTH, "values": macros(VALUES)}
        statement = render(SQL / "doubtful_rows.sql", variables)
        for name, number in sorted(self.streams.connection.execute(statement).fetchall()):
            doubtful[name].append(number)
        return doubtful

    def _checked(self, file: ExportFile, numbers: list[int]) -> dict[int, dict[str, str]]:
        """The texts of some rows that are to be replaced."""
        remedy = self.inventory.remedy
        repairs: dict[int, dict[str, str]] = {}
        for batch, found in read_rows(file, self._json, numbers, remedy) if numbers else ():
            for number, texts in zip(found.to_pylist(), batch.to_pylist(), strict=True):
                for name, text in texts.items():
                    if text is not None and (repaired := _repair(file, name, number, text, remedy)) != text:
                        repairs.setdefault(number, {})[name] = repaired
        return repairs


@contextmanager
def plain_rows(
    connection: duckdb.DuckDBPyConnection, inventory: HourInventory, memory_limit: str, columns: Sequence[Column]
) -> Iterator[PlainRows]:
    """The rows of an hour's files, for the length of a ``with`` block.

    Half a surrogate pair is replaced by U+FFFD, as it is in an event.

    Args:
        connection: the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        memory_limit: the limit of that DuckDB, for instance "2GB".
        columns: the columns, each a field of the files or a value of the load.

    Raises:
        ExportError: see ``PlainRows.prepare``.
    """
    with streams(connection) as added:
        rows = PlainRows(added, inventory, batch_bytes(connection, memory_limit), columns)
        rows.prepare()
        yield rows


def _value(column: Column) -> str | None:
    """A column's value as DuckDB's SQL: its first field that is not null; None if it is a value of the load."""
    if not isinstance(column.source, FileField):
        return None
    names = [f"delivered.{name}" for name in column.source.names]
    value = names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"
    return f"{value}::json" if column.type is ColumnType.JSON else value


def _repair(file: ExportFile, name: str, number: int, text: str, remedy: str) -> str:
    repaired = repair_surrogates(text)
    try:
        parse_json(repaired)
    except InvalidJsonError as error:
        raise ExportError(
            f"The file {file.name} holds text that is no JSON in the column {name} of row {number}, counted from 0 "
            f"({error}): {remedy}."
        ) from None
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
