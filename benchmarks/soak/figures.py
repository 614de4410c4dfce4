"""The figures of a soak: whether its last runs take more than its first."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from benchmarks.soak.soak import Run, Soak

COMPARED = 20
"""The number of first runs that are compared with as many last runs."""

_ALLOWED = 1.1


@dataclass(frozen=True)
class Compared:
    """A figure of the first and of the last runs, the median of each.

    Attributes:
        name: the figure and its unit.
        runs: how many runs each median is of.
        first: of the first runs.
        last: of the last runs.
        is_bounded: whether the last may be at most a tenth above the first.
    """

    name: str
    runs: int
    first: float
    last: float
    is_bounded: bool = True

    @property
    def has_grown(self) -> bool:
        """True if it is above its bound; the median of fewer runs is not compared."""
        return self.is_bounded and self.runs == COMPARED and self.last > self.first * _ALLOWED

    def __str__(self) -> str:
        ratio = f" (ratio {self.last / self.first:.2f})" if self.first else ""
        return f"{self.name}, median of the first and last {self.runs} runs: {self.first:.2f}, {self.last:.2f}{ratio}"


def compared(runs: Sequence[Run]) -> list[Compared]:
    """Figures of the last runs of a single hour, compared with those of the first."""
    grown = {run: run.kept_bytes - before.kept_bytes for before, run in pairwise(runs)}
    # What the first run adds is not known.
    single = [run for run in runs[1:] if len(run.ended.hours) == 1]
    count = min(COMPARED, len(single) // 2)

    def medians(figure: Callable[[Run], float]) -> tuple[float, float]:
        return _median(map(figure, single[:count])), _median(map(figure, single[len(single) - count :]))

    return [
        # Other processes on the machine slow the last runs down: their times are reported only.
        Compared("seconds", count, *medians(lambda run: run.ended.seconds), is_bounded=False),
        Compared("CPU seconds", count, *medians(lambda run: run.cpu_seconds), is_bounded=False),
        Compared("peak memory in MB", count, *medians(lambda run: run.peak_bytes / 1e6)),
        Compared("disk that a run adds in MB", count, *medians(lambda run: grown[run] / 1e6)),
    ]


def _median(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.median(found) if found else 0.0


def lines(soak: Soak) -> list[str]:
    """The figures of a soak, for people."""
    account, loaded = soak.account(), len(soak.runs)
    return [
        f"{len(soak.delivered)} hours, {account.accepted.total():,} deliveries of {len(account.events):,} events, "
        f"{account.rejected.total():,} refused rows, {account.expected_collisions().total()} collisions",
        f"{loaded + len(soak.killed)} runs of the sensor: {loaded} loaded their hours (the longest range: "
        f"{max(len(run.ended.hours) for run in soak.runs)}), {len(soak.killed)} were killed",
        *map(str, compared(soak.runs)),
        f"ticks of the sensor on disk: {soak.home.tick_bytes / 1e6:.1f} MB",
    ]
