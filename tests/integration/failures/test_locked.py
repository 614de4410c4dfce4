"""A warehouse that another process holds: a bounded wait, then who holds it; and two loaders at once lose nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from examples.export_generator.generate import write_hour
from tracks_assets.core.errors import WarehouseError
from tracks_assets.defs.posthog.hourly import hourly_assets
from tracks_assets.defs.shared.dbt_manifest import dbt_executable
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

from .sites import FIRST, PLAN, SECOND, Site, child, cut_off_the_footer, holding, loader

pytestmark = pytest.mark.slow

PYTHON = Path(sys.executable).resolve()


def held(site: Site, pid: int, waited: str) -> str:
    return (
        f"The warehouse {site.warehouse} is held by process {pid} ({PYTHON}). That process did not finish "
        f"within {waited} seconds. Wait for it to finish, then run again."
    )


def test_a_held_warehouse_is_waited_for_a_while_then_its_holder_is_named(site: Site) -> None:
    before = site.contents()
    with holding(site.warehouse) as holder, pytest.raises(WarehouseError) as caught:
        site.load(lock_wait=1.5)
    assert str(caught.value) == held(site, holder.pid, "1.5")
    assert site.contents() == before


def test_a_warehouse_that_is_let_go_in_time_is_loaded(site: Site) -> None:
    before = site.contents()
    with holding(site.warehouse, seconds=1):
        site.load(lock_wait=30)
    assert site.contents() == before


def failure_of(site: Site) -> list[str]:
    """The messages of the errors that a failed run of raw_tracks shows, outermost first."""
    settings = read_settings({"TRACKS_HOME": str(site.folder), "TRACKS_STEP_RETRIES": "0"})
    resources = {
        "export": Export(settings.export_uri),
        "warehouse": WarehouseOpener(settings.model_copy(update={"duckdb_path": site.warehouse}), lock_wait=0.5),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            hourly_assets(settings),
            selection='key:"posthog/raw_tracks"',
            partition_key="2026-03-12-00:00",
            resources=resources,
            instance=instance,
            raise_on_error=False,
        )
    error, messages = result.failure_data_for_node("posthog__raw_tracks"), []
    cause = error.error if error else None
    while cause is not None:
        messages.append(cause.message.strip())
        cause = cause.cause
    return messages


def test_a_run_shows_who_holds_the_warehouse(site: Site) -> None:
    before = site.contents()
    with holding(site.warehouse) as holder:
        messages = failure_of(site)
    name = "tracks_assets.core.errors.TransientWarehouseError"
    assert messages[1] == f"{name}: {held(site, holder.pid, '0.5')}"
    assert site.contents() == before


def test_a_run_shows_which_file_is_torn(site: Site) -> None:
    before = site.contents()
    cut_off_the_footer(site)
    interval = "2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00"
    assert failure_of(site)[1] == (
        f"tracks_assets.core.errors.ExportError: The file events/2026-03-12/01/{interval}.parquet.sz cannot be "
        f"read as Parquet (Parquet magic bytes not found in footer). Let PostHog export the hour again."
    )
    assert site.contents() == before


@pytest.mark.thorough
def test_dbt_names_the_holder_and_merges_nothing(site: Site, tmp_path: Path) -> None:
    before = site.contents()
    profile = (DBT_PROJECT / "profiles.yml").read_text()
    assert profile.count("connect_attempts: 6") == 1
    (tmp_path / "profiles.yml").write_text(profile.replace("connect_attempts: 6", "connect_attempts: 1"))
    command = [dbt_executable(), "run", "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(tmp_path)]
    command += ["--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "log")]
    variables = read_settings({"TRACKS_HOME": str(site.folder)}).child_environment()
    with holding(site.warehouse) as holder:
        done = subprocess.run(command, env=os.environ | variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    reported = f'Could not set lock on file "{site.warehouse}": Conflicting lock is held in {PYTHON} (PID {holder.pid})'
    assert reported in re.sub(r"\s+", " ", done.stdout)
    assert site.contents() == before


def test_a_warehouse_that_is_no_warehouse_says_so(site: Site) -> None:
    site.warehouse.write_text("not a database\n" * 1_000)
    with pytest.raises(WarehouseError) as caught:
        site.load()
    assert str(caught.value) == (
        f'The warehouse {site.warehouse} cannot be opened (IO Error: The file "{site.warehouse}" exists, but it is '
        f"not a valid DuckDB database file!). Set TRACKS_DUCKDB_PATH to a DuckDB file, or to a new file in a "
        f"folder that exists."
    )
    assert site.warehouse.read_text() == "not a database\n" * 1_000


def test_a_table_with_other_columns_is_named_before_a_statement_fails(site: Site) -> None:
    """It would fail as a statement that is wrong, and look like a bug."""
    with duckdb.connect(str(site.warehouse)) as connection:
        connection.execute("alter table posthog.raw_tracks drop column locale")
    before = site.contents()
    with pytest.raises(WarehouseError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The table posthog.raw_tracks of the warehouse {site.warehouse} does not fit. It has no column locale. "
        f"Change it with alter table, or set TRACKS_DUCKDB_PATH to another file."
    )
    assert site.contents() == before


def test_a_warehouse_that_is_refused_gets_no_missing_table(site: Site) -> None:
    names = "select table_name from duckdb_tables() order by all"
    with duckdb.connect(str(site.warehouse)) as connection:
        connection.execute("alter table posthog.raw_tracks drop column locale; drop table posthog.tracks")
        before = connection.execute(names).fetchall()
    with pytest.raises(WarehouseError):
        site.load()
    with duckdb.connect(str(site.warehouse)) as connection:
        assert connection.execute(names).fetchall() == before


def test_two_processes_load_different_hours_at_once(site: Site) -> None:
    bigger = PLAN.model_copy(update={"events_per_hour": 3_000})
    rows = {hour: write_hour(site.export, hour, bigger) for hour in (FIRST, SECOND)}
    with child(loader(site, FIRST)) as one, child(loader(site, SECOND)) as other:
        text = [process.communicate(timeout=900)[0] for process in (one, other)]
    expected = {key: each.rows - each.malformed for key, each in zip(site.hours(), rows.values(), strict=True)}
    assert text == [f"loading\nloaded {accepted}\n" for accepted in expected.values()]
    assert site.hours() == expected
    assert len(site.contents()["posthog.rejected_tracks"]) == sum(each.malformed for each in rows.values())
