"""Single rules of the decision, each on a simulated export."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.quality.uploads.world import MINUTE, START, World
from tracks_assets.quality.uploads.check import evaluate
from tracks_assets.quality.uploads.export_complete import HOURS_A_RUN, MOST_HOURS, decide
from tracks_assets.quality.uploads.state import Facts, HourState, Listing, Rules, Seen, State
from tracks_assets.sources.posthog.layout import HOUR


def looks(world: World, minutes: int, step: int = 5) -> int:
    """Looks every few minutes; returns how many runs were requested."""
    before = len(world.requests)
    for _ in range(minutes // step):
        world.pass_time(step)
        world.look()
    return len(world.requests) - before


def world_at(minutes: int, rules: Rules | None = None) -> World:
    world = World(rules or Rules())
    world.now = START + MINUTE * minutes
    return world


@pytest.mark.parametrize(("trusts", "expected"), [(True, 1), (False, 0)])
def test_files_at_the_first_look_are_trusted_or_watched(trusts: bool, expected: int) -> None:
    world = world_at(61, Rules(trust_modified=trusts))
    world.write(START, "a")
    world.pass_time(40)
    assert len(world.look().requests) == expected
    assert looks(world, 60) == 1 - expected


def test_too_few_files_are_never_complete_and_late() -> None:
    world = world_at(61, Rules(min_objects=2))
    world.write(START, "a")
    assert looks(world, 300) == 0
    assert [late.hours for late in world.evaluations] == [1, 2, 3, 4], "each late hour once"
    assert world.evaluations[0].reason == "2026-03-12-00:00 has 1 files, and at least 2 are expected."
    world.write(START, "b")
    assert looks(world, 40) == 1


def test_a_replaced_upload_with_a_manifest_is_loaded_again_once_it_is_quiet() -> None:
    """The old manifest names the same parts while they are replaced one by one."""
    world = world_at(61)
    world.folder(START).parts = frozenset({"a", "b"})
    for part in ("a", "b"):
        world.write(START, part)
    assert looks(world, 10) == 1, "the first load waits for nothing"
    for part in ("a", "b", "a"):
        world.write(START, part)
        assert looks(world, 20) == 0, "a half-replaced upload"
    assert looks(world, 60) == 1
    assert world.loaded[START] == world.folder(START).items


def test_a_deletion_that_is_not_tolerated_is_reported_and_waits() -> None:
    world = world_at(61, Rules(allow_delete=False))
    world.write(START, "a")
    world.write(START, "b")
    world.look()
    world.delete(START, "b")
    assert looks(world, 45) == 0
    assert world.evaluations[-1].reason == "Files of 2026-03-12-00:00 were deleted."
    world.write(START, "b")
    assert looks(world, 45) == 1
    assert world.evaluations[-1].hours == 0


def test_a_deletion_that_is_tolerated_starts_the_wait_again() -> None:
    world = world_at(61)
    world.write(START, "a")
    world.write(START, "b")
    assert looks(world, 25) == 0
    world.delete(START, "b")
    assert looks(world, 30) == 0
    assert looks(world, 10) == 1


def test_an_hour_that_lost_its_files_before_the_load_stays_late() -> None:
    world = world_at(61)
    world.write(START, "a")
    world.look()
    world.delete(START, "a")
    world.write(START + HOUR, "a")
    looks(world, 600)
    assert [request.first for request in world.requests] == [START + HOUR]
    assert world.evaluations[-1].first == START


def test_an_hour_without_files_is_loaded_when_a_later_one_has_files() -> None:
    world = World()
    world.write(START, "a")
    world.write(START + 2 * HOUR, "a")
    world.now = START + 3 * HOUR + 4 * MINUTE
    looks(world, 45, step=1)
    assert (world.requests[0].first, world.requests[-1].last) == (START, START + 2 * HOUR)
    assert world.loaded.keys() == {START, START + HOUR, START + 2 * HOUR}


def test_a_late_hour_is_reported_once_with_its_number_and_bounds() -> None:
    world = world_at(0)
    world.look()
    looks(world, 60 * 5)
    assert [late.hours for late in world.evaluations] == [1, 2, 3]
    assert (world.evaluations[-1].first, world.evaluations[-1].last) == (START, START + 2 * HOUR)
    message = evaluate(world.evaluations[-1]).message
    assert message.finding == "The uploads of 3 hours are late."
    assert "the last 2026-03-12-02:00" in message.comparison
    assert "2026-03-12-00:00 has no files, and no later hour has any" in message.comparison
    assert "2026-03-12-00:00" in evaluate(world.evaluations[0]).message.finding


def test_a_bad_hour_waits_for_its_files_to_change() -> None:
    world = World(bad={"bad"})
    for number in range(5):
        world.now = START + HOUR * (number + 1)
        world.write(START + HOUR * number, "bad" if number == 2 else "a")
    world.pass_time(40)
    looks(world, 200)
    assert START + 2 * HOUR not in world.loaded
    assert len(world.loaded) == 4
    assert looks(world, 3 * 24 * 60, step=30) == 0
    world.delete(START + 2 * HOUR, "bad")
    world.write(START + 2 * HOUR, "a")
    assert looks(world, 60) == 1
    assert len(world.loaded) == 5


def test_a_failure_that_passes_is_repeated_after_growing_pauses() -> None:
    world = world_at(61)
    world.write(START, "a")
    world.pass_time(35)
    world.look()
    times = [world.now]
    for _ in range(400):
        world.pass_time(1, passing=True)
        if world.look().requests:
            times.append(world.now)
    pauses = [round((after - before) / MINUTE) for before, after in pairwise(times)]
    # A run takes five minutes here.
    assert pauses[:5] == [10, 20, 65, 65, 65]


@pytest.mark.thorough
@pytest.mark.slow
def test_the_cursor_stays_small() -> None:
    world = World()
    sizes = []
    for day in range(30):
        for number in range(24):
            world.now = START + HOUR * (24 * day + number + 1)
            world.write(START + HOUR * (24 * day + number), "a")
            world.pass_time(31)
            world.look()
            world.pass_time(6)
            world.look()
        sizes.append(len(world.cursor or ""))
    assert sizes[-1] < 5_000
    assert max(sizes[5:]) - min(sizes[5:]) < 50
    assert len(world.state.hours) <= 49


@pytest.mark.slow
def test_a_month_that_cannot_be_loaded_holds_up_no_new_hour() -> None:
    world = World(bad={"bad"})
    new = START + HOUR * HOURS_A_RUN
    for number in range(HOURS_A_RUN):
        world.now = START + HOUR * (number + 1)
        world.write(START + HOUR * number, "bad")
    world.now = new + HOUR
    looks(world, 60, step=6)
    world.write(new, "a")
    looks(world, 60, step=6)
    assert new in world.loaded, "it is loaded although many others are still being tried"
    assert any(entry.most for entry in world.state.hours.values())


def test_too_many_hours_that_cannot_be_loaded_are_forgotten() -> None:
    seen = Seen(1, "bad", 1)
    held = {START + HOUR * number: HourState(START, seen, held="bad") for number in range(MOST_HOURS)}
    end = START + HOUR * MOST_HOURS
    facts = Facts(newest=end, listings=dict.fromkeys(held, Listing(seen)))
    decision = decide(State(end, end, end, hours=held), facts, Rules(), end + HOUR)
    forgotten = held.keys() - decision.state.hours.keys()
    assert len(decision.notes) == len(forgotten) == HOURS_A_RUN // 2
    assert max(forgotten) < min(decision.state.hours)
    assert not decision.requests


def test_the_rules_are_those_of_the_settings() -> None:
    assert Rules().timeout == timedelta(minutes=65)
