"""How a benchmark measures: medians of a few runs, and the peak memory of a process of its own."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RUNS = 3


@dataclass(frozen=True)
class Measured:
    """A command that was run to its end: wall seconds, and the peak of its resident memory in bytes."""

    seconds: float
    peak_bytes: int


def median_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median wall time of ``work`` in seconds."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def median_cpu_seconds(work: Callable[[], object], runs: int = RUNS) -> float:
    """The median CPU time that this process spends on ``work``, in seconds."""
    seconds = []
    for _ in range(runs):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return statistics.median(seconds)


def run_command(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Measured:
    """Runs a command to its end, its output in ``log``.

    Raises:
        RuntimeError: the command failed.
    """
    started = time.perf_counter()
    with log.open("w") as output:
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed; its output is in {log}")
    return Measured(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


def peak_of_module(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Runs a module of this project in a fresh interpreter; the module prints its own peak memory, in bytes, last."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return Measured(time.perf_counter() - started, int(done.stdout.split()[-1]))


def own_peak_bytes() -> int:
    """The peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
