"""The squash as an engineer starts it: the Dagster jobs, dry and for real, undone, and killed in the middle."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import ValidationError

from tests.integration.failures.sites import child, kill_group, wait_for
from tests.integration.graph.conftest import Home
from tests.repairs.dedup.jobs import command
from tests.repairs.restore_times.moved_rows import DAY, MINTED, insert, row
from tests.repairs.restore_times.test_restore import MovedInTime
from tracks_assets.defs.repairs.squash import rollback_squash_person_overrides, squash_person_overrides
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS

pytestmark = pytest.mark.slow

NOTHING = (
    "Nothing to do: every event of posthog.tracks has the person of its user, or its user has none in "
    "posthog.person_distinct_ids."
)


@pytest.fixture
def outdated(tmp_path: Path) -> MovedInTime:
    """Five events of two users, three of them with an outdated person, on two days."""
    warehouse = MovedInTime(tmp_path / "warehouse.duckdb")
    warehouse.put(
        row("one", MINTED, user_id="ann", person_id="old"),
        row("two", MINTED, user_id="ann", person_id="p ann"),
        row("three", MINTED + DAY, user_id="ann", person_id="old"),
        row("four", MINTED + DAY, user_id="bob", person_id=None),
        row("five", MINTED, user_id="carl", person_id="old"),
    )
    with warehouse.warehouse().opened() as opened:
        insert(opened.connection, PERSON_DISTINCT_IDS, *(mapping(user) for user in ("ann", "bob")))
    return warehouse


def mapping(user: str, team: int = 1) -> dict[str, Any]:
    """The person of a user."""
    return {"team_id": team, "distinct_id": user, "person_id": f"p {user}"}


def execute(warehouse: MovedInTime, job: dg.JobDefinition, **config: object) -> list[dict[str, Any]]:
    """Runs a job to its end; returns the metadata that its steps put out, by name."""
    settings = read_settings({"TRACKS_DUCKDB_PATH": str(warehouse.path)})
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            run_config={"ops": {"preflight": {"config": config}}},
            resources={"warehouse": WarehouseOpener(settings)},
            instance=instance,
        )
    outputs = [event.step_output_data.metadata for event in result.all_node_events if event.is_successful_output]
    return [{name: value.value for name, value in metadata.items()} for metadata in outputs if "page" in metadata]


def test_dry_by_default_then_for_real_then_back(outdated: MovedInTime) -> None:
    before, tracks = outdated.contents(), outdated.tracks()

    (dry,) = execute(outdated, squash_person_overrides, rows_per_batch=1)
    assert outdated.contents() == before
    assert "a dry run, nothing was changed" in dry["page"]
    assert "- rows whose person changes: 3, on 2 days\n" in dry["page"]
    assert "- their users: 2; the persons that these get: 2; team: 1\n" in dry["page"]
    assert "- batches, of up to 1 rows or of one day: 2\n" in dry["page"]
    assert "| four | bob | 2026-03-13 00:30:00+00:00 | None | p bob |\n" in dry["page"]
    assert "update posthog.tracks as stored set\n" in dry["page"]
    assert dry["page"].endswith(
        "To do it, run squash_person_overrides with dry_run: false in the config of its op preflight."
    )
    assert {name: dry[name] for name in ("rows_to_change", "persons", "days", "batches")} == {
        "rows_to_change": 3,
        "persons": 2,
        "days": 2,
        "batches": 2,
    }
    assert dry["scanned_bytes"] > 0

    done = execute(outdated, squash_person_overrides, dry_run=False, rows_per_batch=1)[-1]["page"]
    assert "- rows changed, their persons before in posthog_ops.archived_person_ids: 3\n" in done
    assert "- batches: 2\n" in done
    query = "select event_id, person_id from posthog.tracks order by all"
    assert outdated.query(query) == [
        ("five", "old"),
        ("four", "p bob"),
        ("one", "p ann"),
        ("three", "p ann"),
        ("two", "p ann"),
    ]

    after = outdated.contents()
    assert execute(outdated, squash_person_overrides, dry_run=False)[-1]["page"] == NOTHING
    (text,) = execute(outdated, rollback_squash_person_overrides)
    assert "a dry run, nothing was changed" in text["page"]
    assert outdated.contents() == after

    undone = execute(outdated, rollback_squash_person_overrides, dry_run=False)[-1]["page"]
    assert undone.partition("\n\n")[2] == (
        "- rows that it changed: 3\n"
        "- rows that still have its person, and get the one before back: 3\n"
        "- rows that were changed or removed since, or whose person before is unknown, and stay: 0"
    )
    assert outdated.tracks() == tracks


def test_a_batch_without_rows_does_not_start(outdated: MovedInTime) -> None:
    before = outdated.contents()
    with pytest.raises(ValidationError, match="rows_per_batch"):
        execute(outdated, squash_person_overrides, rows_per_batch=0)
    assert outdated.contents() == before


KILLED_AT = (
    *("rows whose person changes", "changes persons in posthog.tracks"),
    *(f"Batch {number} is committed" for number in (1, 3, 4, 8)),
)
DAYS = 8


@pytest.mark.nightly
def test_a_squash_that_is_killed_goes_on_at_the_next_start(home: Home) -> None:
    """kill -9 after each step and in the middle of batches, each a day; the persons are those of the first start."""
    outdated = MovedInTime(home.path / "warehouse.duckdb")
    with outdated.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            f"insert into {TRACKS} by name select printf('event %d', n) as event_id, 'old' as person_id, "
            f"timestamptz '2026-05-01' + to_days((n % {DAYS})::int) as created_at, "
            f"printf('user %d', n % 9) as user_id "
            f"from range(200_000) as numbers (n)"
        )
        insert(warehouse.connection, PERSON_DISTINCT_IDS, *(mapping(f"user {number}") for number in range(8)))
    but_persons = "select bit_xor(hash(event_id, user_id, created_at)), count(*) from posthog.tracks"
    before = outdated.query(but_persons)
    started = []
    for words in KILLED_AT:
        with child(command("squash_person_overrides", dry_run=False, rows_per_batch=1), home.environment) as process:
            wait_for(process, words)
            kill_group(process)
        ((squash_id, rows),) = outdated.query("select squash_id, rows_squashed from posthog_ops.person_squashes")
        started.append(squash_id)
        archived = outdated.query("select count(*) from posthog_ops.archived_person_ids")
        changed = outdated.query("select count(*) from posthog.tracks where person_id != 'old'")
        assert changed == archived == [(rows,)]
        outdated.query("update posthog.person_distinct_ids set person_id = 'newer' || person_id")
    with child(command("squash_person_overrides", dry_run=False, rows_per_batch=1), home.environment) as process:
        wait_for(process, ": done")
        assert process.wait(900) == 0

    assert len(set(started)) == 1
    assert outdated.query(but_persons) == before
    assert outdated.query("select state, batches_done from posthog_ops.person_squashes") == [("finished", DAYS)]
    assert outdated.query(
        "select count(*) from posthog.tracks where person_id is distinct from "
        "case when user_id = 'user 8' then 'old' else 'p ' || user_id end"
    ) == [(0,)]
    assert outdated.query("select count(*), count(distinct event_id) from posthog_ops.archived_person_ids") == [
        outdated.query("select count(*), count(*) from posthog.tracks where user_id != 'user 8'")[0]
    ]
