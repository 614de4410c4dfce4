"""The rows of an hour's Parquet files as Arrow batches that are bounded by bytes, not by rows.

DuckDB's own reader makes vectors of 2,048 rows whatever they weigh, and takes columns from the path of a file and from
names of its own. This one reads a few rows at a time, takes nothing but the fields of a file, and hands on as many rows
as fit into ``batch_bytes``; DuckDB never joins batches of a stream, so that each bounds what its operators hold.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tracks_assets.core.errors import ExportError
from tracks_assets.storage.folder import cause
from tracks_assets.storage.inventory import ExportFile, unreadable

VECTOR_ROWS = 2_048
"""Rows that DuckDB works on at a time."""

_READ_ROWS = 128
_READ_BYTES = 4 * 2**20
_BUFFER_BYTES = 2**20
"""Rows and bytes that are decoded at a time, and bytes that are read at a time of each column."""

_SMALL_GROUP_BYTES = 64 * 2**20
_LARGE_FIELD = "properties"
"""A row group whose large field has no dictionary holds no more than its size says, wherever its large rows are."""

Numbered = tuple[pa.RecordBatch, Any]
"""Rows of a file, and the number of each in the file, from 0."""


def delivered_rows(
    file: ExportFile,
    fields: Mapping[str, pa.DataType],
    batch_bytes: int,
    remedy: str,
    left_out: Sequence[int] = (),
) -> Iterator[pa.RecordBatch]:
    """The rows of one file as (source_file, row_number, delivered), where delivered is a struct of the fields.

    Args:
        file: the file, on local disk.
        fields: the fields to read with their types; one that the file lacks is null.
        batch_bytes: the size of a batch, unless a single row is larger.
        remedy: the sentence with what to do where the file cannot be read.
        left_out: numbers of rows that do not come, in order.

    Raises:
        ExportError: the file cannot be read to its end.
    """
    numbered = ((_conform(batch, fields), numbers) for batch, numbers in read_rows(file, remedy, list(fields)))
    kept = (_without(rows, left_out) for rows in numbered)
    for batch, numbers in _bounded(kept, batch_bytes):
        yield named_rows(file, delivered=struct_of(batch), row_number=numbers)


def read_rows(
    file: ExportFile, remedy: str, fields: Sequence[str] | None = None, only: Sequence[int] | None = None
) -> Iterator[Numbered]:
    """A few rows of one file at a time, with their numbers.

    Args:
        file: the file, on local disk.
        remedy: the sentence with what to do where the file cannot be read.
        fields: what to read, where the file has it; all fields by default.
        only: the numbers of the rows to read, in order; all rows by default.

    Raises:
        ExportError: the file cannot be read to its end, for instance because a text in it is not UTF-8.
    """
    try:
        with pq.ParquetFile(file.path, buffer_size=_BUFFER_BYTES) as parquet:
            names = None if fields is None else [name for name in fields if name in file.fields]
            for batch, start in _batches(parquet, names, only):
                batch.validate(full=True)
                numbers = pa.array(range(start, start + batch.num_rows), pa.int64())
                if only is None:
                    yield batch, numbers
                else:
                    wanted = _between(only, start, start + batch.num_rows)
                    if wanted:
                        indices = pa.array([number - start for number in wanted], pa.int64())
                        yield batch.take(indices), numbers.take(indices)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file.name, error, remedy) from error


def _batches(
    parquet: pq.ParquetFile, names: list[str] | None, only: Sequence[int] | None
) -> Iterator[tuple[pa.RecordBatch, int]]:
    start = 0
    for group in range(parquet.metadata.num_row_groups):
        about = parquet.metadata.row_group(group)
        if about.num_rows and (only is None or _between(only, start, start + about.num_rows)):
            at = start
            for batch in parquet.iter_batches(_rows_at_a_time(about), [group], columns=names, use_threads=False):
                yield batch, at
                at += batch.num_rows
        start += about.num_rows


def _rows_at_a_time(group: pq.RowGroupMetaData) -> int:
    """Rows to decode at a time: few where many large ones may follow each other."""
    columns = [group.column(number) for number in range(group.num_columns)]
    plain = not any(column.has_dictionary_page for column in columns if column.path_in_schema == _LARGE_FIELD)
    if plain and group.total_byte_size <= _SMALL_GROUP_BYTES:
        return VECTOR_ROWS
    return min(_READ_ROWS, max(1, _READ_BYTES * group.num_rows // max(1, group.total_byte_size)))


def _between(numbers: Sequence[int], start: int, end: int) -> Sequence[int]:
    return numbers[bisect_left(numbers, start) : bisect_left(numbers, end)]


def _conform(batch: pa.RecordBatch, fields: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    names = batch.schema.names
    columns: list[Any] = [
        _cast(batch.column(name), type_) if name in names else pa.array([None] * batch.num_rows, type_)
        for name, type_ in fields.items()
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(fields))


def _cast(column: Any, type_: pa.DataType) -> Any:
    stored = column.storage if isinstance(column, pa.ExtensionArray) else column
    return stored if stored.type == type_ else stored.cast(type_)


def _without(rows: Numbered, left_out: Sequence[int]) -> Numbered:
    batch, numbers = rows
    if not batch.num_rows:
        return rows
    gone = _between(left_out, numbers[0].as_py(), numbers[-1].as_py() + 1)
    if not gone:
        return rows
    mask: Any = pc.invert(pc.is_in(numbers, value_set=pa.array(gone, pa.int64())))
    return batch.filter(mask), numbers.filter(mask)


def _bounded(parts: Iterable[Numbered], batch_bytes: int) -> Iterator[Numbered]:
    """The same rows in batches of as many bytes, and no more rows than DuckDB works on at a time."""
    waiting: list[Numbered] = []
    rows = size = 0
    for part in (small for large in parts for small in _split(large, batch_bytes)):
        batch, part_bytes = part[0], part[0].nbytes
        if waiting and (rows + batch.num_rows > VECTOR_ROWS or size + part_bytes > batch_bytes):
            yield _joined(waiting)
            waiting, rows, size = [], 0, 0
        waiting.append(part)
        rows, size = rows + batch.num_rows, size + part_bytes
    if waiting:
        yield _joined(waiting)


def _split(part: Numbered, batch_bytes: int) -> Iterator[Numbered]:
    batch, numbers = part
    if batch.num_rows > 1 and batch.nbytes > batch_bytes:
        half = batch.num_rows // 2
        yield from _split((batch.slice(0, half), numbers.slice(0, half)), batch_bytes)
        yield from _split((batch.slice(half), numbers.slice(half)), batch_bytes)
    elif batch.num_rows:
        yield part


def _joined(parts: Sequence[Numbered]) -> Numbered:
    if len(parts) == 1:
        return parts[0]
    table = pa.Table.from_batches([batch for batch, _ in parts]).combine_chunks()
    return table.to_batches()[0], pa.concat_arrays([numbers for _, numbers in parts])


def struct_of(batch: pa.RecordBatch) -> Any:
    """The rows of a batch as one array of structs: its fields' names can clash with nothing."""
    return pa.StructArray.from_arrays(batch.columns, fields=list(batch.schema))


def json_safe(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its floating-point values as text, nested ones too: JSON has no NaN and no infinity."""
    types = [_without_floats(each.type) for each in batch.columns]
    columns = [
        each if each.type == type_ else each.cast(type_) for each, type_ in zip(batch.columns, types, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _without_floats(type_: Any) -> Any:
    if pa.types.is_floating(type_):
        return pa.string()
    if pa.types.is_struct(type_):
        return pa.struct([field.with_type(_without_floats(field.type)) for field in type_])
    if pa.types.is_map(type_):
        return pa.map_(_without_floats(type_.key_type), _without_floats(type_.item_type))
    if pa.types.is_dictionary(type_):
        return _without_floats(type_.value_type)
    for is_kind, kind in (
        (pa.types.is_list, pa.list_),
        (pa.types.is_large_list, pa.large_list),
        (pa.types.is_fixed_size_list, lambda value: pa.list_(value, type_.list_size)),
    ):
        if is_kind(type_):
            return kind(_without_floats(type_.value_type))
    return type_


def named_rows(file: ExportFile, **columns: Any) -> pa.RecordBatch:
    """A batch of the columns and the name of their file; one of them is row_number."""
    rows = len(columns["row_number"])
    source = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), [file.name])
    return pa.RecordBatch.from_arrays([source, *columns.values()], names=["source_file", *columns])


def delivered_schema(fields: Mapping[str, pa.DataType]) -> pa.Schema:
    """The schema of ``delivered_rows``."""
    return pa.schema({
        "source_file": pa.dictionary(pa.int8(), pa.string()),
        "delivered": pa.struct([pa.field(name, type_) for name, type_ in fields.items()]),
        "row_number": pa.int64(),
    })  # fmt: skip


def check_fields(file: ExportFile, fields: Mapping[str, pa.DataType], remedy: str) -> None:
    """Checks that a file's fields have the names and types that the column list reads.

    Args:
        file: the file, on local disk.
        fields: the fields that are read, with their types.
        remedy: the sentence with what to do where the file cannot be read.

    Raises:
        ExportError: the file cannot be read, a name differs only in case, so the field would be taken for absent, or a
            type differs.
    """
    try:
        schema = pq.read_schema(file.path)
    except (pa.ArrowException, OSError) as error:
        raise unreadable(file.name, error, remedy) from error
    names = {name.lower(): name for name in fields}
    for delivered in schema.names:
        name = names.get(delivered.lower(), delivered)
        if name != delivered:
            raise ExportError(
                f"The file {file.name} has the field {delivered!r}.",
                f"The column list reads {name!r}.",
                "Change the column's field, or export the field with that name.",
            )
    for name, wanted in fields.items():
        if name in schema.names and not _fits(schema.field(name).type, wanted):
            raise ExportError(
                f"The field {name} of the file {file.name} is {schema.field(name).type}.",
                f"The column list reads it as {wanted}.",
                "Change the column's type, or export the field with that type.",
            )


def find_unfitting(file: ExportFile, fields: Mapping[str, pa.DataType], remedy: str) -> ExportError | None:
    """The error of a file with a value outside its field's type, such as a version above 64 bits; reads it in full."""
    try:
        for batch, _ in read_rows(file, remedy, list(fields)):
            _conform(batch, fields)
    except pa.ArrowInvalid as error:
        return ExportError(
            f"The file {file.name} holds a value that its field cannot hold ({cause(error)}).", next_step=remedy
        )
    return None


def _fits(found: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_string(wanted):
        return pa.types.is_string(found) or pa.types.is_large_string(found) or isinstance(found, pa.JsonType)
    if pa.types.is_timestamp(wanted):
        return pa.types.is_timestamp(found) and found.tz is not None and found.unit in ("us", "ms")
    kinds = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    return any(kind(found) and kind(wanted) for kind in kinds)
