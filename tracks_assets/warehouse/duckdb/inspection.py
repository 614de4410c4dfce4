"""A look at a DuckDB warehouse that creates and changes nothing, and waits for no other process for long."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.transform.duckdb_errors import is_held, opening_error
from tracks_assets.warehouse.migration import former_tables
from tracks_assets.warehouse.shape import column_difference
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS
from tracks_assets.warehouse.tables import TABLES

COLUMN_TYPES = {
    ColumnType.STRING: "VARCHAR",
    ColumnType.TIMESTAMP: "TIMESTAMP WITH TIME ZONE",
    ColumnType.JSON: "JSON",
    ColumnType.INT64: "BIGINT",
    ColumnType.FLOAT64: "DOUBLE",
    ColumnType.BOOL: "BOOLEAN",
}
"""Types as DuckDB's catalogue names them, which its DDL takes as well."""

_RETRY_SECONDS = 0.1


@dataclass(frozen=True)
class DuckDbState:
    """A warehouse file as it was found.

    Attributes:
        rows: rows of each table of the project that exists, by its name.
        differences: tables whose columns are not the project's, each with the difference.
        former_tables: the finding that tables of an earlier release are there; None where none is.
    """

    rows: Mapping[str, int]
    differences: Mapping[str, str]
    former_tables: str | None = None


def inspect_duckdb(path: Path, lock_wait: float) -> DuckDbState:
    """Opens an existing file to read it.

    Args:
        path: the file, which exists.
        lock_wait: seconds to wait for another process that holds it.

    Raises:
        WarehouseError: it is held, or is no DuckDB file that this user may read.
    """
    deadline = time.monotonic() + lock_wait
    while True:
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                return _state(connection)
        except (duckdb.Error, OSError) as error:
            if not is_held(error) or time.monotonic() > deadline:
                raise opening_error(path, lock_wait, error) from error
            time.sleep(_RETRY_SECONDS)


def _state(connection: duckdb.DuckDBPyConnection) -> DuckDbState:
    found = stored_columns(connection)
    existing = [table for table in TABLES if str(table) in found]
    # DuckDB counts the rows of a table from its catalogue.
    rows = {str(table): connection.table(str(table)).shape[0] for table in existing}
    stored = [name for schema, _, name in (relation.partition(".") for relation in found) if schema == SCHEMA]
    return DuckDbState(rows, shape_differences(found), former_tables(stored))


def stored_columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    """The columns of every table and view of the database, with their types, by ``schema.table``."""
    found: dict[str, dict[str, str]] = {}
    for relation, column, data_type in connection.execute(DUCKDB_STATEMENTS.text("stored_columns")).fetchall():
        found.setdefault(relation, {})[column] = data_type
    return found


def shape_differences(found: Mapping[str, Mapping[str, str]], tables: tuple[Table, ...] = TABLES) -> dict[str, str]:
    """Existing tables whose columns are not the project's, each with the first difference."""
    compared = {
        str(table): column_difference(found[str(table)], table, COLUMN_TYPES) for table in tables if str(table) in found
    }
    return {name: difference for name, difference in compared.items() if difference}
