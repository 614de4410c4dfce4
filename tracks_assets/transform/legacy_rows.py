"""The rows of the old pipeline's files, their JSON held to the same rules as an event's payload.

DuckDB takes NaN and trailing commas for JSON, and BigQuery would refuse the hour: so each text that may hold one is
parsed by ``core.strict_json``. Files are read as a stream of small batches, as those of events are.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from tracks_assets.core.errors import ExportError
from tracks_assets.core.sql_files import macros, render
from tracks_assets.core.strict_json import MAX_DEPTH, InvalidJsonError, parse_json, repair_surrogates
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS, ColumnType
from tracks_assets.sources.posthog.legacy import WRITE_AGAIN
from tracks_assets.storage.inventory import ExportFile, HourInventory
from tracks_assets.transform.compile import SQL, VALUES
from tracks_assets.transform.deliveries import ARROW_TYPES
from tracks_assets.transform.memory import batch_bytes
from tracks_assets.transform.reading import check_fields, delivered_rows, delivered_schema, read_rows
from tracks_assets.transform.streams import streams

_FIELDS = {column.name: ARROW_TYPES[column.type] for column in TRACK_COLUMNS}
_JSON = [column.name for column in TRACK_COLUMNS if column.type is ColumnType.JSON]

Repairs = Mapping[str, Mapping[int, Mapping[str, str]]]
"""Texts in place of delivered ones, by file, row number and column."""


@dataclass(frozen=True)
class LegacyRows:
    """The rows of an hour's files.

    Attributes:
        query: their query, which can be run once.
        repaired: rows in which half a surrogate pair is replaced.
    """

    query: str
    repaired: int


@contextmanager
def legacy_rows(
    connection: duckdb.DuckDBPyConnection, inventory: HourInventory, memory_limit: str
) -> Iterator[LegacyRows]:
    """The rows of an hour's files, for the length of a ``with`` block.

    Half a surrogate pair is replaced by U+FFFD, as it is in an event.

    Args:
        connection: the DuckDB that will run it.
        inventory: the hour's files, on local disk.
        memory_limit: the limit of that DuckDB, for instance "2GB".

    Raises:
        ExportError: a text is not JSON that both engines can hold.
    """
    for file in inventory.files:
        check_fields(file, _FIELDS)
    size = batch_bytes(connection, memory_limit)
    with streams(connection) as added:
        added.add("legacy_rows", delivered_schema(_FIELDS), _stream(inventory, size))
        doubtful = _doubtful_rows(connection, size)
        repairs = {file.name: _checked(file, doubtful[file.name]) for file in inventory.files}
        added.add("legacy_rows", delivered_schema(_FIELDS), _repaired(_stream(inventory, size), repairs))
        query = render(SQL / "legacy_rows.sql", {"columns": [(column.name, column.type) for column in TRACK_COLUMNS]})
        yield LegacyRows(query, repaired=sum(map(len, repairs.values())))


def _doubtful_rows(connection: duckdb.DuckDBPyConnection, longest: int) -> dict[str, list[int]]:
    """The numbers of the rows whose JSON is to be parsed here, by file and in order."""
    statement = render(
        SQL / "legacy_doubtful.sql",
        {"texts": _JSON, "longest": longest, "max_depth": MAX_DEPTH, "values": macros(VALUES)},
    )
    doubtful: dict[str, list[int]] = defaultdict(list)
    for name, number in sorted(connection.execute(statement).fetchall()):
        doubtful[name].append(number)
    return doubtful


def _stream(inventory: HourInventory, size: int) -> Iterator[pa.RecordBatch]:
    for file in inventory.files:
        yield from delivered_rows(file, _FIELDS, size, remedy=WRITE_AGAIN)


def _checked(file: ExportFile, numbers: list[int]) -> dict[int, dict[str, str]]:
    """The texts of some rows that are to be replaced."""
    repairs: dict[int, dict[str, str]] = {}
    for batch, found in read_rows(file, _JSON, numbers, WRITE_AGAIN) if numbers else ():
        for number, texts in zip(found.to_pylist(), batch.to_pylist(), strict=True):
            for column, text in texts.items():
                if text is not None and (repaired := _repair(file, column, number, text)) != text:
                    repairs.setdefault(number, {})[column] = repaired
    return repairs


def _repair(file: ExportFile, column: str, number: int, text: str) -> str:
    repaired = repair_surrogates(text)
    try:
        parse_json(repaired)
    except InvalidJsonError as error:
        raise ExportError(
            f"The file {file.name} holds text that is no JSON in the column {column} of row {number}, counted from 0 "
            f"({error}): {WRITE_AGAIN}."
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
