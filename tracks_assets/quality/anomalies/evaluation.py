"""Checks of series: which days are out of their range, and how a check ends by that.

A check has one of three results. "not enough history" is a result of its own: it is neither passed nor failed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

from tracks_assets.quality.anomalies.expectation import (
    Expectation,
    Rules,
    expect,
    sensitivity_for,
    without_days_before_the_first,
)
from tracks_assets.quality.anomalies.series import Dimension, Metric, Series, SeriesKey

Severity = Literal["WARN", "ERROR"]


class Result(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ENOUGH_HISTORY = "not enough history"


@dataclass(frozen=True)
class Check:
    """A check: the series that it looks at, and how.

    Attributes:
        name: its name.
        description: its rule, for its page.
        table: the table.
        metric: what is measured.
        dimensions: which series of the table.
        things: what one of its series is, in the plural, as "event names".
        rules: how they are held against their past.
        severity: how bad an anomaly is.
    """

    name: str
    description: str
    table: str
    metric: Metric
    dimensions: tuple[Dimension, ...]
    things: str
    rules: Rules
    severity: Severity = "WARN"

    def looks_at(self, key: SeriesKey) -> bool:
        """Whether a series is one of this check's."""
        return (key.table, key.metric) == (self.table, self.metric) and key.dimension in self.dimensions


@dataclass(frozen=True)
class EvaluatedDay:
    """A day of a series, held against the days before it.

    Attributes:
        series: the series.
        index: the day's place in it.
        expectation: what was expected of it.
    """

    series: Series
    index: int
    expectation: Expectation

    @property
    def day(self) -> datetime:
        """The day."""
        return self.series.day(self.index)

    @property
    def value(self) -> int:
        """What was measured."""
        return self.series.values[self.index]

    @property
    def is_anomaly(self) -> bool:
        """Whether the value is out of the expected range."""
        return not self.expectation.contains(self.value)

    @property
    def distance(self) -> float:
        """How far from expected, in either direction: more than 1 is out of the range."""
        return abs(self.expectation.score(self.value))


@dataclass(frozen=True)
class Evaluation:
    """What a check found.

    Attributes:
        check: the check.
        result: how it ended.
        shown: the day to show: an anomaly, or else the newest day of the series that is furthest from expected.
        anomalies: the days out of their range, the furthest first.
        series: series that the check looks at.
        without_history: those of them whose history is too short.
    """

    check: Check
    result: Result
    shown: EvaluatedDay | None
    anomalies: tuple[EvaluatedDay, ...]
    series: int
    without_history: int


def evaluate(check: Check, measured: Iterable[Series]) -> Evaluation:
    """Holds the newest settled days of a check's series against their past.

    Args:
        check: the check.
        measured: every series that was measured, those of other checks included.
    """
    own = [series for series in measured if check.looks_at(series.key)]
    known = [series for series in own if _days_of_history(series) >= check.rules.min_training_set_size]
    rules = replace(check.rules, anomaly_sensitivity=sensitivity_for(len(known), check.rules.anomaly_sensitivity))
    days = [day for series in known for day in _newest_days(series, rules)]
    anomalies = _furthest_first(day for day in days if day.is_anomaly)
    newest = _furthest_first(day for day in days if day.index == len(day.series.values) - 1)
    return Evaluation(
        check=check,
        result=Result.FAILED if anomalies else Result.PASSED if days else Result.NOT_ENOUGH_HISTORY,
        shown=next(iter((*anomalies, *newest)), None),
        anomalies=anomalies,
        series=len(own),
        without_history=len(own) - len(known),
    )


def _days_of_history(series: Series) -> int:
    """Days before the newest one, from the first one on that counts anything."""
    return len(without_days_before_the_first(series.values[:-1]))


def _newest_days(series: Series, rules: Rules) -> Iterable[EvaluatedDay]:
    """The newest days, each held against those before it, as far as these are enough."""
    last = len(series.values) - 1
    for index in range(last, max(last - rules.detection_period, -1), -1):
        expectation = expect(series.values[:index], rules)
        if expectation is not None:
            yield EvaluatedDay(series, index, expectation)


def _furthest_first(days: Iterable[EvaluatedDay]) -> tuple[EvaluatedDay, ...]:
    return tuple(sorted(days, key=lambda day: (-day.distance, -day.index, day.series.key.value or "")))


def hours_missing(day: EvaluatedDay, measured: Sequence[Series]) -> int:
    """Export hours of a day that are not loaded: the first cause of a drop to look for."""
    for series in measured:
        if series.key.metric is Metric.HOURS_LOADED and series.first_day <= day.day:
            index = (day.day - series.first_day).days
            return 24 - series.values[index] if index < len(series.values) else 0
    return 0
