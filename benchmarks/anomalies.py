"""Measures the anomaly checks: false alarms per 1,000 series-days, and the smallest drop that is found with 95 %.

Series are made with a fixed seed: a size, noise from day to day beyond that of counting, and a shape. The day evaluated
is always an ordinary one; what the shape holds (a launch, an outage) lies in the days before it. Run it with
``python -m benchmarks.anomalies``.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tracks_assets.quality.anomalies.checks import RAW_TRACKS_TRAINING, TRACKS_TRAINING
from tracks_assets.quality.anomalies.expectation import Rules, expect, sensitivity_for

SEED = 20260612
SERIES = 2_000
FOUND = 0.95
DROPS = tuple(percent / 100 for percent in range(5, 101, 5))
MANY = 21
"""Series that a check of event names looks at: the 20 largest and all others."""

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Shape = Callable[[Numbers], Numbers]
"""The factor of each day, given days counted back from the one evaluated: 0 is that day, 1 the day before it."""


def _weekly(ago: Numbers) -> Numbers:
    return np.where(ago % 7 >= 5, 0.4, 1.0)  # noqa: PLR2004 (two days of seven)


SHAPES: dict[str, Shape] = {
    "flat": np.ones_like,
    "quiet weekends": _weekly,
    "quiet weekends, seen on one": lambda ago: _weekly(ago + 5),
    "every weekday different": lambda ago: np.choose((ago % 7).astype(int), (1.0, 1.3, 0.8, 0.5, 0.3, 1.6, 1.1)),
    "growth of 1 % a day": lambda ago: 1.01**-ago,
    "decline of 1 % a day": lambda ago: 0.99**-ago,
    "growth of 1 % a day, quiet weekends": lambda ago: 1.01**-ago * _weekly(ago),
    "launch (three times as much) 10 days ago": lambda ago: np.where(ago < 10, 3.0, 1.0) * _weekly(ago),  # noqa: PLR2004
    "launch (three times as much) 5 days ago": lambda ago: np.where(ago < 5, 3.0, 1.0) * _weekly(ago),  # noqa: PLR2004
    "a day of outage yesterday": lambda ago: np.where(ago == 1, 0.0, 1.0) * _weekly(ago),
    "a day of outage a week ago": lambda ago: np.where(ago == 7, 0.0, 1.0) * _weekly(ago),  # noqa: PLR2004
    "two days of outage 12 days ago": lambda ago: np.where((ago == 12) | (ago == 13), 0.0, 1.0) * _weekly(ago),  # noqa: PLR2004
}


@dataclass(frozen=True)
class Kind:
    """A kind of series.

    Attributes:
        shape: its name in ``SHAPES``.
        size: events on an ordinary day.
        noise: standard deviation from day to day, as a share, beyond that of counting.
    """

    shape: str
    size: float
    noise: float


def make_series(kind: Kind, days: int, seed: int) -> list[int]:
    """Counts of some days, the last of which is to be evaluated.

    Args:
        kind: what they are like.
        days: how many.
        seed: another one, another series.
    """
    random = np.random.default_rng((SEED, seed))
    ago = np.arange(days - 1, -1, -1, dtype=np.float64)
    expected = kind.size * SHAPES[kind.shape](ago) * np.exp(random.normal(0, kind.noise, days))
    return [int(count) for count in random.poisson(expected)]


def false_alarms(kind: Kind, rules: Rules, history: int, series: int = SERIES) -> float:
    """False alarms per 1,000 series-days."""
    return 1000 * _alarms(kind, rules, history, 1.0, series)


def smallest_drop(kind: Kind, rules: Rules, history: int, series: int = SERIES) -> float | None:
    """The smallest drop that is found in 95 % of the series, as a share; None if not even 95 % is."""
    return next((drop for drop in DROPS if _alarms(kind, rules, history, 1 - drop, series) >= FOUND), None)


def _alarms(kind: Kind, rules: Rules, history: int, factor: float, series: int) -> float:
    """The share of series that alarm if the last day is multiplied by a factor."""
    alarms = 0
    for seed in range(series):
        *before, last = make_series(kind, history + 1, seed)
        expectation = expect(before, rules)
        assert expectation is not None
        alarms += not expectation.contains(round(factor * last))
    return alarms / series


def _table(title: str, lines: Iterable[tuple[str, Rules, int, Kind]], series: int) -> None:
    print(f"\n{title}\n{'':52}{'false alarms':>14}{'smallest drop':>15}")
    for name, rules, history, kind in lines:
        drop = smallest_drop(kind, rules, history, series // 5)
        found = "none" if drop is None else f"{drop:.0%}"
        print(f"{name:52}{false_alarms(kind, rules, history, series):14.1f}{found:>15}")


def main(series: int = SERIES) -> None:
    """Prints both figures for every shape, size and noise."""
    raw = Rules(training_period=RAW_TRACKS_TRAINING)
    tracks = Rules(training_period=TRACKS_TRAINING)
    one_of_many = replace(tracks, anomaly_sensitivity=sensitivity_for(MANY, tracks.anomaly_sensitivity))
    print(f"{series:,} series of each kind; false alarms per 1,000 series-days; smallest drop found with 95 %.")
    for title, rules in (("raw_tracks, 14 days of training", raw), ("tracks, 28 days of training", tracks)):
        history = rules.days_needed
        _table(
            f"{title}, 100,000 events a day, 5 % noise",
            ((shape, rules, history, Kind(shape, 100_000, 0.05)) for shape in SHAPES),
            series,
        )
    many: Sequence[tuple[float, float]] = [
        (size, noise) for size in (20, 100, 1_000, 10_000) for noise in (0.02, 0.1, 0.2)
    ]
    _table(
        f"one of {MANY} event names, 28 days of training, quiet weekends",
        (
            (f"{size:,} events a day, {noise:.0%} noise", one_of_many, 35, Kind("quiet weekends", size, noise))
            for size, noise in many
        ),
        series,
    )
    _table(
        "tracks, short history, 100,000 events a day, 5 % noise",
        (
            (f"{history} days of history, {shape}", tracks, history, Kind(shape, 100_000, 0.05))
            for history in (7, 10, 14, 21)
            for shape in ("flat", "quiet weekends", "quiet weekends, seen on one")
        ),
        series,
    )


if __name__ == "__main__":
    main()
