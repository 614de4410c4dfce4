"""The restore of moved events step by step: what it finds, gives back, archives, proves, refuses and undoes."""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.repairs.restore_times.moved_rows import (
    DAY,
    FINE,
    HOUR,
    ID,
    LEFT,
    MICROSECOND,
    MILLISECOND,
    MINTED,
    NEAR,
    Row,
    insert,
    pairs,
    random_rows,
    row,
    seconds,
    uuid7,
)
from tests.support.cases import first_in_make_test
from tests.support.duckdb_file import connected
from tracks_assets.repairs.repair import Fingerprint, Repair, RepairError, State, clear_unfinished, repairs_of
from tracks_assets.repairs.restore_times.restore import (
    JOB,
    IdTimes,
    Outcome,
    Touched,
    differences,
    plan,
    restored_months,
    rewrite,
    take_snapshot,
)
from tracks_assets.repairs.restore_times.rollback import RestoreRollback, plan_rollback, roll_back, rollback_differences
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import TRACKS

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
LATER = NOW + HOUR


@dataclass(frozen=True)
class MovedInTime:
    """A warehouse some of whose events have a later time than their own."""

    path: Path

    def warehouse(self) -> DuckDbWarehouse:
        return DuckDbWarehouse(self.path, lock_wait=5)

    def connected(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """The file, open for a ``with`` block."""
        return connected(self.path)

    def query(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with self.connected() as connection:
            return connection.execute(statement, parameters).fetchall()

    def put(self, *given: Row) -> None:
        with self.warehouse().opened() as warehouse:
            insert(warehouse.connection, TRACKS, *given)

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of every table that a restore may touch, in order."""
        names = "select schema_name, table_name from duckdb_tables() where not temporary order by all"
        with self.connected() as connection:
            return {
                name: connection.execute(f"select * from {schema}.{name} order by all").fetchall()
                for schema, name in connection.execute(names).fetchall()
            }

    def tracks(self) -> list[tuple[Any, ...]]:
        return self.query("select * from posthog.tracks order by all")

    def times(self) -> list[tuple[Any, ...]]:
        return self.query("select event_id, created_at from posthog.tracks order by all")

    def snapshots(self) -> list[tuple[Any, ...]]:
        return self.query("select table_name from duckdb_tables() where table_name like 'tracks_snapshot%'")


@dataclass(frozen=True)
class HeldOpen(MovedInTime):
    """The same warehouse, which stays open in this process, so that a test opens it again faster."""

    connection: duckdb.DuckDBPyConnection

    def connected(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return nullcontext(self.connection)


@pytest.fixture
def moved_in_time(tmp_path: Path) -> Iterator[MovedInTime]:
    path = tmp_path / "warehouse.duckdb"
    with DuckDbWarehouse(path).opened() as warehouse:
        yield HeldOpen(path, warehouse.connection)


def begin(moved_in_time: MovedInTime, now: datetime = NOW) -> str:
    """A restore up to its snapshot; returns its id."""
    with moved_in_time.warehouse().opened() as warehouse:
        planned = plan(warehouse, now, 24)
        take_snapshot(warehouse, planned.repair_id, now, 24)
    return planned.repair_id


def finish(moved_in_time: MovedInTime, repair_id: str, now: datetime = NOW) -> None:
    with moved_in_time.warehouse().opened() as warehouse:
        assert rewrite(warehouse, repair_id, now, 24).state == State.PUBLISHED


def restore(moved_in_time: MovedInTime, now: datetime = NOW) -> str:
    repair_id = begin(moved_in_time, now)
    finish(moved_in_time, repair_id, now)
    return repair_id


FOUND = {
    "by its id": (row(ID, MINTED + 30 * DAY), MINTED, "event_id"),
    "by a payload without a time": (row(ID, MINTED + 30 * DAY, '{"a": 1}'), MINTED, "event_id"),
    "by its payload's finer time": (row(ID, MINTED + 30 * DAY, f'{{"$time": {seconds(FINE)}}}'), FINE, "$time"),
    "by its payload's time as text": (row(ID, MINTED + 30 * DAY, f'{{"$time": "{seconds(FINE)}"}}'), FINE, "$time"),
    "by its payload's time, a second off": (
        row(ID, MINTED + 30 * DAY, f'{{"$time": {seconds(NEAR)}}}'),
        NEAR,
        "$time",
    ),
    "not by a payload's time, more than a second off": (
        row(ID, MINTED + 30 * DAY, f'{{"$time": {seconds(NEAR + MILLISECOND)}}}'),
        MINTED,
        "event_id",
    ),
    "not by a payload's time that is none": (row(ID, MINTED + 30 * DAY, '{"$time": "noon"}'), MINTED, "event_id"),
    "not by a payload's time beyond all": (row(ID, MINTED + 30 * DAY, '{"$time": 1e300}'), MINTED, "event_id"),
    "just later than the tolerance": (row(ID, MINTED + DAY + MICROSECOND), MINTED, "event_id"),
    "in capitals": (row(ID.upper(), MINTED + 30 * DAY), MINTED, "event_id"),
}


@pytest.mark.parametrize(("given", "original", "evidence"), FOUND.values(), ids=FOUND.keys())
def test_a_moved_row_comes_back(moved_in_time: MovedInTime, given: Row, original: datetime, evidence: str) -> None:
    moved_in_time.put(given)
    repair_id = restore(moved_in_time)
    assert moved_in_time.times() == [(given["event_id"], original)]
    assert moved_in_time.query("select * from posthog_ops.archived_times") == [
        (
            given["event_id"],
            given["created_at"],
            original,
            evidence,
            given["bq_ingested_timestamp"],
            given["event_inserted_at"],
            repair_id,
            NOW,
        )
    ]


@pytest.mark.parametrize("given", LEFT.values(), ids=LEFT.keys())
def test_any_other_row_stays(moved_in_time: MovedInTime, given: Row) -> None:
    moved_in_time.put(given, row(uuid7(MINTED, 7), MINTED + 30 * DAY))
    restore(moved_in_time)
    assert set(moved_in_time.times()) == {(given["event_id"], given["created_at"]), (uuid7(MINTED, 7), MINTED)}


def test_the_tolerance_is_the_callers(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(row(ID, MINTED + 2 * HOUR))
    with moved_in_time.warehouse().opened() as warehouse:
        assert plan(warehouse, NOW, 24).times.moved == 0
        planned = plan(warehouse, NOW, 1)
        take_snapshot(warehouse, planned.repair_id, NOW, 1)
        rewrite(warehouse, planned.repair_id, NOW, 1)
    assert moved_in_time.times() == [(ID, MINTED)]


def test_nothing_but_the_time_of_a_row_changes(moved_in_time: MovedInTime) -> None:
    payload = f'{{"$time": {seconds(FINE)}, "a": [1, null]}}'
    moved_in_time.put(row(ID, MINTED + 30 * DAY, payload, locale="de", lib_values='{"$lib":"web"}'), *LEFT.values())
    everything = "select * exclude (created_at) from posthog.tracks order by all"
    before = moved_in_time.query(everything)
    restore(moved_in_time)
    assert moved_in_time.query(everything) == before


def test_a_plan_counts_and_changes_nothing(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(
        *pairs(), *LEFT.values(), row(uuid7(MINTED + 31 * DAY), MINTED + 40 * DAY, '{"$time": 1775953800}')
    )
    before = moved_in_time.contents()
    with moved_in_time.warehouse().opened() as warehouse:
        planned = plan(warehouse, NOW, 24)
    assert moved_in_time.contents() == before
    assert planned.times == IdTimes(rows=28, rows_with_time=22, moved=13, implausible=1, earlier=1)
    assert planned.times.rows_without_time == 6
    assert planned.times.share_without_time == 6 / 28
    assert [(f"{month.month:%Y-%m}", month.rows, month.by_payload) for month in planned.months] == [
        ("2026-03", 12, 0),
        ("2026-04", 1, 1),
    ]
    assert [f"{planned.months[0].first_moved_to:%Y-%m}", f"{planned.months[0].last_moved_to:%Y-%m}"] == [
        "2026-04",
        "2026-05",
    ]
    assert len(planned.sample) == 13
    assert [statement.name for statement in planned.statements] == [
        "find_moved_rows",
        "find_duplicates",
        "fingerprint",
        "snapshot_tracks",
        "archive_times",
        "fingerprint_restored",
        "fingerprint_restored",
        "restore_times",
        "fingerprint",
        "find_duplicates",
        "count_id_times",
        "fingerprint_restored",
    ]
    # Of DuckDB's snapshot only what it holds is read, which is not much.
    assert [statement.name for statement in planned.statements if statement.scanned_bytes is None] == [
        "archive_times",
        "fingerprint_restored",
    ]
    assert planned.free_bytes is not None
    assert 0 <= planned.needed_bytes < planned.free_bytes


def test_a_restore_that_another_start_cleared_changes_nothing(
    moved_in_time: MovedInTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved_in_time.put(*pairs())
    before, repair_id = moved_in_time.tracks(), begin(moved_in_time)

    with moved_in_time.warehouse().opened() as warehouse:
        begin_transaction = warehouse.transaction

        def cleared_before() -> Any:
            monkeypatch.setattr(warehouse, "transaction", begin_transaction)
            assert clear_unfinished(warehouse, JOB, "delete_archived_times") == [repair_id]
            return begin_transaction()

        monkeypatch.setattr(warehouse, "transaction", cleared_before)
        with pytest.raises(RepairError, match="Another start of restore_created_at cleared it meanwhile"):
            rewrite(warehouse, repair_id, NOW, 24)

    assert moved_in_time.tracks() == before


def test_a_sample_has_20_rows(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*(row(uuid7(MINTED, number), MINTED + 30 * DAY) for number in range(25)))
    with moved_in_time.warehouse().opened() as warehouse:
        sample = plan(warehouse, NOW, 24).sample
    assert [each["event_id"] for each in sample] == [uuid7(MINTED, number) for number in range(20)]


def test_what_came_back_is_reported_by_month(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    repair_id = restore(moved_in_time)
    with moved_in_time.warehouse().opened() as warehouse:
        (repair,) = repairs_of(warehouse, "restore_created_at")
        (month,) = restored_months(warehouse, repair)
    assert (month.rows, month.by_payload, f"{month.month:%Y-%m}") == (12, 0, "2026-03")
    assert (repair.repair_id, repair.rows_before, repair.rows_after, repair.rows_archived) == (repair_id, 16, 16, 12)


def test_a_second_restore_finds_nothing(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    before = moved_in_time.contents()
    with moved_in_time.warehouse().opened() as warehouse:
        assert plan(warehouse, LATER, 24).times.moved == 0
    assert moved_in_time.contents() == before


def test_every_step_may_be_repeated(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    with moved_in_time.warehouse().opened() as warehouse:
        repair_id = plan(warehouse, NOW, 24).repair_id
        for _ in range(2):
            take_snapshot(warehouse, repair_id, NOW, 24)
        first = rewrite(warehouse, repair_id, NOW, 24)
        assert rewrite(warehouse, repair_id, NOW, 24) == first
        assert take_snapshot(warehouse, repair_id, NOW, 24) == first
    assert moved_in_time.query("select count(*) from posthog_ops.archived_times") == [(12,)]


FOURTH = f"event_id = '{uuid7(MINTED, 4)}'"
CHANGES = {
    "the content of a touched row": f"update posthog.tracks set session_id = 'merged' where {FOURTH} and locale = 'a'",
    "the time of a touched row": (
        f"update posthog.tracks set created_at = created_at + interval 9 days where {FOURTH} and locale = 'a'"
    ),
    "a touched row back at its time": (
        f"update posthog.tracks set created_at = created_at - interval 30 days where {FOURTH} and locale = 'a'"
    ),
    "the content of another row": (
        f"update posthog.tracks set session_id = 'merged' where event_id = '{uuid7(MINTED, 8)}' and locale = 'a'"
    ),
    "a new row": "insert into posthog.tracks by name select 'new' as event_id",
    "a new moved row": (
        f"insert into posthog.tracks by name select '{uuid7(MINTED, 9)}' as event_id, now() as created_at"
    ),
    "a row less": f"delete from posthog.tracks where event_id = '{uuid7(MINTED, 8)}'",
    "a touched row less": f"delete from posthog.tracks where event_id = '{uuid7(MINTED, 7)}'",
}


@pytest.mark.parametrize("change", first_in_make_test(CHANGES.values()), ids=CHANGES.keys())
def test_a_change_of_tracks_in_between_is_found_and_nothing_is_published(
    moved_in_time: MovedInTime, change: str
) -> None:
    moved_in_time.put(*pairs())
    repair_id = begin(moved_in_time)
    moved_in_time.query(change)
    before = moved_in_time.tracks()
    with moved_in_time.warehouse().opened() as warehouse:
        with pytest.raises(RepairError, match=r"not published and posthog\.tracks is as it was"):
            rewrite(warehouse, repair_id, NOW, 24)
        assert repairs_of(warehouse, "restore_created_at") == []
    assert moved_in_time.tracks() == before
    assert moved_in_time.snapshots() == []
    assert moved_in_time.query("select count(*) from posthog_ops.archived_times") == [(0,)]
    restore(moved_in_time, LATER)
    assert moved_in_time.query("select count(*) from posthog.tracks where created_at > $1", [MINTED + DAY]) == [(0,)]


def test_what_differs_is_said(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    repair_id = begin(moved_in_time)
    moved_in_time.query("insert into posthog.tracks by name select 'new' as event_id")
    with moved_in_time.warehouse().opened() as warehouse, pytest.raises(RepairError) as caught:
        rewrite(warehouse, repair_id, NOW, 24)
    assert str(caught.value) == (
        "restore_20260612_093000_000000 is not published and posthog.tracks is as it was. The result differs from the "
        "snapshot: 17 rows, 16 before; 9 different ids, 8 before; rows of other events are not what they were. If a "
        "merge came in between, run restore_created_at again."
    )


REPAIR = Repair(
    repair_id="restore_1",
    job="restore_created_at",
    state=State.SNAPSHOT,
    started_at=NOW,
    expires_at=NOW + 14 * DAY,
    snapshot="posthog_ops.tracks_snapshot_restore_1",
    rows_before=100,
    content_before="1000",
    ids_before=90,
)
SEEN, AFTER = Touched(rows=4, content=40, content_without_time=4), Touched(rows=4, content=50, content_without_time=4)
GOOD = Outcome(
    changed=3,
    archived=3,
    left=0,
    tracks=Fingerprint(rows=100, rows_with_id=100, content=1010),
    ids=90,
    touched_seen=SEEN,
    touched_found=SEEN,
    touched_after=AFTER,
)
BAD = {
    "101 rows, 100 before": replace(GOOD, tracks=replace(GOOD.tracks, rows=101)),
    "89 different ids, 90 before": replace(GOOD, ids=89),
    "4 times replaced, 3 archived": replace(GOOD, changed=4),
    "2 rows are still later than their id says": replace(GOOD, left=2),
    "the touched events were changed meanwhile": replace(GOOD, touched_found=AFTER),
    "the touched events differ in more than their times": replace(
        GOOD, touched_after=replace(AFTER, content_without_time=5)
    ),
    "rows of other events are not what they were": replace(GOOD, tracks=replace(GOOD.tracks, content=1011)),
}


def test_a_restore_that_only_moves_times_differs_in_nothing() -> None:
    assert differences(REPAIR, GOOD) == []


@pytest.mark.parametrize(("text", "outcome"), BAD.items(), ids=BAD.keys())
def test_each_difference_is_said(text: str, outcome: Outcome) -> None:
    assert differences(REPAIR, outcome) == [text]


def test_each_difference_of_a_rollback_is_said() -> None:
    planned = RestoreRollback(REPAIR, archived=3, to_move=2, rows_of_moved=4, merged_since=1)
    assert rollback_differences(planned, deleted=4, inserted=4, not_as_before=1) == []
    assert rollback_differences(planned, deleted=4, inserted=3, not_as_before=2) == [
        "4 rows taken out, 3 put back, 4 expected",
        "2 events differ from the snapshot, 1 were merged since",
    ]


def test_a_restore_that_died_is_cleared_by_the_next(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    begin(moved_in_time)
    repair_id = restore(moved_in_time, LATER)
    assert moved_in_time.query("select repair_id, state from posthog_ops.tracks_repairs") == [(repair_id, "published")]
    assert moved_in_time.snapshots() == [(f"tracks_snapshot_{repair_id}",)]


def test_a_snapshot_whose_time_is_over_goes_with_the_next_restore(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.put(row(uuid7(MINTED, 99), MINTED + 30 * DAY))
    later = restore(moved_in_time, NOW + 15 * DAY)
    assert moved_in_time.snapshots() == [(f"tracks_snapshot_{later}",)]


def test_a_rollback_gives_every_row_its_time_back(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs(), *LEFT.values())
    before = moved_in_time.tracks()
    repair_id = restore(moved_in_time)
    after = moved_in_time.tracks()
    assert after != before
    with moved_in_time.warehouse().opened() as warehouse:
        planned = plan_rollback(warehouse, "newest")
        assert (planned.archived, planned.to_move, planned.kept, planned.merged_since) == (12, 12, 0, 0)
    assert moved_in_time.tracks() == after
    with moved_in_time.warehouse().opened() as warehouse:
        assert roll_back(warehouse, repair_id) == planned
    assert moved_in_time.tracks() == before
    assert moved_in_time.query("select state from posthog_ops.tracks_repairs") == [("rolled_back",)]
    assert moved_in_time.query("select count(*) from posthog_ops.archived_times") == [(12,)]


def rolled_back(moved_in_time: MovedInTime, repair_id: str = "newest") -> tuple[int, int]:
    """Rolls back; returns the rows that were moved and those that stayed."""
    with moved_in_time.warehouse().opened() as warehouse:
        done = roll_back(warehouse, repair_id)
    return done.to_move, done.kept


def times_of(moved_in_time: MovedInTime, number: int) -> list[tuple[int, str]]:
    """The rows of an id, in days after its own time, and their contents."""
    return [
        ((time - MINTED).days, content)
        for time, content in moved_in_time.query(
            "select created_at, locale from posthog.tracks where event_id = $1 order by all", [uuid7(MINTED, number)]
        )
    ]


MERGED = "update posthog.tracks set locale = 'merged', bq_ingested_timestamp = now() where event_id = $1"


def test_a_merged_row_keeps_its_content_and_gets_its_time_back(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.put(row("new", NOW))
    moved_in_time.query(MERGED, [uuid7(MINTED, 7)])
    assert rolled_back(moved_in_time) == (12, 0)
    assert times_of(moved_in_time, 7) == [(45, "merged")]
    assert times_of(moved_in_time, 4) == [(30, "a"), (60, "b")]
    assert moved_in_time.query("select created_at from posthog.tracks where event_id = 'new'") == [(NOW,)]


@pytest.mark.parametrize(("number", "expected"), [(1, [30, 30]), (2, [0, 30]), (4, [30, 60]), (6, [0, 30, 30])])
def test_merged_copies_get_their_times_back(moved_in_time: MovedInTime, number: int, expected: list[int]) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.query(MERGED, [uuid7(MINTED, number)])
    assert rolled_back(moved_in_time) == (12, 0)
    assert times_of(moved_in_time, number) == [(days, "merged") for days in expected]


def test_a_row_that_was_moved_since_stays(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.query(
        "update posthog.tracks set created_at = $1 where event_id = $2", [MINTED - DAY, uuid7(MINTED, 7)]
    )
    assert rolled_back(moved_in_time) == (11, 1)
    assert times_of(moved_in_time, 7) == [(-1, "a")]


def test_a_copy_that_a_dedup_left_gets_its_own_time_back_if_it_is_known(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.query(f"delete from posthog.tracks where {FOURTH} and locale = 'a'")
    moved_in_time.query("delete from posthog.tracks where event_id = $1 and locale = 'b'", [uuid7(MINTED, 6)])
    assert rolled_back(moved_in_time) == (9, 3)
    assert times_of(moved_in_time, 4) == [(60, "b")]
    assert times_of(moved_in_time, 6) == [(0, "a")]


def test_a_row_that_is_unknown_stays(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    restore(moved_in_time)
    moved_in_time.query(f"delete from posthog.tracks where {FOURTH} and locale = 'a'")
    moved_in_time.query(MERGED, [uuid7(MINTED, 4)])
    assert rolled_back(moved_in_time) == (10, 2)
    assert times_of(moved_in_time, 4) == [(0, "merged")]


def refused(moved_in_time: MovedInTime, wanted: str = "newest") -> str:
    """Why a rollback refuses; it leaves all as it was."""
    before = moved_in_time.contents()
    with moved_in_time.warehouse().opened() as warehouse:
        with pytest.raises(RepairError) as caught:
            plan_rollback(warehouse, wanted)
        with pytest.raises(RepairError) as again:
            roll_back(warehouse, wanted)
    assert str(again.value) == str(caught.value)
    assert moved_in_time.contents() == before
    return str(caught.value)


def test_a_rollback_refuses_when_the_snapshot_is_gone(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    repair_id = restore(moved_in_time)
    moved_in_time.query(f"drop table posthog_ops.tracks_snapshot_{repair_id}")
    assert refused(moved_in_time).startswith(
        f"The snapshot posthog_ops.tracks_snapshot_{repair_id} of {repair_id} is gone"
    )


@pytest.mark.parametrize(
    "damage",
    [
        f"delete from posthog_ops.archived_times where {FOURTH}",
        f"delete from posthog_ops.archived_times where {FOURTH} and created_at > '2026-05-01'",
        f"update posthog_ops.archived_times set restored_created_at = now() where {FOURTH}",
    ],
)
def test_a_rollback_refuses_an_archive_that_is_not_what_was_replaced(moved_in_time: MovedInTime, damage: str) -> None:
    moved_in_time.put(*pairs())
    repair_id = restore(moved_in_time)
    moved_in_time.query(damage)
    assert refused(moved_in_time) == (
        f"The archive of {repair_id} in posthog_ops.archived_times does not match its snapshot. "
        f"Nothing was changed. The rows as they were are in posthog_ops.tracks_snapshot_{repair_id}."
    )


def test_a_rollback_is_done_once_and_may_be_followed_by_a_restore(moved_in_time: MovedInTime) -> None:
    moved_in_time.put(*pairs())
    repair_id = restore(moved_in_time)
    after = moved_in_time.tracks()
    rolled_back(moved_in_time, f"posthog_ops.tracks_snapshot_{repair_id}")
    assert (
        refused(moved_in_time, repair_id) == f"{repair_id} is rolled back already. There is nothing left to roll back."
    )
    restore(moved_in_time, LATER)
    assert moved_in_time.tracks() == after


@pytest.mark.parametrize("seed", first_in_make_test(range(8)))
def test_any_restore_can_be_rolled_back_exactly(moved_in_time: MovedInTime, seed: int) -> None:
    moved_in_time.put(*random_rows(random.Random(seed)))
    before = moved_in_time.tracks()
    restore(moved_in_time)
    rolled_back(moved_in_time)
    assert moved_in_time.tracks() == before


MERGES = (
    "update posthog.tracks set locale = 'merged' where event_id = $1",
    "update posthog.tracks set created_at = created_at - interval 1 hour where event_id = $1",
    "delete from posthog.tracks where event_id = $1 and locale = 'a'",
)


@pytest.mark.parametrize("seed", first_in_make_test(range(8)))
def test_a_rollback_after_merges_moves_times_and_nothing_else(moved_in_time: MovedInTime, seed: int) -> None:
    random_ = random.Random(seed)
    moved_in_time.put(*random_rows(random_))
    before = moved_in_time.tracks()
    restore(moved_in_time)
    merged = {uuid7(MINTED, number) for number in random_.sample(range(60), 30)}
    for event_id in merged:
        moved_in_time.query(random_.choice(MERGES), [event_id])
    all_but_times = moved_in_time.query("select * exclude (created_at) from posthog.tracks order by all")
    rolled_back(moved_in_time)
    assert moved_in_time.query("select * exclude (created_at) from posthog.tracks order by all") == all_but_times
    assert [each for each in moved_in_time.tracks() if each[0] not in merged] == [
        each for each in before if each[0] not in merged
    ]
