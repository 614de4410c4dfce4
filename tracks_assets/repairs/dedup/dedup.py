"""The one-shot dedup of tracks: one row of each event is kept, every other goes in full into an archive, until undone.

Nothing is published before it is proved: the rows and the hash sum that the snapshot saw must be those of tracks
afterwards together with those of the archive. That one sum shows that no untouched row changed, that no removed row was
lost, and that no merge came in between.
"""

from dataclasses import dataclass
from datetime import datetime

from tracks_assets.quality.census import Census, count
from tracks_assets.quality.pages import Statement, cost_refusal, scanned_by, space_refusal
from tracks_assets.repairs.rehearsal import rehearse
from tracks_assets.repairs.repair import (
    IN_EFFECT,
    Fingerprint,
    Repair,
    RepairError,
    State,
    advance,
    begin,
    check_obstacles,
    check_unfinished,
    clear_unfinished,
    drop_expired,
    find_repair,
    fingerprint,
    new_repair_id,
    qualified_tracks,
    repairs_of,
)
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.repairing import Rewritten
from tracks_assets.warehouse.results import Row, content_sum

JOB = "dedup_tracks"
SAMPLED_EVENTS = 20

DELETE_ARCHIVED = "delete_archived"
"""The statement that empties the archive of one dedup."""


@dataclass(frozen=True)
class DedupPlan:
    """What a dedup is going to do, counted and not yet done; bytes are the engine's own."""

    repair_id: str
    census: Census
    snapshot_days: int
    statements: tuple[Statement, ...]
    needed_bytes: int
    free_bytes: int | None
    sample: tuple[Row, ...]

    @property
    def scanned_bytes(self) -> int:
        """Bytes that all the statements would read of tracks."""
        return scanned_by(self.statements)

    @property
    def rows_after(self) -> int:
        """Rows of tracks when it is done."""
        return self.census.rows - self.census.excess_rows


def refusal(census: Census) -> RepairError | None:
    """Why a dedup of what was counted would not be lossless; None where it would be."""
    if census.null_event_ids:
        return RepairError(
            f"dedup_tracks refuses, because {census.null_event_ids:,} rows of posthog.tracks have no event_id.",
            "Which of them are the same event is unknown.",
            "Give them ids or move them away, then run it again.",
        )
    if census.colliding_event_ids:
        return RepairError(
            f"dedup_tracks refuses, because {census.colliding_event_ids:,} event ids of posthog.tracks have several "
            f"(event_name, user_id).",
            "One of two different events would be lost.",
            "Look at them with python -m tracks_assets.trace EVENT_ID, separate them, then run it again.",
        )
    return None


def plan(warehouse: Warehouse, now: datetime, snapshot_days: int) -> DedupPlan | None:
    """The plan of a dedup; None where no event is duplicated. Changes nothing.

    Raises:
        RepairError: a dedup would lose something (see also ``check_obstacles``), there is no room for it, or it would
            read more than is allowed.
    """
    check_obstacles(warehouse, JOB)
    census = count(warehouse, now)
    lossy = refusal(census)
    if lossy:
        raise lossy
    if census.excess_rows == 0:
        return None
    planned = _plan(warehouse, census, now, snapshot_days)
    found = space_refusal(
        JOB, "its snapshot and archive need", planned.needed_bytes, planned.free_bytes
    ) or cost_refusal(JOB, planned.statements, warehouse.repairing.byte_limit)
    if found:
        raise RepairError(found.finding, found.comparison, found.next_step)
    return planned


def _plan(warehouse: Warehouse, census: Census, now: datetime, snapshot_days: int) -> DedupPlan:
    repair_id = new_repair_id(JOB, now)
    duplicate_rows = census.duplicate_event_ids + census.excess_rows
    whole = warehouse.repairing.estimate("fingerprint", table=qualified_tracks(warehouse))
    return DedupPlan(
        repair_id=repair_id,
        census=census,
        snapshot_days=snapshot_days,
        statements=rehearse(
            warehouse, "duplicate_ids", lambda recorder: dedup(recorder, repair_id, now, snapshot_days)
        ),
        needed_bytes=whole * (duplicate_rows + census.excess_rows) // max(census.rows, 1),
        free_bytes=warehouse.repairing.free_bytes(),
        sample=tuple(warehouse.fetch("sample_duplicate_rows", events=SAMPLED_EVENTS)),
    )


def dedup(warehouse: Warehouse, repair_id: str, now: datetime, snapshot_days: int) -> Repair:
    """All steps of a dedup, one after another; see each of them."""
    take_snapshot(warehouse, repair_id, now, snapshot_days)
    archive(warehouse, repair_id, now)
    return rewrite(warehouse, repair_id)


def take_snapshot(warehouse: Warehouse, repair_id: str, now: datetime, snapshot_days: int) -> Repair:
    """Keeps what a rollback needs; clears what killed dedups left, and snapshots whose time is over.

    Started again after it was done, it finds its own snapshot and leaves it.

    Raises:
        RepairError: see ``check_obstacles``; a step can be started again long after its plan.
    """
    in_effect = [repair for repair in repairs_of(warehouse, JOB) if repair.repair_id == repair_id]
    if in_effect and in_effect[0].state in IN_EFFECT:
        return in_effect[0]
    check_obstacles(warehouse, JOB)
    clear_unfinished(warehouse, JOB, DELETE_ARCHIVED)
    drop_expired(warehouse, (JOB,), now)
    warehouse.find_duplicates()
    return begin(warehouse, JOB, repair_id, now, snapshot_days, touched="duplicate_ids")


def archive(warehouse: Warehouse, repair_id: str, now: datetime) -> int:
    """Puts every row that is going to be removed into the archive; returns how many. Safe to repeat."""
    repair = find_repair(warehouse, JOB, repair_id)
    if repair.state in IN_EFFECT:
        return repair.rows_archived or 0
    warehouse.execute(DELETE_ARCHIVED, {"repair_id": repair_id})
    archived = warehouse.execute(
        "archive_rows_to_remove",
        {"repair_id": repair_id, "removed_at": now},
        snapshot=repair.qualified_snapshot(warehouse),
    )
    advance(warehouse, repair, State.ARCHIVED, rows_archived=archived)
    return archived


def rewrite(warehouse: Warehouse, repair_id: str) -> Repair:
    """Removes all rows but one of each event, verifies the result, and then publishes it in one step. Safe to repeat.

    Raises:
        RepairError: the result is not what it must be, or see ``check_obstacles``; tracks is as it was.
    """
    repair = find_repair(warehouse, JOB, repair_id)
    if repair.state in IN_EFFECT:
        return repair
    check_obstacles(warehouse, JOB)
    try:
        with warehouse.repairing.deduplicated(repair.qualified_snapshot(warehouse)) as rewritten:
            rows = _verified(warehouse, repair, rewritten).rows
            with warehouse.repairing.publication(rewritten, repair_id):
                check_unfinished(warehouse, repair)
            advance(warehouse, repair, State.PUBLISHED, rows_after=rows)
        return find_repair(warehouse, JOB, repair_id)
    except RepairError:
        clear_unfinished(warehouse, JOB, DELETE_ARCHIVED, only=repair_id)
        raise


def _verified(warehouse: Warehouse, repair: Repair, rewritten: Rewritten) -> Fingerprint:
    after = fingerprint(warehouse, rewritten.table)
    archive_holds = archived(warehouse, repair.repair_id)
    found = differences(repair, after, _ids_after(warehouse, repair, rewritten, after), archive_holds)
    if (rewritten.removed_rows, rewritten.removed_content) != (archive_holds.rows, archive_holds.content):
        found.append("the rows removed are not the rows archived")
    if found:
        raise RepairError(
            f"{repair.repair_id} is not published and posthog.tracks is as it was.",
            f"The result differs from the snapshot: {'; '.join(found)}.",
            "If a merge came in between, run dedup_tracks again.",
        )
    return after


def _ids_after(warehouse: Warehouse, repair: Repair, rewritten: Rewritten, after: Fingerprint) -> int:
    """Different event ids of the result: those of the snapshot are counted again, every other row has one of its own.

    Ids that the snapshot does not hold had one row when it was taken; the hash sum proves that their rows are the
    same.
    """
    (touched,) = warehouse.fetch("touched_rows", table=rewritten.table, touched=repair.qualified_snapshot(warehouse))
    return after.rows_with_id - int(touched["all_rows"]) + int(touched["ids"])


def archived(warehouse: Warehouse, repair_id: str) -> Fingerprint:
    """The fingerprint of what a dedup put into the archive."""
    (row,) = warehouse.fetch("fingerprint_archive", {"repair_id": repair_id})
    return Fingerprint(row["all_rows"], row["rows_with_id"], content_sum(row["content"]))


def differences(repair: Repair, after: Fingerprint, ids_after: int, removed: Fingerprint) -> list[str]:
    """What differs from a lossless dedup, each in a few words; empty where nothing does."""
    found = []
    if after.rows != ids_after:
        found.append(f"{after.rows:,} rows for {ids_after:,} different ids")
    if ids_after != repair.ids_before:
        found.append(f"{ids_after:,} different ids, {repair.ids_before:,} before")
    if after.null_ids:
        found.append(f"{after.null_ids:,} rows without an id")
    if after.rows + removed.rows != repair.rows_before:
        found.append(f"{after.rows:,} rows and {removed.rows:,} archived, {repair.rows_before:,} before")
    if after.content + removed.content != int(repair.content_before):
        found.append("the hash sum of rows and archived rows is another one")
    return found
