"""What is measured of runs: their memory, and whether the last ones take more than the first."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from benchmarks.soak.figures import COMPARED, compared
from benchmarks.soak.processes import RunProcesses, children, kill_now, peak_bytes
from benchmarks.soak.runs import Ended
from benchmarks.soak.soak import Run
from tracks_assets.sources.posthog.layout import HOUR

START = datetime(2026, 3, 12, tzinfo=UTC)
RUNS = 60
LARGE = 200_000_000


def runs(seconds: float = 0.0, memory: int = 0, disk: int = 0) -> list[Run]:
    """Runs of one hour each, of which the last twenty take more."""
    made, kept = [], 0
    for number in range(RUNS):
        is_late = number >= RUNS - COMPARED
        kept += 1000 + disk * is_late
        ended = Ended(str(number), (START + number * HOUR,), True, 0.0, 0.0, 4.0 + seconds * is_late, None)
        made.append(Run(ended, 1000 + memory * is_late, 1.0, kept))
    return made


@pytest.mark.parametrize(
    ("measured", "grown"),
    [
        (runs(), []),
        (runs(memory=99, disk=99, seconds=40.0), []),
        (runs(memory=110), ["peak memory in MB"]),
        (runs(disk=110), ["disk that a run adds in MB"]),
    ],
)
def test_memory_and_disk_are_bounded_and_time_is_reported(measured: list[Run], grown: list[str]) -> None:
    assert [each.name for each in compared(measured) if each.has_grown] == grown


def test_a_run_of_many_hours_is_not_compared() -> None:
    measured = runs()
    many = Ended("many", (START, START + HOUR), True, 0.0, 0.0, 400.0, None)
    seconds, _, memory, _ = compared([*measured, *[Run(many, 10_000, 1.0, measured[-1].kept_bytes)] * COMPARED])
    assert (seconds.last, memory.has_grown) == (4.0, False)


def test_of_few_runs_nothing_is_said() -> None:
    assert not any(each.has_grown for each in compared(runs(memory=5000)[-COMPARED - 2 :]))


@contextmanager
def code_server(run: str) -> Iterator["subprocess.Popen[str]"]:
    """A process that starts another one, as a code server starts a run."""
    program = (
        f"import multiprocessing as m, time\nif __name__ == '__main__':\n p = m.get_context('spawn').Process({run})"
    )
    program += "\n p.start()\n print(p.pid, flush=True)\n time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            kill_now([*children(process.pid), process.pid])


def test_the_peak_of_a_run_counts_what_it_started_and_what_it_gave_back() -> None:
    dbt = f"x = b'x' * {LARGE}; del x; __import__('time').sleep(600)"
    program = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {dbt!r}]); time.sleep(600)"
    run = f"target=exec, args=({program!r},)"
    with code_server(run) as server:
        assert server.stdout is not None
        pid, seen = int(server.stdout.readline()), RunProcesses()
        while not (living := seen.look(server.pid)) or living[0].peak_bytes < LARGE:
            time.sleep(0.05)
        kill_now(children(pid))
        while children(pid):
            time.sleep(0.05)
        assert [(each.pid, each.peak_bytes > LARGE) for each in seen.look(server.pid)] == [(pid, True)]
        kill_now([pid])
        while seen.look(server.pid):
            time.sleep(0.05)
        assert list(seen.seen) == [pid]
    assert peak_bytes(pid) == 0
