"""``make demo``: one table that an old pipeline damaged is found, repaired, and taken over by this pipeline.

The checks of the damaged table are red; the dedup runs; then the latest eight hours of an example export and an hour of
re-deliveries are merged into the same table, and its checks are green. The demo runs what an engineer would type,
``dg launch``, and reads its figures where the Dagster UI reads them: from Dagster's own record. The home that it
leaves shows in ``make ui`` what the demo printed.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from examples.export_generator.generate import redeliver, write_hours
from examples.export_generator.plan import ExportPlan
from examples.incident import IncidentPlan, build_incident, plan_incident
from examples.report import HourRow, Totals, checks_table, report
from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import EXPORT_START_FILE, PARTITION_FORMAT, Settings, read_settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.tables import TRACKS

HOURS = 8
EVENTS_AN_HOUR = 20_000
REDELIVERED = 400
INCIDENT_ROWS = 50_000

CHECKS = "tracks_checks"

ROOT = Path(__file__).parents[1]
"""The project's folder, where ``dg`` finds the project."""

# Lines of a run's log that say how far it is; the rest is for the UI.
_SHOWN = (" loaded (", " merged in ", " is taken", " are archived", " is verified and published")

_MARK = "written-by-make-demo"


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for its reader."""


def demo_settings(environment: Mapping[str, str], now: datetime) -> Settings:
    """The settings of the demo: TRACKS_HOME is the user's, all else is the default, so that nothing real is touched.

    Its export starts so that its hours are the latest ones.
    """
    settings = read_settings({name: value for name, value in environment.items() if name == "TRACKS_HOME"})
    newest = now.replace(minute=0, second=0, microsecond=0) - HOUR
    return settings.model_copy(update={"export_start": newest - HOURS * HOUR})


def claim_home(settings: Settings) -> None:
    """Makes ``TRACKS_HOME`` the demo's: an earlier demo's warehouse is removed, and the export's start is stored.

    Raises:
        DemoError: the home holds a warehouse that is not exactly what an earlier demo left.
    """
    mark, warehouse = settings.home / _MARK, settings.duckdb_path
    if warehouse.exists():
        if not mark.exists() or mark.read_text() != _state(settings):
            raise DemoError(
                f"{warehouse} holds more than a finished demo: name another folder, for instance make demo "
                f"TRACKS_HOME=.tracks-demo, or remove that file if you do not need it."
            )
        for old in warehouse.parent.glob(f"{warehouse.name}*"):
            old.unlink()
    settings.home.mkdir(parents=True, exist_ok=True)
    mark.touch()
    (settings.home / EXPORT_START_FILE).write_text(f"{settings.export_start:{PARTITION_FORMAT}}\n")


def release_home(settings: Settings) -> None:
    """Records what the demo left, so that another demo knows it again."""
    (settings.home / _MARK).write_text(_state(settings))


def _state(settings: Settings) -> str:
    """Row counts: they change as soon as anyone loads data of their own, and not when an hour is run again."""
    try:
        with warehouse_of(settings, lock_wait=5).opened() as opened:
            return " ".join(f"{table} {opened.count_rows(table)}" for table in (RAW_TRACKS, TRACKS))
    except WarehouseError as error:
        raise DemoError(f"The demo cannot look into its warehouse: {error}") from error


def materialize(settings: Settings, *partition: str) -> Iterator[str]:
    """Runs the hourly path for a partition or a range; yields what ``launch`` yields."""
    return launch(settings, "--assets", "group:hourly", *partition)


def execute(settings: Settings, job: str, **config: object) -> Iterator[str]:
    """Executes a job with a config for its first op, preflight; yields what ``launch`` yields."""
    given = ["--config-json", json.dumps({"ops": {"preflight": {"config": config}}})] if config else []
    return launch(settings, "--job", job, *given)


def launch(settings: Settings, *arguments: str) -> Iterator[str]:
    """Runs ``dg launch`` in a process of its own; yields the lines of its log that say how far it is.

    Raises:
        DemoError: it failed; the end of its log is in the message.
    """
    with subprocess.Popen(
        [str(Path(sys.executable).parent / "dg"), "launch", *arguments],
        cwd=ROOT,
        env=_environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        log = []
        for line in process.stdout or ():
            log.append(line)
            if any(word in line for word in _SHOWN):
                yield line.rsplit(" - ", 1)[-1].strip()
    if process.returncode != 0:
        raise DemoError("The run failed:\n" + "".join(log[-60:]))


def _environment(settings: Settings) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKS_")}
    return inherited | {"TRACKS_HOME": str(settings.home), "DAGSTER_HOME": str(settings.dagster_home)}


def results(settings: Settings) -> dict[str, bool]:
    """The results of the newest run of tracks_checks: whether each check passed, by its name."""
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name=CHECKS), limit=1)
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
    """The demo from the start to its tables."""
    started = time.monotonic()
    claim_home(settings)
    settings.dagster_home.mkdir(exist_ok=True)
    hours = [settings.export_start + number * HOUR for number in range(HOURS + 1)]
    before: dict[str, bool] = {}
    after: dict[str, bool] = {}
    incident = plan_incident(INCIDENT_ROWS, days=10, merge_days=10)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("")
        for step in chain(
            _incident_steps(settings, incident, before), _hourly_steps(settings, hours), _check_steps(settings, after)
        ):
            progress.update(task, description=step)
            progress.console.print(f"  {step}", highlight=False, style="dim")
    console.print(checks_table(before, after))
    with warehouse_of(settings).opened() as warehouse:
        totals = warehouse.total_tracks(settings.takes_from)
    release_home(settings)
    shown = Totals(totals, incident.counts.distinct_ids, time.monotonic() - started)
    console.print(report(hour_rows(settings, hours), shown))
    console.print("[bold]make ui[/] opens the same data in the Dagster UI at http://127.0.0.1:3000", highlight=False)


def _incident_steps(settings: Settings, plan: IncidentPlan, before: dict[str, bool]) -> Iterator[str]:
    """Makes the incident, checks it and dedups it; fills in the results of the checks."""
    state = build_incident(settings.duckdb_path, plan)
    yield (
        f"A table as the old pipeline left it: {state.rows:,} rows, {state.excess_rows:,} of them duplicates; "
        f"{CHECKS} takes a census ..."
    )
    yield from execute(settings, CHECKS)
    before.update(results(settings))
    yield f"{CHECKS}: {', '.join(name for name, passed in before.items() if not passed)} failed; dedup_tracks ..."
    yield from execute(settings, "dedup_tracks", dry_run=False)


def _check_steps(settings: Settings, after: dict[str, bool]) -> Iterator[str]:
    """Checks the table again; fills in the results."""
    yield f"{CHECKS} takes another census ..."
    yield from execute(settings, CHECKS)
    after.update(results(settings))


def _hourly_steps(settings: Settings, hours: list[datetime]) -> Iterator[str]:
    """Writes the export and takes it through the graph."""
    export = Path(settings.export_uri)
    # Re-deliveries reach half a day back, to hours that were never exported here: too little to count as moved.
    plan = ExportPlan(events_per_hour=EVENTS_AN_HOUR, export_start=hours[0] - 12 * HOUR)
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
        run(demo_settings(os.environ, datetime.now(UTC)), Console())
    except DemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
