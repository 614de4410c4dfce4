"""The production engine: BigQuery, with load jobs, multi-statement transactions, snapshots and time travel.

An hour is transformed here, in DuckDB, and loaded by jobs that cost nothing. Whatever changes it in one step is one
job, carried out in full or not at all even if who started it dies. Work that looks at its own result before it decides
runs in a session, which ends with the ``with`` block of ``opened()``.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.rows import typed_rows
from tracks_assets.transform.session import transforming
from tracks_assets.warehouse.base import Diagnosis, Warehouse
from tracks_assets.warehouse.bigquery.errors import FAILURES, remedy_of, text_is_passing
from tracks_assets.warehouse.bigquery.inspection import creation_times, stored_tables
from tracks_assets.warehouse.bigquery.jobs import Jobs
from tracks_assets.warehouse.bigquery.publish import Publications
from tracks_assets.warehouse.bigquery.repairing import BigQueryRepairs
from tracks_assets.warehouse.bigquery.staging import Staging
from tracks_assets.warehouse.bigquery.tables import PIPELINE_LABELS, difference, new_table
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.capabilities import Capabilities
from tracks_assets.warehouse.repairing import RepairSupport
from tracks_assets.warehouse.results import (
    HourLoad,
    LegacyMerge,
    Parameters,
    Row,
    Usage,
    check_accounted_for,
    load_log_row,
)
from tracks_assets.warehouse.statements import Statements, TableReference, bigquery_statements
from tracks_assets.warehouse.tables import EVERY_TABLE, LOCK_TABLES, TRACKS, write_lock

_TIME_TRAVEL_HOURS = 168
"""How far back a dataset goes that says nothing of it: https://cloud.google.com/bigquery/docs/time-travel."""

_CALLS_AT_ONCE = 8
"""No more than the connections that the client library keeps."""

_VERIFIED: set[tuple[str, datetime]] = set()
"""Tables whose columns this process has checked, each with its creation time.

A run opens the warehouse several times. One call lists all tables of a dataset with their creation times, so a table
that was dropped and created again is checked again. A table that is altered in the meantime is refused by the next
process, or by BigQuery.
"""


@dataclass(frozen=True)
class Part:
    """One table of a slice, for the statement that replaces it.

    Attributes:
        table: the table.
        column: the column that says to which hour a row belongs.
        staged: the staging table with its new rows; None where there are none.
    """

    table: TableReference
    column: str
    staged: str | None


class BigQueryWarehouse(Warehouse):
    """The warehouse in the datasets of a Google Cloud project, made where they are missing.

    Args:
        target: which project and datasets, and the bounds of jobs.
        labels: what every job carries in addition to the pipeline's own label, to show what it was for.
        memory_limit: the limit of the DuckDB that transforms an hour here, for instance "2GB".
    """

    def __init__(
        self, target: BigQueryTarget, labels: Mapping[str, str] | None = None, memory_limit: str = MEMORY_LIMIT
    ) -> None:
        self._target = target
        self._memory_limit = memory_limit
        self._statements = bigquery_statements(target.project, target.dataset_prefix)
        self._jobs = Jobs(target, self._statements, {**PIPELINE_LABELS, **(labels or {})})
        self._publications = Publications(self._jobs)

    @property
    def capabilities(self) -> Capabilities:
        """See ``Warehouse.capabilities``."""
        return Capabilities(time_travel=True, billed_jobs=True, clone_snapshots=True)

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""
        return self._statements

    @property
    def usage(self) -> Usage | None:
        """See ``Warehouse.usage``."""
        return self._jobs.usage

    def _open(self) -> None:
        self._jobs.open()

    def _close(self) -> None:
        self._jobs.close()

    # What is there

    def _ensure_tables(self) -> None:
        schemas = sorted({table.schema for table in EVERY_TABLE})
        names = [self._target.dataset(schema) for schema in schemas]
        # All are looked at before one is made, so that a refusal leaves none behind.
        for name in [name for name in names if not self._has_dataset(name)]:
            self._make_dataset(name)
        created = {schema: creation_times(self._jobs, schema) for schema in schemas}
        unverified = [
            table
            for table in EVERY_TABLE
            if (self._name(table), created[table.schema].get(table.name)) not in _VERIFIED
        ]
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
            list(pool.map(self._ensure_table, unverified))

    def _stored_tables(self) -> set[str]:
        """See ``Warehouse._stored_tables``."""
        return stored_tables(self._jobs, SCHEMA)

    def _has_dataset(self, name: str) -> bool:
        with self._jobs.error_context(f"at the dataset {name}"):
            try:
                found = self._jobs.client.get_dataset(name, retry=self._jobs.retry)
            except NotFound:
                return False
        if found.location and found.location.upper() != self._target.location.upper():
            raise WarehouseError(
                f"The dataset {name} lies in {found.location}.",
                f"TRACKS_BQ_LOCATION is {self._target.location}.",
                f"Set it to {found.location}, or choose other datasets with TRACKS_BQ_DATASET_PREFIX.",
            )
        return True

    def _make_dataset(self, name: str) -> None:
        wanted = bigquery.Dataset(name)
        wanted.location = self._target.location
        wanted.labels = dict(PIPELINE_LABELS)
        with self._jobs.error_context(f"at the dataset {name}"):
            self._jobs.client.create_dataset(wanted, exists_ok=True, retry=self._jobs.retry)

    def _ensure_table(self, table: Table) -> None:
        name = self._name(table)
        with self._jobs.error_context(f"at the table {name}"):
            try:
                found = self._jobs.client.get_table(name, retry=self._jobs.retry)
            except NotFound:
                found = self._make_table(table, name)
        text = difference(found, table)
        if text:
            raise WarehouseError(
                f"The table {name} is not as the pipeline needs it.",
                f"{text[0].upper()}{text[1:]}.",
                "Change it by ALTER TABLE or a copy, or choose other datasets with TRACKS_BQ_DATASET_PREFIX.",
            )
        if found.created:
            _VERIFIED.add((name, found.created))

    def _make_table(self, table: Table, name: str) -> bigquery.Table:
        made = self._jobs.client.create_table(new_table(table, name), exists_ok=True, retry=self._jobs.retry)
        if table in LOCK_TABLES:
            # Two writers that only put in its row would not see each other.
            self._acquire_write_lock(table)
        return made

    def _acquire_write_lock(self, lock: Table) -> None:
        self.execute("acquire_write_lock", lock=self.statements.table(lock))

    def _name(self, table: Table) -> str:
        return self._target.table(table.schema, table.name)

    # Loading

    def _replace_slice(self, feed: Feed, local: HourInventory, stamp: datetime, run_id: str | None) -> HourLoad:
        """See ``Warehouse._replace_slice``: load jobs fill staging tables, which one job puts in place."""
        doing = f"at the {local.shown} of {feed.table}, which is as it was before"
        with self._jobs.error_context(doing), self._staging(local) as staging:
            load = self._stage(feed, local, stamp, staging) if local.files else HourLoad(local.hour)
            check_accounted_for(load, local)
            parts = [
                Part(
                    self._statements.table(table),
                    column,
                    f"`{staging.name(table)}`" if local.files else None,
                )
                for table, column in feed.slices
            ]
            self._jobs.run(
                "replace_slice",
                parts=parts,
                window_start=local.hour.isoformat(),
                window_end=(local.hour + feed.slice_length).isoformat(),
                lock=self._statements.table(write_lock(feed.table)),
                log=self._statements.table(feed.log) if feed.log else None,
                logged=load_log_row(feed.log, load, local, stamp, run_id) if feed.log else None,
            )
            return load

    def _stage(self, feed: Feed, local: HourInventory, stamp: datetime, staging: Staging) -> HourLoad:
        with (
            transforming(local, self._memory_limit) as connection,
            typed_rows(feed, connection, local, self._memory_limit) as rows,
        ):
            accepted = staging.load(feed.table, connection, rows.accepted_rows(stamp))
            rejected = staging.load(feed.rejected, connection, rows.rejected_rows(stamp)) if feed.rejected else 0
        staging.check(feed.table, accepted)
        if feed.rejected:
            staging.check(feed.rejected, rejected)
        return HourLoad(local.hour, local.rows, accepted, rejected, rows.repaired, rows.unfitting)

    @contextmanager
    def _staging(self, local: HourInventory) -> Iterator[Staging]:
        with TemporaryDirectory(prefix="tracks_staging_") as folder:
            staging = Staging(self._jobs, local, Path(folder))
            try:
                yield staging
            finally:
                # What cannot be dropped now goes by itself; an error here would hide the cause.
                with suppress(*FAILURES):
                    staging.remove()

    def merge_legacy(self, start: datetime, end: datetime) -> LegacyMerge:
        """See ``Warehouse.merge_legacy``."""
        window = {"window_start": start, "window_end": end}
        with self.transaction():
            (rows,) = self.fetch("count_backfill_window", window)
            (found,) = self.fetch("count_missing_legacy", window)
            if found["collided"]:
                self.execute("keep_collided_legacy", window)
            inserted = self.execute("insert_missing_legacy", window)
            if inserted != found["missing_ids"]:
                raise WarehouseError(
                    f"BigQuery in {self._target.project} inserted {inserted:,} rows into {TRACKS}, but "
                    f"{found['missing_ids']:,} ids were missing.",
                    "Nothing was changed.",
                    "Run the hours again.",
                )
        return LegacyMerge(
            rows=rows["all_rows"],
            inserted=inserted,
            already_stored=found["stored"],
            repeated=rows["rows_with_id"] - found["stored"] - found["collided"] - inserted,
            collided=found["collided"],
            null_ids=rows["all_rows"] - rows["rows_with_id"],
        )

    # Asking and changing

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""
        with self._jobs.error_context(f"at the statement {statement}"):
            return [
                dict(row.items())
                for row in self._jobs.run(statement, parameters, **variables).result(retry=self._jobs.retry)
            ]

    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``Warehouse.execute``."""
        return int(self._jobs.run(statement, parameters, **variables).num_dml_affected_rows or 0)

    def tracks_as_of(self, moment: datetime) -> str | None:
        """See ``Warehouse.tracks_as_of``: as far back as the dataset's time travel goes, and the table itself."""
        created = self._stored_tracks().created
        with self._jobs.error_context(f"at the dataset {self._target.dataset(TRACKS.schema)}"):
            dataset = self._jobs.client.get_dataset(self._target.dataset(TRACKS.schema), retry=self._jobs.retry)
        window = timedelta(hours=int(dataset.max_time_travel_hours or _TIME_TRAVEL_HOURS))
        if moment < max(created, datetime.now(UTC) - window) or moment > datetime.now(UTC):
            return None
        name = self.statements.qualified(TRACKS.schema, TRACKS.name)
        return f"{name} for system_time as of timestamp '{moment.astimezone(UTC).isoformat()}'"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``: it holds the write lock of tracks until its end."""
        self._jobs.run("begin_transaction")
        try:
            self._acquire_write_lock(write_lock(TRACKS))
            yield
            self._jobs.run("commit_transaction")
        except BaseException:
            # What ended the transaction may have ended the session too: then there is nothing left to undo.
            with suppress(WarehouseError):
                self._jobs.run("roll_back_transaction")
            raise

    def _stored_tracks(self) -> bigquery.Table:
        name = self._name(TRACKS)
        with self._jobs.error_context(f"at the table {name}"):
            return self._jobs.client.get_table(name, retry=self._jobs.retry)

    def diagnose(self, error_text: str) -> Diagnosis:
        """See ``Warehouse.diagnose``."""
        return Diagnosis(remedy_of(error_text), text_is_passing(error_text))

    @property
    def repairing(self) -> RepairSupport:
        """See ``Warehouse.repairing``."""
        return BigQueryRepairs(self, self._jobs)
