"""The real ``dagster`` command in a process that is forked from one with everything imported; it may be killed."""

import multiprocessing
import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from multiprocessing.connection import Connection
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_PRELOADED = ("dagster._cli", "dagster_dbt", "benchmarks.soak.preload")


@dataclass(frozen=True)
class Finished:
    """A command that ended.

    Attributes:
        code: its exit code; negative for a signal.
        seconds: wall time.
        peak_bytes: the largest resident memory of it or of a process that it waited for; None if it was killed.
    """

    code: int
    seconds: float
    peak_bytes: int | None


def run_dagster(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, kill_after: float | None = None
) -> Finished:
    """Runs ``dagster <arguments>`` to its end, its output appended to ``log``.

    Args:
        arguments: the command.
        environment: its whole environment.
        log: a file.
        kill_after: seconds after which it and all that it started get kill -9.
    """
    _FORKS.set_forkserver_preload(list(_PRELOADED))
    receiver, sender = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_carry_out, args=(list(arguments), dict(environment), log, sender))
    started = time.monotonic()
    process.start()
    sender.close()
    process.join(kill_after)
    if process.is_alive() and process.pid is not None:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    seconds = time.monotonic() - started
    try:
        peak = int(receiver.recv())
    except EOFError:
        peak = None
    return Finished(process.exitcode or 0, seconds, peak)


def _carry_out(arguments: list[str], environment: dict[str, str], log: Path, sender: Connection) -> None:
    os.setsid()
    with log.open("a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    (command,) = entry_points(group="console_scripts", name="dagster")
    # dbt is looked for beside this Python, where the installed commands are.
    sys.argv = [str(Path(sys.executable).with_name("dagster")), *arguments]
    try:
        command.load()()
    finally:
        peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        sender.send(max(peaks) * 1024)
