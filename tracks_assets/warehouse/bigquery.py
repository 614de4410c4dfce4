"""The production engine: BigQuery, with load jobs, multi-statement transactions, snapshots and time travel.

An hour is transformed here, in DuckDB, and loaded by jobs that cost nothing. Whatever changes it in one step is one
job, carried out whole or not at all even if who started it dies. Work that looks at its own result before it decides
runs in a session, which ends with the ``with`` block of ``opened()``.
"""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from google.api_core.exceptions import NotFound
from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.job import OperationType
from google.cloud.bigquery.retry import DEFAULT_RETRY

from tracks_assets.events.columns import ColumnType
from tracks_assets.export.fetch import fetched
from tracks_assets.export.inventory import HourInventory, find_unreadable
from tracks_assets.export.layout import HOUR
from tracks_assets.warehouse.base import (
    HourLoad,
    LegacyMerge,
    Parameters,
    Rewritten,
    Row,
    TrackTotals,
    Usage,
    Warehouse,
    WarehouseError,
    content_sum,
)
from tracks_assets.warehouse.bigquery_errors import FAILURES, told
from tracks_assets.warehouse.bigquery_place import BigQueryPlace
from tracks_assets.warehouse.bigquery_staging import Staging
from tracks_assets.warehouse.bigquery_tables import PIPELINE_LABELS, difference, new_table
from tracks_assets.warehouse.deliveries import (
    accepted_rows,
    check_accounted_for,
    checked_legacy_rows,
    judge,
    rejected_rows,
)
from tracks_assets.warehouse.statements import Statements, bigquery_statements
from tracks_assets.warehouse.tables import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS, TABLES, TRACKS, Table

_TIME_TRAVEL_HOURS = 168
"""How far back a dataset goes that says nothing of it: https://cloud.google.com/bigquery/docs/time-travel."""

_REWRITTEN = f"{TRACKS.name}_rewritten"
_TRANSFORM_MEMORY = "800MB"
_SESSION_WORDS = re.compile(
    r"^\s*(?:--.*\n|\s)*(?:begin transaction|create (?:or replace )?temp table)\b", re.IGNORECASE
)
_TYPES = {column.name: column.type for table in TABLES for column in table.columns}


class BigQueryWarehouse(Warehouse):
    """The warehouse in the datasets of a Google Cloud project, made where they are missing.

    Args:
        place: which project and datasets, and the bounds of jobs.
        labels: what every job carries besides the pipeline's own label, to tell what it was for.
    """

    def __init__(self, place: BigQueryPlace, labels: Mapping[str, str] | None = None) -> None:
        self._place = place
        self._labels = {**PIPELINE_LABELS, **(labels or {})}
        self._statements = bigquery_statements(place.project, place.dataset_prefix)
        self._open_client: bigquery.Client | None = None
        self._session: str | None = None
        self._usage = Usage()

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""
        return self._statements

    @property
    def usage(self) -> Usage | None:
        """See ``Warehouse.usage``."""
        return self._usage

    @property
    def _client(self) -> bigquery.Client:
        if self._open_client is None:
            raise WarehouseError(
                f"BigQuery in {self._place.project} is not open: use it inside 'with warehouse.opened()'."
            )
        return self._open_client

    @property
    def _retry(self) -> Retry:
        return DEFAULT_RETRY.with_timeout(self._place.retry_seconds)

    def _told(self, doing: str) -> Any:
        return told(self._place.project, doing)

    def _open(self) -> None:
        self._usage = Usage()
        with self._told("at the log-in"):
            self._open_client = bigquery.Client(self._place.project, location=self._place.location)

    def _close(self) -> None:
        if self._session is not None:
            # A session that cannot be ended ends by itself, and its transaction with it.
            with suppress(*FAILURES, WarehouseError):
                self._run("end_session")
            self._session = None
        if self._open_client is not None:
            self._open_client.close()  # type: ignore[no-untyped-call]
            self._open_client = None

    # What is there

    def _create_missing_tables(self) -> None:
        for schema in sorted({table.schema for table in TABLES}):
            self._ensure_dataset(self._place.dataset(schema))
        with ThreadPoolExecutor(len(TABLES)) as pool:
            list(pool.map(self._ensure_table, TABLES))

    def _ensure_dataset(self, name: str) -> None:
        with self._told(f"at the dataset {name}"):
            wanted = bigquery.Dataset(name)
            wanted.location = self._place.location
            wanted.labels = dict(PIPELINE_LABELS)
            try:
                found = self._client.get_dataset(name, retry=self._retry)
            except NotFound:
                found = self._client.create_dataset(wanted, exists_ok=True, retry=self._retry)
        if found.location and found.location.upper() != self._place.location.upper():
            raise WarehouseError(
                f"The dataset {name} lies in {found.location}, but TRACKS_BQ_LOCATION is {self._place.location}: set "
                f"it to {found.location}, or choose other datasets with TRACKS_BQ_DATASET_PREFIX."
            )

    def _ensure_table(self, table: Table) -> None:
        name = self._name(table)
        with self._told(f"at the table {name}"):
            try:
                found = self._client.get_table(name, retry=self._retry)
            except NotFound:
                found = self._client.create_table(new_table(table, name), exists_ok=True, retry=self._retry)
        said = difference(found.schema, table)
        if said:
            raise WarehouseError(
                f"The table {name} is not as the pipeline needs it, for {said}: alter it, or choose other datasets "
                f"with TRACKS_BQ_DATASET_PREFIX."
            )

    def _name(self, table: Table) -> str:
        return self._place.table(table.schema, table.name)

    def _beside_tracks(self, name: str) -> str:
        return self._place.table(TRACKS.schema, name)

    # Loading

    def replace_hour(self, inventory: HourInventory, stamp: datetime) -> HourLoad:
        """See ``Warehouse.replace_hour``."""
        doing = f"at the hour {inventory.hour:%Y-%m-%d-%H:%M}, which is as it was before"
        with self._told(doing), fetched(inventory) as local, self._staging(inventory.hour) as staging:
            if not local.files:
                self._replace("replace_hour", inventory.hour)
                return HourLoad(inventory.hour, read=0, accepted=0, rejected=0)
            with _transforming(local) as connection:
                judge(connection, local)
                accepted = staging.load(RAW_TRACKS, connection, accepted_rows(local, stamp))
                rejected = staging.load(REJECTED_TRACKS, connection, rejected_rows(local, stamp))
            load = check_accounted_for(HourLoad(inventory.hour, local.rows, accepted, rejected), inventory)
            staging.check(RAW_TRACKS, accepted)
            staging.check(REJECTED_TRACKS, rejected)
            self._replace("replace_hour", inventory.hour, staging, RAW_TRACKS, REJECTED_TRACKS)
            return load

    def replace_legacy_hour(self, inventory: HourInventory) -> int:
        """See ``Warehouse.replace_legacy_hour``."""
        doing = f"at the legacy hour {inventory.hour:%Y-%m-%d-%H:%M}, which is as it was before"
        with self._told(doing), fetched(inventory) as local, self._staging(inventory.hour) as staging:
            if not local.files:
                self._replace("replace_legacy_hour", inventory.hour)
                return 0
            with _transforming(local) as connection:
                rows = sum(
                    staging.load(BACKFILL_TRACKS, connection, checked_legacy_rows(connection, file))
                    for file in local.files
                )
            staging.check(BACKFILL_TRACKS, rows)
            self._replace("replace_legacy_hour", inventory.hour, staging, BACKFILL_TRACKS)
            return rows

    def _replace(self, statement: str, hour: datetime, staging: Staging | None = None, *tables: Table) -> None:
        bounds = {"window_start": hour.isoformat(), "window_end": (hour + HOUR).isoformat()}
        staged = {table.name: f"`{staging.name(table)}`" for table in tables} if staging else {}
        self._run(statement, **bounds, staged=staged)

    @contextmanager
    def _staging(self, hour: datetime) -> Iterator[Staging]:
        with TemporaryDirectory(prefix="tracks_staging_") as folder:
            staging = Staging(self._client, self._place, hour, Path(folder), self._labels, self._retry)
            try:
                yield staging
            finally:
                # What cannot be dropped now goes by itself; an error here would hide the cause.
                with suppress(*FAILURES):
                    staging.remove()

    def insert_missing_legacy(self, start: datetime, end: datetime) -> LegacyMerge:
        """See ``Warehouse.insert_missing_legacy``."""
        window = {"window_start": start, "window_end": end}
        with self.transaction():
            (rows,) = self.fetch("count_backfill_window", window)
            (found,) = self.fetch("count_missing_legacy", window)
            inserted = self.change("insert_missing_legacy", window)
            if inserted != found["missing_ids"]:
                raise WarehouseError(
                    f"BigQuery in {self._place.project} inserted {inserted:,} rows into {TRACKS}, but "
                    f"{found['missing_ids']:,} ids were missing: nothing was changed; run the hours again."
                )
        return LegacyMerge(
            rows=rows["all_rows"],
            inserted=inserted,
            standing=found["standing"],
            repeated=rows["rows_with_id"] - found["standing"] - inserted,
            null_ids=rows["all_rows"] - rows["rows_with_id"],
        )

    # Asking and changing

    def count_rows(self, table: Table) -> int:
        """See ``Warehouse.count_rows``."""
        (rows,) = self.fetch("count_rows", table=self.statements.place(table.schema, table.name))
        return int(rows["all_rows"])

    def total_tracks(self, cutover: datetime) -> TrackTotals:
        """See ``Warehouse.total_tracks``."""
        (totals,) = self.fetch("totals", {"cutover": cutover})
        return TrackTotals(totals["all_rows"], totals["distinct_ids"], int(totals["moved"]))

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""
        with self._told(f"at the statement {statement}"):
            return [dict(row.items()) for row in self._run(statement, parameters, **blanks).result(retry=self._retry)]

    def change(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.change``."""
        return int(self._run(statement, parameters, **blanks).num_dml_affected_rows or 0)

    def tracks_as_of(self, moment: datetime) -> str | None:
        """See ``Warehouse.tracks_as_of``: as far back as the dataset's time travel goes, and the table itself."""
        with self._told(f"at the table {self._name(TRACKS)}"):
            created = self._client.get_table(self._name(TRACKS), retry=self._retry).created
            dataset = self._client.get_dataset(self._place.dataset(TRACKS.schema), retry=self._retry)
        window = timedelta(hours=int(dataset.max_time_travel_hours or _TIME_TRAVEL_HOURS))
        if moment < max(created, datetime.now(UTC) - window) or moment > datetime.now(UTC):
            return None
        place = self.statements.place(TRACKS.schema, TRACKS.name)
        return f"{place} for system_time as of timestamp '{moment.astimezone(UTC).isoformat()}'"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``."""
        self._run("begin_transaction")
        try:
            yield
            self._run("commit_transaction")
        except BaseException:
            # What ended the transaction may have ended the session too: then there is nothing left to undo.
            with suppress(WarehouseError):
                self._run("roll_back_transaction")
            raise

    def find_duplicates(self, table: str | None = None) -> None:
        """See ``Warehouse.find_duplicates``."""
        self.change("find_duplicates", table=table or self.statements.place(TRACKS.schema, TRACKS.name))

    def scanned_bytes(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.scanned_bytes``: a dry run tells them, and costs nothing."""
        config = self._query_config(parameters)
        config.dry_run = True
        config.use_query_cache = False
        with self._told(f"at the dry run of {statement}"):
            job = self._client.query(
                self.statements.text(statement, **blanks), job_config=config, retry=self._retry, job_retry=None
            )
        return int(job.total_bytes_processed or 0)

    def free_bytes(self) -> int | None:
        """See ``Warehouse.free_bytes``: BigQuery knows no limit."""
        return None

    def _run(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> bigquery.QueryJob:
        """Runs a statement to its end; in the session, once there is one."""
        text = self.statements.text(statement, **blanks)
        config = self._query_config(parameters)
        config.create_session = self._session is None and _SESSION_WORDS.match(text) is not None
        config.maximum_bytes_billed = self._place.maximum_bytes_billed
        with self._told(f"at the statement {statement}"):
            job = self._client.query(
                text,
                job_config=config,
                # BigQuery's list of jobs tells them apart by their ids.
                job_id_prefix=f"tracks_{statement}_",
                retry=self._retry,
                job_retry=None,
            )
            job.result(retry=self._retry, timeout=self._place.job_seconds)
        if config.create_session and job.session_info:
            self._session = job.session_info.session_id
        self._usage += usage_of(job)
        return job

    def _query_config(self, parameters: Parameters | None) -> bigquery.QueryJobConfig:
        config = bigquery.QueryJobConfig(
            labels=self._labels,
            priority=self._place.priority.upper(),
            query_parameters=[query_parameter(name, value) for name, value in (parameters or {}).items()],
        )
        if self._session is not None:
            config.connection_properties = [bigquery.ConnectionProperty("session_id", self._session)]
        return config

    # Repairs

    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:  # noqa: ARG002 (it holds all)
        """See ``Warehouse.take_snapshot``: all of tracks, which costs nothing until tracks changes."""
        config = bigquery.CopyJobConfig(
            operation_type=OperationType.SNAPSHOT,
            destination_expiration_time=expires_at.astimezone(UTC).isoformat(),
            labels=self._labels,
        )
        self._copy(self._name(TRACKS), self._beside_tracks(snapshot), config)

    def snapshot_statements(self) -> tuple[str, ...]:
        """See ``Warehouse.snapshot_statements``: a snapshot is a copy job, which reads and costs nothing."""
        return ()

    def drop_snapshot(self, snapshot: str) -> None:
        """See ``Warehouse.drop_snapshot``."""
        if self.has_snapshot(snapshot):
            self.change("drop_snapshot", snapshot=self.statements.place(TRACKS.schema, snapshot))

    def has_snapshot(self, snapshot: str) -> bool:
        """See ``Warehouse.has_snapshot``."""
        with self._told(f"at the snapshot {snapshot}"):
            try:
                self._client.get_table(self._beside_tracks(snapshot), retry=self._retry)
            except NotFound:
                return False
            return True

    @contextmanager
    def without_losers(self, snapshot: str) -> Iterator[Rewritten]:
        """See ``Warehouse.without_losers``: rewritten beside tracks, then copied into its place for nothing."""
        seen, whole_name = self._last_change(), self._beside_tracks(_REWRITTEN)
        place = self.statements.place(TRACKS.schema, _REWRITTEN)
        self._drop(whole_name)
        try:
            with self._told(f"at the table {whole_name}"):
                self._client.create_table(new_table(TRACKS, whole_name), retry=self._retry)
            for statement, blanks in self.rewriting_statements(snapshot):
                self.change(statement, **blanks)
            (removed,) = self.fetch("removed_content", rewritten=place)
            publish = partial(self._publish, whole_name, seen)
            yield Rewritten(place, removed["all_rows"], content_sum(removed["content"]), publish)
        finally:
            with suppress(WarehouseError):
                self._drop(whole_name)

    def rewriting_statements(self, snapshot: str) -> tuple[tuple[str, dict[str, str]], ...]:  # noqa: ARG002
        """See ``Warehouse.rewriting_statements``: tracks itself tells which rows to leave out."""
        return (("rewrite_tracks", {"rewritten": self.statements.place(TRACKS.schema, _REWRITTEN)}),)

    def _publish(self, rewritten: str, seen: datetime | None, name: str, record: Any) -> None:
        if self._last_change() != seen:
            raise WarehouseError(
                f"{TRACKS} was changed while it was rewritten, so nothing was published: see that nothing else writes "
                f"to it, then run again."
            )
        config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE", labels=self._labels)
        attempts = len(list(self._publications(name)))
        self._copy(rewritten, self._name(TRACKS), config, job_id=self._publication(name, attempts))
        record()

    def was_published(self, name: str) -> bool:
        """See ``Warehouse.was_published``: BigQuery keeps jobs for months, and the copy's id tells what it was for."""
        for job in self._publications(name):
            with suppress(*FAILURES):
                job.result(retry=self._retry, timeout=self._place.job_seconds)
            if job.done(retry=self._retry) and job.error_result is None:
                return True
        return False

    def _publication(self, name: str, attempt: int) -> str:
        """The id of the job that publishes; jobs of several deployments stand in one project."""
        return f"tracks_publish_{self._place.dataset_prefix}{name}_{attempt}"

    def _publications(self, name: str) -> Iterator[Any]:
        """The jobs that published under a name, in order: all but the last failed."""
        for attempt in count():
            try:
                with self._told(f"at looking for the job that published {name}"):
                    yield self._client.get_job(self._publication(name, attempt), retry=self._retry)
            except WarehouseError as error:
                if isinstance(error.__cause__, NotFound):
                    return
                raise

    def _last_change(self) -> datetime | None:
        with self._told(f"at the table {self._name(TRACKS)}"):
            changed: datetime | None = self._client.get_table(self._name(TRACKS), retry=self._retry).modified
            return changed

    def _copy(self, source: str, target: str, config: bigquery.CopyJobConfig, job_id: str | None = None) -> None:
        with self._told(f"at copying {source} to {target}"):
            job = self._client.copy_table(source, target, job_config=config, job_id=job_id, retry=self._retry)
            job.result(retry=self._retry, timeout=self._place.job_seconds)
        self._usage += Usage(jobs=1)

    def _drop(self, name: str) -> None:
        with self._told(f"at dropping {name}"):
            self._client.delete_table(name, not_found_ok=True, retry=self._retry)


@contextmanager
def _transforming(inventory: HourInventory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB in memory that reads an hour's files; what it cannot read is told by the file's name.

    Raises:
        ExportError: a file cannot be read to its end.
        WarehouseError: the transform failed, for instance on a full disk.
    """
    with TemporaryDirectory(prefix="tracks_spilled_") as folder:
        config: dict[str, Any] = {
            "memory_limit": _TRANSFORM_MEMORY,
            "preserve_insertion_order": False,
            "temp_directory": folder,
        }
        with _connected(config, inventory) as connection:
            yield connection


@contextmanager
def _connected(config: dict[str, Any], inventory: HourInventory) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=config) as connection:
        connection.execute("set timezone = 'UTC'; set enable_progress_bar = false")
        try:
            yield connection
        except duckdb.Error as error:
            raise find_unreadable(inventory) or WarehouseError(
                f"The hour {inventory.hour:%Y-%m-%d-%H:%M} could not be transformed "
                f"({str(error).strip().splitlines()[0].rstrip('.')}): it is as it was before; make room in the "
                f"temporary folder or mend the cause, then run the hour again."
            ) from error


def usage_of(job: Any) -> Usage:
    """What BigQuery says of a query job that is done."""
    dml = job.dml_stats
    return Usage(
        jobs=1,
        bytes_billed=job.total_bytes_billed or 0,
        slot_ms=job.slot_millis or 0,
        inserted=(dml and dml.inserted_row_count) or 0,
        updated=(dml and dml.updated_row_count) or 0,
        deleted=(dml and dml.deleted_row_count) or 0,
    )


def query_parameter(name: str, value: Any) -> bigquery.ScalarQueryParameter:
    """A value as a query parameter; one that is absent has the type of the column of its name."""
    return bigquery.ScalarQueryParameter(name, _type_of(name, value), value)


def _type_of(name: str, value: Any) -> str:
    match value:
        case None:
            return _TYPES.get(name, ColumnType.STRING).value
        case datetime():
            return ColumnType.TIMESTAMP.value
        case int():
            return ColumnType.INT64.value
        case _:
            return ColumnType.STRING.value
