"""The repair jobs as an engineer starts them, and what their runs then show."""

import json
import subprocess
import sys
from pathlib import Path

import dagster as dg

from tests.graph.conftest import ROOT, Home


def command(home: Path, job: str, **config: object) -> list[str]:
    """The command that executes a job with a config for its preflight."""
    file = home / f"{job}.yaml"
    file.write_text(json.dumps({"ops": {"preflight": {"config": config}}}))
    dagster = str(Path(sys.executable).with_name("dagster"))
    return [dagster, "job", "execute", "-m", "tracks_assets.definitions", "-j", job, "-c", str(file)]


def execute(home: Home, job: str, **config: object) -> str:
    """Executes a job to its end and returns what it said."""
    done = subprocess.run(
        command(home.path, job, **config),
        cwd=ROOT,
        env=home.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def pages(home: Home, job: str) -> list[str]:
    """The pages in the metadata of a job's newest run, in order."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
        events = [entry.dagster_event for entry in instance.all_logs(run.run_id) if entry.dagster_event]
    outputs = [event.step_output_data for event in events if event.event_type_value == "STEP_OUTPUT"]
    return [str(output.metadata["page"].value) for output in outputs if "page" in output.metadata]
