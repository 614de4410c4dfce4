"""The vectorised transform: the contract of ``sources.posthog.contract`` stated in SQL, for many rows at once.

It writes two statements over a relation of deliveries (``transform.reading``). ``refusals_sql`` finds the rows to
refuse, and the rows that only the contract itself can decide. ``tracks_sql`` extracts the columns of the rest. DuckDB
runs them for every engine, so that all engines load the same rows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tracks_assets.core.columns import Column, ColumnType, Family, FileField, Property
from tracks_assets.core.sql_files import macros, render, sql_text
from tracks_assets.core.strict_json import MAX_DEPTH
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.sources.posthog.contract import EARLIEST, LATEST, MOMENT, Reason

SQL = Path(__file__).parent / "sql"
VALUES = SQL / "values.sql"

BY_ROW = "by row"
"""Given by ``refusals_sql`` in place of a reason where the contract itself must look at the row."""


def refusals_sql(relation: str, longest: int, columns: Sequence[Column] = TRACK_COLUMNS) -> str:
    """The statement that gives (source_file, row_number, reason, unfitting) of the rows that need attention.

    Args:
        relation: one with source_file, row_number and the struct delivered.
        longest: bytes of JSON text above which a row is left to the contract.
        columns: the columns that are extracted.
    """
    return render(
        SQL / "refusals.sql",
        {
            "relation": relation,
            "reasons": Reason,
            "by_row": BY_ROW,
            "earliest": EARLIEST.isoformat(),
            "latest": LATEST.isoformat(),
            "max_depth": MAX_DEPTH,
            "longest": longest,
            "json_fields": _json_fields(columns),
            "unfitting": _unfitting(columns),
            "values": macros(VALUES),
        },
    )


def tracks_sql(relation: str, stamps: Mapping[str, str], columns: Sequence[Column] = TRACK_COLUMNS) -> str:
    """The statement that gives the columns of tracks for every delivery of a relation.

    Args:
        relation: one with source_file, row_number and the struct delivered; the contract takes its rows.
        stamps: SQL of the columns that the loader sets, by name; they come in the order of the column list.
        columns: the column list.
    """
    expressions = [(column.name, stamps.get(column.name) or _expression(column, columns)) for column in columns]
    names = {column.name for column in columns}
    expressions += [(name, sql) for name, sql in stamps.items() if name not in names]
    return render(
        SQL / "tracks.sql",
        {
            "relation": relation,
            "paths": [_path(key) for key in _text_keys(columns)],
            "columns": expressions,
        },
    )


def _json_fields(columns: Sequence[Column]) -> list[str]:
    """The fields that hold JSON text, the payload first."""
    names = [
        name
        for column in columns
        if isinstance(column.source, FileField) and column.type is ColumnType.JSON
        for name in column.source.names
    ]
    return [_field(name) for name in dict.fromkeys(["properties", *names])]


def _unfitting(columns: Sequence[Column]) -> list[str]:
    """For each column that may hold less than is delivered, an expression that is 1 where it does."""
    pairs = []
    for column in columns:
        match column.source:
            case Property(keys=keys) if column.type not in (ColumnType.STRING, ColumnType.JSON):
                members = [
                    f"nullif(json_extract(delivered.properties, {sql_text(_path(key))})::varchar, 'null')"
                    for key in keys
                ]
                pairs.append((_first(members), _as_type(_first(members), column.type)))
            case FileField(names=names) if column.type is ColumnType.JSON and names != ("properties",):
                pairs.append((_first([_field(name) for name in names]), _expression(column, columns)))
    return [f"(({value}) is not null and ({fitting}) is null)::integer" for value, fitting in pairs]


def _text_keys(columns: Sequence[Column]) -> list[str]:
    return [
        key
        for column in columns
        if isinstance(column.source, Property) and column.type is ColumnType.STRING
        for key in column.source.keys
    ]


def _path(key: str) -> str:
    return f'$."{key}"'


def _field(name: str) -> str:
    quoted = name.replace('"', '""')
    return f"delivered.{name}" if name.isidentifier() else f'delivered."{quoted}"'


def _first(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"coalesce({', '.join(values)})"


def _expression(column: Column, columns: Sequence[Column]) -> str:
    match column.source:
        case FileField(names=names):
            value = _first([_field(name) for name in names])
            if column.type is ColumnType.JSON and names != ("properties",):
                return f"case when json_valid({value}) then {value} end"
            return value
        case Property(keys=keys) if column.type is ColumnType.STRING:
            positions = [_text_keys(columns).index(key) + 1 for key in keys]
            return _first([f"texts[{position}]" for position in positions])
        case Property(keys=keys):
            members = [f"nullif(members[list_position(keys, {sql_text(key)})], 'null')" for key in keys]
            return _as_type(_first(members), column.type)
        case Family():
            return _family_expression(column.source)
        case _:
            raise ValueError(f"{column.name} is set by the loader: give it in stamps")


def _as_type(value: str, type_: ColumnType) -> str:
    written: str = macros(VALUES).as_type(value, type_, MOMENT)
    return written


def _family_expression(family: Family) -> str:
    name = f"substr(key, {len(family.prefix) + 1})" if family.cut_prefix else "key"
    # Of two equal keys the first wins, as wherever else a payload is read.
    belongs = f"starts_with(key, {sql_text(family.prefix)}) and list_position(keys, key) = i"
    member = f"case when {belongs} then to_json({name}) || ':' || members[i] end"
    joined = f"array_to_string(list_transform(keys, lambda key, i: {member}), ',')"
    return f"'{{' || nullif({joined}, '') || '}}'"
