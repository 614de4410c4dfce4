"""Merges and squashes in any order: an event has the content of its last delivery and the person of its last squash.

All squashes undone, and all hours loaded and merged again, tracks is as if there had been none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.engines.memory import MemoryWarehouse
from tests.support.random_examples import few
from tracks_assets.repairs.squash.rollback import roll_back
from tracks_assets.repairs.squash.squash import Squash, State, begin, find_rows, squash_rows, squashes
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.duckdb.repairing import DuckDbRepairs
from tracks_assets.warehouse.repairing import RepairSupport
from tracks_assets.warehouse.tables import ARCHIVED_PERSON_IDS, PERSON_DISTINCT_IDS, PERSON_SQUASHES, TRACKS

from .deliveries import FIRST_HOUR, HOURS, LOADED, Exported, Merge, Reload, Step, exports, runs
from .merge_engine import MergeEngine, Row
from .test_merge_property import collided, collisions, expected, in_order, start, stored

pytestmark = pytest.mark.slow

TEAM, USER = 1, "user 1"
BATCH = 3


@dataclass(frozen=True)
class Squashed:
    """Gives the user a person, which some deliveries have as well, and squashes."""

    person: int


@dataclass(frozen=True)
class Undone:
    """Rolls the newest squash back, if there is one."""


AnyStep = Step | Squashed | Undone


class SquashingWarehouse(MemoryWarehouse):
    """The tables of the merge's engine, as a repair opens them."""

    @property
    def repairing(self) -> RepairSupport:
        """See ``Warehouse.repairing``."""
        return DuckDbRepairs(self, Path(), lambda *_: "[]")


@st.composite
def with_squashes(draw: st.DrawFn, kinds: st.SearchStrategy[AnyStep]) -> list[AnyStep]:
    """Runs of the hours, with other steps anywhere among them."""
    steps: list[AnyStep] = list(draw(runs()))
    for step in draw(st.lists(kinds, min_size=1, max_size=4)):
        steps.insert(draw(st.integers(0, len(steps))), step)
    return steps


squashed = st.builds(Squashed, st.integers(0, 3))
undone = st.builds(Undone)


def squash(engine: MergeEngine, person: str, number: int) -> list[Row]:
    """Squashes the one user's person; returns the events that had another, as they were."""
    engine.fill(PERSON_DISTINCT_IDS, [{"team_id": TEAM, "distinct_id": USER, "person_id": person}])
    warehouse, now = SquashingWarehouse(engine.connection), LOADED + timedelta(days=number)
    run = Squash(f"squash {number}", State.RUNNING, now, TEAM, rows_planned=0)
    find_rows(warehouse, run, is_kept=False)
    begin(warehouse, run)
    changed = engine.rows(
        f"select event_id, person_id from {TRACKS} where user_id = '{USER}' and person_id is distinct from '{person}'"
    )
    done = squash_rows(warehouse, run.squash_id, BATCH, lambda: now, lambda _: None)
    assert (done.state, done.rows_squashed) == (State.FINISHED, len(changed))
    return changed


def undo(engine: MergeEngine) -> bool:
    """Rolls the newest squash back; whether there was one."""
    warehouse = SquashingWarehouse(engine.connection)
    if all(each.state == State.ROLLED_BACK for each in squashes(warehouse)):
        return False
    roll_back(warehouse, "newest")
    return True


def done_in_order(engine: MergeEngine, steps: Sequence[AnyStep]) -> dict[str, str]:
    """Runs the steps; returns the person that a squash last gave each event."""
    engine.fill(PERSON_SQUASHES, [])
    engine.fill(ARCHIVED_PERSON_IDS, [])
    given: dict[str, str] = {}
    for number, step in enumerate(steps, start=1):
        if isinstance(step, Squashed):
            person = f"person_id {step.person}"
            given |= dict.fromkeys((row["event_id"] for row in squash(engine, person, number)), person)
        elif isinstance(step, Undone):
            undo(engine)
        elif isinstance(step, Reload):
            reload(engine, step.hour, number)
        else:
            engine.run(*step.window)
    return given


def reload(engine: MergeEngine, hour: int, number: int) -> None:
    """Loads an hour again: the same deliveries with a later stamp."""
    engine.connection.execute(
        f"update {RAW_TRACKS} set bq_ingested_timestamp = $1 where window_start = $2",
        [LOADED + timedelta(days=number), FIRST_HOUR + timedelta(hours=hour)],
    )


def with_persons(rows: Sequence[Row], given: dict[str, str]) -> list[Row]:
    """The model: an event of the user's has the person that a squash gave it."""
    return [
        row | ({"person_id": given[row["event_id"]]} if row["event_id"] in given and row["user_id"] == USER else {})
        for row in rows
    ]


@few
@given(export=exports(), steps=with_squashes(squashed))
def test_an_event_has_the_content_of_its_last_delivery_and_the_person_of_its_last_squash(
    engine: MergeEngine, export: list[Exported], steps: list[AnyStep]
) -> None:
    start(engine, export)
    given = done_in_order(engine, steps)
    assert stored(engine) == with_persons(expected(export), given)


@few
@given(export=exports(collisions=True), steps=with_squashes(squashed))
def test_a_squash_is_of_one_event_and_not_of_another_under_its_id(
    engine: MergeEngine, export: list[Exported], steps: list[AnyStep]
) -> None:
    """And the deliveries of the others are kept as they were delivered."""
    start(engine, export)
    given = done_in_order(engine, steps)
    assert stored(engine) == with_persons(expected(export), given)
    assert collisions(engine) == in_order(collided(export))


@few
@given(export=exports(collisions=True), steps=with_squashes(squashed | undone))
def test_squashes_that_are_undone_leave_nothing_behind(
    engine: MergeEngine, export: list[Exported], steps: list[AnyStep]
) -> None:
    """Every event that is delivered again has its own person again: none is taken for one that changes nothing."""
    start(engine, export)
    done_in_order(engine, steps)
    while undo(engine):
        pass
    assert engine.rows(f"select * from {ARCHIVED_PERSON_IDS}") == []
    for hour in range(HOURS):
        reload(engine, hour, len(steps) + 1 + hour)
    engine.run(*Merge(0, HOURS).window)
    assert stored(engine) == expected(export)
    assert collisions(engine) == in_order(collided(export))
