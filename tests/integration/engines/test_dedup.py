"""The dedup and the way back from it on every engine: lossless, refused where it would not be, exact in reverse."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.integration.engines.duplicated_rows import DAY, DUPLICATED, EVENTS, EXCESS, NOW, ROWS, damaged_rows, event
from tests.integration.engines.engine import Engine, Row
from tracks_assets.core.errors import WarehouseError
from tracks_assets.repairs.dedup.dedup import archive, plan, rewrite, take_snapshot
from tracks_assets.repairs.dedup.rollback import plan_rollback, roll_back
from tracks_assets.repairs.repair import RepairError, State, new_repair_id, repairs_of
from tracks_assets.warehouse.tables import ARCHIVED_DUPLICATES, TRACKS, TRACKS_REPAIRS

ARCHIVED = [column.name for column in ARCHIVED_DUPLICATES.columns if column not in TRACKS.columns]
REPAIR = "dedup_20260612_093000_000000"


@pytest.fixture
def dataset_prefix() -> str:
    """Another for each test: BigQuery remembers a publication by its job, also after the tables are deleted."""
    return f"t{uuid4().hex[:8]}_"


@pytest.fixture
def damaged(engine: Engine) -> Engine:
    """An engine whose tracks has duplicates."""
    engine.put(TRACKS, *damaged_rows())
    return engine


def begin(engine: Engine) -> str:
    """A dedup up to its archive; returns its id."""
    with engine.opened() as warehouse:
        planned = plan(warehouse, NOW, 14)
        assert planned is not None
        take_snapshot(warehouse, planned.repair_id, NOW, 14)
        assert archive(warehouse, planned.repair_id, NOW) == EXCESS
    return planned.repair_id


def dedup(engine: Engine) -> str:
    """The whole dedup; returns its id."""
    repair_id = begin(engine)
    with engine.opened() as warehouse:
        assert rewrite(warehouse, repair_id).state == State.PUBLISHED
    return repair_id


def sorted_rows(rows: list[Row]) -> list[str]:
    """Rows that are to be compared whatever their order."""
    return sorted(map(repr, rows))


def test_a_plan_changes_nothing_and_says_what_would_be_done(damaged: Engine) -> None:
    before = damaged.contents()
    with damaged.opened() as warehouse:
        made = plan(warehouse, NOW, 14)

    assert damaged.contents() == before
    assert made is not None
    assert made.repair_id == REPAIR
    assert (made.census.rows, made.census.excess_rows, made.rows_after) == (ROWS, EXCESS, EVENTS)
    assert made.census.duplicate_event_ids == DUPLICATED
    assert [row["result"] for row in made.sample[:8]] == ["stays", "goes", "goes", "goes"] * 2
    assert len({row["event_id"] for row in made.sample}) == DUPLICATED
    names = [statement.name for statement in made.statements]
    assert names[:2] == ["find_duplicates", "fingerprint"]
    assert names[-2:] == ["fingerprint", "touched_rows"]
    assert "archive_rows_to_remove" in names


def test_one_copy_stays_the_others_are_archived_and_a_rollback_gives_every_row_back(damaged: Engine) -> None:
    before = damaged.rows(TRACKS)

    repair_id = dedup(damaged)

    after = damaged.rows(TRACKS)
    assert len(after) == len({row["event_id"] for row in after}) == EVENTS
    archived = damaged.rows(ARCHIVED_DUPLICATES, but=ARCHIVED)
    assert sorted_rows(after + archived) == sorted_rows(before)
    assert {row["locale"] for row in after} == {None}, "of one stamp, the earliest stays"
    assert [row["event_payload"]["copy"] for row in after].count(1) == DUPLICATED
    kept = {row["event_id"]: (row["created_at"], row["bq_ingested_timestamp"]) for row in after}
    for row in damaged.rows(ARCHIVED_DUPLICATES):
        assert (row["kept_created_at"], row["kept_bq_ingested_timestamp"]) == kept[row["event_id"]]
        assert (row["dedup_id"], row["removed_at"]) == (repair_id, NOW)
    assert damaged.snapshots() == [f"tracks_snapshot_{repair_id}"]
    (recorded,) = damaged.rows(TRACKS_REPAIRS)
    assert (recorded["rows_before"], recorded["ids_before"], recorded["rows_after"]) == (ROWS, EVENTS, EVENTS)

    deduped = damaged.contents()
    with damaged.opened() as warehouse:
        assert plan(warehouse, NOW + timedelta(hours=1), 14) is None, "a second one has nothing to do"
        assert plan_rollback(warehouse, "newest").rows_to_restore == EXCESS
    assert damaged.contents() == deduped

    with damaged.opened() as warehouse:
        done = roll_back(warehouse, repair_id)
    assert (done.rows_now, done.rows_to_restore, done.rows_after, done.merged_since) == (EVENTS, EXCESS, ROWS, 0)
    assert damaged.rows(TRACKS) == before
    assert damaged.rows(ARCHIVED_DUPLICATES) == []
    with damaged.opened() as warehouse, pytest.raises(RepairError, match="rolled back already"):
        roll_back(warehouse, repair_id)

    with damaged.opened() as warehouse:
        again = plan(warehouse, NOW + timedelta(hours=1), 14)
        assert again is not None
        take_snapshot(warehouse, again.repair_id, NOW, 14)
        archive(warehouse, again.repair_id, NOW)
        rewrite(warehouse, again.repair_id)
    assert damaged.rows(TRACKS) == after, "a dedup after a rollback does it again"


def test_every_step_may_be_repeated(damaged: Engine) -> None:
    with damaged.opened() as warehouse:
        for _ in range(2):
            take_snapshot(warehouse, REPAIR, NOW, 14)
        for _ in range(2):
            assert archive(warehouse, REPAIR, NOW) == EXCESS
        first = rewrite(warehouse, REPAIR)
        assert rewrite(warehouse, REPAIR) == first
        assert take_snapshot(warehouse, REPAIR, NOW, 14) == first
        assert archive(warehouse, REPAIR, NOW) == EXCESS
    # One that died before it published is cleared by the next, and a snapshot goes when its time is over.
    died, later = (new_repair_id("dedup_tracks", NOW + days * DAY) for days in (1, 15))
    with damaged.opened() as warehouse:
        take_snapshot(warehouse, died, NOW + DAY, 14)
    assert damaged.snapshots() == [f"tracks_snapshot_{REPAIR}", f"tracks_snapshot_{died}"]
    with damaged.opened() as warehouse:
        take_snapshot(warehouse, later, NOW + 15 * DAY, 14)
    assert damaged.snapshots() == [f"tracks_snapshot_{later}"]
    assert len(damaged.rows(ARCHIVED_DUPLICATES)) == EXCESS


REFUSED = {
    "rows without an id": (
        "update posthog.tracks set event_id = null where event_id = 'event 059'",
        "have no event_id",
    ),
    "ids of different events": (
        "update posthog.tracks set user_id = 'another' where event_id = 'event 000' and locale = 'later'",
        "1 event ids .* several",
    ),
}


@pytest.mark.parametrize(("damage", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_what_would_lose_something_is_refused(damaged: Engine, damage: str, text: str) -> None:
    damaged.query(damage)
    before = damaged.contents()
    with damaged.opened() as warehouse, pytest.raises(RepairError, match=text):
        plan(warehouse, NOW, 14)
    assert damaged.contents() == before


def update_a_copy(engine: Engine) -> None:
    engine.query("update posthog.tracks set session_id = 'merged' where event_id = 'event 003' and locale = 'later'")


def update_another(engine: Engine) -> None:
    engine.query("update posthog.tracks set session_id = 'merged' where event_id = 'event 059'")


def lose_one(engine: Engine) -> None:
    engine.query("delete from posthog.tracks where event_id = 'event 059'")


def add_one(engine: Engine) -> None:
    engine.put(TRACKS, event(999))


def add_a_duplicate(engine: Engine) -> None:
    engine.put(TRACKS, event(59))


@pytest.mark.parametrize("change", [update_a_copy, update_another, lose_one, add_one, add_a_duplicate])
def test_a_change_in_between_is_found_and_nothing_is_published(
    damaged: Engine, change: Callable[[Engine], None]
) -> None:
    repair_id = begin(damaged)
    change(damaged)
    before = damaged.rows(TRACKS)

    with damaged.opened() as warehouse:
        with pytest.raises(RepairError, match=r"not published and posthog\.tracks is as it was"):
            rewrite(warehouse, repair_id)
        assert repairs_of(warehouse, "dedup_tracks") == []

    assert damaged.rows(TRACKS) == before
    assert damaged.snapshots() == []
    assert damaged.rows(ARCHIVED_DUPLICATES) == []


@pytest.mark.xfail(
    reason="the emulator's DML leaves a table's lastModifiedTime; tests/outages sets it by hand",
    raises=pytest.fail.Exception,
)
def test_a_change_between_the_proof_and_its_publication_is_found(on_bigquery: Engine) -> None:
    """DuckDB has one writer at a time, and nobody can come in between."""
    on_bigquery.put(TRACKS, *damaged_rows())
    repair_id = begin(on_bigquery)
    with on_bigquery.opened() as warehouse:
        (repair,) = repairs_of(warehouse, "dedup_tracks")
        with warehouse.repairing.deduplicated(repair.qualified_snapshot(warehouse)) as rewritten:
            update_another(on_bigquery)
            before = on_bigquery.rows(TRACKS)
            refused = pytest.raises(WarehouseError, match="was changed while it was rewritten")
            with refused, warehouse.repairing.publication(rewritten, repair_id):
                pass
        assert not warehouse.repairing.was_published(repair_id)
    assert on_bigquery.rows(TRACKS) == before


def test_a_rollback_keeps_what_was_merged_since(damaged: Engine) -> None:
    repair_id = dedup(damaged)
    damaged.put(TRACKS, event(999))
    damaged.query("update posthog.tracks set session_id = 'merged' where event_id in ('event 003', 'event 058')")

    with damaged.opened() as warehouse:
        assert plan_rollback(warehouse, f"posthog_ops.tracks_snapshot_{repair_id}").merged_since == 1
        assert roll_back(warehouse, repair_id).rows_after == ROWS + 1

    assert damaged.value("select count(*) from posthog.tracks where session_id = 'merged'") == 2
    assert damaged.value("select count(*) from posthog.tracks where event_id = 'event 003'") == 4
    assert damaged.value("select count(*) from posthog.tracks where event_id = 'event 999'") == 1


def test_a_rollback_refuses_a_tampered_archive_and_a_lost_snapshot(damaged: Engine) -> None:
    repair_id = dedup(damaged)
    damaged.query("update posthog_ops.archived_duplicates set session_id = 'tampered' where event_id = 'event 007'")
    before = damaged.contents()
    with damaged.opened() as warehouse, pytest.raises(RepairError, match="of 1 events"):
        roll_back(warehouse, repair_id)
    assert damaged.contents() == before

    with damaged.opened() as warehouse:
        warehouse.repairing.drop_snapshot(f"posthog_ops.tracks_snapshot_{repair_id}")
        with pytest.raises(RepairError, match=f"tracks_snapshot_{repair_id} of {repair_id} is gone"):
            roll_back(warehouse, repair_id)
    assert damaged.rows(TRACKS) == before["tracks"]
