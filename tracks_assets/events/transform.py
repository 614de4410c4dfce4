"""The vectorised transform: the contract of ``events.contract`` said in SQL, for a whole hour at once.

It writes two statements. ``verdicts_sql`` finds the rows to refuse; ``tracks_sql`` extracts the columns of the rest.
DuckDB runs them, whatever the warehouse's engine is: it reads Parquet fastest, and one transform means one behaviour.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracks_assets.events.columns import TRACK_COLUMNS, Column, ColumnType, Family, Field, Property
from tracks_assets.events.contract import EARLIEST, LATEST, Reason
from tracks_assets.events.strict_json import MAX_DEPTH, InvalidJsonError, parse_json
from tracks_assets.export.fields import INSERT_TIME_FIELDS
from tracks_assets.export.inventory import HourInventory
from tracks_assets.sql_files import render, sql_text

_SQL = Path(__file__).parent / "sql"


def verdicts_sql(inventory: HourInventory) -> str:
    """The statement that gives (source_file, row_number, reason, doubtful) of the rows that may be refused."""
    return render(
        _SQL / "verdicts.sql",
        {
            "deliveries": _deliveries_sql(inventory),
            "reasons": Reason,
            "earliest": EARLIEST.isoformat(),
            "latest": LATEST.isoformat(),
            "max_depth": MAX_DEPTH,
        },
    )


def is_event_payload(payload: str) -> bool:
    """Whether the contract takes a payload that the SQL could not judge."""
    try:
        parse_json(payload)
    except InvalidJsonError:
        return False
    return True


def tracks_sql(inventory: HourInventory, rejected: str, stamps: Mapping[str, str]) -> str:
    """The statement that gives the columns of tracks for every row that the table ``rejected`` does not name.

    Args:
        inventory: the hour's files.
        rejected: a table with source_file and row_number.
        stamps: SQL of the columns that the loader sets, by name; they come in the order of the column list.
    """
    columns = [(column.name, stamps.get(column.name) or _expression(column)) for column in TRACK_COLUMNS]
    columns += [(name, sql) for name, sql in stamps.items() if name not in {column.name for column in TRACK_COLUMNS}]
    return render(
        _SQL / "tracks.sql",
        {"deliveries": _deliveries_sql(inventory), "rejected": rejected, "paths": _text_paths(), "columns": columns},
    )


def _deliveries_sql(inventory: HourInventory) -> str:
    present = [name for name in INSERT_TIME_FIELDS if name in inventory.fields]
    return render(
        _SQL / "deliveries.sql",
        {
            **file_blanks(inventory),
            "inserted_at": f"coalesce({', '.join(present)})" if present else "cast(null as timestamptz)",
        },
    )


def file_blanks(inventory: HourInventory) -> dict[str, Any]:
    """What a statement over an hour's files needs to know of them: their paths, and the length of the root's."""
    paths = [without_wildcards(file.path) for file in inventory.files]
    return {"files": paths, "root_length": len(inventory.root) + 1}


def without_wildcards(path: str) -> str:
    """A path as DuckDB is told it: it reads every path as a pattern; in brackets, a wildcard stands for itself."""
    return re.sub(r"[*?[]", r"[\g<0>]", path)


def _text_keys() -> Sequence[str]:
    return [
        key
        for column in TRACK_COLUMNS
        if isinstance(column.source, Property) and column.type is ColumnType.STRING
        for key in column.source.keys
    ]


def _text_paths() -> Sequence[str]:
    return [f'$."{key}"' for key in _text_keys()]


def _expression(column: Column) -> str:
    match column.source:
        case Field(names=names):
            return "inserted_at" if "inserted_at" in names else names[0]
        case Property(keys=keys) if column.type is ColumnType.STRING:
            positions = [_text_keys().index(key) + 1 for key in keys]
            texts = [f"texts[{position}]" for position in positions]
            return texts[0] if len(texts) == 1 else f"coalesce({', '.join(texts)})"
        case Property(keys=keys):
            members = [f"nullif(members[list_position(keys, {sql_text(key)})], 'null')" for key in keys]
            return members[0] if len(members) == 1 else f"coalesce({', '.join(members)})"
        case Family():
            return _family_expression(column.source)
        case _:
            raise ValueError(f"{column.name} is set by the loader: give it in stamps")


def _family_expression(family: Family) -> str:
    name = f"substr(key, {len(family.prefix) + 1})" if family.cut_prefix else "key"
    # Of two equal keys the first wins, as wherever else a payload is read.
    belongs = f"starts_with(key, {sql_text(family.prefix)}) and list_position(keys, key) = i"
    member = f"case when {belongs} then to_json({name}) || ':' || members[i] end"
    joined = f"array_to_string(list_transform(keys, lambda key, i: {member}), ',')"
    return f"'{{' || nullif({joined}, '') || '}}'"
