"""What Dagster keeps of old runs, made small: first a run's log, and long after that the run itself.

Dagster removes old ticks by itself (``retention:`` in dagster.yaml) and nothing of a run. What its
``DagsterInstance.delete_run`` removes and leaves (1.13, read and tested):

- removed: the run with its tags, its log, and its materializations and observations;
- left: check results (the UI goes on showing them), what the steps printed and handed on, and on SQLite the emptied
  file of its log.

An hour whose materializations are gone counts as never loaded, and a backfill of missing hours would load it again. So
a run is deleted only if none of its materializations is the newest of its partition. Of all others, the log goes: it is
nearly all of what a run takes. No public call of Dagster removes a log alone (dagster-io/dagster#33785 is open).
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir

import dagster as dg
import sqlalchemy
from dagster._core.storage.event_log import SqlEventLogStorage

PRUNED_TAG = "tracks/pruned"
"""A run's tag once its log is removed: ``log``, and ``kept`` if it is older than runs are kept and still needed."""

LOG_REMOVED = "log"
KEPT = "kept"

FINISHED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]

LEFT_BY_KILLED_RUNS = ("tracks_export_*", "tracks_staging_*", "tracks_spilled_*")
"""Folders that steps make for copies of files, in the folder for temporary files."""

_PAGE = 500

# Asset events and the run's own start and end stay: partitions, plots and sensors are made of them.
_DELETE_LOG = """
delete from event_logs
where
    run_id = :run_id
    and asset_key is null
    and (dagster_event_type is null or dagster_event_type not like 'PIPELINE!_%' escape '!')
"""


@dataclass(frozen=True)
class Pruned:
    """What was removed.

    Attributes:
        logs: runs whose log was removed.
        runs: runs that were deleted.
        kept: runs that are old enough to be deleted, and hold the newest materialization of a partition.
        tick_logs: files of what ticks logged.
    """

    logs: int
    runs: int
    kept: int
    tick_logs: int


def prune(instance: dg.DagsterInstance, now: datetime, log_days: int, run_days: int) -> Pruned:
    """Removes the logs of runs older than ``log_days`` days, and the runs older than ``run_days`` that nothing needs.

    It may be killed at any point and run again. Runs that have not ended are left alone.
    """
    tick_logs = remove_tick_logs(instance, now - timedelta(days=log_days))
    logs = _remove_logs(instance, now - timedelta(days=log_days))
    runs, kept = _remove_runs(instance, now - timedelta(days=run_days))
    return Pruned(logs, runs, kept, tick_logs)


def _remove_logs(instance: dg.DagsterInstance, before: datetime) -> int:
    old = dg.RunsFilter(statuses=FINISHED, created_before=before)
    pruned = dg.RunsFilter(statuses=FINISHED, created_before=before, tags={PRUNED_TAG: [LOG_REMOVED, KEPT]})
    left = instance.get_runs_count(old) - instance.get_runs_count(pruned)
    removed = 0
    for run in _runs(instance, old):
        # The newest come first, so that the many that were pruned before are not read every day.
        if removed == left:
            break
        if PRUNED_TAG not in run.tags:
            remove_log(instance, run.run_id)
            instance.add_run_tags(run.run_id, {PRUNED_TAG: LOG_REMOVED})
            removed += 1
    return removed


def _runs(instance: dg.DagsterInstance, runs: dg.RunsFilter) -> Iterator[dg.DagsterRun]:
    cursor: str | None = None
    while page := instance.get_runs(runs, cursor=cursor, limit=_PAGE):
        yield from page
        cursor = page[-1].run_id


def remove_log(instance: dg.DagsterInstance, run_id: str) -> None:
    """Removes what a run logged, printed and handed from step to step; its materializations and checks stay."""
    instance.compute_log_manager.delete_logs(prefix=[run_id, "compute_logs"])
    shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    log = Path(instance.root_directory) / "history" / "runs" / f"{run_id}.db"
    if log.exists():
        for path in (log, *(log.with_name(f"{log.name}-{suffix}") for suffix in ("wal", "shm"))):
            path.unlink(missing_ok=True)
    elif isinstance(instance.event_log_storage, SqlEventLogStorage):
        with instance.event_log_storage.index_connection() as connection:
            connection.execute(sqlalchemy.text(_DELETE_LOG), {"run_id": run_id})


def _remove_runs(instance: dg.DagsterInstance, before: datetime) -> tuple[int, int]:
    """Deletes the runs that nothing needs; returns how many, and how many are kept."""
    undecided = dg.RunsFilter(statuses=FINISHED, created_before=before, tags={PRUNED_TAG: LOG_REMOVED})
    deleted = kept = 0
    while records := instance.get_run_records(undecided, limit=_PAGE, ascending=True):
        needed = needed_runs(instance, records)
        for record in records:
            run_id = record.dagster_run.run_id
            if run_id in needed:
                instance.add_run_tags(run_id, {PRUNED_TAG: KEPT})
            else:
                instance.delete_run(run_id)
                # On SQLite, deleting the events of a run recreates the file of its log.
                remove_log(instance, run_id)
        kept += len(needed)
        deleted += len(records) - len(needed)
    return deleted, kept


def needed_runs(instance: dg.DagsterInstance, records: Sequence[dg.RunRecord]) -> set[str]:
    """Those of some runs that made the newest materialization of an asset, or of one of its partitions."""
    runs = {record.dagster_run.run_id for record in records}
    needed = set()
    for key in instance.get_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest is not None:
            needed.add(newest.run_id)
        made = {event.storage_id: event for event in _materializations(instance, key, records) if event.run_id in runs}
        partitions = {event.partition_key for event in made.values() if event.partition_key is not None}
        if partitions:
            latest = instance.get_latest_storage_id_by_partition(
                key, dg.DagsterEventType.ASSET_MATERIALIZATION, partitions
            )
            needed |= {made[number].run_id for number in latest.values() if number in made}
    return needed & runs


def _materializations(
    instance: dg.DagsterInstance, key: dg.AssetKey, records: Sequence[dg.RunRecord]
) -> Iterator[dg.EventLogRecord]:
    """The materializations of an asset while any of the runs was there; other runs' may be among them."""
    starts = [record.create_timestamp.timestamp() for record in records]
    ends = [record.end_time or record.create_timestamp.timestamp() for record in records]
    wanted = dg.AssetRecordsFilter(key, after_timestamp=min(starts) - 1, before_timestamp=max(ends) + 1)
    cursor: str | None = None
    has_more = True
    while has_more:
        page = instance.fetch_materializations(wanted, limit=_PAGE, cursor=cursor)
        yield from page.records
        cursor, has_more = page.cursor, page.has_more


def remove_tick_logs(instance: dg.DagsterInstance, before: datetime) -> int:
    """Removes what sensors and schedules logged to local files before a moment; returns how many files.

    Dagster keeps it beside the runs' folders, in <repository>/<sensor>/<tick>.err, also after the tick is gone.
    """
    removed = 0
    for folder in (path for path in Path(instance.storage_directory()).glob("*") if not _is_run(path)):
        for path in folder.rglob("*.err"):
            if path.stat().st_mtime < before.timestamp():
                path.unlink()
                removed += 1
    return removed


def _is_run(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", path.name) is not None


def remove_leftovers(before: datetime) -> int:
    """Removes the folders for copies of files that killed runs left before a moment; returns how many."""
    removed = 0
    for folder in (path for pattern in LEFT_BY_KILLED_RUNS for path in Path(gettempdir()).glob(pattern)):
        # Another user's, on a machine of several, are not ours to remove.
        if folder.is_dir() and folder.stat().st_mtime < before.timestamp() and folder.owner() == Path.home().owner():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
