"""The demo's means: it runs what an engineer would type, and reads its figures from Dagster's record or the tables."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg

from examples.demo.home import DemoError
from tracks_assets.core.sql_files import macros, render
from tracks_assets.core.tables import Table
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.settings import Settings
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import Parameters
from tracks_assets.warehouse.statements import SQL, TableReference
from tracks_assets.warehouse.tables import TABLES, VIEWS

ROOT = Path(__file__).parents[2]
"""The project's folder, where ``dg`` finds the project."""

_SQL = Path(__file__).parent

# Lines of a run's log that say how far it is; the rest is for the UI.
_SHOWN = (
    *(" loaded (", " merged in ", " is taken", " are archived", " is verified and published"),
    " changes persons in ",
)


def materialize(settings: Settings, assets: str, first: str, last: str) -> Iterator[str]:
    """Runs the selected assets for a range of partitions; yields what ``launch`` yields."""
    return launch(settings, "--assets", assets, "--partition-range", f"{first}...{last}")


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


def check_results(settings: Settings, job: str) -> dict[str, bool]:
    """The results of the newest run of a job: whether each check passed, by its name."""
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        (run,) = instance.get_runs(dg.RunsFilter(job_name=job), limit=1)
        records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
        events = [record.event_log_entry.dagster_event for record in records]
    found = [event.asset_check_evaluation_data for event in events if event]
    return {each.check_name: each.passed for each in found}


def recorded(settings: Settings, table: Table, partition: str) -> dict[str, Any]:
    """The metadata of the newest materialization of a partition, by name."""
    wanted = dg.AssetRecordsFilter(table_key(table), asset_partitions=[partition])
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        (record,) = instance.fetch_materializations(wanted, limit=1).records
    found = record.asset_materialization
    return {name: entry.value for name, entry in found.metadata.items()} if found else {}


def look_up(settings: Settings, statement: str, parameters: Parameters | None = None) -> dict[str, Any]:
    """The one row that a statement of this folder returns, by its columns' names."""
    tables = {table.name: TableReference(table, str(table)) for table in (*TABLES, *VIEWS)}
    text = render(_SQL / f"{statement}.sql", {**tables, "shared": macros(SQL / "macros.sql")})
    with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
        result = warehouse.connection.execute(text, parameters)
        (row,) = result.fetchall()
        return dict(zip((column[0] for column in result.description), row, strict=True))


def keys_of(hours: list[datetime], form: str) -> tuple[str, str]:
    """The keys of the first and the last partition."""
    return f"{hours[0]:{form}}", f"{hours[-1]:{form}}"
