"""Moved events get their time back on every engine, to the microsecond, and lose it again if that is rolled back."""

import random
from datetime import UTC, datetime

import pytest

from tests.integration.engines.engine import Engine
from tests.repairs.restore_times.moved_rows import (
    DAY,
    FINE,
    LEFT,
    MICROSECOND,
    MILLISECOND,
    MINTED,
    NEAR,
    Row,
    pairs,
    random_rows,
    row,
    seconds,
    uuid7,
)
from tracks_assets.repairs.repair import RepairError, State, repairs_of
from tracks_assets.repairs.restore_times.restore import IdTimes, plan, restored_months, rewrite, take_snapshot
from tracks_assets.repairs.restore_times.rollback import plan_rollback, roll_back
from tracks_assets.warehouse.tables import ARCHIVED_TIMES, TRACKS

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
MOVED = MINTED + 30 * DAY


def begin(engine: Engine) -> str:
    """A restore up to its snapshot; returns its id."""
    with engine.opened() as warehouse:
        planned = plan(warehouse, NOW, 24)
        take_snapshot(warehouse, planned.repair_id, NOW, 24)
    return planned.repair_id


def finish(engine: Engine, repair_id: str) -> None:
    """The rest of a restore."""
    with engine.opened() as warehouse:
        assert rewrite(warehouse, repair_id, NOW, 24).state == State.PUBLISHED


def restore(engine: Engine) -> str:
    """The whole restore; returns its id."""
    repair_id = begin(engine)
    finish(engine, repair_id)
    return repair_id


FOUND: list[tuple[str | None, datetime, str]] = [
    (None, MINTED, "event_id"),
    ('{"a": 1}', MINTED, "event_id"),
    (f'{{"$time": {seconds(FINE)}}}', FINE, "$time"),
    (f'{{"$time": "{seconds(FINE)}"}}', FINE, "$time"),
    (f'{{"$time": {seconds(NEAR)}}}', NEAR, "$time"),
    (f'{{"$time": {seconds(NEAR + MILLISECOND)}}}', MINTED, "event_id"),
    ('{"$time": "noon"}', MINTED, "event_id"),
    ('{"$time": 1e300}', MINTED, "event_id"),
    ("null", MINTED, "event_id"),
]
"""Payloads of moved rows, the time that each gives the row back, and where that was read."""


def test_each_moved_row_comes_back_and_no_other(engine: Engine) -> None:
    moved = {uuid7(MINTED, 100 + number): each for number, each in enumerate(FOUND)}
    capital = uuid7(MINTED, 200).upper()
    given: list[Row] = [
        *(row(event_id, MOVED, payload) for event_id, (payload, _, _) in moved.items()),
        row(capital, MOVED),
        row(uuid7(MINTED, 201), MINTED + DAY + MICROSECOND),
        *LEFT.values(),
    ]
    engine.put(TRACKS, *given)
    but_times, left = engine.rows(TRACKS, but=["created_at"]), [each["created_at"] for each in LEFT.values()]

    repair_id = restore(engine)

    times = {each["event_id"]: each["created_at"] for each in engine.rows(TRACKS)}
    assert {event_id: times[event_id] for event_id in moved} == {
        event_id: original for event_id, (_, original, _) in moved.items()
    }
    assert times[capital] == times[uuid7(MINTED, 201)] == MINTED
    stayed = [
        each["created_at"] for each in engine.rows(TRACKS) if each["event_id"] in [i["event_id"] for i in LEFT.values()]
    ]
    assert sorted(map(str, stayed)) == sorted(map(str, left))
    assert engine.rows(TRACKS, but=["created_at"]) == but_times, "nothing but times changes"
    archived = {each["event_id"]: each for each in engine.rows(ARCHIVED_TIMES)}
    assert len(archived) == len(FOUND) + 2
    for event_id, (_, original, evidence) in moved.items():
        assert archived[event_id] == {
            "event_id": event_id,
            "created_at": MOVED,
            "restored_created_at": original,
            "evidence": evidence,
            "bq_ingested_timestamp": MINTED + 90 * DAY,
            "event_inserted_at": MOVED,
            "restore_id": repair_id,
            "restored_at": NOW,
        }


def test_pairs_come_back_and_a_rollback_gives_every_row_its_time_back(engine: Engine) -> None:
    far = row(uuid7(MINTED + 31 * DAY), MINTED + 40 * DAY, '{"$time": 1775953800}')
    engine.put(TRACKS, *pairs(), *LEFT.values(), far)
    everything, before = engine.contents(), engine.rows(TRACKS)
    with engine.opened() as warehouse:
        planned = plan(warehouse, NOW, 24)
    assert engine.contents() == everything, "a plan changes nothing"
    assert planned.times == IdTimes(rows=28, rows_with_time=22, moved=13, implausible=1, earlier=1)
    months = [(f"{month.month:%Y-%m}", month.rows, month.by_payload) for month in planned.months]
    assert months == [("2026-03", 12, 0), ("2026-04", 1, 1)]
    assert len(planned.sample) == 13

    repair_id = restore(engine)
    after = engine.rows(TRACKS)
    with engine.opened() as warehouse:
        (repair,) = repairs_of(warehouse, "restore_created_at")
        assert (repair.rows_before, repair.rows_after, repair.rows_archived) == (28, 28, 13)
        assert [month.rows for month in restored_months(warehouse, repair)] == [12, 1]
        assert plan(warehouse, NOW, 24).times.moved == 0, "a second one finds nothing"
        rollback = plan_rollback(warehouse, "newest")
        assert (rollback.archived, rollback.to_move, rollback.kept, rollback.merged_since) == (13, 13, 0, 0)
    assert engine.rows(TRACKS) == after != before

    with engine.opened() as warehouse:
        assert roll_back(warehouse, repair_id) == rollback
    assert engine.rows(TRACKS) == before
    with engine.opened() as warehouse, pytest.raises(RepairError, match="rolled back already"):
        roll_back(warehouse, repair_id)


CHANGES = {
    "a touched row": f"update posthog.tracks set session_id = 'merged' where event_id = '{uuid7(MINTED, 4)}'",
    "another row": f"update posthog.tracks set session_id = 'merged' where event_id = '{uuid7(MINTED, 8)}'",
    "a row less": f"delete from posthog.tracks where event_id = '{uuid7(MINTED, 8)}'",
    "a row more": "insert into posthog.tracks (event_id) values ('new')",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_change_in_between_is_found_and_nothing_is_published(engine: Engine, change: str) -> None:
    engine.put(TRACKS, *pairs())
    repair_id = begin(engine)
    engine.query(change)
    before = engine.rows(TRACKS)
    with engine.opened() as warehouse:
        with pytest.raises(RepairError, match=r"not published and posthog\.tracks is as it was"):
            rewrite(warehouse, repair_id, NOW, 24)
        assert repairs_of(warehouse, "restore_created_at") == []
    assert engine.rows(TRACKS) == before
    assert (engine.snapshots(), engine.rows(ARCHIVED_TIMES)) == ([], [])


def test_a_rollback_after_merges_moves_times_and_nothing_else(engine: Engine) -> None:
    engine.put(TRACKS, *random_rows(random.Random(0)))
    before = engine.rows(TRACKS)
    restore(engine)
    merged = {
        "updated": [uuid7(MINTED, number) for number in range(0, 20)],
        "moved": [uuid7(MINTED, number) for number in range(20, 30)],
        "deleted": [uuid7(MINTED, number) for number in range(30, 40)],
    }
    ids = {how: "('" + "', '".join(each) + "')" for how, each in merged.items()}
    engine.query(f"update posthog.tracks set locale = 'merged' where event_id in {ids['updated']}")
    engine.query(
        f"update posthog.tracks set created_at = timestamp '2026-03-11 12:00:00+00' where event_id in {ids['moved']}"
    )
    engine.query(f"delete from posthog.tracks where locale = 'a' and event_id in {ids['deleted']}")
    but_times = engine.rows(TRACKS, but=["created_at"])

    with engine.opened() as warehouse:
        roll_back(warehouse, "newest")

    assert engine.rows(TRACKS, but=["created_at"]) == but_times
    touched = {event_id for each in merged.values() for event_id in each}
    untouched = [each for each in before if each["event_id"] not in touched]
    assert len(untouched) > 20
    assert [each for each in engine.rows(TRACKS) if each["event_id"] not in touched] == untouched
