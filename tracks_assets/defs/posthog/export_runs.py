"""What Dagster knows of the runs that load export hours: which are unfinished, and how the others ended."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunRecord, RunsFilter

from tracks_assets.core.feed import Feed
from tracks_assets.defs.posthog.hourly import RAW_TRACKS_KEY
from tracks_assets.defs.posthog.tracks import STEP as MERGE_STEP
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.defs.shared.partitions import PARTITION, RANGE_END, RANGE_START, hours_of, partition_key
from tracks_assets.defs.shared.retries import PASSING
from tracks_assets.quality.uploads.state import Outcome, Result
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.persons import PERSONS, RAW_PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

REQUEST_TAG = "tracks/request"
"""The tag of a run that the sensor requested: the request's key."""

UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

_PASSING_NAMES = frozenset(error.__name__ for error in PASSING)
_OVERLAP = timedelta(minutes=2)


@dataclass(frozen=True)
class FeedRuns:
    """A job that loads and merges the hours of a feed, and the sensor that starts it.

    Attributes:
        feed: the feed.
        job: the name of the job.
        sensor: that of the sensor.
        rows: the asset of the feed's rows.
        merged: the asset of the table that they are merged into.
        merge_step: the name of the step that merges.
        expects_hours: whether every hour is expected to have files, so that one without any is late.
    """

    feed: Feed
    job: str
    sensor: str
    rows: dg.AssetKey
    merged: dg.AssetKey
    merge_step: str
    expects_hours: bool


EVENT_RUNS = FeedRuns(EVENTS, "load_hours", "export_complete", RAW_TRACKS_KEY, TRACKS_KEY, MERGE_STEP, True)

PERSON_RUNS = FeedRuns(
    PERSONS,
    "load_persons",
    "persons_export_complete",
    table_key(RAW_PERSONS),
    table_key(PERSON_DISTINCT_IDS),
    PERSON_DISTINCT_IDS.name,
    # Somebody may export none, and an hour in which no person changed has no file.
    expects_hours=False,
)


def run_hours(run: DagsterRun) -> list[datetime]:
    """The export hours of a run; none if it has no partitions."""
    one = run.tags.get(PARTITION)
    first, last = run.tags.get(RANGE_START, one), run.tags.get(RANGE_END, one)
    try:
        start, end = (datetime.strptime(key or "", PARTITION_FORMAT).replace(tzinfo=UTC) for key in (first, last))
    except ValueError:
        return []
    return hours_of(dg.TimeWindow(start, end + HOUR))


def busy_hours(instance: DagsterInstance, of: FeedRuns) -> frozenset[datetime]:
    """The hours that an unfinished run loads or merges, however it was started."""
    records = instance.get_run_records(RunsFilter(statuses=UNFINISHED))
    runs = [record.dagster_run for record in records if _assets(record.dagster_run, of)]
    return frozenset(hour for run in runs for hour in run_hours(run))


def loaded_since(instance: DagsterInstance, of: FeedRuns, moment: datetime) -> dict[datetime, datetime]:
    """The hours that runs loaded and merged with success since a moment, with the start of the run."""
    records = instance.get_run_records(
        RunsFilter(statuses=[DagsterRunStatus.SUCCESS], updated_after=moment - _OVERLAP), ascending=True
    )
    return {
        hour: datetime.fromtimestamp(record.start_time, UTC)
        for record in records
        if record.start_time is not None and _assets(record.dagster_run, of) == {of.rows, of.merged}
        for hour in run_hours(record.dagster_run)
    }


def results(instance: DagsterInstance, of: FeedRuns, keys: Iterable[str]) -> dict[str, Result]:
    """The outcome of each requested run, by its key."""
    return {key: _result(instance, of, key) for key in keys}


def loaded_before(
    instance: DagsterInstance, of: FeedRuns, hours: Sequence[datetime], partitions: dg.PartitionsDefinition[str]
) -> dict[datetime, datetime]:
    """Those of the hours that Dagster has as materialized, with the start of the run that did it."""
    by_key = {partition_key(hour): hour for hour in hours}
    statuses = instance.get_status_by_partition(of.merged, list(by_key), partitions) if by_key else None
    loaded = [key for key, status in (statuses or {}).items() if status is dg.AssetPartitionStatus.MATERIALIZED]
    if not loaded:
        return {}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(of.merged, asset_partitions=loaded), limit=10 * len(loaded)
    ).records
    starts = _starts(instance, {record.run_id for record in records})
    # The newest comes first, and an hour whose record is not among them was loaded long ago.
    newest = dict.fromkeys(loaded, 0.0)
    for record in reversed(records):
        newest[record.partition_key or ""] = starts.get(record.run_id, record.timestamp)
    return {by_key[key]: datetime.fromtimestamp(newest[key], UTC) for key in loaded}


def _starts(instance: DagsterInstance, run_ids: set[str]) -> dict[str, float]:
    records = instance.get_run_records(RunsFilter(run_ids=sorted(run_ids)))
    return {record.dagster_run.run_id: record.start_time for record in records if record.start_time is not None}


def _assets(run: DagsterRun, of: FeedRuns) -> set[dg.AssetKey]:
    """Those of the feed's two tables that a run materializes."""
    every = {of.rows, of.merged}
    if run.asset_selection is None:
        return every if run.job_name == of.job else set()
    return every & set(run.asset_selection)


def _result(instance: DagsterInstance, of: FeedRuns, key: str) -> Result:
    # Two feeds may have the same key, for an hour in which neither has files.
    records = instance.get_run_records(RunsFilter(job_name=of.job, tags={REQUEST_TAG: key}), limit=1)
    if not records:
        return Result(Outcome.MISSING, datetime.now(UTC))
    (record,) = records
    return Result(_outcome(instance, record, of), _end(record))


def _end(record: RunRecord) -> datetime:
    return datetime.fromtimestamp(record.end_time or record.update_timestamp.timestamp(), UTC)


def _outcome(instance: DagsterInstance, record: RunRecord, of: FeedRuns = EVENT_RUNS) -> Outcome:
    run = record.dagster_run
    if run.status in UNFINISHED:
        return Outcome.RUNNING
    if run.status is DagsterRunStatus.SUCCESS:
        return Outcome.LOADED
    failures = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.STEP_FAILURE).records
    is_canceled = run.status is DagsterRunStatus.CANCELED
    # A check that fails after the merge does not unload the hours. If the run was killed there, nothing has checked
    # them, and it is repeated.
    if (failures or is_canceled) and _has_merged(instance, run.run_id, of.merge_step):
        return Outcome.LOADED
    if is_canceled:
        return Outcome.CANCELED
    causes = [_class_names(record.event_log_entry.dagster_event) for record in failures]
    # Without any failure of a step, the run was killed or never started.
    return Outcome.FAILED_PASSING if all(names & _PASSING_NAMES for names in causes) else Outcome.FAILED


def _has_merged(instance: DagsterInstance, run_id: str, step: str) -> bool:
    done = instance.get_records_for_run(run_id, of_type=DagsterEventType.STEP_SUCCESS).records
    events = [record.event_log_entry.dagster_event for record in done]
    return any(event is not None and event.step_key == step for event in events)


def _class_names(event: dg.DagsterEvent | None) -> set[str]:
    """The names of the error's class and of those that caused it."""
    error = event.step_failure_data.error if event is not None else None
    names = set()
    while error is not None:
        names.add(error.cls_name or "")
        error = error.cause
    return names
