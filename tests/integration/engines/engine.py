"""An engine as a scenario uses it: rows in, rows out as plain values, merges as dbt writes them.

All else is the project's own.

Statements of scenarios name tables as DuckDB does, ``posthog.tracks``, and say only what every engine understands.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from tests.dbt_project.merge_engine import run_text
from tests.dbt_project.merge_text import SENTINELS, MergeText, written_merge
from tests.integration.engines.dbt import Dbt
from tests.support.duckdb_file import connected
from tracks_assets.core.columns import Column, ColumnType
from tracks_assets.core.tables import OPS_SCHEMA, Table
from tracks_assets.settings import Settings, read_settings
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.bigquery.tables import staging_schema
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.results import HourLoad
from tracks_assets.warehouse.statements import Statements, dialect
from tracks_assets.warehouse.tables import MERGE_LOG, TABLES

Row = dict[str, Any]

_SOON = DEFAULT_RETRY.with_timeout(3)
_PLACE = re.compile(r"\b(posthog(?:_ops)?|mixpanel|growth|marketing)\.(\w+)")
_ARROW = {ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"), ColumnType.INT64: pa.int64(), ColumnType.BOOL: pa.bool_()}


@dataclass(frozen=True)
class Engine(ABC):
    """A warehouse of a test's own, empty at first.

    Attributes:
        home: the test's folder; the export and the legacy files lie there.
        dbt: dbt, running.
        variables: what the settings are read from.
        surroundings: what else dbt needs of the environment.
    """

    home: Path
    dbt: Dbt
    variables: Mapping[str, str]
    surroundings: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the test."""
        return read_settings(self.variables)

    @contextmanager
    def opened(self) -> Iterator[Warehouse]:
        """The project's warehouse, open."""
        with warehouse_of(self.settings, lock_wait=5).opened() as warehouse:
            yield warehouse

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows that a statement gives; none where it changes something."""
        return self._query(self._named(statement))

    def _named(self, statement: str) -> str:
        """The statement with its tables as this warehouse names them."""
        place = self._statements.qualified
        return _PLACE.sub(lambda found: place(found[1], found[2]), statement)

    @cached_property
    def _statements(self) -> Statements:
        return warehouse_of(self.settings).statements

    def value(self, statement: str) -> Any:
        """The one value that a statement gives."""
        ((value,),) = self.query(statement)
        return value

    @abstractmethod
    def _query(self, statement: str) -> list[tuple[Any, ...]]: ...

    def _queries(self, statements: Iterable[str]) -> list[list[tuple[Any, ...]]]:
        """The rows that each of several statements gives."""
        return [self._query(statement) for statement in statements]

    def load(
        self, hour: datetime, stamp: datetime, *, allow_emptying: bool = False, run_id: str | None = None
    ) -> HourLoad:
        """Loads an export hour as the asset raw_tracks does."""
        with self.opened() as warehouse:
            inventory = Export(str(self.home / "export")).inventory(hour)
            return warehouse.load_slice(EVENTS, inventory, stamp, allow_emptying=allow_emptying, run_id=run_id)

    @abstractmethod
    def put(self, table: Table, *rows: Row) -> None:
        """Adds rows to a table, each given by the columns that matter, JSON as text; all others are null."""

    @abstractmethod
    def snapshots(self) -> list[str]:
        """The names of the snapshots that are there."""

    def rows(self, table: Table, but: Iterable[str] = ()) -> list[Row]:
        """All rows of a table, JSON parsed, in an order that is the same on every engine.

        Args:
            table: the table.
            but: columns that are left out.
        """
        columns = [column for column in table.columns if column.name not in but]
        return _sorted(columns, self._query(self._reading(columns, table)))

    def contents(self) -> dict[str, list[Row]]:
        """All rows of every table, by its name, and which snapshots there are."""
        found = self._queries(self._reading(table.columns, table) for table in TABLES)
        rows = {table.name: _sorted(table.columns, each) for table, each in zip(TABLES, found, strict=True)}
        return rows | {"snapshots": [{"is": self.snapshots()}]}

    def _reading(self, columns: Sequence[Column], table: Table) -> str:
        json_text = dialect(self.settings.engine).json_text
        names = [json_text(each.name) if each.type is ColumnType.JSON else each.name for each in columns]
        return self._named(f"select {', '.join(names)} from {table}")

    def merge(self, start: datetime, end: datetime, run_id: str = "run") -> None:
        """Merges the export hours of the window [start, end) by the statements that dbt writes, without dbt."""
        self._run_merge(self._merge_text().of(start, end, run_id))

    @abstractmethod
    def _run_merge(self, text: MergeText) -> None: ...

    def _merge_text(self) -> MergeText:
        """The merge in this warehouse; dbt writes it once for each engine and cutover."""
        settings = self.settings
        key = type(self).__name__, str(settings.cutover)
        found = self.dbt.written.get(key)
        if found is None:
            self.merge_by_dbt(**SENTINELS)
            self.query(f"delete from {MERGE_LOG} where run_id = '{SENTINELS['TRACKS_RUN_ID']}'")
            found = written_merge(self.dbt.target(settings.engine)), settings.bq_dataset_prefix
            self.dbt.written[key] = found
        text, prefix = found
        return text.renamed(prefix, settings.bq_dataset_prefix) if prefix else text

    def merge_by_dbt(self, **window: str) -> None:
        """Merges by dbt itself, as the asset tracks does.

        Args:
            window: the variables that name the window and the run.
        """
        (result,) = self.run_dbt("run", "--select", "posthog_tracks", **window)
        assert result["status"] == "success", result["message"]

    def run_dbt(self, *arguments: str, **variables: str) -> list[dict[str, Any]]:
        """Runs dbt; its results."""
        return self.dbt.run(arguments, {**self.surroundings, **self.settings.child_environment(), **variables})


@dataclass(frozen=True)
class DuckDbEngine(Engine):
    """DuckDB on a file."""

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            return connection.execute(statement).fetchall()

    def _queries(self, statements: Iterable[str]) -> list[list[tuple[Any, ...]]]:
        with self._connected() as connection:
            return [connection.execute(statement).fetchall() for statement in statements]

    def put(self, table: Table, *rows: Row) -> None:
        """See ``Engine.put``."""
        with self._connected() as connection:
            connection.register("given_rows", arrow_table(table.columns, rows))
            connection.execute(f"insert into {table} by name select * from given_rows")

    def _run_merge(self, text: MergeText) -> None:
        with self._connected() as connection:
            run_text(connection, text)

    def snapshots(self) -> list[str]:
        """See ``Engine.snapshots``."""
        found = self.query("select table_name from duckdb_tables() where table_name like 'tracks_snapshot%'")
        return sorted(name for (name,) in found)

    def _connected(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return connected(self.settings.duckdb_path)


@dataclass(frozen=True)
class BigQueryEngine(Engine):
    """BigQuery's emulator, where the environment says that it is."""

    client: bigquery.Client = field(kw_only=True)

    def _query(self, statement: str) -> list[tuple[Any, ...]]:
        result = self.client.query_and_wait(statement, retry=_SOON, job_retry=_SOON, wait_timeout=900)
        return [tuple(row.values()) for row in result]

    def put(self, table: Table, *rows: Row) -> None:
        """See ``Engine.put``: a load job makes no JSON, so the rows come by a table in which it is text."""
        place = self._statements.qualified
        dataset = f"{self.settings.bq_project}.{self.settings.bq_dataset_prefix}{table.schema}"
        given = f"{dataset}.given_rows"
        config = bigquery.LoadJobConfig(
            source_format="PARQUET", schema=staging_schema(table.columns), write_disposition="WRITE_TRUNCATE"
        )
        file = BytesIO()
        pq.write_table(arrow_table(table.columns, rows), file)
        file.seek(0)
        self.client.load_table_from_file(file, given, job_config=config).result(retry=_SOON, timeout=900)
        values = ", ".join(
            f"parse_json({column.name})" if column.type is ColumnType.JSON else column.name for column in table.columns
        )
        self._query(f"insert into {place(table.schema, table.name)} select {values} from `{given}`")
        self.client.delete_table(given, retry=_SOON)

    def _run_merge(self, text: MergeText) -> None:
        self._query(text.text)

    def snapshots(self) -> list[str]:
        """See ``Engine.snapshots``."""
        tables = self.client.list_tables(f"{self.settings.bq_project}.{self.settings.bq_dataset_prefix}{OPS_SCHEMA}")
        return sorted(table.table_id for table in tables if table.table_id.startswith("tracks_snapshot"))


def window(start: datetime, end: datetime, run_id: str = "run") -> dict[str, str]:
    """The environment in which dbt merges the window [start, end)."""
    return {
        "TRACKS_WINDOW_START": start.isoformat(),
        "TRACKS_WINDOW_END": end.isoformat(),
        "TRACKS_RUN_ID": run_id,
    }


def arrow_table(columns: Sequence[Column], rows: Sequence[Row]) -> pa.Table:
    """Rows in the columns of a table, JSON as text."""
    unknown = {name for row in rows for name in row} - {column.name for column in columns}
    assert not unknown, f"no such columns: {unknown}"
    return pa.table(
        {
            column.name: pa.array([row.get(column.name) for row in rows], _ARROW.get(column.type, pa.string()))
            for column in columns
        }
    )


def plain(columns: Sequence[Column], row: Row) -> Row:
    """A row that was put into a table, as ``Engine.rows`` reads it."""
    return {column.name: _plain(column, row.get(column.name)) for column in columns}


def _sorted(columns: Sequence[Column], found: Iterable[Sequence[Any]]) -> list[Row]:
    plain = [
        {column.name: _plain(column, value) for column, value in zip(columns, values, strict=True)} for values in found
    ]
    return sorted(plain, key=_order)


def _plain(column: Column, value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return json.loads(value) if column.type is ColumnType.JSON and value is not None else value


def _order(row: Row) -> str:
    return json.dumps(list(row.values()), sort_keys=True, default=str)
