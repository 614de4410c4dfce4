"""Homes with a real Dagster instance, and the sensor on it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData

from tests.integration.graph.conftest import home, new_home
from tests.storage.conftest import bucket
from tracks_assets.defs.posthog.export_runs import EVENT_RUNS, FeedRuns
from tracks_assets.defs.posthog.export_sensor import export_sensor, load_job
from tracks_assets.settings import Settings, read_settings
from tracks_assets.sources.posthog.inventory import Export

__all__ = ["bucket", "home", "new_home"]

START = datetime(2026, 3, 12, tzinfo=UTC)


@dataclass
class Watch:
    """The real sensor on a real instance, at a time of the test's own."""

    instance: DagsterInstance
    settings: Settings
    export: Export
    now: datetime = START
    cursor: str | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    evaluated: list[bool] = field(default_factory=list)
    text: str | None = None
    of: FeedRuns = EVENT_RUNS

    def look(self) -> list[DagsterRun]:
        """One tick, whose requests become runs that have not started."""
        sensor = export_sensor(self.settings, load_job(), lambda: self.now, self.of)
        with dg.build_sensor_context(
            instance=self.instance, cursor=self.cursor, resources={"export": self.export}
        ) as context:
            tick = sensor.evaluate_tick(context)
        self.cursor, self.text = tick.cursor, tick.skip_message
        for event in tick.asset_events:
            assert isinstance(event, dg.AssetCheckEvaluation)
            self.instance.report_runless_asset_event(event)
            self.evaluated.append(event.passed)
        self.asked += [dict(request.tags) for request in tick.run_requests or ()]
        return [self.add_run(dict(request.tags)) for request in tick.run_requests or ()]

    def add_run(
        self, tags: dict[str, str], status: DagsterRunStatus = DagsterRunStatus.NOT_STARTED, job: str = ""
    ) -> DagsterRun:
        run = DagsterRun(job_name=job or self.of.job, tags=tags, status=status)
        return self.instance.run_storage.add_run(run)

    def end(self, run: DagsterRun, event: dg.DagsterEventType = dg.DagsterEventType.RUN_SUCCESS) -> None:
        """Lets a run start and end."""
        for kind in (dg.DagsterEventType.RUN_START, event):
            record = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
            self.instance.report_dagster_event(record, run.run_id, timestamp=self.now.timestamp())

    def end_steps(self, run: DagsterRun, succeeded: Sequence[str], failed: Sequence[str]) -> None:
        """Lets steps of a run end."""
        ends: dict[str, tuple[str, StepSuccessData | StepFailureData]] = {
            **{step: ("STEP_SUCCESS", StepSuccessData(1.0)) for step in succeeded},  # type: ignore[no-untyped-call]
            **{step: ("STEP_FAILURE", StepFailureData(None, None)) for step in failed},  # type: ignore[no-untyped-call]
        }
        for step, (kind, data) in ends.items():
            record = dg.DagsterEvent(kind, run.job_name, step_key=step, event_specific_data=data)
            self.instance.report_dagster_event(record, run.run_id, timestamp=self.now.timestamp())

    @property
    def ranges(self) -> list[tuple[str, str]]:
        return [
            (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"])
            for tags in self.asked
        ]


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Dagster's record in memory: making its files takes longer than most of these tests."""
    with DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def watch(instance: DagsterInstance, tmp_path: Path) -> Watch:
    """The sensor on a local export."""
    settings = read_settings({"TRACKS_HOME": str(tmp_path / "home"), "TRACKS_EXPORT_START": "2026-03-12-00:00"})
    Path(settings.export_uri).mkdir(parents=True)
    return Watch(instance, settings, Export(settings.export_uri))


def write(path: Path, moment: datetime, text: str = "x") -> None:
    """A file as if it had been written at a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
