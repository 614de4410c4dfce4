"""Random histories of uploads, outages and failing runs: each complete state of an hour is loaded once."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.quality.uploads.world import START, World
from tests.support.random_examples import many
from tracks_assets.quality.uploads.export_complete import MOST_HOURS
from tracks_assets.quality.uploads.state import Outcome, Rules
from tracks_assets.sources.posthog.layout import HOUR

HOURS = 8
NAMES = ("a", "b", "c", "bad")

hours = st.integers(0, HOURS - 1)
names = st.sampled_from(NAMES)
steps = st.one_of(
    st.tuples(st.just("write"), hours, names),
    st.tuples(st.just("delete"), hours, names),
    st.tuples(st.just("manifest"), hours, st.frozensets(st.sampled_from(NAMES[:3]), min_size=1)),
    st.tuples(st.just("wait"), st.integers(1, 15), st.booleans()),
    st.tuples(st.just("outage"), st.integers(100, 3000), st.booleans()),
)


def play(world: World, history: Sequence[tuple[str, object, object]]) -> None:
    for step in history:
        match step:
            case ("write", int(number), str(name)):
                world.write(START + HOUR * number, name)
            case ("delete", int(number), str(name)):
                world.delete(START + HOUR * number, name)
            case ("manifest", int(number), frozenset() as parts):
                world.folder(START + HOUR * number).parts = parts
            case ("wait", int(minutes), bool(passing)):
                for _ in range(minutes):
                    world.pass_time(1, passing)
                    world.look()
            case ("outage", int(minutes), bool(passing)):
                world.pass_time(minutes, passing)


@many
@given(st.lists(steps, min_size=1, max_size=25), st.booleans(), st.booleans(), st.integers(1, 2))
def test_each_complete_state_is_loaded_once_and_no_other(
    history: list[tuple[str, object, object]], trusts: bool, allows: bool, least: int
) -> None:
    """``World.look`` checks every request; the rest is checked here, after everything has settled."""
    world = World(Rules(trust_modified=trusts, allow_delete=allows, min_objects=least), bad={"bad"})
    world.now = START + HOUR * HOURS
    play(world, history)

    # A later hour comes, nothing else changes, and every run ends.
    world.now = max(world.now, START + HOUR * (HOURS + 1))
    later = START + HOUR * HOURS
    for name in NAMES[:2]:
        world.write(later, name)
    for _ in range(40):
        world.pass_time(20)
        world.look()
    settled = len(world.requests)
    for _ in range(20):
        world.pass_time(20)
        assert not world.look().requests, "nothing is requested twice"
    assert settled == len(world.requests)
    assert not [run for run in world.runs.values() if run.outcome is Outcome.RUNNING]

    for number in range(HOURS + 1):
        hour = START + HOUR * number
        folder = world.folder(hour)
        is_bad = "bad" in folder.files
        is_too_late = folder.touched is not None and folder.touched >= hour + world.rules.watched
        has_new = hour not in world.loaded or bool(folder.items - world.loaded[hour])
        first_admitted = min((run.hours[0] for run in world.runs.values()), default=later)
        if has_new and not is_bad and not is_too_late and hour >= first_admitted and folder.files:
            is_short = folder.parts is None and len(folder.files) < least
            is_unfinished = folder.parts is not None and not folder.parts <= folder.files.keys()
            entry = world.state.hours.get(hour)
            assert is_short or is_unfinished or (entry is not None and entry.lost_files), f"{hour} is not loaded"
    assert len(world.cursor or "") < 1_500
    assert len(world.state.hours) <= MOST_HOURS


@pytest.mark.slow
@settings(many, max_examples=10)
@given(st.sets(st.integers(0, 29), max_size=3), st.integers(24, 120))
def test_an_outage_is_caught_up_in_ranges_and_one_bad_hour_stops_no_other(bad: set[int], outage: int) -> None:
    world = World(bad={"bad"})
    for number in range(outage):
        world.now = START + HOUR * (number + 1)
        world.write(START + HOUR * number, "bad" if number in bad else "a")
    world.now += HOUR
    for _ in range(60):
        world.pass_time(6)
        world.look()
    good = {START + HOUR * number for number in range(outage) if number not in bad}
    assert world.loaded.keys() == good
    assert len(world.requests) <= 1 + 2 * (outage.bit_length() + 1) * len(bad)
