"""What every repair of tracks has in common: a snapshot before it, a record of how far it came, and a way back.

A repair is recorded in ``tracks_repairs`` from its snapshot on. Whatever kills it, the record shows the next start what
to do: a repair that was never published is cleared as if it had not begun, a published one only lacks its report.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tracks_assets.core.errors import ReportedError
from tracks_assets.core.tables import OPS_SCHEMA, Table
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import content_sum
from tracks_assets.warehouse.tables import TRACKS

NEWEST = "newest"


class RepairError(ReportedError):
    """A repair refuses, or found that its result is not what it must be."""


class State(StrEnum):
    """How far a repair came; before ``PUBLISHED``, tracks is untouched."""

    SNAPSHOT = "snapshot"
    ARCHIVED = "archived"
    PUBLISHED = "published"
    REPORTED = "reported"
    ROLLED_BACK = "rolled_back"


IN_EFFECT = (State.PUBLISHED, State.REPORTED)
_UNFINISHED = (State.SNAPSHOT, State.ARCHIVED)


@dataclass(frozen=True)
class Fingerprint:
    """Rows of a table, those with an event id, and the sum of the hashes of all: equal where the tables are."""

    rows: int
    rows_with_id: int
    content: int

    @property
    def null_ids(self) -> int:
        """Rows without an event id."""
        return self.rows - self.rows_with_id


@dataclass(frozen=True)
class Repair:
    """One row of ``tracks_repairs``; see the column descriptions there."""

    repair_id: str
    job: str
    state: str
    started_at: datetime
    expires_at: datetime
    snapshot: str
    rows_before: int
    content_before: str
    ids_before: int
    rows_after: int | None = None
    rows_archived: int | None = None

    def qualified_snapshot(self, warehouse: Warehouse) -> str:
        """The snapshot as the engine's statements name it."""
        return warehouse.statements.named(self.snapshot)


def check_obstacles(warehouse: Warehouse, job: str) -> None:
    """Refuses a repair of a table whose protection it would drop, or of which it would read or keep too little.

    Call it first: it reads no row.

    Raises:
        RepairError: there is an obstacle; nothing was read or changed.
    """
    obstacles = warehouse.repairing.obstacles()
    if obstacles:
        raise RepairError(
            f"{job} refuses, because {'; '.join(map(str, obstacles))}.",
            "Nothing was read or changed.",
            "Run python -m tracks_assets.doctor, which shows the fix for each.",
        )


def new_repair_id(job: str, now: datetime) -> str:
    """An id that sorts by time and is allowed in a table's name, for instance ``dedup_20260612_093000_000000``."""
    return f"{job.partition('_')[0]}_{now:%Y%m%d_%H%M%S_%f}"


def snapshot_name(repair_id: str) -> str:
    """The table (``schema.name``) that holds a repair's snapshot."""
    return f"{OPS_SCHEMA}.{TRACKS.name}_snapshot_{repair_id}"


def fingerprint(warehouse: Warehouse, table: str) -> Fingerprint:
    """The fingerprint of a table with the columns of tracks; reads all of it."""
    (row,) = warehouse.fetch("fingerprint", table=table)
    return Fingerprint(row["all_rows"], row["rows_with_id"], content_sum(row["content"]))


def qualified_tracks(warehouse: Warehouse) -> str:
    """The qualified name of tracks."""
    return warehouse.statements.qualified(TRACKS.schema, TRACKS.name)


def count_ids(warehouse: Warehouse, of: Fingerprint) -> int:
    """Different event ids among the rows of ``of``, once ``find_duplicates`` has run."""
    (duplicates,) = warehouse.fetch("excess_rows")
    return of.rows_with_id - int(duplicates["excess_rows"])


def repairs_of(warehouse: Warehouse, job: str) -> list[Repair]:
    """The repairs of a job, the newest first."""
    return [_settled(warehouse, Repair(**row)) for row in warehouse.fetch("repairs", {"job": job})]


def _settled(warehouse: Warehouse, repair: Repair) -> Repair:
    """The repair itself; if it was killed between publishing and recording that, the record is made up for."""
    if repair.state == State.ARCHIVED and warehouse.repairing.was_published(repair.repair_id):
        rows_after = repair.rows_before - (repair.rows_archived or 0)
        return advance(warehouse, repair, State.PUBLISHED, rows_after=rows_after)
    return repair


def find_repair(warehouse: Warehouse, job: str, repair_id: str) -> Repair:
    """The repair with that id.

    Raises:
        RepairError: there is none.
    """
    for repair in repairs_of(warehouse, job):
        if repair.repair_id == repair_id:
            return repair
    raise RepairError(
        f"There is no repair {repair_id} of {job} in posthog_ops.tracks_repairs.", next_step=f"Start {job} again."
    )


def begin(warehouse: Warehouse, job: str, repair_id: str, now: datetime, days: int, touched: str) -> Repair:
    """Records the repair and takes its snapshot; ``find_duplicates`` must have run.

    The record comes first: killed before its snapshot is taken, the repair is known for one that was never published.

    Args:
        warehouse: the open warehouse.
        job: the repairing job.
        repair_id: from ``new_repair_id``.
        now: when the snapshot is taken.
        days: how long it is kept.
        touched: a table of the ids (event_id) that the repair is going to touch.
    """
    seen = fingerprint(warehouse, qualified_tracks(warehouse))
    repair = Repair(
        repair_id=repair_id,
        job=job,
        state=State.SNAPSHOT,
        started_at=now,
        expires_at=now + timedelta(days=days),
        snapshot=snapshot_name(repair_id),
        rows_before=seen.rows,
        content_before=str(seen.content),
        ids_before=count_ids(warehouse, seen),
    )
    warehouse.execute("insert_repair", asdict(repair))
    warehouse.repairing.take_snapshot(repair.snapshot, touched, repair.expires_at)
    return repair


def advance(
    warehouse: Warehouse,
    repair: Repair,
    state: State,
    rows_after: int | None = None,
    rows_archived: int | None = None,
) -> Repair:
    """Records that a repair came as far as ``state``; figures that are not given stay."""
    advanced = replace(
        repair,
        state=state,
        rows_after=repair.rows_after if rows_after is None else rows_after,
        rows_archived=repair.rows_archived if rows_archived is None else rows_archived,
    )
    warehouse.execute(
        "advance_repair",
        {name: getattr(advanced, name) for name in ("repair_id", "state", "rows_after", "rows_archived")},
    )
    return advanced


def clear_unfinished(warehouse: Warehouse, job: str, delete_archived: str, only: str | None = None) -> list[str]:
    """Takes back what repairs left that were killed before they were published; returns their ids.

    It holds the write lock of tracks, so a repair that is being published at this moment is not cleared.

    Args:
        warehouse: the open warehouse.
        job: the repairing job.
        delete_archived: the statement that empties the job's archive of one repair.
        only: the id of the one repair that is to be cleared; every other one may be somebody else's.
    """
    if not _unfinished(warehouse, job, only):
        return []
    with warehouse.transaction():
        unfinished = _unfinished(warehouse, job, only)
        for repair in unfinished:
            warehouse.execute(delete_archived, {"repair_id": repair.repair_id})
            warehouse.execute("delete_repair", {"repair_id": repair.repair_id})
    for repair in unfinished:
        warehouse.repairing.drop_snapshot(repair.snapshot)
    return [repair.repair_id for repair in unfinished]


def _unfinished(warehouse: Warehouse, job: str, only: str | None = None) -> list[Repair]:
    repairs = [repair for repair in repairs_of(warehouse, job) if repair.state in _UNFINISHED]
    return [repair for repair in repairs if only in (None, repair.repair_id)]


def check_unfinished(warehouse: Warehouse, repair: Repair) -> None:
    """Looks whether a repair to be published is still on record; the caller holds the write lock of tracks.

    Raises:
        RepairError: another start of the job took it for one that was killed, and cleared it.
    """
    if not _unfinished(warehouse, repair.job, repair.repair_id):
        raise RepairError(
            f"{repair.repair_id} is not published and posthog.tracks is as it was.",
            f"Another start of {repair.job} cleared it meanwhile.",
            f"Wait for it to finish, then run {repair.job} again.",
        )


def drop_expired(warehouse: Warehouse, jobs: Sequence[str], now: datetime) -> None:
    """Removes the snapshots whose time is over: an engine may have no expiring tables of its own."""
    for job in jobs:
        for repair in repairs_of(warehouse, job):
            if repair.expires_at < now:
                warehouse.repairing.drop_snapshot(repair.snapshot)


def unreported(warehouse: Warehouse, job: str) -> list[Repair]:
    """Repairs that were published and killed before they could report."""
    return [repair for repair in repairs_of(warehouse, job) if repair.state == State.PUBLISHED]


def choose(repairs: Sequence[Repair], job: str, wanted: str) -> Repair:
    """The repair that a rollback is about: the newest one in effect, or the one whose id or snapshot is named.

    Raises:
        RepairError: there is none, or it is rolled back already or was never published.
    """
    if wanted == NEWEST:
        in_effect = [repair for repair in repairs if repair.state in IN_EFFECT]
        if not in_effect:
            raise RepairError(
                f"No run of {job} in posthog_ops.tracks_repairs is in effect.", "There is nothing to roll back."
            )
        return in_effect[0]
    for repair in repairs:
        if wanted in (repair.repair_id, repair.snapshot, repair.snapshot.partition(".")[2]):
            return _check_in_effect(repair)
    known = ", ".join(repair.repair_id for repair in repairs) or "none"
    raise RepairError(
        f"posthog_ops.tracks_repairs has no {job} with the id or snapshot {wanted!r}.", f"It has: {known}."
    )


def _check_in_effect(repair: Repair) -> Repair:
    if repair.state == State.ROLLED_BACK:
        raise RepairError(f"{repair.repair_id} is rolled back already.", "There is nothing left to roll back.")
    if repair.state not in IN_EFFECT:
        raise RepairError(f"{repair.repair_id} was never published.", "The table tracks is as it was before it.")
    return repair


def check_snapshot(warehouse: Warehouse, repair: Repair, archive: Table) -> None:
    """Looks whether the snapshot of a repair is still there.

    Raises:
        RepairError: it is gone.
    """
    if not warehouse.repairing.has_snapshot(repair.snapshot):
        raise RepairError(
            f"The snapshot {repair.snapshot} of {repair.repair_id} is gone.",
            f"It was kept until {repair.expires_at:%Y-%m-%d %H:%M} UTC, so a rollback cannot be verified. What was "
            f"removed is still in {archive} under {repair.repair_id}.",
        )
