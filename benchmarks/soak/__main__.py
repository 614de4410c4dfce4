"""``python -m benchmarks.soak --hours 200``: the soak in a temporary folder, run by run, with its figures."""

import argparse
import random
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.soak import figures, trials
from benchmarks.soak.checks import wrong_checks
from benchmarks.soak.home import Home
from benchmarks.soak.soak import Soak, SoakError, check, start_of

KEPT = "every promise was kept"

_OUTAGE_SHARE = 0.1


def main() -> int:
    """Runs the soak; returns 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--hours", type=int, default=200, help="hours to run one by one; a tenth more is the outage")
    parser.add_argument("--seed", type=int, default=7, help="decides what is killed, and when")
    parser.add_argument("--folder", type=Path, help="a new folder that is kept")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = options.folder or Path(
            stack.enter_context(TemporaryDirectory(prefix="tracks_soak_", ignore_cleanup_errors=True))
        )
        (folder / "tmp").mkdir(parents=True)
        outage = int(options.hours * _OUTAGE_SHARE)
        hours = options.hours + outage
        # What killed runs leave in the folder for temporary files goes with the soak.
        home = Home(folder / "home", start_of(hours), {"TMPDIR": str(folder / "tmp")})
        soak = stack.enter_context(Soak(home, random.Random(options.seed), report=_report))
        first = hours // 2
        try:
            last = run_soak(
                soak,
                hours,
                outage=range(first, first + outage),
                again={number: number // 2 for number in range(22, hours, 23)},
                tried=trials.ALL,
            )
        except SoakError as error:
            sys.stdout.write(f"FAILED\n{error}\n")
            return 1
        sys.stdout.write("\n".join(last) + "\n")
    return 0


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def run_soak(
    soak: Soak, hours: int, *, outage: range, again: Mapping[int, int], tried: dict[str, trials.Trial]
) -> list[str]:
    """Runs a soak to its end and checks every guarantee; returns what is left to say.

    Args:
        soak: the soak, which nothing was done with.
        hours: how many hours are delivered.
        outage: those of them during which nothing runs.
        again: with which hour an earlier one is delivered again, changed.
        tried: what is tried when all hours are loaded.

    Raises:
        SoakError: a promise is broken, or the last runs take more memory or disk than the first.
    """
    pair = soak.prepare()
    soak.run_hours(hours, outage, again)
    check(soak, pair)
    measured = figures.lines(soak)
    for line in measured:
        soak.report(line)
    broken = [f"too much: {each}" for each in figures.compared(soak.runs) if each.has_grown] + soak.failed
    broken += wrong_checks(soak, pair) + trials.failed_trials(soak, pair, tried)
    before, pruned = soak.home.kept_bytes, soak.home.prune_after(days=soak.home.settings.keep_run_days + 1)
    check(soak, pair)
    if broken:
        raise SoakError(broken)
    return [
        f"pruned: {pruned.logs} logs, {pruned.runs} runs; kept for their partitions: {pruned.kept} runs",
        f"kept on disk before and after: {before / 1e6:.1f} MB, {soak.home.kept_bytes / 1e6:.1f} MB",
        KEPT,
    ]


if __name__ == "__main__":
    sys.exit(main())
