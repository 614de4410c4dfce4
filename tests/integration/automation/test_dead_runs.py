"""A run whose process was killed, and its code server with it, is marked as failed and requested again."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.events import EngineEventData

from tests.integration.automation.conftest import Watch, write
from tracks_assets.defs.shared.dead_runs import fail_dead_runs
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval


@contextmanager
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def started(instance: DagsterInstance, pid: int, tags: dict[str, str], at: datetime) -> DagsterRun:
    """A run as the code server starts one."""
    run = instance.run_storage.add_run(DagsterRun(job_name="load_hours", tags=tags))
    for event in (
        dg.DagsterEvent(event_type_value="PIPELINE_START", job_name=run.job_name),
        dg.DagsterEvent(
            event_type_value="ENGINE_EVENT",
            job_name=run.job_name,
            message="Started process for run",
            event_specific_data=EngineEventData.in_process(pid),
        ),
    ):
        instance.report_dagster_event(event, run.run_id, timestamp=at.timestamp())
    return run


def status(instance: DagsterInstance, run: DagsterRun) -> DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


SERVER = {".dagster/grpc_info": json.dumps({"host": "localhost", "port": 1})}


def test_only_a_run_whose_process_is_gone_is_failed(instance: DagsterInstance) -> None:
    with process() as child:
        now = datetime.now(UTC)
        alive = started(instance, child.pid, SERVER, now)
        # After a reboot, another process has the id.
        reused = started(instance, child.pid, SERVER, now - timedelta(days=1))
        by_hand = started(instance, 2**22 + 1, {}, now)
        gone = started(instance, 2**22 + 1, SERVER, now)
        lines = fail_dead_runs(instance)
        failed = [status(instance, run) is DagsterRunStatus.FAILURE for run in (alive, reused, by_hand, gone)]
        assert failed == [False, True, False, True]
        assert len(lines) == 2
        child.kill()
        child.wait()
        assert len(fail_dead_runs(instance)) == 1
        assert status(instance, alive) is DagsterRunStatus.FAILURE
        assert status(instance, by_hand) is DagsterRunStatus.STARTED, "its process may be on another machine"


def test_a_killed_run_is_requested_again(watch: Watch) -> None:
    watch.now = datetime.now(UTC)
    hour = (watch.now - 2 * HOUR).replace(minute=0, second=0, microsecond=0)
    watch.settings = watch.settings.model_copy(update={"export_start": hour})
    file = f"{watch.settings.export_uri}/{hour_folder(hour)}/{file_name(hour_interval(hour))}"
    write(type(watch.settings.home)(file), watch.now - HOUR)
    (request,) = watch.look()
    watch.instance.delete_run(request.run_id)
    with process() as child:
        run = started(watch.instance, child.pid, dict(request.tags) | SERVER, watch.now)
        assert watch.look() == []
        assert status(watch.instance, run) is DagsterRunStatus.STARTED
    assert watch.look() == []
    assert status(watch.instance, run) is DagsterRunStatus.FAILURE
    watch.now += timedelta(minutes=4)
    assert watch.look() == []
    watch.now += timedelta(minutes=2)
    assert len(watch.look()) == 1
