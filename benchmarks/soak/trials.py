"""Trials after all hours are loaded, with no service running: each has a required end and must change nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copy

import duckdb

from benchmarks.soak.checks import census_finds
from benchmarks.soak.promises import Pair, broken_promises
from benchmarks.soak.soak import Soak
from tracks_assets.defs.shared.dbt_manifest import parsed_state
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

_FINGERPRINT = "select count(*), sum(hash(rows)::hugeint) from ({rows}) as rows"
_ROWS = (
    "select * exclude (bq_ingested_timestamp) from posthog.raw_tracks",
    "select * from posthog.tracks where event_id not in (select event_id from posthog_ops.tracks_collisions)",
    # A merge that sees a collision again writes the insert time that was noted beside the row into it: that of
    # the last delivery that repeated it. So these rows are compared with that time, and without the loader's stamp.
    """
    with repeats as (
        select
            event_id,
            stored_inserted_at,
            stored_ingested_timestamp,
            max(event_inserted_at) as repeated_at
        from posthog_ops.unchanged_redeliveries
        group by all
    )
    select
        tracks.* exclude (event_inserted_at, bq_ingested_timestamp),
        coalesce(repeats.repeated_at, tracks.event_inserted_at) as last_inserted_at
    from posthog.tracks
    left join repeats
        on
            tracks.event_id = repeats.event_id
            and tracks.event_inserted_at is not distinct from repeats.stored_inserted_at
            and tracks.bq_ingested_timestamp is not distinct from repeats.stored_ingested_timestamp
    """,
)

Trial = Callable[[Soak, Pair], bool]


def failed_trials(soak: Soak, pair: Pair, trials: dict[str, Trial]) -> list[str]:
    """The trials that did not end as they must."""
    failed = []
    for name, trial in trials.items():
        before = _fingerprints(soak.home.settings.duckdb_path)
        soak.report(f"     {name}")
        if not trial(soak, pair):
            failed.append(f"{name} did not end as it must")
        if _fingerprints(soak.home.settings.duckdb_path) != before:
            failed.append(f"{name} changed tracks or raw_tracks")
    return failed


def _fingerprints(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return [row for rows in _ROWS for row in connection.execute(_FINGERPRINT.format(rows=rows)).fetchall()]


def _run_last_again(soak: Soak, _: Pair) -> bool:
    return _last(soak) == 0


def _last(soak: Soak) -> int:
    return soak.home.materialize(soak.delivered[-1].hour, soak.delivered[-1].hour)


def _bare_dbt(soak: Soak, _: Pair) -> bool:
    settings = soak.home.settings
    state = str(parsed_state(settings, DBT_PROJECT))
    command = [str(Path(sys.executable).with_name("dbt")), "build", "--exclude", "test_type:unit unique_event_id_all"]
    command += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    command += ["--target-path", state, "--log-path", state]
    with soak.home.log.open("a") as output:
        done = subprocess.run(
            command,
            env=os.environ | settings.child_environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    return done.returncode == 0


def _without_files(soak: Soak, _: Pair) -> bool:
    return _is_refused_without(soak, soak.delivered[-1].folder)


def _without_a_part(soak: Soak, _: Pair) -> bool:
    return _is_refused_without(soak, max(soak.delivered[-1].folder.glob("*.parquet*")))


def _is_refused_without(soak: Soak, path: Path) -> bool:
    away = path.with_name(f".{path.name}.away")
    path.rename(away)
    try:
        return _last(soak) != 0
    finally:
        away.rename(path)


def _with_a_foreign_file(soak: Soak, _: Pair) -> bool:
    folder, other = soak.delivered[-1].folder, soak.delivered[-2].folder
    foreign, (manifest,) = min(other.glob("*.parquet*")), folder.glob("*manifest.json")
    right = manifest.read_text()
    copy(foreign, folder)
    key = (folder / foreign.name).relative_to(soak.home.path / "export").as_posix()
    manifest.write_text(json.dumps({"files": [*json.loads(right)["files"], key]}))
    try:
        return _last(soak) != 0
    finally:
        (folder / foreign.name).unlink()
        manifest.write_text(right)


def _job(soak: Soak, job: str, kill_after: float | None = None, **config: object) -> int:
    given = soak.home.path.parent / "config.yaml"
    given.write_text(json.dumps({"ops": {"preflight": {"config": config}}}))
    return soak.home.command(["job", "execute", "--job", job, "--config", str(given)], kill_after)


def _dry_dedup(soak: Soak, _: Pair) -> bool:
    return _job(soak, "dedup_tracks") == 0


def _dedup_and_rollback(soak: Soak, pair: Pair) -> bool:
    """Killed on the way, then to its end, after which nothing is duplicated; and taken back."""
    for _ in range(2):
        _job(soak, "dedup_tracks", kill_after=soak.chance.uniform(1.0, 6.0), dry_run=False)
    is_done = _job(soak, "dedup_tracks", dry_run=False) == 0
    path, account = soak.home.settings.duckdb_path, soak.account()
    broken = [broken_promises(path, account, Pair(pair.event_id, (moment,))) for moment in pair.times]
    is_undone = _job(soak, "rollback_dedup", dry_run=False) == 0
    return is_done and not min(broken, key=len) and is_undone


FEW: dict[str, Trial] = {
    "running the last hour again": _run_last_again,
    "running an hour whose files are gone, which must be refused": _without_files,
}
"""The trials of the short form."""

ALL: dict[str, Trial] = FEW | {
    "a bare dbt build": _bare_dbt,
    "running an hour without one of its parts, which must be refused": _without_a_part,
    "running an hour with a file of another hour, which must be refused": _with_a_foreign_file,
    "a census": census_finds,
    "a dry dedup": _dry_dedup,
    "a dedup that is killed, repeated and rolled back": _dedup_and_rollback,
}
