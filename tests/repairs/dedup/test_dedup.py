"""The dedup step by step: what it counts, removes, archives, proves and refuses."""

from datetime import timedelta
from pathlib import Path

import pytest

from tracks_assets.repairs.dedup.dedup import archive, plan, rewrite, take_snapshot
from tracks_assets.repairs.dedup.rollback import plan_rollback, roll_back
from tracks_assets.repairs.repair import RepairError, State, repairs_of
from tracks_assets.warehouse.base import Warehouse

from .damaged_table import NOW, Damaged, damage

pytestmark = pytest.mark.slow

ORIGINALS = "from posthog.tracks where event_payload->>'copy' = '0'"


def dedup(damaged: Damaged) -> str:
    """Runs the whole dedup; returns its id."""
    with damaged.warehouse().opened() as warehouse:
        repair_id = planned(warehouse)
        take_snapshot(warehouse, repair_id, NOW, 14)
        archive(warehouse, repair_id, NOW)
        assert rewrite(warehouse, repair_id).state == State.PUBLISHED
    return repair_id


def planned(warehouse: Warehouse) -> str:
    """The id of a dedup that may begin."""
    plan_made = plan(warehouse, NOW, 14)
    assert plan_made is not None
    return plan_made.repair_id


def test_7000_rows_become_5000_and_2000_are_archived(damaged: Damaged) -> None:
    before = damaged.tracks()

    repair_id = dedup(damaged)

    assert damaged.query("select count(*), count(distinct event_id) from posthog.tracks") == [(5_000, 5_000)]
    archived = damaged.query(
        "select * exclude (dedup_id, removed_at, kept_created_at, kept_bq_ingested_timestamp) "
        "from posthog_ops.archived_duplicates"
    )
    assert len(archived) == 2_000
    assert sorted([*damaged.tracks(), *archived], key=str) == sorted(before, key=str)
    assert damaged.query("select distinct dedup_id, removed_at from posthog_ops.archived_duplicates") == [
        (repair_id, NOW)
    ]


def test_the_row_kept_is_the_one_that_was_ingested_last(damaged: Damaged) -> None:
    latest = damaged.query("select event_id, max(bq_ingested_timestamp) from posthog.tracks group by all order by all")

    dedup(damaged)

    assert damaged.query("select event_id, bq_ingested_timestamp from posthog.tracks order by all") == latest
    assert damaged.query(
        "select count(*) from posthog_ops.archived_duplicates as removed "
        "join posthog.tracks as tracks using (event_id) "
        "where removed.kept_created_at = tracks.created_at "
        "and removed.kept_bq_ingested_timestamp = tracks.bq_ingested_timestamp"
    ) == [(2_000,)]


def test_the_result_does_not_depend_on_how_the_rows_lie(damaged: Damaged, tmp_path: Path) -> None:
    """Copies of one stamp that differ only in their content: the same one stays, in whatever order they were put."""
    for home, order in (("one", "asc"), ("other", "desc")):
        other = damage(tmp_path / home, events=0)
        other.query(
            f"insert into posthog.tracks select * replace (timestamptz '2026-03-02 00:00:00+00' as "
            f"bq_ingested_timestamp, null as event_inserted_at) from ({_rows_of(damaged)}) order by all {order}"
        )
        dedup(other)
    assert Damaged(tmp_path / "one").tracks() == Damaged(tmp_path / "other").tracks()


def _rows_of(damaged: Damaged) -> str:
    copy = damaged.home / "rows.parquet"
    damaged.query(f"copy posthog.tracks to '{copy}'")
    return f"select * from '{copy}'"


def test_a_plan_changes_nothing_and_says_what_would_be_done(damaged: Damaged) -> None:
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse:
        made = plan(warehouse, NOW, 14)

    assert damaged.contents() == before
    assert made is not None
    assert (made.census.rows, made.census.excess_rows, made.rows_after) == (7_000, 2_000, 5_000)
    assert made.scanned_bytes > 0
    assert made.free_bytes is not None
    assert 0 < made.needed_bytes < made.free_bytes
    assert [statement.name for statement in made.statements] == [
        "find_duplicates",
        "fingerprint",
        "snapshot_tracks",
        "archive_rows_to_remove",
        "find_rows_to_remove",
        "delete_rows_to_remove",
        "fingerprint",
        "touched_rows",
    ]
    assert len({row["event_id"] for row in made.sample}) == 20
    assert [row["result"] for row in made.sample[:3]] == ["stays", "goes", "goes"]
    assert made.sample[0]["bq_ingested_timestamp"] > made.sample[1]["bq_ingested_timestamp"]


def test_a_second_dedup_has_nothing_to_do(damaged: Damaged) -> None:
    dedup(damaged)
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse:
        assert plan(warehouse, NOW + timedelta(hours=1), 14) is None

    assert damaged.contents() == before


def test_rows_without_an_id_are_refused(damaged: Damaged) -> None:
    damaged.query("update posthog.tracks set event_id = null where event_id = 'event 04999'")
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse, pytest.raises(RepairError, match=r"1 rows .* have no event_id"):
        plan(warehouse, NOW, 14)

    assert damaged.contents() == before


def test_ids_of_different_events_are_refused(damaged: Damaged) -> None:
    damaged.query("update posthog.tracks set user_id = 'another' where rowid = 0 and event_id = 'event 00000'")

    with damaged.warehouse().opened() as warehouse, pytest.raises(RepairError, match=r"1 event ids .* several"):
        plan(warehouse, NOW, 14)


@pytest.mark.parametrize(
    "merged",
    [
        f"update posthog.tracks set session_id = 'merged' where rowid = (select min(rowid) {ORIGINALS})",
        "delete from posthog.tracks where event_id = 'event 04999'",
        "insert into posthog.tracks by name select 'new' as event_id, created_at from posthog.tracks limit 1",
        "insert into posthog.tracks from posthog.tracks where event_id = 'event 04999'",
    ],
    ids=["an update", "a delete", "a new event", "a new duplicate"],
)
def test_a_change_of_tracks_in_between_is_found_and_nothing_is_published(damaged: Damaged, merged: str) -> None:
    with damaged.warehouse().opened() as warehouse:
        repair_id = planned(warehouse)
        take_snapshot(warehouse, repair_id, NOW, 14)
        archive(warehouse, repair_id, NOW)
    damaged.query(merged)
    before = damaged.tracks()

    with damaged.warehouse().opened() as warehouse:
        with pytest.raises(RepairError, match=r"not published and posthog\.tracks is as it was"):
            rewrite(warehouse, repair_id)
        assert repairs_of(warehouse, "dedup_tracks") == []

    assert damaged.tracks() == before
    assert damaged.snapshots() == []
    assert damaged.query("select count(*) from posthog_ops.archived_duplicates") == [(0,)]


def test_every_step_may_be_repeated(damaged: Damaged) -> None:
    with damaged.warehouse().opened() as warehouse:
        repair_id = planned(warehouse)
        for _ in range(2):
            take_snapshot(warehouse, repair_id, NOW, 14)
        for _ in range(2):
            assert archive(warehouse, repair_id, NOW) == 2_000
        first = rewrite(warehouse, repair_id)
        assert rewrite(warehouse, repair_id) == first
        assert take_snapshot(warehouse, repair_id, NOW, 14) == first
        assert archive(warehouse, repair_id, NOW) == 2_000
    assert damaged.query("select count(*) from posthog_ops.archived_duplicates") == [(2_000,)]


def test_a_snapshot_whose_time_is_over_goes_with_the_next_dedup(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    assert damaged.snapshots() == [f"tracks_snapshot_{repair_id}"]
    damaged.query("insert into posthog.tracks from posthog.tracks limit 3")

    with damaged.warehouse().opened() as warehouse:
        take_snapshot(warehouse, "dedup_later", NOW + timedelta(days=15), 14)

    assert damaged.snapshots() == ["tracks_snapshot_dedup_later"]


def test_a_rollback_restores_exactly_the_rows_before(damaged: Damaged) -> None:
    before = damaged.tracks()
    repair_id = dedup(damaged)

    with damaged.warehouse().opened() as warehouse:
        done = roll_back(warehouse, repair_id)

    assert (done.rows_now, done.rows_to_restore, done.rows_after, done.merged_since) == (5_000, 2_000, 7_000, 0)
    assert damaged.tracks() == before
    assert damaged.query("select count(*) from posthog_ops.archived_duplicates") == [(0,)]


def test_a_rollback_keeps_what_was_merged_since(damaged: Damaged) -> None:
    removed_before = damaged.query("select count(*) from posthog.tracks where event_id = 'event 00003'")
    repair_id = dedup(damaged)
    damaged.query("insert into posthog.tracks by name select 'new' as event_id, created_at from posthog.tracks limit 1")
    damaged.query("update posthog.tracks set session_id = 'merged' where event_id in ('event 00003', 'event 04000')")

    with damaged.warehouse().opened() as warehouse:
        assert plan_rollback(warehouse, "newest").merged_since == 1
        assert roll_back(warehouse, repair_id).rows_after == 7_001

    assert damaged.query("select count(*) from posthog.tracks where event_id = 'event 00003'") == removed_before
    assert damaged.query("select count(*) from posthog.tracks where session_id = 'merged'") == [(2,)]
    assert damaged.query("select count(*) from posthog.tracks where event_id = 'new'") == [(1,)]


def test_a_plan_of_a_rollback_changes_nothing(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse:
        for wanted in ("newest", repair_id, f"tracks_snapshot_{repair_id}", f"posthog_ops.tracks_snapshot_{repair_id}"):
            assert plan_rollback(warehouse, wanted).rows_to_restore == 2_000

    assert damaged.contents() == before


def test_a_rollback_refuses_when_the_snapshot_is_gone(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    damaged.query(f"drop table posthog_ops.tracks_snapshot_{repair_id}")
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse:
        with pytest.raises(RepairError, match=f"tracks_snapshot_{repair_id} of {repair_id} is gone"):
            plan_rollback(warehouse, "newest")
        with pytest.raises(RepairError, match="is gone"):
            roll_back(warehouse, repair_id)

    assert damaged.contents() == before


def test_a_rollback_is_done_once(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    with damaged.warehouse().opened() as warehouse:
        roll_back(warehouse, repair_id)
        with pytest.raises(RepairError, match="rolled back already"):
            roll_back(warehouse, repair_id)
        with pytest.raises(RepairError, match="There is nothing to roll back"):
            plan_rollback(warehouse, "newest")
        with pytest.raises(RepairError, match=f"has no dedup_tracks .* 'dedup_of_another'\\. It has: {repair_id}\\."):
            plan_rollback(warehouse, "dedup_of_another")


def test_a_rollback_refuses_an_archive_that_is_not_what_was_removed(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    damaged.query("update posthog_ops.archived_duplicates set session_id = 'tampered' where event_id = 'event 00007'")
    before = damaged.contents()

    with damaged.warehouse().opened() as warehouse, pytest.raises(RepairError, match="of 1 events"):
        roll_back(warehouse, repair_id)

    assert damaged.contents() == before


def test_a_dedup_after_a_rollback_does_it_again(damaged: Damaged) -> None:
    repair_id = dedup(damaged)
    after = damaged.tracks()
    with damaged.warehouse().opened() as warehouse:
        roll_back(warehouse, repair_id)
        again = plan(warehouse, NOW + timedelta(hours=1), 14)
        assert again is not None
        take_snapshot(warehouse, again.repair_id, NOW, 14)
        archive(warehouse, again.repair_id, NOW)
        rewrite(warehouse, again.repair_id)
    assert damaged.tracks() == after
