"""Sets of hours: what was run again is taken away, whatever the ranges."""

from hypothesis import given
from hypothesis import strategies as st

from tracks_assets.alerts.hours import Hours

KEYS = [f"2026-03-{12 + hour // 24:02d}-{hour % 24:02d}:00" for hour in range(48)]
RANGES = st.lists(st.tuples(st.integers(0, 47), st.integers(0, 47)).map(sorted), max_size=5)


def _hours(ranges: list[list[int]]) -> tuple[Hours, set[int]]:
    hours, plain = Hours(), set[int]()
    for first, last in ranges:
        hours |= Hours.between(KEYS[first], KEYS[last])
        plain |= set(range(first, last + 1))
    return hours, plain


@given(RANGES, RANGES)
def test_they_are_sets(one: list[list[int]], other: list[list[int]]) -> None:
    (mine, my_set), (theirs, their_set) = _hours(one), _hours(other)

    assert len(mine | theirs) == len(my_set | their_set)
    assert len(mine - theirs) == len(my_set - their_set)
    assert mine.covers(theirs) == (my_set >= their_set)
    assert bool(mine) == bool(my_set)
    assert Hours.of_keys(mine.keys()) == mine


def test_they_are_shown_as_ranges() -> None:
    hours = Hours.between("2026-03-12-22:00", "2026-03-13-01:00") | Hours.between("2026-03-14-00:00")

    assert str(hours) == "2026-03-12-22:00 to 2026-03-13-01:00, 2026-03-14-00:00"
    assert str(hours | Hours.between("2026-03-13-02:00")) == "2026-03-12-22:00 to 2026-03-13-02:00, 2026-03-14-00:00"


def test_many_ranges_are_counted() -> None:
    hours = Hours.of_keys([[key, key] for key in KEYS[::2]])
    assert str(hours).endswith("2026-03-12-08:00 and 19 more ranges")


def test_a_day_is_its_hours() -> None:
    assert len(Hours.between("2026-03-12")) == 24


def test_keys_that_are_no_times_are_no_hours() -> None:
    assert not Hours.between("germany")
    assert not Hours.between("2026-03-12-05:00", "2026-03-12-04:00")
