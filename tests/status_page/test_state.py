"""The state of tracks follows from the censuses, the batches since, and the collisions that wait; nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.quality.checks.counted_rows import DAY, NOW
from tests.status_page.samples import HALF_A_DAY, counted
from tracks_assets.quality.message import Message, Runbook
from tracks_assets.quality.state import BatchResult, Condition, State, comparable, state_of

HOUR = timedelta(hours=1)


def state(*excess: int, batches: tuple[BatchResult, ...] = (), collided_ids: int = 0) -> State:
    """The state after censuses with these excess rows, twice a day, the last one now."""
    censuses = [counted(excess_rows=rows, age=HALF_A_DAY * age) for age, rows in enumerate(reversed(excess))]
    return state_of(censuses, batches, collided_ids, NOW)


def batch(repeated_ids: int, after: timedelta) -> BatchResult:
    """The result of a run that was checked so long after the newest census."""
    return BatchResult(NOW + after, "2026-06-12-05:00", 400, repeated_ids)


def test_without_a_census_it_is_unknown() -> None:
    found = state_of([], [batch(3, HOUR)], 0, NOW)
    assert found.condition is Condition.UNKNOWN
    assert found.next_step == "Take a census: dg launch --job tracks_checks."


def test_no_duplicates_are_healthy() -> None:
    found = state(0, 0)
    assert (found.condition, found.sentence) == (
        Condition.HEALTHY,
        "Each of the 1,000 events of posthog.tracks is stored once.",
    )
    assert state_of([counted(rows=0)], (), 0, NOW).sentence == "posthog.tracks is empty."


def test_known_duplicates_that_do_not_grow_are_degraded() -> None:
    found = state(460, 460, 460)
    assert found.condition is Condition.DEGRADED
    assert found.reasons[0].message == Message(
        "460 rows of posthog.tracks are duplicates.",
        "Known, and not growing: 460 at the census of 2026-06-11 06:00 UTC.",
        "Look at the dry run of the repair: dg launch --job dedup_tracks.",
        Runbook.DEDUP,
    )


def test_the_first_census_cannot_say_whether_duplicates_grow() -> None:
    found = state(1)
    assert found.condition is Condition.DEGRADED
    assert found.reasons[0].message.finding == "1 row of posthog.tracks is a duplicate."
    assert found.reasons[0].message.comparison == "No earlier census shows whether this grows."


@pytest.mark.parametrize("excess", [(0, 1), (460, 461), (5, 0, 3), (0, 3, 3), (3, 0, 2, 1)])
def test_more_duplicates_than_at_any_census_of_the_week_are_broken(excess: tuple[int, ...]) -> None:
    found = state(*excess)
    assert found.condition is Condition.BROKEN
    assert f"{excess[-1] - min(excess):,} more than before" in found.reasons[0].message.comparison


def test_a_repair_heals() -> None:
    assert state(460, 461, 0).condition is Condition.HEALTHY


def test_damage_of_a_week_ago_is_known() -> None:
    """14 censuses later, the newest one that is a week old has it, too."""
    assert state(0, *[3] * 14).condition is Condition.BROKEN
    assert state(0, *[3] * 15).condition is Condition.DEGRADED


def test_what_is_compared() -> None:
    """The week before the newest census, and the last one before that week."""
    censuses = [counted(age=age * DAY) for age in (0, 30, 6, 8, 7, 1)]
    ages = [(NOW - census.measured_at).days for census in comparable(censuses[0], censuses)]
    assert ages == [7, 6, 1]


@pytest.mark.parametrize(
    ("figure", "text"),
    [("null_event_ids", "have no event_id"), ("colliding_event_ids", "are used for several events in posthog.tracks")],
)
def test_other_damage_counts_in_the_same_way(figure: str, text: str) -> None:
    damage: dict[str, Any] = {figure: 2}
    clean, damaged = counted(age=HALF_A_DAY), counted(**damage)
    broken = state_of([clean, damaged], (), 0, NOW)
    assert broken.condition is Condition.BROKEN
    assert text in broken.reasons[0].message.finding
    flat = state_of([replace(damaged, measured_at=clean.measured_at), damaged], (), 0, NOW)
    assert flat.condition is Condition.DEGRADED


def test_rows_away_from_their_ids_time_are_a_warning_only_where_they_grow() -> None:
    """A device with a wrong clock makes some, too."""
    before, now = replace(counted(age=HALF_A_DAY), moved_rows=311), replace(counted(), moved_rows=311)
    flat = state_of([before, now], (), 0, NOW)
    assert flat.condition is Condition.HEALTHY
    assert flat.sentence.startswith("Each of the 1,000 events of posthog.tracks is stored once. 311 rows are over 24 ")
    grown = state_of([before, replace(now, moved_rows=312)], (), 0, NOW)
    assert grown.condition is Condition.DEGRADED
    assert "1 more than before: 311 at the census of 2026-06-11 18:00 UTC" in grown.reasons[0].message.comparison


def test_a_duplicate_that_a_run_finds_is_new_where_the_census_knew_none() -> None:
    broken = state(0, batches=(batch(0, HOUR), batch(3, 2 * HOUR), batch(0, 3 * HOUR), batch(9, -HOUR)))
    assert broken.condition is Condition.BROKEN, "a later run that finds none heals nothing"
    message = broken.reasons[0].message
    assert message.finding == "3 of 400 events of 2026-06-12-05:00 are duplicated in posthog.tracks."
    assert message.comparison == "None was at the census of 2026-06-12 06:00 UTC."
    assert broken.sentence == f"{message.finding} {message.comparison}"


def test_a_duplicate_that_a_run_finds_may_be_known_where_the_census_knew_some() -> None:
    assert state(7, 7, batches=(batch(3, HOUR),)).sentence == state(7, 7).sentence


def test_collisions_that_wait_for_a_review_degrade() -> None:
    found = state(0, collided_ids=1)
    assert found.condition is Condition.DEGRADED
    assert found.reasons[0].message.finding == "1 event id was delivered for several events."
    assert "wait for a review" in found.reasons[0].message.comparison


def test_the_worst_reason_comes_first_and_no_other_is_left_out() -> None:
    found = state(0, 2, collided_ids=3)
    assert [reason.condition for reason in found.reasons] == [Condition.BROKEN, Condition.DEGRADED]
    assert found.next_step == "Look at the dry run of the repair: dg launch --job dedup_tracks."


def test_an_old_census_is_said_to_be_old() -> None:
    on_time, late = (state_of([counted()], (), 0, NOW + age) for age in (2 * DAY, 2 * DAY + timedelta(minutes=1)))
    assert "old" not in on_time.sentence
    assert late.condition is Condition.HEALTHY
    old = late.reasons[-1].message
    assert "2 days old" in old.finding
    assert "2026-06-12 06:00 UTC" in old.comparison
