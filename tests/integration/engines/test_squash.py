"""Events get the current person of their user on every engine, keep it whatever is delivered, and lose it if undone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from tests.integration.engines.engine import Engine, Row
from tracks_assets.core.errors import WarehouseError
from tracks_assets.repairs.repair import RepairError
from tracks_assets.repairs.squash.rollback import plan_rollback, roll_back
from tracks_assets.repairs.squash.squash import (
    Squash,
    State,
    begin,
    find_rows,
    find_squash,
    plan,
    squash_batch,
    squash_rows,
)
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import (
    ARCHIVED_PERSON_IDS,
    PERSON_DISTINCT_IDS,
    SQUASH_MAPPINGS,
    TRACKS,
    TRACKS_COLLISIONS,
)

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


def deliver(engine: Engine, hour: int, *rows: Row) -> None:
    """Puts deliveries into an export hour, and merges it."""
    start = FIRST + hour * HOUR
    window = {"window_start": start, "source_file": "one", "bq_ingested_timestamp": FIRST + DAY + hour * HOUR}
    engine.put(RAW_TRACKS, *(row | window for row in rows))
    engine.merge(start, start + HOUR)


def delivered(content: int, inserted: int = 0, person: str = "old") -> Row:
    """A delivery of Ann's event."""
    payload, inserted_at = f'{{"n": {content}}}', FIRST + inserted * MINUTE
    return event("an event", "ann", person, event_payload=payload, event_inserted_at=inserted_at)


def stored(engine: Engine) -> tuple[str | None, int]:
    """The person and the content of Ann's event."""
    (row,) = engine.rows(TRACKS)
    return row["person_id"], row["event_payload"]["n"]


def test_a_redelivery_keeps_the_person_until_the_squash_is_undone(engine: Engine) -> None:
    engine.put(PERSON_DISTINCT_IDS, mapping("ann", "p ann"))
    deliver(engine, 0, delivered(1))
    assert squash(engine) is not None
    assert stored(engine) == ("p ann", 1)

    deliver(engine, 1, delivered(1, inserted=1))
    assert stored(engine) == ("p ann", 1)
    deliver(engine, 2, delivered(2, inserted=2))
    assert stored(engine) == ("p ann", 2)
    deliver(engine, 3, delivered(1, inserted=1), delivered(3, inserted=3, person="older"))
    assert stored(engine) == ("p ann", 3)

    assert undo(engine) == (1, 0)
    assert stored(engine) == ("old", 3)
    deliver(engine, 4, delivered(3, inserted=4, person="p ann"))
    assert stored(engine) == ("p ann", 3), "the content that the squash made is not what is stored"
    deliver(engine, 5, delivered(4, inserted=5))
    assert stored(engine) == ("old", 4)


def test_the_newest_squash_counts_and_is_undone_first(engine: Engine) -> None:
    deliver(engine, 0, delivered(1))
    given = []
    for number, name in enumerate(("first", "second"), start=1):
        engine.query(f"delete from {PERSON_DISTINCT_IDS} where true")
        engine.put(PERSON_DISTINCT_IDS, mapping("ann", name))
        done = squash(engine, NOW + number * DAY)
        assert done is not None
        given.append(done.squash_id)
    engine.query(f"update {PERSON_DISTINCT_IDS} set is_deleted = true where true")
    assert squash(engine, NOW + 3 * DAY) is None, "a deleted mapping leaves the row as it is"
    deliver(engine, 1, delivered(2, inserted=1))
    assert stored(engine) == ("second", 2)

    with engine.opened() as warehouse, pytest.raises(RepairError) as refused:
        roll_back(warehouse, given[0])
    assert str(refused.value) == (
        f"{given[0]} cannot be rolled back before {given[1]}, which is newer. Roll that back first."
    )
    assert undo(engine, given[1]) == (1, 0)
    deliver(engine, 2, delivered(3, inserted=2))
    assert stored(engine) == ("first", 3)
    assert undo(engine) == (1, 0)
    assert stored(engine) == ("old", 3)
    with engine.opened() as warehouse, pytest.raises(RepairError, match=r"No squash .* is in effect"):
        roll_back(warehouse, "newest")


@pytest.mark.parametrize(("user", "expected"), [("ann", "p ann"), ("bob", "p of the file")])
def test_an_older_event_under_the_id_has_the_person_of_its_own_user(engine: Engine, user: str, expected: str) -> None:
    """And the event that gives way is kept as it was delivered, once."""
    engine.put(PERSON_DISTINCT_IDS, mapping("ann", "p ann"))
    newer = event("one id", "ann", "old", event_inserted_at=FIRST + HOUR)
    older = event("one id", user, "p of the file", event_name="another", event_inserted_at=FIRST)
    deliver(engine, 0, newer)
    assert squash(engine) is not None
    deliver(engine, 1, older)

    (row,) = engine.rows(TRACKS)
    assert (row["event_name"], row["user_id"], row["person_id"]) == ("another", user, expected)
    (collided,) = engine.rows(TRACKS_COLLISIONS)
    assert (collided["event_name"], collided["user_id"], collided["person_id"]) == ("open", "ann", "old")
    deliver(engine, 2, older | {"event_inserted_at": FIRST + MINUTE, "event_payload": '{"n": 2}'})
    (row,) = engine.rows(TRACKS)
    assert (row["event_payload"], row["person_id"]) == ({"n": 2}, expected)
    assert len(engine.rows(TRACKS_COLLISIONS)) == 1


def test_duplicates_get_their_own_persons_back_as_far_as_they_are_known(engine: Engine) -> None:
    kept, removed = event("removed", "ann", "older"), event("removed", "ann", "old", days=1)
    given = [
        *(event("two times", "ann", "older"), event("two times", "ann", "old", days=1)),
        *(event("one time", "ann", "older"), event("one time", "ann", "old", locale="de")),
        *(event("alike", "ann", "old"), event("alike", "ann", "old")),
        *(kept, removed),
        event("changed", "ann", "old"),
        event("of another user", "ann", "old"),
        event("moved", "ann", "old"),
    ]
    engine.put(TRACKS, *given)
    engine.put(PERSON_DISTINCT_IDS, mapping("ann", "p ann"))
    assert squash(engine) is not None
    engine.query(f"delete from {TRACKS} where event_id = 'removed' and created_at > timestamp '2026-03-13 00:00:00+00'")
    engine.query(f"update {TRACKS} set person_id = 'else' where event_id = 'changed'")
    engine.query(f"update {TRACKS} set user_id = 'bob' where event_id = 'of another user'")
    engine.query(f"update {TRACKS} set created_at = timestamp '2026-02-01 00:00:00+00' where event_id = 'moved'")

    with engine.opened() as warehouse:
        planned = plan_rollback(warehouse, "newest")
    before = engine.contents()
    assert (planned.archived, planned.to_give_back, planned.kept) == (11, 6, 5)
    assert engine.contents() == before, "a plan changes nothing"
    assert undo(engine) == (6, 5)

    assert persons(engine) == sorted(
        [
            *(("two times", "older"), ("two times", "old"), ("one time", "p ann"), ("one time", "p ann")),
            *(("alike", "old"), ("alike", "old"), ("removed", "older")),
            *(("changed", "else"), ("of another user", "p ann"), ("moved", "old")),
        ]
    )


class KilledError(BaseException):
    """In place of a kill -9."""


def dying_after(batches: int) -> Callable[[str], None]:
    """Kills after that many batches."""
    seen = count(1)

    def log(_: str) -> None:
        if next(seen) == batches:
            raise KilledError

    return log


def test_a_killed_squash_goes_on_with_the_persons_that_it_began_with(outdated: Engine) -> None:
    with outdated.opened() as warehouse:
        planned = plan(warehouse, NOW, None, 2)
        assert planned is not None
        begin(warehouse, planned.squash)
    with outdated.opened() as warehouse, pytest.raises(KilledError):
        squash_rows(warehouse, planned.squash.squash_id, 2, lambda: NOW, dying_after(2))
    outdated.query(f"update {PERSON_DISTINCT_IDS} set person_id = 'newer' where true")
    before = outdated.contents()
    with outdated.opened() as warehouse:
        rest = plan(warehouse, NOW + DAY, None, 2)
        assert rest is not None
        assert (rest.is_resumed, rest.squash.squash_id, rest.rows) == (True, planned.squash.squash_id, 2)
        assert (rest.squash.rows_squashed, rest.squash.batches_done, rest.squash.rows_planned) == (4, 2, 6)
        with pytest.raises(RepairError, match=f"because {planned.squash.squash_id} is running"):
            begin(warehouse, replace(planned.squash, squash_id="another"))
    assert outdated.contents() == before

    done = squash(outdated, NOW + DAY)
    assert done == replace(planned.squash, state=State.FINISHED, rows_squashed=6, batches_done=4 - 1)
    assert {each["squashed_person_id"] for each in outdated.rows(ARCHIVED_PERSON_IDS)} == {"p ann", "p bob"}
    assert person(outdated, "far away") == "p bob"


def test_a_killed_squash_can_be_rolled_back_instead(outdated: Engine) -> None:
    before = outdated.rows(TRACKS)
    with outdated.opened() as warehouse:
        planned = plan(warehouse, NOW, None, 2)
        assert planned is not None
        begin(warehouse, planned.squash)
    with outdated.opened() as warehouse, pytest.raises(KilledError):
        squash_rows(warehouse, planned.squash.squash_id, 2, lambda: NOW, dying_after(1))
    assert outdated.rows(TRACKS) != before
    assert undo(outdated) == (2, 0)
    assert outdated.rows(TRACKS) == before
    assert (outdated.rows(SQUASH_MAPPINGS), outdated.rows(ARCHIVED_PERSON_IDS)) == ([], [])
    with outdated.opened() as warehouse:
        assert squash_rows(warehouse, planned.squash.squash_id, 2, lambda: NOW, print).state == State.ROLLED_BACK
    assert outdated.rows(TRACKS) == before


def test_a_batch_that_is_not_what_it_must_be_is_undone(outdated: Engine) -> None:
    """A user with two persons among those that were kept: whichever is written, the other one differs."""
    with outdated.opened() as warehouse:
        planned = plan(warehouse, NOW, None, MANY)
        assert planned is not None
        begin(warehouse, planned.squash)
    squash_id = planned.squash.squash_id
    outdated.put(SQUASH_MAPPINGS, {"squash_id": squash_id, "user_id": "bob", "person_id": "another bob"})
    before = outdated.contents()
    with outdated.opened() as warehouse, pytest.raises((RepairError, WarehouseError)):
        squash_rows(warehouse, squash_id, MANY, lambda: NOW, print)
    assert outdated.contents() == before


def test_a_mapping_that_is_stored_twice_changes_no_event(outdated: Engine) -> None:
    """Its check is red; nobody knows which of the two is right."""
    before = [row for row in outdated.rows(TRACKS) if row["user_id"] == "bob"]
    assert before
    outdated.put(PERSON_DISTINCT_IDS, mapping("bob", "another bob"))
    assert squash(outdated) is not None
    assert [row for row in outdated.rows(TRACKS) if row["user_id"] == "bob"] == before


def test_a_batch_of_a_squash_that_another_run_went_on_with_is_refused(outdated: Engine) -> None:
    with outdated.opened() as warehouse:
        planned = plan(warehouse, NOW, None, MANY)
        assert planned is not None
        begin(warehouse, planned.squash)
        find_rows(warehouse, planned.squash, is_kept=True)
        squash_batch(warehouse, planned.squash, planned.batches[0], NOW)
        with pytest.raises(RepairError, match="was continued or rolled back by another run"):
            squash_batch(warehouse, planned.squash, planned.batches[0], NOW)
        assert find_squash(warehouse, planned.squash.squash_id).batches_done == 1


def test_teams_are_not_mixed(outdated: Engine) -> None:
    outdated.put(PERSON_DISTINCT_IDS, mapping("fred", "p fred", team=2), mapping("ann", "other ann", team=2))
    before = outdated.contents()
    for team, reason in (
        (None, "has 2 teams (1, 2). The table tracks has no team. Set TRACKS_TEAM_ID."),
        (3, "has no team 3. TRACKS_TEAM_ID names that team."),
    ):
        with outdated.opened() as warehouse, pytest.raises(RepairError) as refused:
            plan(warehouse, NOW, team, MANY)
        assert str(refused.value).endswith(reason)
    assert outdated.contents() == before

    done = squash(outdated, team=2)
    assert done is not None
    assert (done.team_id, person(outdated, "wrong"), person(outdated, "of another team")) == (2, "other ann", "p fred")


def test_an_archive_that_lacks_rows_is_not_rolled_back(outdated: Engine) -> None:
    assert squash(outdated) is not None
    outdated.query(f"delete from {ARCHIVED_PERSON_IDS} where event_id = 'wrong'")
    before = outdated.contents()
    with outdated.opened() as warehouse, pytest.raises(RepairError, match=r"has 5 rows of squash_\w+, which changed 6"):
        roll_back(warehouse, "newest")
    assert outdated.contents() == before


def test_without_persons_there_is_nothing_to_do(engine: Engine) -> None:
    engine.put(TRACKS, *CHANGED)
    before = engine.contents()
    assert squash(engine) is None
    assert engine.contents() == before
