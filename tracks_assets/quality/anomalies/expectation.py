"""What a day is expected to count, by the days before it: robust against trends, weekdays, launches and outages.

Counts are compared on a logarithmic scale, because what grows, grows by a factor, and so does what a weekday adds. The
rule, in the words of docs/anomalies.md:

1. Growth is the median change from a day to the same weekday of the next week.
2. A weekday's effect is the median of what its days were above the week around them.
3. The usual level is the median of the seven days before, grown up to the day, each without its weekday's effect.
4. The rule is tried on the training days. Its usual error there, times the sensitivity, is the width of the range.

Medians ignore a minority: a day of outage changes neither level nor weekday, and a launch is the new level after four
days.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median
from typing import Literal

WEEK = 7

_MAD_TO_DEVIATION = 1.4826
"""A standard deviation in median absolute deviations, if errors are normal."""

_ORDINARY = 4.0
"""Training errors beyond this many deviations are left out: an outage must not widen the range for a month."""

_FEW_DAYS = 14.0
"""The range is wider by this many parts of the number of training days, as few days say little about the usual error.

benchmarks/anomalies.py measures what that makes of false alarms: half of it would double or triple them.
"""

_TWO_DAYS = 2
"""Of no more days than this, one that had an outage cannot be distinguished from a quiet weekday."""

_NEVER_ZERO = 10
"""Where at least this many are expected, and no day before had none, a day with none is an anomaly (fail_on_zero)."""

Direction = Literal["both", "spike"]


@dataclass(frozen=True)
class Rules:
    """How a series is held against its past, in elementary's words.

    https://docs.elementary-data.com/data-tests/anomaly-detection-configuration/anomaly-params

    Attributes:
        training_period: days before a day that it is compared with.
        detection_period: newest settled days that are evaluated, each against its own training period.
        min_training_set_size: days of history that a day needs at least; with fewer, there is no result.
        anomaly_sensitivity: usual errors from the expected count to the limits of its range.
        anomaly_direction: whether drops count, or spikes only.
        ignore_small_changes: changes of less than this percentage are never anomalies.
        is_count: whether values are counts, whose smallest possible noise is known.
    """

    training_period: int = 14
    detection_period: int = 2
    min_training_set_size: int = 7
    anomaly_sensitivity: float = 3.0
    anomaly_direction: Direction = "both"
    ignore_small_changes: float = 10.0
    is_count: bool = True

    @property
    def days_needed(self) -> int:
        """Days before a day that are looked at: the training period, and the week before its first day."""
        return self.training_period + WEEK


@dataclass(frozen=True)
class Expectation:
    """What a day is expected to count.

    Attributes:
        low: the smallest count that is as usual.
        expected: the most likely count.
        high: the largest count that is as usual.
        training_days: days that it follows from.
        fitted: what the rule would have expected of each of those days, the oldest first.
    """

    low: float
    expected: float
    high: float
    training_days: int
    fitted: tuple[float, ...] = ()

    def score(self, value: float) -> float:
        """Where a value is: 0 as expected, 1 at the upper limit, -1 at the lower; beyond them, it is an anomaly."""
        limit = self.high if value >= self.expected else self.low
        distance = _scaled(value) - _scaled(self.expected)
        width = abs(_scaled(limit) - _scaled(self.expected))
        return distance / width if width else math.copysign(math.inf, distance) if distance else 0.0

    def contains(self, value: float) -> bool:
        """Whether a value is as usual."""
        return self.low <= value <= self.high


def sensitivity_for(series: int, sensitivity: float) -> float:
    """The sensitivity of each of several series, so that a check of all of them alarms as seldom as a check of one.

    With 20 series at 3 deviations each, one in 19 days would bring a false alarm (Bonferroni's correction).

    Args:
        series: how many series the check looks at.
        sensitivity: what it would be for one.
    """
    normal = NormalDist()
    tail = normal.cdf(-sensitivity) / max(series, 1)
    return -normal.inv_cdf(tail) if tail > 0 else sensitivity


def expect(history: Sequence[float], rules: Rules) -> Expectation | None:
    """What the day after ``history`` is expected to count.

    Args:
        history: a count for each day before it, the oldest first, without gaps.
        rules: the training period and the sensitivity.

    Returns:
        None if there is not enough history. Days before the first that is not zero are none.
    """
    values = [_scaled(value) for value in without_days_before_the_first(history)[-rules.days_needed :]]
    if len(values) < rules.min_training_set_size:
        return None
    trained = _trained(values, rules.training_period)
    centre, width, small = trained.expected, _width(trained, rules), rules.ignore_small_changes / 100
    low = _unscaled(min(centre - width, centre + math.log1p(-small)))
    high = _unscaled(max(centre + width, centre + math.log1p(small)))
    if len(values) < 2 * WEEK:
        # One day of each weekday does not separate a weekday's effect from chance: what was there is as usual.
        low, high = min(low, _unscaled(min(values) - width)), max(high, _unscaled(max(values) + width))
    if rules.is_count and _unscaled(centre) >= _NEVER_ZERO and min(values) > 0:
        low = max(low, 1.0)
    return Expectation(
        low=0.0 if rules.anomaly_direction == "spike" else low,
        expected=_unscaled(centre),
        high=high,
        training_days=len(trained.fitted),
        fitted=tuple(map(_unscaled, trained.fitted)),
    )


def without_days_before_the_first(history: Sequence[float]) -> Sequence[float]:
    """The days of a series from the first one on that counts anything: what came before was not zero, but not there."""
    return history[next((day for day, value in enumerate(history) if value > 0), len(history)) :]


@dataclass(frozen=True)
class _Trained:
    """The rule, tried on the training days: what it expects of the next day, and of each of them, and its errors."""

    expected: float
    fitted: tuple[float, ...]
    errors: tuple[float, ...]


def _trained(values: Sequence[float], training_period: int) -> _Trained:
    """Applies the rule to the day after ``values``, and to each training day."""
    growth = _growth(values)
    grown = [value + growth * (len(values) - day) for day, value in enumerate(values)]
    effects = _weekday_effects(grown)
    plain = _without_effects(grown, effects)
    days = range(max(0, len(values) - training_period), len(values))
    errors = {day: plain[day] - median(_week_before(plain, day)) for day in days}
    # A day of the first week is compared with a week that it is one of, which makes its error too small.
    foreseen = [errors[day] for day in days if day >= WEEK or len(values) < 2 * WEEK]
    return _Trained(
        expected=median(plain[-WEEK:]) + effects[len(values) % WEEK],
        fitted=tuple(values[day] - errors[day] for day in days),
        errors=tuple(foreseen),
    )


def _growth(values: Sequence[float]) -> float:
    """The growth of a day: the median of what days are above the same weekday a week before.

    A day that did not grow at all is among them: of a few days, chance is no trend.
    """
    weekly = (late - early for early, late in zip(values, values[WEEK:], strict=False))
    return median([*weekly, 0.0]) / WEEK


def _weekday_effects(values: Sequence[float]) -> Sequence[float]:
    """What each weekday is above the week around it; the first day of ``values`` has the first place."""
    above = [value - median(_week_around(values, day)) for day, value in enumerate(values)]
    return [_usual(above[weekday::WEEK]) for weekday in range(WEEK)]


def _usual(above: Sequence[float]) -> float:
    """The effect of a weekday: the median of its days; of one or two, what is nearest to none."""
    return median(above if len(above) > _TWO_DAYS else [*above, 0.0])


def _without_effects(values: Sequence[float], effects: Sequence[float]) -> Sequence[float]:
    return [value - effects[day % WEEK] for day, value in enumerate(values)]


def _week_around(values: Sequence[float], day: int) -> Sequence[float]:
    """The seven days around a day; at either end, the seven days that are nearest."""
    start = min(max(0, day - WEEK // 2), max(0, len(values) - WEEK))
    return values[start : start + WEEK]


def _week_before(values: Sequence[float], day: int) -> Sequence[float]:
    """The seven days before a day; for the days of the first week, that week."""
    start = max(0, day - WEEK)
    return values[start : start + WEEK]


def _width(trained: _Trained, rules: Rules) -> float:
    """From the expected value to the limits of its range, on the logarithmic scale."""
    usual = _MAD_TO_DEVIATION * median(map(abs, trained.errors))
    ordinary = [error for error in trained.errors if abs(error) <= _ORDINARY * usual]
    deviation = math.sqrt(sum(error**2 for error in ordinary) / len(ordinary))
    deviation *= 1 + _FEW_DAYS / len(ordinary)
    if rules.is_count:
        # Nobody counts n independent events more evenly than to the square root of n.
        deviation = max(deviation, 1 / math.sqrt(math.exp(trained.expected)))
    return rules.anomaly_sensitivity * deviation


def _scaled(value: float) -> float:
    return math.log1p(value)


def _unscaled(value: float) -> float:
    return max(0.0, math.expm1(value))
