"""Repairs on BigQuery: snapshots that cost nothing, and a rewritten table that one copy job publishes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.bigquery.job import OperationType

from tracks_assets.core.errors import WarehouseError
from tracks_assets.core.tables import OPS_SCHEMA
from tracks_assets.warehouse.bigquery.inspection import REPAIRED, obstacles
from tracks_assets.warehouse.bigquery.jobs import Jobs
from tracks_assets.warehouse.bigquery.publish import Publications
from tracks_assets.warehouse.bigquery.tables import table_like
from tracks_assets.warehouse.repairing import Obstacle, RepairSupport, Rewritten, StatementRunner
from tracks_assets.warehouse.results import Parameters, content_sum
from tracks_assets.warehouse.tables import TRACKS


@dataclass(frozen=True)
class BigQueryRepairs(RepairSupport):
    """The role of an open BigQuery warehouse that repairs.

    Attributes:
        warehouse: what runs the statements.
        jobs: what its jobs run through.
    """

    warehouse: StatementRunner
    jobs: Jobs

    def obstacles(self) -> tuple[Obstacle, ...]:
        """See ``RepairSupport.obstacles``."""
        return tuple(obstacles(self.jobs, REPAIRED))

    def rehearsed(self, recorder: StatementRunner) -> RepairSupport:
        """See ``RepairSupport.rehearsed``."""
        return _Rehearsed(recorder, self.jobs)

    def estimate(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``RepairSupport.estimate``: a dry run reports them, and costs nothing."""
        return self.jobs.scanned_bytes(statement, parameters, **variables)

    @property
    def byte_limit(self) -> int | None:
        """See ``RepairSupport.byte_limit``."""
        return self.jobs.target.maximum_bytes_billed

    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:  # noqa: ARG002 (it holds all)
        """See ``RepairSupport.take_snapshot``: all of tracks, which costs nothing until tracks changes.

        By a copy job: it takes an expiration as CREATE SNAPSHOT TABLE does, and needs no slot.
        """
        config = bigquery.CopyJobConfig(
            operation_type=OperationType.SNAPSHOT,
            destination_expiration_time=expires_at.astimezone(UTC).isoformat(),
        )
        self._copy(self._id(snapshot), config)

    def drop_snapshot(self, snapshot: str) -> None:
        """See ``RepairSupport.drop_snapshot``."""
        self._drop(self._id(rewritten_name(snapshot)))
        if self.has_snapshot(snapshot):
            self.warehouse.execute("drop_snapshot", snapshot=self._name(snapshot))

    def has_snapshot(self, snapshot: str) -> bool:
        """See ``RepairSupport.has_snapshot``."""
        with self.jobs.error_context(f"at the snapshot {snapshot}"):
            try:
                self.jobs.client.get_table(self._id(snapshot), retry=self.jobs.retry)
            except NotFound:
                return False
            return True

    @contextmanager
    def deduplicated(self, snapshot: str) -> Iterator[Rewritten]:
        """See ``RepairSupport.deduplicated``: tracks is rewritten into a table beside it."""
        name = rewritten_name(snapshot)
        tracks, table = self._name(str(TRACKS)), self._name(name)
        stored = self._stored_tracks()
        self._drop(self._id(name))
        try:
            self._create_like(stored, self._id(name))
            self.warehouse.execute("rewrite_tracks", rewritten=table)
            (before,), (after,) = (self.warehouse.fetch("fingerprint", table=each) for each in (tracks, table))
            yield Rewritten(
                table,
                before["all_rows"] - after["all_rows"],
                content_sum(before["content"]) - content_sum(after["content"]),
                stored.modified,
            )
        finally:
            with suppress(WarehouseError):
                self._drop(self._id(name))

    @contextmanager
    def publication(self, rewritten: Rewritten, name: str) -> Iterator[None]:
        """See ``RepairSupport.publication``: one copy job replaces tracks while its write lock is held."""
        with self.warehouse.transaction():
            yield
            if self._stored_tracks().modified != rewritten.read_at:
                raise WarehouseError(
                    f"{TRACKS} was changed while it was rewritten.",
                    "Nothing was published.",
                    "See that nothing else writes to it, then run again.",
                )
            Publications(self.jobs).publish(rewritten.table.strip("`"), self._id(str(TRACKS)), name)

    def was_published(self, name: str) -> bool:
        """See ``RepairSupport.was_published``."""
        return Publications(self.jobs).was_done(name)

    def _stored_tracks(self) -> bigquery.Table:
        with self.jobs.error_context(f"at the table {self._id(str(TRACKS))}"):
            return self.jobs.client.get_table(self._id(str(TRACKS)), retry=self.jobs.retry)

    def _copy(self, target: str, config: bigquery.CopyJobConfig) -> None:
        self.jobs.copy(self._id(str(TRACKS)), target, config)

    def _create_like(self, table: bigquery.Table, table_id: str) -> None:
        with self.jobs.error_context(f"at the table {table_id}"):
            self.jobs.client.create_table(table_like(table, table_id), exists_ok=True, retry=self.jobs.retry)

    def _drop(self, table_id: str) -> None:
        with self.jobs.error_context(f"at dropping {table_id}"):
            self.jobs.client.delete_table(table_id, not_found_ok=True, retry=self.jobs.retry)

    def _id(self, name: str) -> str:
        return self.jobs.target.named(name)

    def _name(self, name: str) -> str:
        return self.warehouse.statements.named(name)


class _Rehearsed(BigQueryRepairs):
    """The role in a dry run: it looks at tables, and neither copies, creates nor drops one."""

    def _copy(self, target: str, config: bigquery.CopyJobConfig) -> None: ...

    def _create_like(self, table: bigquery.Table, table_id: str) -> None: ...

    def _drop(self, table_id: str) -> None: ...

    @contextmanager
    def publication(self, rewritten: Rewritten, name: str) -> Iterator[None]:  # noqa: ARG002 (nothing is published)
        """See ``RepairSupport.publication``: a merge that comes in between does not matter to a dry run."""
        yield


def rewritten_name(snapshot: str) -> str:
    """The table (``schema.name``) that a dedup writes; each dedup has its own.

    Args:
        snapshot: the name or the qualified name of the dedup's snapshot.
    """
    name = snapshot.rpartition(".")[2].strip("`")
    return f"{OPS_SCHEMA}.{TRACKS.name}_rewritten_{name.removeprefix(f'{TRACKS.name}_snapshot_')}"
