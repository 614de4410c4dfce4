"""The restore as an engineer starts it: the Dagster jobs, dry and for real, undone, and killed in the middle."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from tests.integration.failures.sites import child, kill_group, wait_for
from tests.integration.graph.conftest import Home
from tests.repairs.dedup.jobs import command
from tests.repairs.restore_times.moved_rows import DAY, MINTED, insert, pairs, row, seconds, uuid7
from tests.repairs.restore_times.test_restore import NOW, MovedInTime
from tracks_assets.defs.repairs.restore import restore_created_at, rollback_restore_created_at
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.repairs.restore_times.pages import plan_page
from tracks_assets.repairs.restore_times.restore import plan
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.tables import TRACKS

pytestmark = pytest.mark.slow

FINE = MINTED + timedelta(microseconds=123)


@pytest.fixture
def moved_in_time(tmp_path: Path) -> MovedInTime:
    warehouse = MovedInTime(tmp_path / "warehouse.duckdb")
    warehouse.put(
        *pairs(),
        row(uuid7(MINTED + 31 * DAY), MINTED + 40 * DAY, f'{{"$time": {seconds(FINE + 31 * DAY)}}}'),
        row("3c9d27e5-2d9b-4a5c-8b1e-0d8f5a6b7c8d", MINTED),
        row(uuid7(MINTED, 50), MINTED - 2 * DAY),
    )
    return warehouse


def execute(moved_in_time: MovedInTime, job: dg.JobDefinition, **config: object) -> list[dict[str, Any]]:
    """Runs a job to its end; returns the metadata that its steps put out, by name."""
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config={"ops": {"preflight": {"config": config}}},
            resources={"warehouse": WarehouseOpener(read_settings({"TRACKS_DUCKDB_PATH": str(moved_in_time.path)}))},
            instance=instance,
        )
    outputs = [event.step_output_data.metadata for event in result.all_node_events if event.is_successful_output]
    return [{name: value.value for name, value in metadata.items()} for metadata in outputs if "page" in metadata]


COUNTED = """\
- rows in posthog.tracks: 19
- rows whose id is a UUIDv7 and carries a time: 18
- rows whose id is of another version, never touched: 1 (5.3%)
- rows later than their id says by more than 24 h: {later}
- the same, but their id's own time is from before 2000, so they stay: 0
- rows earlier than their id says by more than 24 h, which stay: 1
"""

MONTHS = """\
| month | rows | by $time | by the id | moved to |
| --- | ---: | ---: | ---: | --- |
| 2026-03 | 12 | 0 | 12 | 2026-04 to 2026-05 |
| 2026-04 | 1 | 1 | 0 | 2026-04 |
"""


def test_dry_by_default_then_for_real_then_back(moved_in_time: MovedInTime) -> None:
    before, rows_before = moved_in_time.contents(), moved_in_time.tracks()

    (dry,) = execute(moved_in_time, restore_created_at)
    assert moved_in_time.contents() == before
    assert "a dry run, nothing was changed" in dry["page"]
    assert (dry["rows"], dry["rows_to_restore"], dry["share_of_other_versions"]) == (19, 13, 1 / 19)

    done = execute(moved_in_time, restore_created_at, dry_run=False)[-1]["page"]
    assert "- times restored, the old ones in posthog_ops.archived_times: 13\n" in done
    assert COUNTED.format(later=0) in done
    assert done.endswith(f"## By the month that the rows came back to\n\n{MONTHS.rstrip()}")
    assert moved_in_time.query("select state, rows_archived from posthog_ops.tracks_repairs") == [("reported", 13)]
    assert moved_in_time.query("select moved_rows from posthog_ops.duplicate_census") == [(1,)]
    assert moved_in_time.query("select expires_at - started_at = interval 14 days from posthog_ops.tracks_repairs") == [
        (True,)
    ]

    after = moved_in_time.contents()
    (nothing,) = execute(moved_in_time, restore_created_at, dry_run=False)
    assert nothing["page"] == (
        "Nothing to do: no event of posthog.tracks is later than its id says. No snapshot was taken.\n\n"
        + COUNTED.format(later=0).rstrip()
    )
    assert moved_in_time.contents() == after

    (text,) = execute(moved_in_time, rollback_restore_created_at)
    assert moved_in_time.contents() == after
    assert "a dry run, nothing was changed" in text["page"]

    undone = execute(moved_in_time, rollback_restore_created_at, dry_run=False)[-1]["page"]
    assert undone.partition("\n\n")[2] == (
        "- times that it replaced: 13\n"
        "- rows that still carry the restored time, and get the earlier one back: 13\n"
        "- rows that were moved or removed since, and stay as they are: 0\n"
        "- its events that changed since: 0"
    )
    assert moved_in_time.tracks() == rows_before
    assert moved_in_time.query("select moved_rows from posthog_ops.duplicate_census order by measured_at") == [
        (1,),
        (14,),
    ]


def test_the_page_of_a_plan(moved_in_time: MovedInTime) -> None:
    with moved_in_time.warehouse().opened() as warehouse:
        planned = plan(warehouse, NOW, 24)
    dry, real = plan_page(planned, is_dry=True), plan_page(planned, is_dry=False)
    assert dry.startswith(
        "# restore_20260612_093000_000000: a dry run, nothing was changed\n\n" + COUNTED.format(later=13)
    )
    assert real.startswith("# restore_20260612_093000_000000: what is being done\n")
    assert f"## By the month that the rows come back to\n\n{MONTHS}\n## A sample of up to 20 rows\n" in dry
    assert (
        f"| {uuid7(MINTED + 31 * DAY)} | open | 2026-04-21 00:30:00+00:00 | 2026-04-12 00:30:00.000123+00:00 | $time |"
        in dry
    )
    assert "update posthog.tracks set\n" in dry
    assert dry.endswith("To do it, run restore_created_at with dry_run: false in the config of its op preflight.")
    assert not real.endswith("op preflight.")


@pytest.mark.parametrize("hours", [0, 8761])
def test_a_tolerance_out_of_bounds_does_not_start(moved_in_time: MovedInTime, hours: int) -> None:
    before = moved_in_time.contents()
    with pytest.raises(ValidationError, match="tolerance_hours"):
        execute(moved_in_time, restore_created_at, tolerance_hours=hours)
    assert moved_in_time.contents() == before


KILLED_AT = ("rows later than their id says", "is taken", "restores times in posthog.tracks", "verified and published")


@pytest.mark.nightly
def test_a_restore_that_is_killed_is_whole_after_the_next_start(home: Home) -> None:
    """kill -9 right after each step; the next start clears or finishes what it left."""
    moved_in_time = MovedInTime(home.path / "warehouse.duckdb")
    with moved_in_time.warehouse().opened() as warehouse:
        insert(warehouse.connection, TRACKS, *pairs())
        warehouse.connection.execute(
            "insert into posthog.tracks by name select printf('019cdf73-4740-7000-8000-%012x', n + 1000) as event_id, "
            "timestamptz '2026-05-01' as created_at from range(100_000) as numbers (n)"
        )
    before = moved_in_time.tracks()
    for words in KILLED_AT:
        with child(command("restore_created_at", dry_run=False), home.environment) as process:
            wait_for(process, words)
            kill_group(process)
        later = moved_in_time.query("select count(*) from posthog.tracks where created_at > $1", [MINTED + DAY])
        assert moved_in_time.tracks() == before if later != [(0,)] else words == KILLED_AT[-1]
    with child(command("restore_created_at", dry_run=False), home.environment) as process:
        wait_for(process, "Nothing to do")
        assert process.wait(900) == 0

    assert moved_in_time.query("select count(*), count(distinct restore_id) from posthog_ops.archived_times") == [
        (100_012, 1)
    ]
    assert moved_in_time.query("select state from posthog_ops.tracks_repairs") == [("reported",)]
    assert len(moved_in_time.snapshots()) == 1
    with moved_in_time.warehouse().opened() as warehouse:
        assert plan(warehouse, NOW, 24).times.moved == 0
