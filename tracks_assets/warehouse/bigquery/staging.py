"""Staging tables: what load jobs bring into BigQuery for nothing, before one job puts it where it belongs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

import duckdb
from google.cloud import bigquery

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.sql_files import sql_text
from tracks_assets.core.tables import OPS_SCHEMA, Table
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.bigquery.jobs import Jobs
from tracks_assets.warehouse.bigquery.tables import PIPELINE_LABELS, staging_schema

_ROW_GROUP_ROWS = 16_384
_ROW_GROUP_BYTES = 32 * 2**20
"""A group is held in memory until it is written, one in each thread. BigQuery asks for 16 MB."""

KEPT = timedelta(days=1)
"""How long BigQuery keeps a staging table that a killed load has left."""


@dataclass
class Staging:
    """The staging tables of one slice.

    Attributes:
        jobs: what the load jobs run through.
        local: the files that are loaded.
        folder: where files are written before they are loaded.
    """

    jobs: Jobs
    local: HourInventory
    folder: Path
    _id: str = field(default_factory=lambda: uuid4().hex[:12])
    _parts: dict[Table, int] = field(default_factory=dict)

    def name(self, table: Table) -> str:
        """The full name of the staging table of a table; no two loads of an hour share one."""
        return self.jobs.target.table(OPS_SCHEMA, f"staging_{table.name}_{self.local.hour:%Y%m%d%H}_{self._id}")

    def load(self, table: Table, connection: duckdb.DuckDBPyConnection, rows: str) -> int:
        """Brings the rows of a query of DuckDB's into the staging table of ``table``; returns how many.

        Args:
            table: whose columns the rows have, in order: a load job goes by position.
            connection: where the query runs.
            rows: the query.

        Raises:
            WarehouseError: BigQuery took another number of rows.
        """
        part = self._parts.get(table, 0)
        if part == 0:
            self._make(table)
        self._parts[table] = part + 1
        file = self.folder / f"{table.name}_{part}.parquet"
        written = write_rows(connection, rows, table, file)
        # Most hours refuse no row, and a file without any would be a job for nothing.
        if written:
            self._load_file(table, file, part)
        file.unlink()
        return written

    def _make(self, table: Table) -> None:
        made = bigquery.Table(self.name(table), staging_schema(table.columns))
        made.expires = datetime.now(UTC) + KEPT
        made.labels = dict(PIPELINE_LABELS)
        self.jobs.client.create_table(made, exists_ok=True, retry=self.jobs.retry)

    def _load_file(self, table: Table, file: Path, part: int) -> None:
        config = bigquery.LoadJobConfig(
            source_format="PARQUET",
            schema=staging_schema(table.columns),
            write_disposition="WRITE_APPEND",
        )
        # An upload whose answer was lost finds its own job by its id, and lands once.
        job_id = f"tracks_load_{table.name}_{self.local.hour:%Y%m%d%H}_{self._id}_{part}"
        with file.open("rb") as stream:
            upload = partial(
                self.jobs.client.load_table_from_file,
                stream,
                self.name(table),
                job_id=job_id,
                job_config=self.jobs.bounded(config),
                num_retries=upload_retries(self.jobs.target.retry_seconds),
            )
            self.jobs.wait(self.jobs.started(job_id, upload))

    def check(self, table: Table, rows: int) -> None:
        """Looks whether the staging table holds that many rows.

        Raises:
            WarehouseError: it does not.
        """
        found = self.jobs.client.get_table(self.name(table), retry=self.jobs.retry).num_rows
        if found != rows:
            raise WarehouseError(
                f"The load job of {table} brought {found:,} of {rows:,} rows of the {self.local.shown}.",
                f"The {self.local.unit} is as it was before.",
                f"Run the {self.local.unit} again.",
            )

    def remove(self) -> None:
        """Drops the staging tables that were made."""
        for table in self._parts:
            self.jobs.client.delete_table(self.name(table), not_found_ok=True, retry=self.jobs.retry)


def write_rows(connection: duckdb.DuckDBPyConnection, rows: str, table: Table, file: Path) -> int:
    """Writes the rows of a query as a load job takes them; returns how many.

    JSON is written as plain text: BigQuery's table of Parquet's types has none that is called JSON
    (https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet#type_conversions).

    Args:
        connection: where the query runs.
        rows: the query, with the table's columns in order.
        table: whose rows they are.
        file: where they are written.
    """
    texts = ", ".join(f"{name}::varchar as {name}" for name in json_columns(table))
    (written,) = connection.execute(
        f"copy (select * replace ({texts}) from ({rows})) to {sql_text(str(file))} "
        f"(format parquet, compression zstd, row_group_size {_ROW_GROUP_ROWS}, "
        f"row_group_size_bytes {_ROW_GROUP_BYTES})"
    ).fetchone() or (0,)
    return int(written)


def json_columns(table: Table) -> list[str]:
    """The names of a table's columns of JSON."""
    return [column.name for column in table.columns if column.type is ColumnType.JSON]


def upload_retries(seconds: int) -> int:
    """How often an upload may be repeated within some seconds: the library waits 1 second, then 2, then 4."""
    return (seconds + 1).bit_length() - 1
