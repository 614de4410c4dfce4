"""The runs that the sensor started, as Dagster recorded them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import dagster as dg

from tracks_assets.defs.posthog.export_runs import REQUEST_TAG, UNFINISHED, run_hours
from tracks_assets.defs.posthog.export_sensor import JOB
from tracks_assets.defs.shared.dead_runs import process_of
from tracks_assets.settings import PARTITION_FORMAT

_NEWEST = 20


@dataclass(frozen=True)
class Ended:
    """A run that has ended.

    Attributes:
        run_id: its id.
        hours: its hours, in order.
        is_loaded: whether it succeeded.
        created: when the sensor requested it, in seconds of Unix time.
        started: when its process began with it; 0 if it never did.
        ended: when it ended.
        pid: its process; None if it never text.
    """

    run_id: str
    hours: tuple[datetime, ...]
    is_loaded: bool
    created: float
    started: float
    ended: float
    pid: int | None

    @property
    def seconds(self) -> float:
        """Its duration in seconds, by Dagster's record."""
        return self.ended - self.started

    @property
    def named(self) -> str:
        """Its hours in short."""
        first, last = (f"{hour:{PARTITION_FORMAT}}" for hour in (self.hours[0], self.hours[-1]))
        return first if first == last else f"{first}...{last}"


@dataclass
class SensorRuns:
    """Reads the runs of the sensor.

    Attributes:
        instance: Dagster's instance.
        ended: the runs that have ended, in the order in which that was seen.
    """

    instance: dg.DagsterInstance
    ended: dict[str, Ended] = field(default_factory=dict)

    def newly_ended(self) -> Iterator[Ended]:
        """Those that have ended since the last call, the oldest first."""
        for record in reversed(self.instance.get_run_records(dg.RunsFilter(job_name=JOB), limit=_NEWEST)):
            run = record.dagster_run
            if REQUEST_TAG in run.tags and run.is_finished and run.run_id not in self.ended:
                self.ended[run.run_id] = self._ended(record)
                yield self.ended[run.run_id]

    def under_way(self) -> set[datetime]:
        """The hours of the runs that have not ended."""
        runs = self.instance.get_runs(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED))
        return {hour for run in runs for hour in run_hours(run)}

    def _ended(self, record: dg.RunRecord) -> Ended:
        run, process = record.dagster_run, process_of(self.instance, record.dagster_run.run_id)
        return Ended(
            run_id=run.run_id,
            hours=tuple(run_hours(run)),
            is_loaded=run.status is dg.DagsterRunStatus.SUCCESS,
            created=record.create_timestamp.timestamp(),
            started=record.start_time or 0.0,
            ended=record.end_time or record.update_timestamp.timestamp(),
            pid=process[0] if process else None,
        )
