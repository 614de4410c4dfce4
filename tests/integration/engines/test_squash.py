"""Events get the current person of their user on every engine, keep it whatever is delivered, and lose it if undone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.engines.engine import Engine, Row
from tracks_assets.repairs.squash.rollback import roll_back
from tracks_assets.repairs.squash.squash import (
    Squash,
    State,
    begin,
    plan,
    squash_rows,
)
from tracks_assets.warehouse.tables import ARCHIVED_PERSON_IDS, PERSON_DISTINCT_IDS, SQUASH_MAPPINGS, TRACKS

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
FIRST = datetime(2026, 3, 12, 12, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MANY = 1_000_000


def event(event_id: str | None, user: str | None, person: str | None, days: int = 0, **values: object) -> Row:
    """A row of tracks."""
    return {
        "event_id": event_id,
        "created_at": FIRST + days * DAY,
        "event_name": "open",
        "user_id": user,
        "person_id": person,
        "event_payload": '{"n": 1}',
        "bq_ingested_timestamp": FIRST + 30 * DAY,
        "event_inserted_at": FIRST + days * DAY + MINUTE,
    } | values


def mapping(user: str, person: str | None, team: int = 1, *, is_deleted: bool | None = False) -> Row:
    """A row of person_distinct_ids."""
    return {"team_id": team, "distinct_id": user, "person_id": person, "is_deleted": is_deleted}


CHANGED = [
    event("wrong", "ann", "old"),
    event("without a person", "ann", None, days=1),
    event("far away", "bob", "old", days=40),
    event("without a time", "bob", "old", created_at=None),
    event("twice", "ann", "older"),
    event("twice", "ann", "old", days=3),
]
LEFT = [
    event("right", "ann", "p ann"),
    event("deleted", "carl", "old"),
    event("unknown", "dora", "old"),
    event("no person", "emil", "old"),
    event("of nobody", None, "old"),
    event(None, "ann", "old"),
    event("of another team", "fred", "old"),
]
MAPPINGS = [
    mapping("ann", "p ann"),
    mapping("bob", "p bob", is_deleted=None),
    mapping("carl", "p carl", is_deleted=True),
    mapping("emil", None),
]


def squash(engine: Engine, at: datetime = NOW, rows_per_batch: int = MANY, team: int | None = None) -> Squash | None:
    """A squash from its plan to its end."""
    with engine.opened() as warehouse:
        planned = plan(warehouse, at, team, rows_per_batch)
        if planned is None:
            return None
        if not planned.is_resumed:
            begin(warehouse, planned.squash)
    with engine.opened() as warehouse:
        return squash_rows(warehouse, planned.squash.squash_id, rows_per_batch, lambda: at, lambda _: None)


def undo(engine: Engine, wanted: str = "newest") -> tuple[int, int]:
    """A rollback: rows given back, and rows that stayed."""
    with engine.opened() as warehouse:
        done = roll_back(warehouse, wanted)
    return done.to_give_back, done.kept


def persons(engine: Engine) -> list[tuple[str | None, str | None]]:
    """Events with their persons, in order."""
    found = [(row["event_id"], row["person_id"]) for row in engine.rows(TRACKS)]
    return sorted(found, key=str)


def person(engine: Engine, event_id: str) -> str | None:
    """The person of one event."""
    (found,) = [each for name, each in persons(engine) if name == event_id]
    return found


@pytest.fixture
def outdated(engine: Engine) -> Engine:
    """Events of which some have an outdated person."""
    engine.put(TRACKS, *CHANGED, *LEFT)
    engine.put(PERSON_DISTINCT_IDS, *MAPPINGS)
    return engine


def test_each_row_gets_the_current_person_and_nothing_else_changes(outdated: Engine) -> None:
    everything, left = outdated.rows(TRACKS), outdated.rows(TRACKS, but=["person_id"])
    before = outdated.contents()
    with outdated.opened() as warehouse:
        planned = plan(warehouse, NOW, None, 2)
    assert outdated.contents() == before, "a plan changes nothing"
    assert planned is not None
    assert (planned.rows, planned.users, planned.persons, planned.days) == (6, 2, 2, 5)
    assert [batch.rows for batch in planned.batches] == [2, 2, 2]
    assert [row["event_id"] for row in planned.sample] == [
        "far away",
        *("twice", "twice"),
        "without a person",
        "without a time",
        "wrong",
    ]
    assert [each.name for each in planned.statements] == [
        "squash_state",
        "archive_person_ids",
        "squash_person_ids",
        "squash_state",
    ]

    done = squash(outdated, rows_per_batch=2)

    assert done == replace(planned.squash, state=State.FINISHED, rows_squashed=6, batches_done=3)
    expected = {"ann": "p ann", "bob": "p bob"}
    assert persons(outdated) == sorted(
        [(row["event_id"], expected[str(row["user_id"])]) for row in CHANGED]
        + [(row["event_id"], row["person_id"]) for row in LEFT],
        key=str,
    )
    assert outdated.rows(TRACKS, but=["person_id"]) == left
    archived = outdated.rows(ARCHIVED_PERSON_IDS)
    assert sorted(((each["event_id"], each["person_id"]) for each in archived), key=str) == sorted(
        ((each["event_id"], each["person_id"]) for each in CHANGED), key=str
    )
    assert {(each["squash_id"], each["squashed_at"]) for each in archived} == {(done.squash_id, NOW)}
    assert outdated.rows(SQUASH_MAPPINGS) == []
    assert squash(outdated, NOW + DAY) is None, "nothing is left to do"

    assert undo(outdated) == (6, 0)
    assert outdated.rows(TRACKS) == everything
    assert outdated.rows(ARCHIVED_PERSON_IDS) == []
