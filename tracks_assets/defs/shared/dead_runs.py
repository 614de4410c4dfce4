"""Runs whose process is gone although Dagster shows them as running.

The code server notices when one of its runs dies. If it dies as well (a reboot, the end of a container, kill -9 of
everything), the run stays "started" for ever, and the pool of the warehouse waits for it. Dagster's run monitoring
cannot know: its default launcher has no health check. A run that a code server started has its process on the same
machine as the sensors of that server, so a sensor can look.
"""

from collections.abc import Iterator

import dagster as dg
import psutil
from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

_STARTED_BY_CODE_SERVER = ".dagster/grpc_info"
"""Dagster's tag of a run whose process a code server started."""

_CLOCK_SECONDS = 5.0


def fail_dead_runs(instance: DagsterInstance) -> list[str]:
    """Marks runs as failed whose process is gone; returns a line for the log for each.

    It looks only at runs that the code server of this machine started.
    """
    return [_fail(instance, record.dagster_run) for record in _dead_runs(instance)]


def _dead_runs(instance: DagsterInstance) -> Iterator[RunRecord]:
    records = instance.get_run_records(RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]))
    for record in records:
        if _STARTED_BY_CODE_SERVER in record.dagster_run.tags:
            process = process_of(instance, record.dagster_run.run_id)
            if process is not None and not _is_alive(*process):
                yield record


def process_of(instance: DagsterInstance, run_id: str) -> tuple[int, float] | None:
    """The id of the process that executes a run and when it was known; None if the run does not say."""
    found = None
    for record in instance.get_records_for_run(run_id, of_type=DagsterEventType.ENGINE_EVENT).records:
        event = record.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event is not None else None
        if pid is not None:
            found = (int(str(pid.value)), record.timestamp)
    return found


def _is_alive(pid: int, known_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        # After a reboot, another process may have the same id.
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= known_at + _CLOCK_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _fail(instance: DagsterInstance, run: dg.DagsterRun) -> str:
    line = f"The process of run {run.run_id} is gone (killed, or the machine restarted): it is marked as failed."
    instance.report_run_failed(run, line)
    return line
