"""The repair jobs as an engineer starts them, and the pages of their runs."""

import json
import sys
from pathlib import Path

import dagster as dg

from tests import ROOT
from tests.integration.graph.conftest import Home


def command(job: str, **config: object) -> list[str]:
    """The command that executes a job with a config for its preflight, in a process of its own."""
    given = json.dumps({"ops": {"preflight": {"config": config}}})
    program = str(Path(sys.executable).with_name("dg"))
    return [program, "launch", "--target-path", str(ROOT), "--job", job, "--config-json", given]


def execute(home: Home, job: str, **config: object) -> None:
    """Executes a job to its end in this process.

    Raises:
        AssertionError: it failed; the message is the cause's.
    """
    run = home.run_job(job, config)
    for event in run.all_node_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            raise AssertionError(error.cause.message if error and error.cause else error)


def pages(home: Home, job: str) -> list[str]:
    """The pages in the metadata of a job's newest run, in order."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
        events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    outputs = [event.step_output_data for event in events if event.event_type_value == "STEP_OUTPUT"]
    return [str(output.metadata["page"].value) for output in outputs if "page" in output.metadata]
