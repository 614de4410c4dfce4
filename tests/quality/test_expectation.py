"""What a day is expected to count, on series with trends, weekdays, a launch, an outage and noise."""

from dataclasses import replace

import pytest

from benchmarks.anomalies import SHAPES, Kind, false_alarms, make_series, smallest_drop
from tracks_assets.quality.anomalies.checks import RAW_TRACKS_TRAINING, TRACKS_TRAINING
from tracks_assets.quality.anomalies.expectation import Expectation, Rules, expect, sensitivity_for

RAW = Rules(training_period=RAW_TRACKS_TRAINING)
TRACKS = Rules(training_period=TRACKS_TRAINING)
WEEK = [100, 120, 110, 90, 95, 40, 30]
LARGE = [1000 * value for value in WEEK]


def expected(history: list[int], rules: Rules = TRACKS) -> Expectation:
    found = expect(history, rules)
    assert found is not None
    return found


@pytest.mark.parametrize("rules", [RAW, TRACKS], ids=["raw_tracks", "tracks"])
@pytest.mark.parametrize("weekday", range(7))
def test_a_weekday_is_compared_with_its_own_kind(rules: Rules, weekday: int) -> None:
    found = expected(LARGE * 5 + LARGE[:weekday], rules)
    assert found.expected == pytest.approx(LARGE[weekday], rel=0.01)
    assert found.contains(LARGE[weekday])
    assert not found.contains(0.8 * LARGE[weekday])
    assert not found.contains(1.25 * LARGE[weekday])
    assert found.training_days == rules.training_period


@pytest.mark.parametrize("rules", [RAW, TRACKS], ids=["raw_tracks", "tracks"])
@pytest.mark.parametrize("daily", [0.98, 0.99, 1.01, 1.02])
def test_a_trend_is_followed(rules: Rules, daily: float) -> None:
    history = [round(value * 10 * daily**day) for day, value in enumerate(LARGE * 6)]
    for today in range(35, 42):
        found = expected(history[:today], rules)
        assert found.expected == pytest.approx(history[today], rel=0.01)
        assert found.contains(history[today])


@pytest.mark.parametrize("days_of_outage", [1, 2])
@pytest.mark.parametrize("ago", range(1, 30))
def test_an_outage_changes_no_later_range(ago: int, days_of_outage: int) -> None:
    days = LARGE * 6
    history, today = days[:-1], days[-1]
    for day in range(days_of_outage):
        history[-ago - day] = 0
    found = expected(history)
    assert found.expected == pytest.approx(today, rel=0.15)
    assert found.contains(today)
    assert not found.contains(0)


def test_a_launch_is_an_anomaly_for_four_days_and_then_the_new_level() -> None:
    days = LARGE * 5 + [3 * value for value in LARGE * 3]
    alarms = [index - 35 for index in range(30, len(days)) if not expected(days[:index]).contains(days[index])]
    assert alarms == [0, 1, 2, 3]


def test_days_before_the_first_are_no_history() -> None:
    assert expect([0] * 30 + LARGE[:6], TRACKS) is None
    assert expect([0] * 30 + LARGE, TRACKS) is not None
    assert expect([], TRACKS) is None
    assert expect([0] * 40, TRACKS) is None
    assert expect(LARGE[:5], replace(TRACKS, min_training_set_size=5)) is not None


def test_within_two_weeks_what_was_there_is_as_usual() -> None:
    """After eight to thirteen days, a weekday was seen once or never: a quiet Saturday is no drop."""
    for days in range(7, 14):
        found = expected((LARGE * 2)[:days])
        assert found.contains(min(LARGE))
        assert found.contains(max(LARGE))
        assert not found.contains(0.1 * min(LARGE))


def test_a_series_that_never_varies_still_has_a_range() -> None:
    found = expected([1_000_000] * 40)
    assert (round(found.low), round(found.expected), round(found.high)) == (900_000, 1_000_000, 1_100_000)


def test_small_counts_have_the_noise_of_counting() -> None:
    found = expected([3, 5, 4, 2, 6] * 8)
    assert found.contains(1)
    assert not found.contains(60)
    assert expected([40] * 40).contains(30)
    assert not expected([40] * 40).contains(10)


def test_a_day_with_none_is_an_anomaly_where_every_day_had_some() -> None:
    history = [3, 15, 40, 8, 25, 60, 1, 30, 12] * 4
    assert not expected(history).contains(0)
    assert expected(history).contains(1)
    assert expected([*history[:-9], 0, *history[-8:]]).contains(0), "one day had none before"
    assert expected([value % 4 + 1 for value in history]).contains(0), "few are expected"


def test_a_delay_has_no_lower_limit_and_no_noise_of_counting() -> None:
    rules = replace(RAW, anomaly_direction="spike", is_count=False)
    found = expected([4200] * 30, rules)
    assert found.contains(0)
    assert found.contains(4500)
    assert not found.contains(4700)


def test_a_higher_sensitivity_widens_the_range() -> None:
    history = make_series(Kind("flat", 10_000, 0.1), 40, 1)
    narrow, wide = (expected(history, replace(TRACKS, anomaly_sensitivity=value)) for value in (2, 4))
    assert wide.low < narrow.low < narrow.expected < narrow.high < wide.high


def test_the_score_is_one_at_the_limits() -> None:
    found = expected(make_series(Kind("flat", 10_000, 0.1), 40, 1))
    assert found.score(found.high) == pytest.approx(1)
    assert found.score(found.low) == pytest.approx(-1)
    assert found.score(found.expected) == pytest.approx(0)
    assert Expectation(0, 0, 0, 7).score(5) == float("inf")


def test_many_series_alarm_together_as_seldom_as_one() -> None:
    assert sensitivity_for(1, 3) == pytest.approx(3)
    assert sensitivity_for(21, 3) == pytest.approx(3.82, abs=0.01)
    assert sensitivity_for(0, 3) == pytest.approx(3)


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_false_alarms_are_rare_and_a_third_less_is_found(shape: str) -> None:
    """The figures in full are those of benchmarks/anomalies.py."""
    kind = Kind(shape, 100_000, 0.05)
    assert false_alarms(kind, TRACKS, TRACKS.days_needed, series=400) <= 15
    drop = smallest_drop(kind, TRACKS, TRACKS.days_needed, series=100)
    assert drop is not None
    assert drop <= 0.35
