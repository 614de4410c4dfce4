"""Columns: name, type, and where in a delivered row the value comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class ColumnType(StrEnum):
    """The column types in use, by their BigQuery names."""

    STRING = "STRING"
    TIMESTAMP = "TIMESTAMP"
    JSON = "JSON"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    BOOL = "BOOL"


@dataclass(frozen=True)
class FileField:
    """The value of one field of a delivery; the later names are taken where the earlier ones are null or absent.

    The file must hold the field with the column's type, a JSON column's as text. Text that is no JSON is null.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class Property:
    """The value of one top-level key of ``properties``; the later keys are taken where the earlier ones are null.

    A value that does not fit the column's type is null, and counted. STRING and JSON columns take any value, INT64 a
    JSON integer of 64 bits, FLOAT64 a JSON number, BOOL true and false, and TIMESTAMP a text in ISO 8601 with seconds
    and a zone, such as "2026-03-12T00:30:00.25Z".
    """

    keys: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """The object of every top-level key of ``properties`` that starts with a prefix."""

    prefix: str
    cut_prefix: bool


@dataclass(frozen=True)
class Stamp:
    """A value that the loader sets, the same for the whole run or window."""


Source = FileField | Property | Family | Stamp


@dataclass(frozen=True)
class Column:
    """One column: its name, type, where its value comes from, and what it means to a reader."""

    name: str
    type: ColumnType
    source: Source
    description: str


def stamp(name: str, type_: ColumnType, description: str) -> Column:
    """A column whose value the pipeline sets itself."""
    return Column(name, type_, Stamp(), description)


def field_types(columns: Sequence[Column]) -> dict[str, ColumnType]:
    """Every delivered field that the columns read, and the type that it must have."""
    return {
        name: column.type for column in columns if isinstance(column.source, FileField) for name in column.source.names
    }
