"""``python -m benchmarks.soak --hours 200``: the soak in a temporary folder, run by run, with its figures."""

import argparse
import random
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soak.drive import OldestFirst
from benchmarks.soak.soak import Run, Soak, SoakError, check
from benchmarks.soak.trials import failed_trials

_COMPARED = 20
_ALLOWED = 1.1


def main() -> int:
    """Runs the soak; returns 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--hours", type=int, default=200, help="hours to deliver and run")
    parser.add_argument("--seed", type=int, default=7, help="decides what is killed, and when")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="tracks_soak_", ignore_cleanup_errors=True) as folder:
        soak = Soak(Path(folder) / "home", OldestFirst(), random.Random(options.seed), _say)
        try:
            figures = run_soak(soak, options.hours)
        except SoakError as error:
            sys.stdout.write(f"FAILED\n{error}\n")
            return 1
        sys.stdout.write("\n".join(figures) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_soak(soak: Soak, hours: int) -> list[str]:
    """Runs a soak with an outage in its middle; returns its figures.

    Raises:
        SoakError: a promise is broken, or the last runs take more memory or disk than the first.
    """
    pair = soak.prepare()
    # A tenth of the hours, after more than half of them.
    soak.run_hours(hours, outage=range(hours * 55 // 100, hours * 65 // 100))
    check(soak, pair)
    single = [run for run in soak.runs if run.due.first == run.due.last]
    figures = _figures(soak, single)
    failed = failed_trials(soak)
    before, pruned = soak.runs[-1].kept_bytes, soak.prune_after(days=soak.settings.keep_run_days + 1)
    check(soak, pair)
    if failed:
        raise SoakError(failed)
    return [
        *figures,
        f"pruned: {pruned.logs} logs, {pruned.runs} runs; kept for their partitions: {pruned.kept} runs",
        f"kept on disk before and after: {before / 1e6:.1f} MB, {soak.kept_bytes / 1e6:.1f} MB",
        "every promise was kept",
    ]


def _figures(soak: Soak, runs: Sequence[Run]) -> list[str]:
    compared = min(_COMPARED, len(runs) // 3)
    first, last = runs[:compared], runs[-compared:]
    grown = {run: run.kept_bytes - before.kept_bytes for before, run in zip(soak.runs, soak.runs[1:], strict=False)}
    ratios = {
        "seconds": _ratio(first, last, lambda run: run.finished.seconds),
        "peak memory": _ratio(first, last, lambda run: run.finished.peak_bytes or 0),
        "disk that a run adds": _ratio(first[1:], last, lambda run: grown[run]),
    }
    broken = [
        f"{name} of the last {compared} runs is {ratio:.2f} times that of the first"
        for name, ratio in ratios.items()
        # Another process on the machine may slow the last runs down: their seconds are reported only.
        if name != "seconds" and compared == _COMPARED and ratio > _ALLOWED
    ]
    if broken:
        raise SoakError(broken)
    account = soak.account()
    return [
        f"{len(soak.delivered)} hours, {account.accepted.total():,} deliveries of {len(account.events):,} events, "
        f"{account.rejected.total():,} refused rows, {account.expected_collisions().total()} collisions",
        f"{len(soak.runs)} runs, {soak.killed} killed before their end",
        *(f"{name}, median of the last {compared} to the first: {ratio:.2f}" for name, ratio in ratios.items()),
    ]


def _ratio(first: Sequence[Run], last: Sequence[Run], figure: Callable[[Run], float]) -> float:
    if not first or not last:
        return 1.0
    return statistics.median(map(figure, last)) / statistics.median(map(figure, first))


if __name__ == "__main__":
    sys.exit(main())
