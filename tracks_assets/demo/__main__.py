"""``make demo``: an example export goes through the pipeline, once as eight hours and once as re-deliveries.

It runs what an engineer would type, ``dagster asset materialize``, and reads its figures where the Dagster UI reads
them: from the materializations' metadata.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tracks_assets.demo.generate import redeliver, write_hours
from tracks_assets.demo.plan import ExportPlan
from tracks_assets.demo.report import HourRow, report
from tracks_assets.export.layout import HOUR
from tracks_assets.settings import PARTITION_FORMAT, Settings, read_settings
from tracks_assets.warehouse.connect import connect_warehouse

HOURS = 8
EVENTS_AN_HOUR = 20_000
REDELIVERED = 400

SELECTION = 'key:"posthog/events_parquet" or key:"posthog/raw_tracks" or key:"posthog/tracks"'

# Lines of a run's log that say how far it is; the rest is for the UI.
_TELLING = (" loaded (", " merged in ")

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


def materialize(settings: Settings, *partition: str) -> Iterator[str]:
    """Runs the hourly path for a partition or a range as a command of its own; yields the log lines that tell most.

    Raises:
        DemoError: the run failed; its log stands in the message.
    """
    command = [str(Path(sys.executable).parent / "dagster"), "asset", "materialize"]
    command += ["-m", "tracks_assets.definitions", "--select", SELECTION, *partition]
    with subprocess.Popen(
        command, env=_environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
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
    return inherited | {"TRACKS_HOME": str(settings.home), "DAGSTER_HOME": str(settings.dagster_home)}


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
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("")
        for step in _steps(settings, hours):
            progress.update(task, description=step)
            progress.console.print(f"  {step}", highlight=False, style="dim")
    with connect_warehouse(settings.engine, settings.duckdb_path).opened() as warehouse:
        totals = warehouse.total_tracks(settings.cutover)
    console.print(report(hour_rows(settings, hours), totals, time.monotonic() - started))
    console.print("[bold]make ui[/] opens the same data in the Dagster UI at http://127.0.0.1:3000", highlight=False)


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
