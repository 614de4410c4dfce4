"""The way back from squash_person_overrides: rows that still have the person of the squash get the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracks_assets.repairs.repair import NEWEST, RepairError, check_obstacles
from tracks_assets.repairs.squash.squash import Batch, Range, Squash, State, advance, days_of_rows, squashes
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import content_sum

ROLLBACK = "rollback_squash_person_overrides"


@dataclass(frozen=True)
class SquashRollback:
    """What rolling a squash back is going to do.

    Attributes:
        repair: the squash.
        archived: rows that it changed.
        to_give_back: rows that still have the person that it wrote, and get the one before back.
        batch: the days of those rows.
    """

    repair: Squash
    archived: int
    to_give_back: int
    batch: Batch

    @property
    def kept(self) -> int:
        """Rows that were removed or changed since, or of which the one before is unknown; they stay as they are."""
        return self.archived - self.to_give_back


def choose(found: Sequence[Squash], wanted: str) -> Squash:
    """The squash that a rollback is about: the newest one in effect. An older one waits until that is rolled back.

    Raises:
        RepairError: there is none, or the wanted one is not the newest in effect.
    """
    in_effect = [squash for squash in found if squash.state != State.ROLLED_BACK]
    if wanted != NEWEST and wanted not in [squash.squash_id for squash in found]:
        known = ", ".join(squash.squash_id for squash in found) or "none"
        raise RepairError(f"posthog_ops.person_squashes has no squash with the id {wanted!r}.", f"It has: {known}.")
    if wanted != NEWEST and wanted not in [squash.squash_id for squash in in_effect]:
        raise RepairError(f"{wanted} is rolled back already.", "There is nothing left to roll back.")
    if not in_effect:
        raise RepairError("No squash in posthog_ops.person_squashes is in effect.", "There is nothing to roll back.")
    newest = in_effect[0]
    if wanted not in (NEWEST, newest.squash_id):
        raise RepairError(
            f"{wanted} cannot be rolled back before {newest.squash_id}, which is newer.",
            next_step="Roll that back first.",
        )
    return newest


def plan_rollback(warehouse: Warehouse, wanted: str) -> SquashRollback:
    """The plan of a rollback; changes nothing.

    Args:
        warehouse: the open warehouse.
        wanted: ``newest``, or a squash's id.

    Raises:
        RepairError: see ``check_obstacles`` and ``choose``, or the archive is not what the squash recorded.
    """
    check_obstacles(warehouse, ROLLBACK)
    squash = choose(squashes(warehouse), wanted)
    (archived,) = warehouse.fetch("count_archived_persons", {"squash_id": squash.squash_id})
    if archived["all_rows"] != squash.rows_squashed:
        raise RepairError(
            f"posthog_ops.archived_person_ids has {archived['all_rows']:,} rows of {squash.squash_id}, which changed "
            f"{squash.rows_squashed:,}.",
            "Nothing was changed.",
        )
    warehouse.execute("find_former_persons", {"squash_id": squash.squash_id})
    batch = Batch(days_of_rows(warehouse, "former_days"))
    return SquashRollback(squash, archived["all_rows"], batch.rows, batch)


def roll_back(warehouse: Warehouse, wanted: str) -> SquashRollback:
    """Gives rows that still have the person of a squash the one before it, verified, in one transaction.

    The archive of the squash is emptied, so that merges keep its persons no longer.

    Raises:
        RepairError: see ``plan_rollback``, or the result would not be what it must be; tracks is as it was.
    """
    with warehouse.transaction():
        planned = plan_rollback(warehouse, wanted)
        of_squash = {"squash_id": planned.repair.squash_id}
        found = differences(planned, _give_back(warehouse, planned.batch.ranges)) if planned.batch.days else []
        if found:
            raise RepairError(
                f"The rollback of {planned.repair.squash_id} is not published and posthog.tracks is as it was.",
                f"Its result differs from what it must be: {'; '.join(found)}.",
            )
        warehouse.execute("delete_archived_persons", of_squash)
        warehouse.execute("delete_squash_mapping", of_squash)
        advance(warehouse, replace(planned.repair, state=State.ROLLED_BACK))
    return planned


@dataclass(frozen=True)
class Days:
    """Some days of tracks, as a rollback sees them.

    Attributes:
        rows: their rows.
        squashed: rows that have the person of the squash, and a known one before it.
        given_back: rows that have the one before it.
        content_without_person: the sum of the hashes of all rows without their persons.
        content_of_others: the sum of the hashes, in full, of the rows that the rollback is not about.
    """

    rows: int
    squashed: int
    given_back: int
    content_without_person: int
    content_of_others: int


@dataclass(frozen=True)
class GivenBack:
    """What a rollback did, not yet committed: its days before and after, and rows changed."""

    before: Days
    changed: int
    after: Days


def _give_back(warehouse: Warehouse, days: Sequence[Range]) -> GivenBack:
    before = _days(warehouse, days)
    warehouse.execute("forget_squashed_contents", days=days)
    changed = warehouse.execute("give_persons_back", days=days)
    return GivenBack(before, changed, _days(warehouse, days))


def _days(warehouse: Warehouse, days: Sequence[Range]) -> Days:
    (row,) = warehouse.fetch("former_state", days=days)
    return Days(
        row["all_rows"],
        int(row["squashed"]),
        int(row["given_back"]),
        content_sum(row["content_without_person"]),
        content_sum(row["content_of_others"]),
    )


def differences(planned: SquashRollback, done: GivenBack) -> list[str]:
    """What differs from a rollback that only gives persons back, each in a few words; empty where nothing does."""
    before, after = done.before, done.after
    found = []
    if after.rows != before.rows:
        found.append(f"{after.rows:,} rows, {before.rows:,} before")
    if not planned.to_give_back == done.changed == before.squashed == after.given_back - before.given_back:
        found.append(f"{done.changed:,} rows changed, {planned.to_give_back:,} planned")
    if after.squashed:
        found.append(f"{after.squashed:,} rows still have the person of the squash")
    if after.content_without_person != before.content_without_person:
        found.append("rows differ in more than their persons")
    if after.content_of_others != before.content_of_others:
        found.append("other rows are not what they were")
    return found
