"""What is tried when all hours are run: runs that must change nothing, and runs that must be refused."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import duckdb

from benchmarks.soak.drive import Due
from benchmarks.soak.soak import Soak
from tracks_assets.defs.dbt_manifest import parsed_state
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

_FINGERPRINT = "select count(*), sum(hash(rows)::hugeint) from (select {columns} from posthog.{table}) as rows"
_COLUMNS = {"tracks": "*", "raw_tracks": "* exclude (bq_ingested_timestamp)"}


def failed_trials(soak: Soak) -> list[str]:
    """The trials that did not end as they must."""
    last = Due(soak.delivered[-1].hour, soak.delivered[-1].hour)
    trials: dict[str, Callable[[], bool]] = {
        "running the last hour again": lambda: soak.command(last).code == 0,
        "a bare dbt build": lambda: _bare_dbt(soak) == 0,
        "running an hour whose files are gone, which must be refused": lambda: _without_files(soak, last),
        "running an hour with a file of another hour, which must be refused": lambda: _with_a_foreign_file(soak, last),
    }
    failed = []
    for name, trial in trials.items():
        before = _fingerprints(soak.settings.duckdb_path)
        if not trial():
            failed.append(f"{name} did not end as it must")
        if _fingerprints(soak.settings.duckdb_path) != before:
            failed.append(f"{name} changed tracks or raw_tracks")
    return failed


def _fingerprints(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        statements = [_FINGERPRINT.format(table=table, columns=columns) for table, columns in _COLUMNS.items()]
        return [row for statement in statements for row in connection.execute(statement).fetchall()]


def _bare_dbt(soak: Soak) -> int:
    state = str(parsed_state(soak.settings, DBT_PROJECT))
    command = [str(Path(sys.executable).with_name("dbt")), "build", "--exclude", "test_type:unit unique_event_id_all"]
    command += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    command += ["--target-path", state, "--log-path", state]
    with soak.log.open("a") as output:
        return subprocess.run(
            command,
            env=os.environ | soak.settings.child_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode


def _without_files(soak: Soak, due: Due) -> bool:
    folder = soak.delivered[-1].folder
    away = folder.with_name(f".{folder.name}.away")
    folder.rename(away)
    try:
        return soak.command(due).code != 0
    finally:
        away.rename(folder)


def _with_a_foreign_file(soak: Soak, due: Due) -> bool:
    folder, other = soak.delivered[-1].folder, soak.delivered[-2].folder
    foreign, (manifest,) = min(other.glob("*.parquet*")), folder.glob("*manifest.json")
    right = manifest.read_text()
    copy(foreign, folder)
    key = (folder / foreign.name).relative_to(soak.home / "export").as_posix()
    manifest.write_text(json.dumps({"files": [*json.loads(right)["files"], key]}))
    try:
        return soak.command(due).code != 0
    finally:
        (folder / foreign.name).unlink()
        manifest.write_text(right)
