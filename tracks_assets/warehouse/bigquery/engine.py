"""The production engine: BigQuery, with load jobs, multi-statement transactions, snapshots and time travel.

An hour is transformed here, in DuckDB, and loaded by jobs that cost nothing. Whatever changes it in one step is one
job, carried out whole or not at all even if who started it dies. Work that looks at its own result before it decides
runs in a session, which ends with the ``with`` block of ``opened()``.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery
from google.cloud.bigquery.job import OperationType

from tracks_assets.core.errors import WarehouseError
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.storage.fetch import fetched
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.deliveries import validated
from tracks_assets.transform.legacy_rows import legacy_rows
from tracks_assets.transform.session import transforming
from tracks_assets.warehouse.base import (
    HourLoad,
    LegacyLoad,
    LegacyMerge,
    Obstacle,
    Parameters,
    Rewritten,
    Row,
    TrackTotals,
    Usage,
    Warehouse,
    check_accounted_for,
    content_sum,
    load_log_row,
)
from tracks_assets.warehouse.bigquery.errors import FAILURES, remedy_of, text_is_passing
from tracks_assets.warehouse.bigquery.inspection import REPAIRED, obstacles
from tracks_assets.warehouse.bigquery.jobs import Jobs
from tracks_assets.warehouse.bigquery.publish import Publications
from tracks_assets.warehouse.bigquery.staging import Staging
from tracks_assets.warehouse.bigquery.tables import PIPELINE_LABELS, difference, new_table, table_like
from tracks_assets.warehouse.bigquery.target import BigQueryPlace
from tracks_assets.warehouse.statements import Statements, bigquery_statements
from tracks_assets.warehouse.tables import (
    BACKFILL_TRACKS,
    EVERY_TABLE,
    RAW_TRACKS,
    REJECTED_TRACKS,
    TRACKS,
    TRACKS_TURN,
    TURNS,
    Table,
)

_TIME_TRAVEL_HOURS = 168
"""How far back a dataset goes that says nothing of it: https://cloud.google.com/bigquery/docs/time-travel."""

_CALLS_AT_ONCE = 8
"""No more than the connections that the client library keeps."""


class BigQueryWarehouse(Warehouse):
    """The warehouse in the datasets of a Google Cloud project, made where they are missing.

    Args:
        place: which project and datasets, and the bounds of jobs.
        labels: what every job carries besides the pipeline's own label, to tell what it was for.
        memory_limit: the limit of the DuckDB that transforms an hour here, for instance "2GB".
    """

    def __init__(
        self, place: BigQueryPlace, labels: Mapping[str, str] | None = None, memory_limit: str = "2GB"
    ) -> None:
        self._place = place
        self._memory_limit = memory_limit
        self._statements = bigquery_statements(place.project, place.dataset_prefix)
        self._jobs = Jobs(place, self._statements, {**PIPELINE_LABELS, **(labels or {})})
        self._publications = Publications(self._jobs)

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

    def _create_missing_tables(self) -> None:
        for schema in sorted({table.schema for table in EVERY_TABLE}):
            self._ensure_dataset(self._place.dataset(schema))
        with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
            list(pool.map(self._ensure_table, EVERY_TABLE))

    def _ensure_dataset(self, name: str) -> None:
        with self._jobs.told(f"at the dataset {name}"):
            wanted = bigquery.Dataset(name)
            wanted.location = self._place.location
            wanted.labels = dict(PIPELINE_LABELS)
            try:
                found = self._jobs.client.get_dataset(name, retry=self._jobs.retry)
            except NotFound:
                found = self._jobs.client.create_dataset(wanted, exists_ok=True, retry=self._jobs.retry)
        if found.location and found.location.upper() != self._place.location.upper():
            raise WarehouseError(
                f"The dataset {name} lies in {found.location}, but TRACKS_BQ_LOCATION is {self._place.location}: set "
                f"it to {found.location}, or choose other datasets with TRACKS_BQ_DATASET_PREFIX."
            )

    def _ensure_table(self, table: Table) -> None:
        name = self._name(table)
        with self._jobs.told(f"at the table {name}"):
            try:
                found = self._jobs.client.get_table(name, retry=self._jobs.retry)
            except NotFound:
                found = self._make_table(table, name)
        said = difference(found, table)
        if said:
            raise WarehouseError(
                f"The table {name} is not as the pipeline needs it, for {said}: make it so, by ALTER TABLE or a "
                f"copy, or choose other datasets with TRACKS_BQ_DATASET_PREFIX."
            )

    def _make_table(self, table: Table, name: str) -> bigquery.Table:
        made = self._jobs.client.create_table(new_table(table, name), exists_ok=True, retry=self._jobs.retry)
        if table in TURNS:
            # Two writers that only put in its row would not see each other.
            self._take_turn(table)
        return made

    def _take_turn(self, turn: Table) -> None:
        self.change("take_turn", turn=self.statements.place(turn.schema, turn.name))

    def _name(self, table: Table) -> str:
        return self._place.table(table.schema, table.name)

    def _beside_tracks(self, name: str) -> str:
        return self._place.table(TRACKS.schema, name)

    # Loading

    def replace_hour(
        self, inventory: HourInventory, stamp: datetime, *, allow_emptying: bool = False, run_id: str | None = None
    ) -> HourLoad:
        """See ``Warehouse.replace_hour``."""
        if self._stays_empty(inventory, allow_emptying=allow_emptying):
            empty = HourLoad(inventory.hour)
            self.change("insert_load_log", load_log_row(empty, inventory, stamp, run_id))
            return empty
        doing = f"at the hour {inventory.hour:%Y-%m-%d-%H:%M}, which is as it was before"
        with self._jobs.told(doing), fetched(inventory) as local, self._staging(inventory.hour) as staging:
            if not local.files:
                empty = HourLoad(inventory.hour)
                self._replace("replace_hour", inventory.hour, logged=load_log_row(empty, inventory, stamp, run_id))
                return empty
            with (
                transforming(local, self._memory_limit) as connection,
                validated(connection, local, self._memory_limit) as deliveries,
            ):
                accepted = staging.load(RAW_TRACKS, connection, deliveries.accepted_rows(stamp))
                rejected = staging.load(REJECTED_TRACKS, connection, deliveries.rejected_rows(stamp))
            load = HourLoad(inventory.hour, local.rows, accepted, rejected, deliveries.repaired, deliveries.unfitting)
            check_accounted_for(load, inventory)
            staging.check(RAW_TRACKS, accepted)
            staging.check(REJECTED_TRACKS, rejected)
            logged = load_log_row(load, inventory, stamp, run_id)
            self._replace("replace_hour", inventory.hour, staging, RAW_TRACKS, REJECTED_TRACKS, logged=logged)
            return load

    def replace_legacy_hour(self, inventory: HourInventory, *, allow_emptying: bool = False) -> LegacyLoad:
        """See ``Warehouse.replace_legacy_hour``."""
        if self._legacy_stays_empty(inventory, allow_emptying=allow_emptying):
            return LegacyLoad()
        doing = f"at the legacy hour {inventory.hour:%Y-%m-%d-%H:%M}, which is as it was before"
        with self._jobs.told(doing), fetched(inventory) as local, self._staging(inventory.hour) as staging:
            if not local.files:
                self._replace("replace_legacy_hour", inventory.hour)
                return LegacyLoad()
            with (
                transforming(local, self._memory_limit) as connection,
                legacy_rows(connection, local, self._memory_limit) as rows,
            ):
                load = LegacyLoad(staging.load(BACKFILL_TRACKS, connection, rows.query), rows.repaired)
            staging.check(BACKFILL_TRACKS, load.rows)
            self._replace("replace_legacy_hour", inventory.hour, staging, BACKFILL_TRACKS)
            return load

    def _replace(
        self,
        statement: str,
        hour: datetime,
        staging: Staging | None = None,
        *tables: Table,
        logged: Parameters | None = None,
    ) -> None:
        bounds = {"window_start": hour.isoformat(), "window_end": (hour + HOUR).isoformat()}
        staged = {table.name: f"`{staging.name(table)}`" for table in tables} if staging else {}
        self._jobs.run(statement, **bounds, staged=staged, logged=logged)

    @contextmanager
    def _staging(self, hour: datetime) -> Iterator[Staging]:
        with TemporaryDirectory(prefix="tracks_staging_") as folder:
            staging = Staging(self._jobs, hour, Path(folder))
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
            if found["collided"]:
                self.change("keep_collided_legacy", window)
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
            repeated=rows["rows_with_id"] - found["standing"] - found["collided"] - inserted,
            collided=found["collided"],
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
        with self._jobs.told(f"at the statement {statement}"):
            return [
                dict(row.items())
                for row in self._jobs.run(statement, parameters, **blanks).result(retry=self._jobs.retry)
            ]

    def change(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.change``."""
        return int(self._jobs.run(statement, parameters, **blanks).num_dml_affected_rows or 0)

    def tracks_as_of(self, moment: datetime) -> str | None:
        """See ``Warehouse.tracks_as_of``: as far back as the dataset's time travel goes, and the table itself."""
        created = self._found_tracks().created
        with self._jobs.told(f"at the dataset {self._place.dataset(TRACKS.schema)}"):
            dataset = self._jobs.client.get_dataset(self._place.dataset(TRACKS.schema), retry=self._jobs.retry)
        window = timedelta(hours=int(dataset.max_time_travel_hours or _TIME_TRAVEL_HOURS))
        if moment < max(created, datetime.now(UTC) - window) or moment > datetime.now(UTC):
            return None
        place = self.statements.place(TRACKS.schema, TRACKS.name)
        return f"{place} for system_time as of timestamp '{moment.astimezone(UTC).isoformat()}'"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``: it has the turn to write tracks, until its end."""
        self._jobs.run("begin_transaction")
        try:
            self._take_turn(TRACKS_TURN)
            yield
            self._jobs.run("commit_transaction")
        except BaseException:
            # What ended the transaction may have ended the session too: then there is nothing left to undo.
            with suppress(WarehouseError):
                self._jobs.run("roll_back_transaction")
            raise

    def find_duplicates(self, table: str | None = None) -> None:
        """See ``Warehouse.find_duplicates``."""
        self.change("find_duplicates", table=table or self.statements.place(TRACKS.schema, TRACKS.name))

    def remedy(self, said: str) -> str:
        """See ``Warehouse.remedy``."""
        return remedy_of(said)

    def is_passing(self, said: str) -> bool:
        """See ``Warehouse.is_passing``."""
        return text_is_passing(said)

    def scanned_bytes(self, statement: str, parameters: Parameters | None = None, /, **blanks: Any) -> int:
        """See ``Warehouse.scanned_bytes``: a dry run tells them, and costs nothing."""
        return self._jobs.scanned_bytes(statement, parameters, **blanks)

    @property
    def byte_limit(self) -> int | None:
        """See ``Warehouse.byte_limit``."""
        return self._place.maximum_bytes_billed

    def free_bytes(self) -> int | None:
        """See ``Warehouse.free_bytes``: BigQuery knows no limit."""
        return None

    # Repairs

    def repair_obstacles(self) -> tuple[Obstacle, ...]:
        """See ``Warehouse.repair_obstacles``."""
        return tuple(obstacles(self._jobs, REPAIRED))

    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:  # noqa: ARG002 (it holds all)
        """See ``Warehouse.take_snapshot``: all of tracks, which costs nothing until tracks changes.

        By a copy job: it takes an expiration as CREATE SNAPSHOT TABLE does, and needs no slot.
        """
        config = bigquery.CopyJobConfig(
            operation_type=OperationType.SNAPSHOT,
            destination_expiration_time=expires_at.astimezone(UTC).isoformat(),
        )
        self._jobs.copy(self._name(TRACKS), self._beside_tracks(snapshot), config)

    def snapshot_statements(self) -> tuple[str, ...]:
        """See ``Warehouse.snapshot_statements``: a snapshot is a copy job, which reads and costs nothing."""
        return ()

    def drop_snapshot(self, snapshot: str) -> None:
        """See ``Warehouse.drop_snapshot``; and what a killed rewrite left beside it."""
        self._drop(self._beside_tracks(rewritten_name(snapshot)))
        if self.has_snapshot(snapshot):
            self.change("drop_snapshot", snapshot=self.statements.place(TRACKS.schema, snapshot))

    def has_snapshot(self, snapshot: str) -> bool:
        """See ``Warehouse.has_snapshot``."""
        with self._jobs.told(f"at the snapshot {snapshot}"):
            try:
                self._jobs.client.get_table(self._beside_tracks(snapshot), retry=self._jobs.retry)
            except NotFound:
                return False
            return True

    @contextmanager
    def without_losers(self, snapshot: str) -> Iterator[Rewritten]:
        """See ``Warehouse.without_losers``: rewritten beside tracks, then copied into its place for nothing."""
        name = rewritten_name(snapshot)
        found, whole_name = self._found_tracks(), self._beside_tracks(name)
        tracks, place = (self.statements.place(TRACKS.schema, each) for each in (TRACKS.name, name))
        self._drop(whole_name)
        try:
            with self._jobs.told(f"at the table {whole_name}"):
                self._jobs.client.create_table(table_like(found, whole_name), exists_ok=True, retry=self._jobs.retry)
            self.change("rewrite_tracks", rewritten=place)
            (standing,), (kept,) = (self.fetch("fingerprint", table=table) for table in (tracks, place))
            yield Rewritten(
                place,
                standing["all_rows"] - kept["all_rows"],
                content_sum(standing["content"]) - content_sum(kept["content"]),
                publish=partial(self._publish, whole_name, found.modified),
            )
        finally:
            with suppress(WarehouseError):
                self._drop(whole_name)

    def rewriting_statements(
        self,
        snapshot: str,
        rewritten: str | None = None,
    ) -> tuple[tuple[str, dict[str, str]], ...]:
        """See ``Warehouse.rewriting_statements``."""
        place = rewritten or self.statements.place(TRACKS.schema, rewritten_name(snapshot))
        return (
            ("rewrite_tracks", {"rewritten": place}),
            ("fingerprint", {"table": self.statements.place(TRACKS.schema, TRACKS.name)}),
            ("fingerprint", {"table": place}),
        )

    def _publish(
        self,
        rewritten: str,
        seen: datetime | None,
        name: str,
        check: Callable[[], object],
        record: Callable[[], object],
    ) -> None:
        # While the turn is held, nothing can come in between the look at tracks and its copy.
        with self.transaction():
            check()
            if self._found_tracks().modified != seen:
                raise WarehouseError(
                    f"{TRACKS} was changed while it was rewritten, so nothing was published: see that nothing else "
                    f"writes to it, then run again."
                )
            self._publications.publish(rewritten, self._name(TRACKS), name)
        record()

    def was_published(self, name: str) -> bool:
        """See ``Warehouse.was_published``."""
        return self._publications.was_done(name)

    def _found_tracks(self) -> bigquery.Table:
        with self._jobs.told(f"at the table {self._name(TRACKS)}"):
            return self._jobs.client.get_table(self._name(TRACKS), retry=self._jobs.retry)

    def _drop(self, name: str) -> None:
        with self._jobs.told(f"at dropping {name}"):
            self._jobs.client.delete_table(name, not_found_ok=True, retry=self._jobs.retry)


def rewritten_name(snapshot: str) -> str:
    """The name of the table that a dedup writes beside tracks: one of its own, for two may have been started.

    Args:
        snapshot: the name or the place of the dedup's snapshot.
    """
    name = snapshot.rpartition(".")[2].strip("`")
    return f"{TRACKS.name}_rewritten_{name.removeprefix(f'{TRACKS.name}_snapshot_')}"
