"""What a squash decides before it changes anything, and what it holds against itself after."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tracks_assets.repairs.repair import RepairError
from tracks_assets.repairs.squash import rollback, squash
from tracks_assets.repairs.squash.squash import Batch, Change, Day, Range, Squash, State, batches_of, choose_team

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
TEXTS = [(FIRST + timedelta(days=number)).isoformat() for number in range(6)]


def days(*rows: int) -> list[Day]:
    """Days in a row, with so many rows each; a day without rows is left out."""
    found = [Day(FIRST + timedelta(days=number), each) for number, each in enumerate(rows)]
    return [day for day in found if day.rows]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ((), []),
        ((3, 4, 3), [10]),
        ((3, 4, 4), [7, 4]),
        ((11, 1), [11, 1]),
        ((1, 11, 1), [1, 11, 1]),
        ((5, 5, 5, 5), [10, 10]),
    ],
)
def test_a_batch_is_as_many_days_as_fit(rows: tuple[int, ...], expected: list[int]) -> None:
    batches = batches_of(days(*rows), rows_per_batch=10)
    assert [batch.rows for batch in batches] == expected
    assert [day for batch in batches for day in batch.days] == days(*rows)


def test_a_batch_names_its_days_and_no_other() -> None:
    batch = Batch((*days(1, 1, 0, 1, 0, 1), Day(None, 2)))
    assert batch.ranges == (
        Range(TEXTS[0], TEXTS[2]),
        Range(TEXTS[3], TEXTS[4]),
        Range(TEXTS[5], (FIRST + timedelta(days=6)).isoformat()),
        Range(),
    )


@pytest.mark.parametrize(
    ("teams", "team_id", "expected"), [([], None, None), ([7], None, 7), ([7], 7, 7), ([1, 7], 7, 7)]
)
def test_the_team_is_the_one_that_is_set_or_the_only_one(
    teams: list[int], team_id: int | None, expected: int | None
) -> None:
    assert choose_team(teams, team_id) == expected


@pytest.mark.parametrize(("teams", "team_id"), [([1, 7], None), ([1], 7), ([], 7)])
def test_a_team_is_never_guessed(teams: list[int], team_id: int | None) -> None:
    with pytest.raises(RepairError, match="TRACKS_TEAM_ID"):
        choose_team(teams, team_id)


SEEN = squash.Days(rows=10, differing=4, content_without_person=50, content_of_others=30)
GOOD = Change(before=SEEN, archived=4, changed=4, after=replace(SEEN, differing=0))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (GOOD, []),
        (replace(GOOD, after=replace(GOOD.after, rows=9)), ["9 rows, 10 before"]),
        (replace(GOOD, archived=3), ["4 rows changed, 3 archived, 4 planned"]),
        (replace(GOOD, changed=5), ["5 rows changed, 4 archived, 4 planned"]),
        (replace(GOOD, after=replace(GOOD.after, differing=1)), ["1 rows still have another person"]),
        (
            replace(GOOD, after=replace(GOOD.after, content_without_person=51)),
            ["rows differ in more than their persons"],
        ),
        (
            replace(GOOD, after=replace(GOOD.after, content_of_others=31)),
            ["rows of other users are not what they were"],
        ),
    ],
)
def test_what_differs_from_a_batch(change: Change, expected: list[str]) -> None:
    assert squash.differences(change) == expected


RUN = Squash("squash_2", State.FINISHED, FIRST, team_id=1, rows_planned=4, rows_squashed=4, batches_done=1)
PLAN = rollback.SquashRollback(RUN, archived=4, to_give_back=3, batch=Batch(tuple(days(3))))
BEFORE = rollback.Days(rows=10, squashed=3, given_back=1, content_without_person=50, content_of_others=30)
UNDONE = rollback.GivenBack(BEFORE, changed=3, after=replace(BEFORE, squashed=0, given_back=4))


@pytest.mark.parametrize(
    ("done", "expected"),
    [
        (UNDONE, []),
        (replace(UNDONE, after=replace(UNDONE.after, rows=11)), ["11 rows, 10 before"]),
        (replace(UNDONE, changed=2), ["2 rows changed, 3 planned"]),
        (replace(UNDONE, after=replace(UNDONE.after, given_back=3)), ["3 rows changed, 3 planned"]),
        (replace(UNDONE, after=replace(UNDONE.after, squashed=1)), ["1 rows still have the person of the squash"]),
        (
            replace(UNDONE, after=replace(UNDONE.after, content_without_person=0)),
            ["rows differ in more than their persons"],
        ),
        (replace(UNDONE, after=replace(UNDONE.after, content_of_others=0)), ["other rows are not what they were"]),
    ],
)
def test_what_differs_from_a_rollback(done: rollback.GivenBack, expected: list[str]) -> None:
    assert rollback.differences(PLAN, done) == expected


FIRST_RUN = replace(RUN, squash_id="squash_1")
ROLLED_BACK = replace(RUN, state=State.ROLLED_BACK)
NONE = "No squash in posthog_ops.person_squashes is in effect. There is nothing to roll back."
NEWER = "squash_1 cannot be rolled back before squash_2, which is newer. Roll that back first."


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        ([RUN, FIRST_RUN], "newest", RUN),
        ([RUN, FIRST_RUN], "squash_2", RUN),
        ([ROLLED_BACK, FIRST_RUN], "newest", FIRST_RUN),
        ([ROLLED_BACK, FIRST_RUN], "squash_1", FIRST_RUN),
        ([replace(RUN, state=State.RUNNING), FIRST_RUN], "newest", replace(RUN, state=State.RUNNING)),
    ],
)
def test_the_newest_squash_in_effect_is_rolled_back(found: list[Squash], wanted: str, expected: Squash) -> None:
    assert rollback.choose(found, wanted) == expected


@pytest.mark.parametrize(
    ("found", "wanted", "reason"),
    [
        ([], "newest", NONE),
        (
            [ROLLED_BACK],
            "newest",
            "No squash in posthog_ops.person_squashes is in effect. There is nothing to roll back.",
        ),
        (
            [RUN, FIRST_RUN],
            "squash_1",
            "squash_1 cannot be rolled back before squash_2, which is newer. Roll that back first.",
        ),
        ([ROLLED_BACK, FIRST_RUN], "squash_2", "squash_2 is rolled back already. There is nothing left to roll back."),
        ([RUN], "squash_3", "posthog_ops.person_squashes has no squash with the id 'squash_3'. It has: squash_2."),
        ([], "squash_3", "posthog_ops.person_squashes has no squash with the id 'squash_3'. It has: none."),
    ],
)
def test_no_other_squash_is_rolled_back(found: list[Squash], wanted: str, reason: str) -> None:
    with pytest.raises(RepairError) as refused:
        rollback.choose(found, wanted)
    assert str(refused.value) == reason
