"""Gives moved events their time back: where an id carries a time and its row is far later, the id is right.

A re-delivery that moved a row left the id as it was, and the first 48 bits of a UUIDv7 are the moment it was made. Ids
of any other version say nothing and are never touched. Every replaced time is archived, and all of it is reversible.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
    count_ids,
    drop_expired,
    find_repair,
    fingerprint,
    new_repair_id,
    qualified_tracks,
    repairs_of,
)
from tracks_assets.sources.posthog.contract import EARLIEST
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Parameters, Row, content_sum
from tracks_assets.warehouse.tables import ARCHIVED_TIMES

JOB = "restore_created_at"
SAMPLED_ROWS = 20
SNAPSHOT_DAYS = 14

_DELETE_ARCHIVED = "delete_archived_times"
_MOVED_ROWS = "moved_rows"


@dataclass(frozen=True)
class IdTimes:
    """What the ids of tracks say about its times.

    Attributes:
        rows: rows of tracks.
        rows_with_time: those whose id is a UUIDv7.
        moved: those of them that are later than their id says by more than the tolerance; they come back.
        implausible: the same, but the id's time lies before any that an event may have; they stay.
        earlier: those that are earlier than their id says by more than the tolerance; they stay.
    """

    rows: int
    rows_with_time: int
    moved: int
    implausible: int
    earlier: int

    @property
    def rows_without_time(self) -> int:
        """Rows whose id is of another version, and of which nothing is known."""
        return self.rows - self.rows_with_time

    @property
    def share_without_time(self) -> float:
        """Their share of all rows."""
        return self.rows_without_time / max(self.rows, 1)


@dataclass(frozen=True)
class Month:
    """The rows that come back to one month.

    Attributes:
        month: its first day.
        rows: how many come back to it.
        by_payload: for how many of them the payload's own time was taken.
        first_moved_to: the earliest month that one of them was moved to.
        last_moved_to: the latest.
    """

    month: datetime
    rows: int
    by_payload: int
    first_moved_to: datetime
    last_moved_to: datetime


@dataclass(frozen=True)
class RestorePlan:
    """What a restore is going to do, counted and not yet done; bytes are the engine's own."""

    repair_id: str
    tolerance_hours: int
    times: IdTimes
    months: tuple[Month, ...]
    sample: tuple[Row, ...]
    statements: tuple[Statement, ...]
    needed_bytes: int
    free_bytes: int | None

    @property
    def scanned_bytes(self) -> int:
        """Bytes that all the statements would read of tracks."""
        return scanned_by(self.statements)


def count_id_times(warehouse: Warehouse, tolerance_hours: int) -> IdTimes:
    """Counts what the ids of tracks say about its times; reads ids and times only."""
    (row,) = warehouse.fetch("count_id_times", _bounds(tolerance_hours))
    return IdTimes(
        row["all_rows"], row["rows_with_time"], int(row["moved"]), int(row["implausible"]), int(row["earlier"])
    )


def plan(warehouse: Warehouse, now: datetime, tolerance_hours: int) -> RestorePlan:
    """The plan of a restore. Changes nothing.

    Raises:
        RepairError: see ``check_obstacles``, or there is no room for it, or it would read more than is allowed.
    """
    check_obstacles(warehouse, JOB)
    times = count_id_times(warehouse, tolerance_hours)
    warehouse.execute("find_moved_rows", _bounds(tolerance_hours))
    (touched,) = warehouse.fetch("count_touched")
    whole = warehouse.repairing.estimate("fingerprint", table=qualified_tracks(warehouse))
    repair_id = new_repair_id(JOB, now)
    planned = RestorePlan(
        repair_id=repair_id,
        tolerance_hours=tolerance_hours,
        times=times,
        months=_months(warehouse.fetch("months_of_moved_rows", table=_MOVED_ROWS, of_repair=False)),
        sample=tuple(warehouse.fetch("sample_moved_rows", events=SAMPLED_ROWS)),
        statements=rehearse(
            warehouse, _MOVED_ROWS, lambda recorder: restore(recorder, repair_id, now, tolerance_hours)
        ),
        needed_bytes=whole * touched["all_rows"] // max(times.rows, 1),
        free_bytes=warehouse.repairing.free_bytes(),
    )
    found = space_refusal(JOB, "its snapshot needs", planned.needed_bytes, planned.free_bytes) or cost_refusal(
        JOB, planned.statements, warehouse.repairing.byte_limit
    )
    if found:
        raise RepairError(found.finding, found.comparison, found.next_step)
    return planned


def _bounds(tolerance_hours: int) -> Parameters:
    return {"tolerance_hours": tolerance_hours, "earliest": EARLIEST}


def _months(counted: Sequence[Row]) -> tuple[Month, ...]:
    return tuple(
        Month(
            row["original_month"], row["all_rows"], int(row["by_payload"]), row["first_moved_to"], row["last_moved_to"]
        )
        for row in counted
    )


def clear(warehouse: Warehouse, now: datetime) -> None:
    """Takes back what killed restores left, and the snapshots whose time is over."""
    clear_unfinished(warehouse, JOB, _DELETE_ARCHIVED)
    drop_expired(warehouse, (JOB,), now)


def restore(warehouse: Warehouse, repair_id: str, now: datetime, tolerance_hours: int) -> Repair:
    """All steps of a restore, one after another; see each of them."""
    take_snapshot(warehouse, repair_id, now, tolerance_hours)
    return rewrite(warehouse, repair_id, now, tolerance_hours)


def take_snapshot(warehouse: Warehouse, repair_id: str, now: datetime, tolerance_hours: int) -> Repair:
    """Keeps what a rollback needs: every row of every event that is going to be touched.

    Started again after it was done, it finds its own snapshot and leaves it.

    Raises:
        RepairError: see ``check_obstacles``; a step can be started again long after its plan.
    """
    in_effect = [repair for repair in repairs_of(warehouse, JOB) if repair.repair_id == repair_id]
    if in_effect and in_effect[0].state in IN_EFFECT:
        return in_effect[0]
    check_obstacles(warehouse, JOB)
    clear(warehouse, now)
    warehouse.execute("find_moved_rows", _bounds(tolerance_hours))
    warehouse.find_duplicates()
    return begin(warehouse, JOB, repair_id, now, SNAPSHOT_DAYS, touched=_MOVED_ROWS)


@dataclass(frozen=True)
class Touched:
    """The rows of the events that a restore touches: how many, and the sums of their hashes with and without times."""

    rows: int
    content: int
    content_without_time: int


@dataclass(frozen=True)
class Outcome:
    """What a restore made of tracks, not yet published.

    Attributes:
        changed: times replaced.
        archived: times archived.
        left: rows that are still later than their id says.
        tracks: the fingerprint of the result.
        ids: its different event ids.
        touched_seen: the touched events as the snapshot saw them.
        touched_found: the same as the restore found them.
        touched_after: the same as it left them.
    """

    changed: int
    archived: int
    left: int
    tracks: Fingerprint
    ids: int
    touched_seen: Touched
    touched_found: Touched
    touched_after: Touched


def rewrite(warehouse: Warehouse, repair_id: str, now: datetime, tolerance_hours: int) -> Repair:
    """Archives and replaces the times, verifies the result, and publishes it, in one transaction. Safe to repeat.

    Raises:
        RepairError: the result is not what it must be, or see ``check_obstacles``; tracks is as it was.
    """
    repair = find_repair(warehouse, JOB, repair_id)
    if repair.state in IN_EFFECT:
        return repair
    check_obstacles(warehouse, JOB)
    try:
        with warehouse.transaction():
            check_unfinished(warehouse, repair)
            outcome = _replace_times(warehouse, repair, now, tolerance_hours)
            _check(repair, outcome)
            return advance(
                warehouse, repair, State.PUBLISHED, rows_after=outcome.tracks.rows, rows_archived=outcome.archived
            )
    except RepairError:
        clear_unfinished(warehouse, JOB, _DELETE_ARCHIVED, only=repair_id)
        raise


def _replace_times(warehouse: Warehouse, repair: Repair, now: datetime, tolerance_hours: int) -> Outcome:
    snapshot, bounds = repair.qualified_snapshot(warehouse), _bounds(tolerance_hours)
    archiving = {"repair_id": repair.repair_id, "restored_at": now}
    archived = warehouse.execute("archive_times", {**bounds, **archiving}, snapshot=snapshot)
    seen, found = (_touched(warehouse, repair, table) for table in (snapshot, qualified_tracks(warehouse)))
    changed = warehouse.execute("restore_times", bounds)
    after = fingerprint(warehouse, qualified_tracks(warehouse))
    warehouse.find_duplicates()
    return Outcome(
        changed=changed,
        archived=archived,
        left=count_id_times(warehouse, tolerance_hours).moved,
        tracks=after,
        ids=count_ids(warehouse, after),
        touched_seen=seen,
        touched_found=found,
        touched_after=_touched(warehouse, repair, qualified_tracks(warehouse)),
    )


def _touched(warehouse: Warehouse, repair: Repair, table: str) -> Touched:
    (row,) = warehouse.fetch("fingerprint_restored", {"repair_id": repair.repair_id}, table=table)
    return Touched(row["all_rows"], content_sum(row["content"]), content_sum(row["content_without_time"]))


def _check(repair: Repair, outcome: Outcome) -> None:
    found = differences(repair, outcome)
    if found:
        raise RepairError(
            f"{repair.repair_id} is not published and posthog.tracks is as it was.",
            f"The result differs from the snapshot: {'; '.join(found)}.",
            "If a merge came in between, run restore_created_at again.",
        )


def differences(repair: Repair, outcome: Outcome) -> list[str]:
    """What differs from a restore that only moves times, each in a few words; empty where nothing does."""
    found = []
    after, touched_seen, touched_after = outcome.tracks, outcome.touched_seen, outcome.touched_after
    if after.rows != repair.rows_before:
        found.append(f"{after.rows:,} rows, {repair.rows_before:,} before")
    if outcome.ids != repair.ids_before:
        found.append(f"{outcome.ids:,} different ids, {repair.ids_before:,} before")
    if outcome.changed != outcome.archived:
        found.append(f"{outcome.changed:,} times replaced, {outcome.archived:,} archived")
    if outcome.left:
        found.append(f"{outcome.left:,} rows are still later than their id says")
    if outcome.touched_found != touched_seen:
        found.append("the touched events were changed meanwhile")
    if touched_after.content_without_time != touched_seen.content_without_time:
        found.append("the touched events differ in more than their times")
    if after.content - touched_after.content + touched_seen.content != int(repair.content_before):
        found.append("rows of other events are not what they were")
    return found


def restored_months(warehouse: Warehouse, repair: Repair) -> tuple[Month, ...]:
    """The rows that a restore gave back, by the month they came back to."""
    table = warehouse.statements.qualified(ARCHIVED_TIMES.schema, ARCHIVED_TIMES.name)
    return _months(
        warehouse.fetch("months_of_moved_rows", {"repair_id": repair.repair_id}, table=table, of_repair=True)
    )
