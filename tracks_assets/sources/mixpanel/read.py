"""Mixpanel's files as Parquet files with the fields of ``READ_FIELDS``: one for each, row by row, in bounded memory.

Both forms become the same rows: a line ``{"event": .., "properties": {..}}`` of the raw export, and a row of the
schematized pipeline with one column for each property. A few megabytes are read at a time, so that neither the size of
a file nor that of an event decides how much memory it takes. A file that is not read to its end is an error, and a
line that is no JSON is one as well: what comes after a torn line cannot be trusted. A row that is no event (it has no
time, for instance) is kept with the reason for which it is refused. Half a surrogate pair is replaced by U+FFFD, as it
is in PostHog's events.
"""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tracks_assets.core.errors import ExportError
from tracks_assets.core.sql_files import render
from tracks_assets.core.strict_json import repair_surrogates
from tracks_assets.sources.mixpanel.columns import LINE_FIELD
from tracks_assets.sources.mixpanel.layout import is_compressed, is_parquet
from tracks_assets.sources.mixpanel.schematized import check_columns, schematized_sql
from tracks_assets.sources.mixpanel.times import TIME_LIMITS
from tracks_assets.storage.fetch import PREFIX, next_step
from tracks_assets.storage.folder import cause
from tracks_assets.storage.inventory import ExportFile, HourInventory, unreadable

BATCH_BYTES = 4 * 2**20
"""Bytes of lines that are parsed at a time, unless one line is longer."""

BATCH_ROWS = 8_192

LONGEST_LINE = 64 * 2**20
"""An event of Mixpanel's has 1 MB at most; a file without line ends would be read into memory in full."""

_SQL = Path(__file__).parent / "sql"

_MOMENT: pa.DataType = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [
        ("event", pa.string()),
        ("time", _MOMENT),
        ("distinct_id", pa.string()),
        ("insert_id", pa.string()),
        ("processed_at", _MOMENT),
        ("properties", pa.string()),
        ("refusal", pa.string()),
        (LINE_FIELD, pa.string()),
    ]
)
"""What the files are made into."""

Batches = Iterator[pa.Table]


@contextmanager
def as_parquet(inventory: HourInventory) -> Iterator[HourInventory]:
    """The inventory with Parquet files in place of Mixpanel's, for a ``with`` block; the files are on local disk.

    Raises:
        ExportError: a file cannot be read to its end, a line is no JSON object, or the disk is full.
    """
    with TemporaryDirectory(prefix=PREFIX) as folder, duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'; set threads = 1; set enable_progress_bar = false")
        files = tuple(
            _written(connection, inventory, file, Path(folder) / f"{number}.parquet")
            for number, file in enumerate(inventory.files)
        )
        yield replace(inventory, root=folder, scheme="", files=files)


def _written(
    connection: duckdb.DuckDBPyConnection, inventory: HourInventory, file: ExportFile, target: Path
) -> ExportFile:
    rows = 0
    try:
        with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
            for batch in read_file(connection, file, inventory.remedy):
                writer.write_table(batch)
                rows += batch.num_rows
    except OSError as error:
        raise ExportError(
            f"The file {file.name} cannot be written to {target.parent} ({error.strerror or error}).",
            next_step=next_step(error, inventory.size),
        ) from error
    return replace(file, path=str(target), rows=rows, fields=frozenset(SCHEMA.names))


def read_file(connection: duckdb.DuckDBPyConnection, file: ExportFile, remedy: str) -> Batches:
    """The rows of one file with the fields of ``SCHEMA``, in order.

    Args:
        connection: the DuckDB that parses them.
        file: the file, on local disk.
        remedy: the sentence with what to do where it cannot be read.

    Raises:
        ExportError: it cannot be read to its end, or a line is no JSON object.
    """
    if is_parquet(file.name):
        yield from _schematized_rows(connection, file, remedy)
        return
    for first_line, lines in _line_batches(file, remedy):
        yield _parsed(connection, file, first_line, lines, remedy)


# JSON lines


def _line_batches(file: ExportFile, remedy: str) -> Iterator[tuple[list[int], list[str]]]:
    """The lines that are not empty, some megabytes at a time, with their numbers from 1."""
    numbers: list[int] = []
    lines: list[str] = []
    size = 0
    for number, line in _lines(file, remedy):
        numbers.append(number)
        lines.append(line)
        size += len(line)
        if size > BATCH_BYTES or len(lines) >= BATCH_ROWS:
            yield numbers, lines
            numbers, lines, size = [], [], 0
    if lines:
        yield numbers, lines


def _lines(file: ExportFile, remedy: str) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with _opened(file) as stream:
            for line in iter(partial(stream.readline, LONGEST_LINE), b""):
                number += 1
                if len(line) == LONGEST_LINE:
                    raise ExportError(f"The line {number:,} of the file {file.name} has no end.", next_step=remedy)
                # Some tools mark a file's text as UTF-8 by three bytes before its first line.
                text = repair_surrogates(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                if text.strip():
                    yield number, text
    except UnicodeDecodeError as error:
        raise ExportError(f"The line {number:,} of the file {file.name} is not UTF-8.", next_step=remedy) from error
    except (OSError, EOFError, zlib.error) as error:
        raise ExportError(
            f"The file {file.name} cannot be read after line {number:,} ({cause(error)}).", next_step=remedy
        ) from error


@contextmanager
def _opened(file: ExportFile) -> Iterator[BufferedIOBase]:
    with Path(file.path).open("rb") as stored:
        if is_compressed(file.name):
            with gzip.open(stored) as lines:
                yield lines
        else:
            yield stored


def _parsed(
    connection: duckdb.DuckDBPyConnection, file: ExportFile, numbers: list[int], lines: list[str], remedy: str
) -> pa.Table:
    given = pa.table({"number": pa.array(range(len(lines)), pa.int64()), LINE_FIELD: pa.array(lines, pa.string())})
    broken = _first(connection, given, "broken_line.sql")
    if broken is not None:
        raise ExportError(f"The line {numbers[broken]:,} of the file {file.name} is no JSON object.", next_step=remedy)
    return _rows(connection, given, render(_SQL / "lines.sql", TIME_LIMITS))


def _first(connection: duckdb.DuckDBPyConnection, given: pa.Table, statement: str) -> int | None:
    with _registered(connection, given):
        found = connection.execute(render(_SQL / statement)).fetchone()
    return int(found[0]) if found else None


def _rows(connection: duckdb.DuckDBPyConnection, given: pa.Table, statement: str) -> pa.Table:
    with _registered(connection, given):
        rows: pa.Table = connection.sql(statement).to_arrow_table()
        return rows.cast(SCHEMA)


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, given: pa.Table) -> Iterator[None]:
    connection.register("given", given)
    try:
        yield
    finally:
        # A connection whose last result is not read to its end forgets nothing.
        connection.complete()
        connection.unregister("given")


# The schematized pipeline


def _schematized_rows(connection: duckdb.DuckDBPyConnection, file: ExportFile, remedy: str) -> Batches:
    try:
        with pq.ParquetFile(file.path) as parquet:
            schema = parquet.schema_arrow
            check_columns(file.name, schema, remedy)
            statement = schematized_sql(schema)
            for batch in parquet.iter_batches(_rows_at_a_time(parquet), use_threads=False):
                batch.validate(full=True)
                yield _rows(connection, _numbered(batch), statement)
    except (pa.ArrowException, OSError, duckdb.NotSupportedError) as error:
        raise unreadable(file.name, error, remedy) from error


def _rows_at_a_time(parquet: pq.ParquetFile) -> int:
    about = parquet.metadata
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    return max(1, min(BATCH_ROWS, BATCH_BYTES * about.num_rows // max(1, size)))


def _numbered(batch: pa.RecordBatch) -> pa.Table:
    """The columns by position, for names that differ in case only are one to DuckDB."""
    columns: Mapping[str, Any] = {f"c{number}": _as_text(column) for number, column in enumerate(batch.columns)}
    return pa.table({"number": pa.array(range(batch.num_rows), pa.int64()), **columns})


def _as_text(column: "pa.Array[Any]") -> "pa.Array[Any]":
    """The column; bytes are text that its writer did not mark as such, and an error if they are no UTF-8."""
    is_binary = pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type)
    return column.cast(pa.string()) if is_binary else column
