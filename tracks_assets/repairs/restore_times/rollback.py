"""The way back from restore_created_at: rows that still carry a restored time get the one before it, row by row."""

from dataclasses import dataclass

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
from tracks_assets.repairs.restore_times.restore import JOB
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import ARCHIVED_TIMES

ROLLBACK = "rollback_restore_created_at"


@dataclass(frozen=True)
class RestoreRollback:
    """What rolling a restore back is going to do.

    Attributes:
        repair: the restore.
        archived: times that it replaced.
        to_move: rows that still carry the time it gave them, and get the earlier one back.
        rows_of_moved: rows of the events of those rows.
        merged_since: events that changed since the restore.
    """

    repair: Repair
    archived: int
    to_move: int
    rows_of_moved: int
    merged_since: int

    @property
    def kept(self) -> int:
        """Rows that were merged or removed since, and stay as they are."""
        return self.archived - self.to_move


def plan_rollback(warehouse: Warehouse, wanted: str) -> RestoreRollback:
    """The plan of a rollback; changes nothing.

    Args:
        warehouse: the open warehouse.
        wanted: ``newest``, a restore's id, or the name of its snapshot.

    Raises:
        RepairError: see ``check_obstacles``, or there is no such restore, it is rolled back already, its
            snapshot is gone, or its archive does not match its snapshot.
    """
    check_obstacles(warehouse, ROLLBACK)
    repair = choose(repairs_of(warehouse, JOB), JOB, wanted)
    check_snapshot(warehouse, repair, ARCHIVED_TIMES)
    of_repair = {"repair_id": repair.repair_id}
    warehouse.execute("find_seen_rows", of_repair, snapshot=repair.qualified_snapshot(warehouse))
    (state,) = warehouse.fetch("times_rollback_state", of_repair)
    if not state["is_archive_complete"] or state["archived_times"] != repair.rows_archived:
        raise RepairError(
            f"The archive of {repair.repair_id} in posthog_ops.archived_times does not match its snapshot.",
            f"Nothing was changed. The rows as they were are in {repair.snapshot}.",
        )
    warehouse.execute("find_given_back")
    (counted,) = warehouse.fetch("count_given_back")
    return RestoreRollback(
        repair=repair,
        archived=state["archived_times"],
        to_move=counted["moved_rows"],
        rows_of_moved=counted["rows_of_moved_events"],
        merged_since=int(state["merged_since"]),
    )


def roll_back(warehouse: Warehouse, wanted: str) -> RestoreRollback:
    """Gives rows that still carry a restored time the one they had before; what was merged since stays.

    The archive keeps the times, so that what the restore did can still be shown.

    Raises:
        RepairError: see ``plan_rollback``, or the result would not be what the snapshot has; tracks is as it was.
    """
    with warehouse.transaction():
        planned = plan_rollback(warehouse, wanted)
        deleted = warehouse.execute("delete_moved_events")
        inserted = warehouse.execute("insert_moved_events")
        (state,) = warehouse.fetch("times_rollback_state", {"repair_id": planned.repair.repair_id})
        found = rollback_differences(planned, deleted, inserted, int(state["not_as_before"]))
        if found:
            raise RepairError(
                f"The rollback of {planned.repair.repair_id} is not published and posthog.tracks is as it was.",
                f"Its result differs from the snapshot: {'; '.join(found)}.",
            )
        advance(warehouse, planned.repair, State.ROLLED_BACK)
    return planned


def rollback_differences(planned: RestoreRollback, deleted: int, inserted: int, not_as_before: int) -> list[str]:
    """What differs from an exact rollback, each in a few words; empty where nothing does."""
    found = []
    if not deleted == inserted == planned.rows_of_moved:
        found.append(f"{deleted:,} rows taken out, {inserted:,} put back, {planned.rows_of_moved:,} expected")
    if not_as_before > planned.merged_since:
        found.append(f"{not_as_before:,} events differ from the snapshot, {planned.merged_since:,} were merged since")
    return found
