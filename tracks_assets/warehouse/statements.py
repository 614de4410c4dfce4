"""The project's statements, one a file: in the words that both engines take, or side by side in each one's own.

``sql/both`` holds what both engines take. What they write differently is a macro of ``dialect``: dbt's models use the
same macros, ``dbt_project/macros/cross_db``. What has nothing in common is in ``sql/duckdb`` and ``sql/bigquery``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracks_assets.core.columns import Column
from tracks_assets.core.sql_files import dialect_macros, macros, render
from tracks_assets.core.tables import Table
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.tables import EVERY_TABLE

SQL = Path(__file__).parent / "sql"
CROSS_DB = DBT_PROJECT / "macros" / "cross_db"


def dialect(engine: str) -> Any:
    """The macros that dbt and this package share, as an engine has them, as attributes."""
    return dialect_macros(CROSS_DB, engine)


@dataclass(frozen=True)
class TableReference:
    """A table as statements name it: its text is its qualified name in the engine."""

    table: Table
    qualified: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """The table's columns, in order."""
        return self.table.columns

    def __str__(self) -> str:
        return self.qualified


@dataclass(frozen=True)
class Statements:
    """One engine's texts.

    Attributes:
        engine: ``duckdb`` or ``bigquery``; the name of the folder with its own statements.
        qualified: how the engine names a table, given schema and name.
        parameter: how the engine marks a query parameter.
    """

    engine: str
    qualified: Callable[[str, str], str]
    parameter: Callable[[str], str]

    def table(self, table: Table) -> "TableReference":
        """A table of the project as this engine's statements name it."""
        return TableReference(table, self.qualified(table.schema, table.name))

    def named(self, table: str) -> str:
        """The qualified name of a table that is given as ``schema.name``."""
        return self.qualified(*table.split("."))

    def text(self, statement: str, /, **variables: Any) -> str:
        """The text of the statement in the file ``<statement>.sql``; every table is a variable by its own name.

        Raises:
            FileNotFoundError: the engine has no such statement.
        """
        tables = {table.name: self.table(table) for table in EVERY_TABLE}
        common = {
            "dialect": dialect(self.engine),
            "shared": macros(SQL / "macros.sql"),
            "parameter": self.parameter,
            "qualified": self.qualified,
        }
        return render(self._file(statement), {**tables, **common, **variables})

    def _file(self, statement: str) -> Path:
        own = SQL / self.engine / f"{statement}.sql"
        return own if own.exists() else SQL / "both" / f"{statement}.sql"


DUCKDB_STATEMENTS = Statements(
    "duckdb", qualified=lambda schema, name: f"{schema}.{name}", parameter=lambda name: f"${name}"
)


def bigquery_statements(project: str, dataset_prefix: str = "") -> Statements:
    """The texts for BigQuery, where tables lie in datasets of a project."""
    return Statements(
        "bigquery",
        qualified=lambda schema, name: f"`{project}.{dataset_prefix}{schema}.{name}`",
        parameter=lambda name: f"@{name}",
    )
