"""Writes the current person of each user onto the rows of tracks that have another one.

A squash keeps the persons that it begins with, and then works through the days in batches. A batch is one transaction:
it archives, updates, verifies and records. A killed squash goes on with the persons that it kept: rows that are done no
longer differ. The merge takes the person of an archived event from the archive, so no re-delivery undoes a squash.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tracks_assets.quality.pages import Statement, cost_refusal, scanned_by, space_refusal
from tracks_assets.repairs.rehearsal import rehearse
from tracks_assets.repairs.repair import RepairError, check_obstacles, new_repair_id
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Parameters, Row, content_sum
from tracks_assets.warehouse.tables import TRACKS

JOB = "squash_person_overrides"
SAMPLED_ROWS = 20

_DAY = timedelta(days=1)


class State(StrEnum):
    """How far a squash came."""

    RUNNING = "running"
    FINISHED = "finished"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Squash:
    """One row of ``person_squashes``; see the column descriptions there."""

    squash_id: str
    state: str
    started_at: datetime
    team_id: int
    rows_planned: int
    rows_squashed: int = 0
    batches_done: int = 0

    @property
    def repair_id(self) -> str:
        """Its id, as every repair has one."""
        return self.squash_id


@dataclass(frozen=True)
class Day:
    """Rows that change on one day; those without a time have None."""

    start: datetime | None
    rows: int


@dataclass(frozen=True)
class Range:
    """Moments [start, end) as text; without them, the rows without a time."""

    start: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Batch:
    """The days that one transaction changes, and how many of their rows."""

    days: tuple[Day, ...]

    @property
    def rows(self) -> int:
        """Rows that change."""
        return sum(day.rows for day in self.days)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Its days as ranges [start, end), which name no other day: an update is billed for each day that is named."""
        found: list[tuple[datetime, datetime]] = []
        for start in [day.start for day in self.days if day.start is not None]:
            if found and found[-1][1] == start:
                found[-1] = (found[-1][0], start + _DAY)
            else:
                found.append((start, start + _DAY))
        ranges = [Range(start.isoformat(), end.isoformat()) for start, end in found]
        return (*ranges, *(Range() for day in self.days if day.start is None))


def batches_of(days: Sequence[Day], rows_per_batch: int) -> tuple[Batch, ...]:
    """The batches of a squash: whole days in order, as many as have at most ``rows_per_batch`` rows.

    A day with more rows is a batch of its own.
    """
    found: list[list[Day]] = []
    room = 0
    for day in days:
        if day.rows > room or not found:
            found.append([])
            room = rows_per_batch
        found[-1].append(day)
        room -= day.rows
    return tuple(Batch(tuple(batch)) for batch in found)


@dataclass(frozen=True)
class SquashPlan:
    """What a squash is going to do, counted and not yet done; bytes are the engine's own.

    Attributes:
        squash: the squash.
        is_resumed: whether it has begun before and was killed; then it goes on.
        rows: rows that change.
        users: the users that they belong to.
        persons: the persons that they get.
        batches: the transactions.
        sample: some of the rows.
        statements: the statements of the largest batch.
        scanned_bytes: bytes that all batches would read of tracks.
        needed_bytes: space that the archive needs.
        free_bytes: free space; None where no limit is known.
    """

    squash: Squash
    is_resumed: bool
    rows: int
    users: int
    persons: int
    batches: tuple[Batch, ...]
    sample: tuple[Row, ...]
    statements: tuple[Statement, ...]
    scanned_bytes: int
    needed_bytes: int
    free_bytes: int | None

    @property
    def days(self) -> int:
        """Days that change; the rows without a time count as one."""
        return sum(len(batch.days) for batch in self.batches)


def squashes(warehouse: Warehouse) -> list[Squash]:
    """All squashes, the newest first."""
    return [Squash(**row) for row in warehouse.fetch("squashes")]


def unfinished(warehouse: Warehouse) -> Squash | None:
    """The squash that was killed, or is running: there is one at most."""
    return next((squash for squash in squashes(warehouse) if squash.state == State.RUNNING), None)


def find_squash(warehouse: Warehouse, squash_id: str) -> Squash:
    """The squash with that id.

    Raises:
        RepairError: there is none.
    """
    for squash in squashes(warehouse):
        if squash.squash_id == squash_id:
            return squash
    raise RepairError(
        f"There is no squash {squash_id} in posthog_ops.person_squashes.", next_step=f"Start {JOB} again."
    )


def choose_team(teams: Sequence[int], team_id: int | None) -> int | None:
    """The team whose persons are written: the one that is set, or the only one; None where there are no persons.

    Raises:
        RepairError: there are several and none is set, or the one that is set has no persons.
    """
    if team_id is not None and team_id not in teams:
        raise RepairError(
            f"{JOB} refuses, because posthog.person_distinct_ids has no team {team_id}.",
            "TRACKS_TEAM_ID names that team.",
        )
    if team_id is None and len(teams) > 1:
        raise RepairError(
            f"{JOB} refuses, because posthog.person_distinct_ids has {len(teams)} teams "
            f"({', '.join(map(str, teams))}).",
            "The table tracks has no team.",
            "Set TRACKS_TEAM_ID.",
        )
    return team_id if team_id is not None else next(iter(teams), None)


def plan(warehouse: Warehouse, now: datetime, team_id: int | None, rows_per_batch: int) -> SquashPlan | None:
    """The plan of a squash, or of the rest of one that was killed; None where there is nothing to do. Changes nothing.

    Args:
        warehouse: the open warehouse.
        now: when the squash begins.
        team_id: the setting TRACKS_TEAM_ID.
        rows_per_batch: the most rows that a batch of several days has.

    Raises:
        RepairError: see ``check_obstacles`` and ``choose_team``, or there is no room for it, or a batch would read more
            than is allowed.
    """
    check_obstacles(warehouse, JOB)
    kept = unfinished(warehouse)
    squash = kept or _new_squash(warehouse, now, team_id)
    if squash is None:
        return None
    find_rows(warehouse, squash, is_kept=kept is not None)
    planned = _plan(warehouse, squash, rows_per_batch, is_resumed=kept is not None)
    if planned.rows == 0 and not planned.is_resumed:
        return None
    found = space_refusal(JOB, "its archive needs", planned.needed_bytes, planned.free_bytes) or (
        cost_refusal(JOB, planned.statements, warehouse.repairing.byte_limit) if planned.statements else None
    )
    if found:
        raise RepairError(found.finding, found.comparison, found.next_step)
    return planned


def _new_squash(warehouse: Warehouse, now: datetime, team_id: int | None) -> Squash | None:
    team = choose_team([row["team_id"] for row in warehouse.fetch("person_teams")], team_id)
    return None if team is None else Squash(new_repair_id(JOB, now), State.RUNNING, now, team, rows_planned=0)


def find_rows(warehouse: Warehouse, squash: Squash, *, is_kept: bool) -> None:
    """Fills the temporary tables ``squash_mapping`` and ``squash_rows``: who is who, and the rows that change.

    Args:
        warehouse: the open warehouse.
        squash: the squash.
        is_kept: whether it has begun and keeps its persons; otherwise they are those of now.
    """
    value: Parameters = {"squash_id": squash.squash_id} if is_kept else {"team_id": squash.team_id}
    warehouse.execute("find_squash_mapping", value, of_squash=is_kept)
    warehouse.execute("find_squash_rows")


def days_of_rows(warehouse: Warehouse, statement: str) -> tuple[Day, ...]:
    """The days of the rows that change, as ``statement`` counts them."""
    return tuple(Day(row["day_start"], int(row["all_rows"])) for row in warehouse.fetch(statement))


def _plan(warehouse: Warehouse, squash: Squash, rows_per_batch: int, *, is_resumed: bool) -> SquashPlan:
    (totals,) = warehouse.fetch("squash_totals")
    rows = int(totals["all_rows"])
    batches = batches_of(days_of_rows(warehouse, "squash_days"), rows_per_batch)
    largest = max(batches, key=lambda batch: batch.rows, default=None)
    every_day = Batch(tuple(day for batch in batches for day in batch.days))
    return SquashPlan(
        squash=squash if is_resumed else replace(squash, rows_planned=rows),
        is_resumed=is_resumed,
        rows=rows,
        users=int(totals["users"]),
        persons=int(totals["persons"]),
        batches=batches,
        sample=tuple(warehouse.fetch("sample_squash_rows", events=SAMPLED_ROWS)),
        statements=_rehearsed(warehouse, squash, largest) if largest else (),
        scanned_bytes=scanned_by(_rehearsed(warehouse, squash, every_day)) if batches else 0,
        needed_bytes=warehouse.repairing.estimate("find_squash_rows") * rows // max(warehouse.count_rows(TRACKS), 1),
        free_bytes=warehouse.repairing.free_bytes(),
    )


def _rehearsed(warehouse: Warehouse, squash: Squash, batch: Batch) -> tuple[Statement, ...]:
    return rehearse(
        warehouse, "squash_mapping", lambda recorder: _change(recorder, squash, batch.ranges, squash.started_at)
    )


def begin(warehouse: Warehouse, squash: Squash) -> None:
    """Records a squash and keeps its persons, in one transaction.

    Call it right after ``plan``, in the same open warehouse: it reads what ``find_rows`` found.

    Raises:
        RepairError: another start of the job has begun one meanwhile.
    """
    with warehouse.transaction():
        other = unfinished(warehouse)
        if other:
            raise RepairError(
                f"{squash.squash_id} is not begun, because {other.squash_id} is running.",
                next_step="Wait for it to finish.",
            )
        warehouse.execute("insert_squash", asdict(squash))
        warehouse.execute("keep_squash_mapping", {"squash_id": squash.squash_id})


def squash_rows(
    warehouse: Warehouse, squash_id: str, rows_per_batch: int, now: Callable[[], datetime], log: Callable[[str], None]
) -> Squash:
    """Changes batch after batch, until no row differs from the persons that the squash began with. Safe to repeat.

    What merges bring meanwhile is changed as well, in a further round.

    Args:
        warehouse: the open warehouse.
        squash_id: the squash, which has begun.
        rows_per_batch: the most rows that a batch of several days has.
        now: the time of a batch.
        log: takes a line for each batch.

    Raises:
        RepairError: see ``check_obstacles``, or a batch is not what it must be: it is undone, and those before it stay.
    """
    squash = find_squash(warehouse, squash_id)
    check_obstacles(warehouse, JOB)
    while squash.state == State.RUNNING:
        find_rows(warehouse, squash, is_kept=True)
        batches = batches_of(days_of_rows(warehouse, "squash_days"), rows_per_batch)
        for batch in batches:
            squash = squash_batch(warehouse, squash, batch, now())
            log(f"Batch {squash.batches_done:,} is committed: {squash.rows_squashed:,} rows are squashed.")
        if not batches:
            squash = _finish(warehouse, squash)
    return squash


def _finish(warehouse: Warehouse, squash: Squash) -> Squash:
    with warehouse.transaction():
        _check_running(warehouse, squash)
        warehouse.execute("delete_squash_mapping", {"squash_id": squash.squash_id})
        return advance(warehouse, replace(squash, state=State.FINISHED))


def squash_batch(warehouse: Warehouse, squash: Squash, batch: Batch, now: datetime) -> Squash:
    """Archives and changes the rows of a batch, verifies the result, and records it, in one transaction.

    Raises:
        RepairError: the result is not what it must be; tracks is as it was before the batch.
    """
    with warehouse.transaction():
        _check_running(warehouse, squash)
        change = _change(warehouse, squash, batch.ranges, now)
        found = differences(change)
        if found:
            raise RepairError(
                f"A batch of {squash.squash_id} is not published and posthog.tracks is as it was before it.",
                f"Its result differs from what was there: {'; '.join(found)}.",
            )
        done = replace(
            squash, rows_squashed=squash.rows_squashed + change.changed, batches_done=squash.batches_done + 1
        )
        return advance(warehouse, done)


def _check_running(warehouse: Warehouse, squash: Squash) -> None:
    """Looks whether the squash is as far as its caller believes; the caller holds the write lock of tracks.

    Raises:
        RepairError: another start of a job went on with it, or rolled it back.
    """
    if find_squash(warehouse, squash.squash_id) != squash:
        raise RepairError(
            f"{squash.squash_id} was continued or rolled back by another run meanwhile.",
            "This run stops.",
            f"Wait for that run to finish, then start {JOB} again.",
        )


def advance(warehouse: Warehouse, squash: Squash) -> Squash:
    """Records how far a squash came."""
    progress = ("squash_id", "state", "rows_squashed", "batches_done")
    warehouse.execute("advance_squash", {name: getattr(squash, name) for name in progress})
    return squash


@dataclass(frozen=True)
class Days:
    """Some days of tracks, as a batch sees them.

    Attributes:
        rows: their rows.
        differing: rows that have another person than the squash gives them.
        content_without_person: the sum of the hashes of all rows without their persons.
        content_of_others: the sum of the hashes, in full, of the rows that the squash is not about.
    """

    rows: int
    differing: int
    content_without_person: int
    content_of_others: int


@dataclass(frozen=True)
class Change:
    """What a batch did, not yet committed: its days before and after, rows archived, and rows changed."""

    before: Days
    archived: int
    changed: int
    after: Days


def _change(warehouse: Warehouse, squash: Squash, days: Sequence[Range], now: datetime) -> Change:
    before = _days(warehouse, days)
    archived = warehouse.execute("archive_person_ids", {"squash_id": squash.squash_id, "squashed_at": now}, days=days)
    changed = warehouse.execute("squash_person_ids", days=days)
    return Change(before, archived, changed, _days(warehouse, days))


def _days(warehouse: Warehouse, days: Sequence[Range]) -> Days:
    (row,) = warehouse.fetch("squash_state", days=days)
    return Days(
        row["all_rows"],
        int(row["differing"]),
        content_sum(row["content_without_person"]),
        content_sum(row["content_of_others"]),
    )


def differences(change: Change) -> list[str]:
    """What differs from a batch that changes planned persons only, each in a few words; empty where nothing does."""
    before, after = change.before, change.after
    found = []
    if after.rows != before.rows:
        found.append(f"{after.rows:,} rows, {before.rows:,} before")
    if not change.archived == change.changed == before.differing:
        found.append(f"{change.changed:,} rows changed, {change.archived:,} archived, {before.differing:,} planned")
    if after.differing:
        found.append(f"{after.differing:,} rows still have another person")
    if after.content_without_person != before.content_without_person:
        found.append("rows differ in more than their persons")
    if after.content_of_others != before.content_of_others:
        found.append("rows of other users are not what they were")
    return found
