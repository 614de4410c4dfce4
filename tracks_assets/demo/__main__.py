"""``make demo``: the incident is seen and mended, and an example export goes through the pipeline that has none.

First a table as the old pipeline left it: the checks are red, the dedup runs, the checks are green. Then eight hours of
an export, and an hour of re-deliveries. The demo runs what an engineer would type, ``dagster asset materialize`` and
``dagster job execute``, and reads its figures where the Dagster UI reads them: from Dagster's own record.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import chain
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tracks_assets.demo.generate import redeliver, write_hours
from tracks_assets.demo.incident import build_incident, plan_incident
from tracks_assets.demo.plan import ExportPlan
from tracks_assets.demo.report import HourRow, checks_table, report
from tracks_assets.export.layout import HOUR
from tracks_assets.settings import PARTITION_FORMAT, Settings, read_settings
from tracks_assets.warehouse.connect import warehouse_of

HOURS = 8
EVENTS_AN_HOUR = 20_000
REDELIVERED = 400
INCIDENT_ROWS = 50_000

SELECTION = 'key:"posthog/events_parquet" or key:"posthog/raw_tracks" or key:"posthog/tracks"'

# Lines of a run's log that say how far it is; the rest is for the UI.
_TELLING = (" loaded (", " merged in ", " is taken", " are archived", " is verified and published")

_MARK = "written-by-make-demo"


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for its reader."""


def demo_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of the demo: TRACKS_HOME is the user's, all else is the default, so that nothing real is touched."""
    return read_settings({name: value for name, value in environment.items() if name == "TRACKS_HOME"})


def claim_home(home: Path) -> None:
    """Marks ``home`` as the demo's.

    Raises:
        DemoError: it holds a warehouse that is not the demo's.
    """
    if (home / "warehouse.duckdb").exists() and not (home / _MARK).exists():
        raise DemoError(
            f"{home} holds a warehouse that the demo did not write: name another folder, for instance "
            f"make demo TRACKS_HOME=.tracks-demo."
        )
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()


def incident_settings(settings: Settings) -> Settings:
    """The demo's settings with a warehouse of its own for the incident."""
    return settings.model_copy(update={"duckdb_path": settings.home / "incident.duckdb"})


def materialize(settings: Settings, *partition: str) -> Iterator[str]:
    """Runs the hourly path for a partition or a range; yields what ``dagster`` yields."""
    return dagster(settings, "asset", "materialize", "--select", SELECTION, *partition)


def execute(settings: Settings, job: str, **config: object) -> Iterator[str]:
    """Executes a job with a config for its first op, preflight; yields what ``dagster`` yields."""
    file = settings.home / f"{job}.yaml"
    file.write_text(json.dumps({"ops": {"preflight": {"config": config}}} if config else {}))
    return dagster(settings, "job", "execute", "-j", job, "-c", str(file))


def dagster(settings: Settings, group: str, command: str, *arguments: str) -> Iterator[str]:
    """Runs a dagster command in a process of its own; yields the lines of its log that tell most.

    Raises:
        DemoError: it failed; its log stands in the message.
    """
    program = [str(Path(sys.executable).parent / "dagster"), group, command, "-m", "tracks_assets.definitions"]
    with subprocess.Popen(
        [*program, *arguments],
        env=_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        log = []
        for line in process.stdout or ():
            log.append(line)
            if any(word in line for word in _TELLING):
                yield line.rsplit(" - ", 1)[-1].strip()
    if process.returncode != 0:
        raise DemoError("The run failed:\n" + "".join(log[-60:]))


def _environment(settings: Settings) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKS_")}
    own = {"TRACKS_HOME": settings.home, "TRACKS_DUCKDB_PATH": settings.duckdb_path}
    return inherited | {name: str(path) for name, path in own.items()} | {"DAGSTER_HOME": str(settings.dagster_home)}


def verdicts(settings: Settings) -> dict[str, bool]:
    """What the newest run of tracks_checks found: whether each check passed, by its name."""
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name="tracks_checks"), limit=1)
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
        events = [record.event_log_entry.dagster_event for record in records]
    found = [event.asset_check_evaluation_data for event in events if event]
    return {each.check_name: each.passed for each in found}


def hour_rows(settings: Settings, hours: list[datetime]) -> list[HourRow]:
    """The counts of the hours, from the metadata of their newest materializations."""
    keys = [f"{hour:{PARTITION_FORMAT}}" for hour in hours]
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        return [HourRow(key, _counts(instance, "raw_tracks", key) | _counts(instance, "tracks", key)) for key in keys]


def _counts(instance: dg.DagsterInstance, table: str, partition: str) -> dict[str, int]:
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey(["posthog", table]), asset_partitions=[partition]), limit=1
    ).records
    (materialization,) = [record.asset_materialization for record in records]
    metadata = materialization.metadata if materialization else {}
    return {name: int(str(entry.value)) for name, entry in metadata.items() if name.startswith("rows_")}


def run(settings: Settings, console: Console) -> None:
    """The whole demo, start to table."""
    started = time.monotonic()
    claim_home(settings.home)
    settings.dagster_home.mkdir(exist_ok=True)
    hours = [settings.export_start + number * HOUR for number in range(HOURS + 1)]
    before: dict[str, bool] = {}
    after: dict[str, bool] = {}
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("")
        for step in chain(_incident_steps(incident_settings(settings), before, after), _steps(settings, hours)):
            progress.update(task, description=step)
            progress.console.print(f"  {step}", highlight=False, style="dim")
    console.print(checks_table(before, after))
    with warehouse_of(settings).opened() as warehouse:
        totals = warehouse.total_tracks(settings.takes_from)
    console.print(report(hour_rows(settings, hours), totals, time.monotonic() - started))
    console.print("[bold]make ui[/] opens the same data in the Dagster UI at http://127.0.0.1:3000", highlight=False)


def _incident_steps(settings: Settings, before: dict[str, bool], after: dict[str, bool]) -> Iterator[str]:
    """Makes the incident, checks it, dedups it and checks it again; fills in what the checks found."""
    for old in settings.home.glob(f"{settings.duckdb_path.name}*"):
        old.unlink()
    state = build_incident(settings.duckdb_path, plan_incident(INCIDENT_ROWS, days=10, merge_days=10))
    yield (
        f"A table as the old pipeline left it: {state.rows:,} rows, {state.excess_rows:,} of them in excess; "
        f"tracks_checks looks at it ..."
    )
    yield from execute(settings, "tracks_checks")
    before.update(verdicts(settings))
    yield f"tracks_checks: {', '.join(name for name, passed in before.items() if not passed)} failed; dedup_tracks ..."
    yield from execute(settings, "dedup_tracks", dry_run=False)
    yield "tracks_checks looks again ..."
    yield from execute(settings, "tracks_checks")
    after.update(verdicts(settings))


def _steps(settings: Settings, hours: list[datetime]) -> Iterator[str]:
    """Does the demo's work step by step, and says each step."""
    export, plan = Path(settings.export_uri), ExportPlan(events_per_hour=EVENTS_AN_HOUR, export_start=hours[0])
    yield f"An example export is written to {export} ..."
    for written in write_hours(export, hours[0], HOURS, plan):
        yield f"{written.hour:{PARTITION_FORMAT}} exported: {written.rows:,} rows in {len(written.files)} files"
    first, last, ninth = (f"{hour:{PARTITION_FORMAT}}" for hour in (hours[0], hours[HOURS - 1], hours[HOURS]))
    yield f"One run takes the hours {first} to {last} to posthog.tracks ..."
    yield from materialize(settings, "--partition-range", f"{first}...{last}")
    redeliver(export, hours[HOURS], hours[:HOURS], REDELIVERED, plan)
    yield f"The hour {ninth} delivers {REDELIVERED} old events again, with new times ..."
    yield from materialize(settings, "--partition", ninth)


def main() -> None:
    """Runs the demo; a failure ends it with one sentence."""
    try:
        run(demo_settings(os.environ), Console())
    except DemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
