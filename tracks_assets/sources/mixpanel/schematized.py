"""The rows of Mixpanel's schematized pipeline: one column for each property, with ``mp_`` in place of a ``$``."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tracks_assets.core.errors import ExportError
from tracks_assets.core.sql_files import render
from tracks_assets.sources.mixpanel.times import TIME_LIMITS

_NAME = "mp_event_name"
_PROCESSED = "mp_processing_time_ms"
_REQUIRED = (_NAME, "time", "distinct_id", "mp_insert_id")

_STATEMENT = Path(__file__).parent / "sql" / "schematized.sql"


def check_columns(name: str, schema: pa.Schema, remedy: str) -> None:
    """Checks that a file has the columns that make an event, each with its type, and none of its columns twice.

    Raises:
        ExportError: it has not.
    """
    for column, number in Counter(schema.names).items():
        if number > 1:
            raise ExportError(f"The file {name} has the column {column!r} twice.", "Values could be lost.", remedy)
    for required in _REQUIRED:
        if required not in schema.names:
            raise ExportError(
                f"The file {name} has no column {required}.", "Mixpanel's schematized pipeline writes it.", remedy
            )
    found = schema.field("time").type
    if not (pa.types.is_integer(found) or (pa.types.is_timestamp(found) and found.tz is not None)):
        raise ExportError(
            f"The column time of the file {name} is {found}.",
            "Mixpanel exports seconds or a timestamp with its zone.",
            remedy,
        )


def schematized_sql(schema: pa.Schema) -> str:
    """The statement that makes rows of a file with this schema; its columns come as c0, c1 and so on."""
    columns = {name: f"c{number}" for number, name in enumerate(schema.names)}
    members = [_member(field, columns[field.name]) for field in schema if field.name != _NAME]
    return render(
        _STATEMENT,
        {
            "event": columns[_NAME],
            "time": columns["time"],
            "is_moment": pa.types.is_timestamp(schema.field("time").type),
            "distinct_id": columns["distinct_id"],
            "insert_id": columns["mp_insert_id"],
            "processed": _milliseconds(schema, columns),
            "members": members,
            **TIME_LIMITS,
        },
    )


def _milliseconds(schema: pa.Schema, columns: Mapping[str, str]) -> str:
    """The SQL of the time of processing in milliseconds, as Mixpanel counts it."""
    if _PROCESSED not in columns:
        return "null"
    is_moment = pa.types.is_timestamp(schema.field(_PROCESSED).type)
    return f"epoch_us({columns[_PROCESSED]}::timestamptz) / 1e3" if is_moment else columns[_PROCESSED]


def _member(field: "pa.Field[Any]", column: str) -> tuple[str, str]:
    """The key of a property as JSON, and the SQL of its value as JSON text; JSON has no NaN and no infinity."""
    value = f"to_json({column})::varchar"
    if pa.types.is_floating(field.type):
        value = f"case when isfinite({column}) then {value} else to_json({column}::varchar)::varchar end"
    return f"{json.dumps(field.name)}:", value
