"""The jobs that BigQuery carries out for the warehouse: labelled, bounded in time and cost, and counted.

A statement that needs a state (a transaction, a temporary table) begins a session, and all that follow run in it, until
the client is closed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY
from requests import Response
from requests.adapters import HTTPAdapter

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.errors import WarehouseError
from tracks_assets.warehouse.bigquery.errors import FAILURES, error_context
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.results import Parameters, Usage
from tracks_assets.warehouse.statements import Statements
from tracks_assets.warehouse.tables import TABLES

Config = TypeVar("Config", bigquery.QueryJobConfig, bigquery.LoadJobConfig, bigquery.CopyJobConfig)

_GRACE_SECONDS = 30
"""How much longer than a job may take its end is waited for: BigQuery itself stops it, and says so."""

_BEGINS_SESSION = re.compile(
    r"(?:--.*\n|\s)*(?:begin transaction\s*\Z|create (?:or replace )?temp table\b)", re.IGNORECASE
)
"""What leaves something behind for the statements after it; a script with its transaction inside leaves nothing."""

CONTROL = {
    "begin_transaction": "begin transaction",
    "commit_transaction": "commit transaction",
    "roll_back_transaction": "rollback transaction",
    "end_session": "call bq.abort_session()",
}
"""Statements that control a session, by their names."""

_MAKES = re.compile(r"(?:--.*\n|\s)*create or replace temp table \w+ as\s", re.IGNORECASE)
"""What makes a temporary table of a query; BigQuery makes no dry run of it, but of the query."""

_CHANGING = ("INSERT", "UPDATE", "DELETE", "SCRIPT")
_TYPES = {column.name: column.type for table in TABLES for column in table.columns}

SILENCE = 30.0
"""Seconds without a byte after which a call counts as failed and is repeated; the library itself waits for ever.
BigQuery keeps silent for 10 of them where it is asked for the end of a query."""


class _Impatient(HTTPAdapter):
    """HTTP that does not wait for ever."""

    def send(self, *arguments: Any, **options: Any) -> Response:
        """See ``HTTPAdapter.send``."""
        asked = options.get("timeout")
        options["timeout"] = min(asked, SILENCE) if isinstance(asked, int | float) else SILENCE
        return super().send(*arguments, **options)


class Jobs:
    """BigQuery's client while it is open, and the jobs that run through it.

    Attributes:
        target: which project and datasets, and the bounds of jobs.
        usage: what the jobs took since it was opened.
    """

    def __init__(self, target: BigQueryTarget, statements: Statements, labels: Mapping[str, str]) -> None:
        self.target = target
        self.usage = Usage()
        self._statements = statements
        self._labels = dict(labels)
        self._client: bigquery.Client | None = None
        self._session: str | None = None

    @property
    def client(self) -> bigquery.Client:
        """BigQuery's client.

        Raises:
            WarehouseError: it is not open.
        """
        if self._client is None:
            raise WarehouseError(
                f"BigQuery in {self.target.project} is not open.",
                next_step="Use it inside 'with warehouse.opened()'.",
            )
        return self._client

    @property
    def retry(self) -> Retry:
        """How calls that fail for a passing reason are repeated."""
        return DEFAULT_RETRY.with_timeout(self.target.retry_seconds)

    def error_context(self, doing: str) -> AbstractContextManager[None]:
        """Makes a failure of BigQuery's in a ``with`` block one of this project; see ``errors.error_context``."""
        return error_context(self.target.project, doing)

    def open(self) -> None:
        """Logs in.

        Raises:
            WarehouseError: that failed.
        """
        self.usage = Usage()
        with self.error_context("at the log-in"):
            self._client = bigquery.Client(self.target.project, location=self.target.location)
            for scheme in ("https://", "http://"):
                self._client._http.mount(scheme, _Impatient())

    def close(self) -> None:
        """Ends the session, and the client."""
        if self._session is not None:
            # A session that cannot be ended ends by itself, and its transaction with it.
            with suppress(*FAILURES, WarehouseError):
                self.run("end_session")
            self._session = None
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]
            self._client = None

    def run(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> bigquery.QueryJob:
        """Runs a statement to its end; in the session, once there is one.

        Args:
            statement: its name.
            parameters: values by name.
            variables: what fills its template.

        Raises:
            WarehouseError: it failed.
        """
        text = CONTROL.get(statement) or self._statements.text(statement, **variables)
        begins = self._session is None and _BEGINS_SESSION.match(text) is not None
        config = self._query_config(parameters, begins)
        config.maximum_bytes_billed = self.target.maximum_bytes_billed
        with self.error_context(f"at the statement {statement}"):
            job = self.client.query(
                text,
                job_config=config,
                # BigQuery's list of jobs shows them by their ids.
                job_id_prefix=f"tracks_{statement}_",
                retry=self.retry,
                job_retry=None,
            )
            self.wait(job)
        if begins:
            self._session = self._begun_session(statement, job)
        self.usage += usage_of(job, self._statements_of(job))
        return job

    def _begun_session(self, statement: str, job: bigquery.QueryJob) -> str:
        if job.session_info is None or job.session_info.session_id is None:
            # Without one, every statement after this would be committed by itself.
            raise WarehouseError(
                f"BigQuery in {self.target.project} began no session for the statement {statement}.",
                "Nothing was changed.",
                "Run again.",
            )
        return job.session_info.session_id

    def scanned_bytes(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """What a statement would read, in bytes: a dry run reports it, and costs nothing; see ``run``."""
        config = self._query_config(parameters, begins_session=False)
        config.dry_run = True
        with self.error_context(f"at the dry run of {statement}"):
            query = _MAKES.sub("", self._statements.text(statement, **variables), count=1)
            job = self.client.query(query, job_config=config, retry=self.retry, job_retry=None)
        return int(job.total_bytes_processed or 0)

    def copy(self, source: str, target: str, config: bigquery.CopyJobConfig, job_id: str | None = None) -> None:
        """Copies a table to its end, by a job of this id if one is given.

        It has no time limit of its own: BigQuery cannot stop a copy, so a job that is reported as stopped could still
        replace its target later. If it is waited for in vain, its id finds it.

        Raises:
            WarehouseError: it failed.
        """
        named = job_id or f"tracks_copy_{uuid4()}"

        def start() -> Any:
            return self.client.copy_table(
                source, target, job_config=self._labelled(config), job_id=named, retry=self.retry
            )

        with self.error_context(f"at copying {source} to {target}"):
            self.wait(self.started(named, start))
        self.usage += Usage(jobs=1)

    def started(self, job_id: str, start: Callable[[], Any]) -> Any:
        """The job of an id, started; where only the answer was lost, it is found by its id, and not started twice.

        Raises:
            Exception: one of ``FAILURES``, if it was not started.
        """
        try:
            return start()
        except FAILURES:
            # What kept it from starting says more than that it is not there.
            with suppress(*FAILURES):
                return self.client.get_job(job_id, retry=self.retry)
            raise

    def bounded(self, config: Config) -> Config:
        """The configuration of a job with the labels and the time that every job has."""
        config.job_timeout_ms = self.target.job_seconds * 1000
        return self._labelled(config)

    def _labelled(self, config: Config) -> Config:
        config.labels = self._labels
        return config

    def wait(self, job: Any) -> None:
        """Waits for a job's end.

        Raises:
            Exception: one of ``FAILURES``, if it failed or did not end in time.
        """
        job.result(retry=self.retry, timeout=self.target.job_seconds + _GRACE_SECONDS)

    def _statements_of(self, job: bigquery.QueryJob) -> list[Any]:
        """The jobs of a script's statements, which alone know what was changed; of any other, the job itself."""
        # What is done is not to fail for its statistics: who may not list jobs goes without them.
        with suppress(*FAILURES):
            if job.num_child_jobs:
                return list(self.client.list_jobs(parent_job=job, retry=self.retry))
        return [job]

    def _query_config(self, parameters: Parameters | None, begins_session: bool) -> bigquery.QueryJobConfig:
        in_session = begins_session or self._session is not None
        config = bigquery.QueryJobConfig(
            create_session=begins_session,
            # The bytes that are verified are read, and the bytes billed are reported.
            use_query_cache=False,
            # An open transaction must not wait for idle slots; BigQuery's documentation knows sessions as interactive.
            priority="INTERACTIVE" if in_session else self.target.priority.upper(),
            query_parameters=[query_parameter(name, value) for name, value in (parameters or {}).items()],
        )
        if self._session is not None:
            config.connection_properties = [bigquery.ConnectionProperty("session_id", self._session)]
        return self.bounded(config)


def usage_of(job: Any, statements: Sequence[Any]) -> Usage:
    """What BigQuery says of a query job that is done.

    Args:
        job: the job, which is billed for all of its statements.
        statements: the jobs of its statements: a script's own ones, or itself.
    """
    usage = Usage(jobs=1, bytes_billed=job.total_bytes_billed or 0, slot_ms=job.slot_millis or 0)
    return sum(map(_rows_changed, statements), usage)


def _rows_changed(job: Any) -> Usage:
    if job.statement_type == "MERGE":
        # The only one that there is takes the write lock: no rows of anybody's.
        return Usage()
    if job.dml_stats is None:
        rows = None if job.statement_type in _CHANGING else 0
        return Usage(inserted=rows, updated=rows, deleted=rows)
    return Usage(
        inserted=job.dml_stats.inserted_row_count,
        updated=job.dml_stats.updated_row_count,
        deleted=job.dml_stats.deleted_row_count,
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
