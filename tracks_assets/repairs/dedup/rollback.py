"""The way back from dedup_tracks: what was removed comes back from the archive, held against the snapshot."""

from dataclasses import dataclass

from tracks_assets.repairs.dedup.dedup import DELETE_ARCHIVED, JOB, archived
from tracks_assets.repairs.repair import (
    Repair,
    RepairError,
    State,
    advance,
    check_obstacles,
    check_snapshot,
    choose,
    repairs_of,
)
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row
from tracks_assets.warehouse.tables import ARCHIVED_DUPLICATES, TRACKS

ROLLBACK = "rollback_dedup"


@dataclass(frozen=True)
class DedupRollback:
    """What rolling a dedup back is going to do."""

    repair: Repair
    rows_now: int
    rows_to_restore: int
    merged_since: int

    @property
    def rows_after(self) -> int:
        """Rows of tracks when it is done."""
        return self.rows_now + self.rows_to_restore


def plan_rollback(warehouse: Warehouse, wanted: str) -> DedupRollback:
    """The plan of a rollback; changes nothing.

    Args:
        warehouse: the open warehouse.
        wanted: ``newest``, a dedup's id, or the name of its snapshot.

    Raises:
        RepairError: see ``check_obstacles``, or there is no such dedup, it is rolled back already, its snapshot
            is gone, or its archive is not what the snapshot has.
    """
    check_obstacles(warehouse, ROLLBACK)
    repair = choose(repairs_of(warehouse, JOB), JOB, wanted)
    check_snapshot(warehouse, repair, ARCHIVED_DUPLICATES)
    state = _rollback_state(warehouse, repair)
    if state["damaged"]:
        raise RepairError(
            f"The archive of {repair.repair_id} in posthog_ops.archived_duplicates does not hold what was removed of "
            f"{state['damaged']:,} events.",
            f"Nothing was changed. The rows as they were are in {repair.snapshot}.",
        )
    return DedupRollback(
        repair=repair,
        rows_now=warehouse.count_rows(TRACKS),
        rows_to_restore=archived(warehouse, repair.repair_id).rows,
        merged_since=state["merged_since"],
    )


def roll_back(warehouse: Warehouse, wanted: str) -> DedupRollback:
    """Gives tracks back what a dedup removed, verified against its snapshot; what was merged since stays.

    An event that was merged since keeps the row that the merge left, and its removed rows are stored beside it again.

    Raises:
        RepairError: see ``plan_rollback``, or the result would not be what the snapshot has; tracks is as it was.
    """
    with warehouse.transaction():
        planned = plan_rollback(warehouse, wanted)
        repair = planned.repair
        restored = warehouse.execute("restore_archived", {"repair_id": repair.repair_id})
        rows = warehouse.count_rows(TRACKS)
        found = rollback_differences(planned, restored, rows, _rollback_state(warehouse, repair)["not_as_before"])
        if found:
            raise RepairError(
                f"The rollback of {repair.repair_id} is not published and posthog.tracks is as it was.",
                f"Its result differs from the snapshot: {'; '.join(found)}.",
            )
        warehouse.execute(DELETE_ARCHIVED, {"repair_id": repair.repair_id})
        advance(warehouse, repair, State.ROLLED_BACK)
    return planned


def rollback_differences(planned: DedupRollback, restored: int, rows: int, not_as_before: int) -> list[str]:
    """What differs from an exact rollback, each in a few words; empty where nothing does."""
    found = []
    if restored != planned.rows_to_restore:
        found.append(f"{restored:,} rows given back, {planned.rows_to_restore:,} archived")
    if rows != planned.rows_after:
        found.append(f"{rows:,} rows, {planned.rows_after:,} expected")
    if not_as_before != planned.merged_since:
        found.append(f"{not_as_before:,} events differ from the snapshot, {planned.merged_since:,} were merged since")
    return found


def _rollback_state(warehouse: Warehouse, repair: Repair) -> Row:
    (row,) = warehouse.fetch(
        "rollback_state", {"repair_id": repair.repair_id}, snapshot=repair.qualified_snapshot(warehouse)
    )
    return row
