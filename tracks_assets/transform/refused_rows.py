"""The refused rows of an hour's files, in full, as rows of a feed's table of refused rows."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import pyarrow as pa

from tracks_assets.core.sql_files import moment_sql, render
from tracks_assets.storage.inventory import ExportFile, HourInventory
from tracks_assets.transform.compile import SQL
from tracks_assets.transform.reading import json_safe, named_rows, read_rows, struct_of
from tracks_assets.transform.streams import Streams

Refused = Mapping[str, Mapping[int, str]]
"""The reason of each refused row, by file and row number."""


def refused_rows(streams: Streams, inventory: HourInventory, refused: Refused, stamp: datetime) -> str:
    """The query of the refused rows; it can be run once.

    Args:
        streams: what adds the rows to the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        refused: the rows and their reasons.
        stamp: the start of the loader run.
    """
    files = [file for file in inventory.files if refused.get(file.name)]
    relations = {f"refused_rows_{number}": file for number, file in enumerate(files)}
    for name, file in relations.items():
        batches = _batches(file, refused[file.name], inventory.remedy)
        first = next(batches)
        streams.add(name, first.schema, _with_first(first, batches))
    moments = {"window_start": moment_sql(inventory.hour), "stamp": moment_sql(stamp)}
    return render(SQL / "rejected_rows.sql", {"relations": list(relations), **moments})


def _batches(file: ExportFile, reasons: Mapping[int, str], remedy: str) -> Iterator[pa.RecordBatch]:
    for batch, numbers in read_rows(file, remedy, only=sorted(reasons)):
        yield named_rows(
            file,
            reason=pa.array([reasons[number] for number in numbers.to_pylist()], pa.string()),
            delivered=struct_of(json_safe(batch)),
            row_number=numbers,
        )


def _with_first(first: pa.RecordBatch, others: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield first
    yield from others
