"""The real ``dagster`` command in a process that is forked from one with everything imported; it may be killed."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_PRELOADED = ("dagster._cli", "dagster_dbt", "benchmarks.soak.preload")


def run_dagster(
    arguments: Sequence[str], environment: Mapping[str, str], log: Path, kill_after: float | None = None
) -> int:
    """Runs ``dagster <arguments>`` to its end, its output appended to ``log``; returns its exit code.

    Args:
        arguments: the command.
        environment: its full environment.
        log: a file.
        kill_after: seconds after which it and all that it started get kill -9.
    """
    _FORKS.set_forkserver_preload(list(_PRELOADED))
    process = _FORKS.Process(target=_carry_out, args=(list(arguments), dict(environment), log))
    process.start()
    process.join(kill_after)
    if process.is_alive() and process.pid is not None:
        os.killpg(process.pid, signal.SIGKILL)
        process.join()
    return process.exitcode or 0


def _carry_out(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    os.setsid()
    with log.open("a") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    (command,) = entry_points(group="console_scripts", name="dagster")
    # dbt is looked for beside this Python, where the installed commands are.
    sys.argv = [str(Path(sys.executable).with_name("dagster")), *arguments]
    command.load()()
