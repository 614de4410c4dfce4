"""The processes of runs as the operating system shows them: how much memory they take, and how they are killed."""

import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

import psutil

_OF_A_RUN = "multiprocessing.spawn"
"""Part of the command line of a run's process, which Dagster's code server spawns."""

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Kill(Enum):
    """The processes that get kill -9."""

    RUN = "the run's process"
    TREE = "the run's process and its dbt"
    ALL = "the daemon, the code server and the run"


@dataclass
class RunProcess:
    """A run's process.

    Attributes:
        pid: its id.
        seen: when it was first seen, in seconds of Unix time.
        peak_bytes: the largest resident memory until now of it or of a process that it started.
        cpu_seconds: the processor time until now of it and of the processes that it waited for.
        kill: how it is to be killed, if it is.
        kill_at: when.
    """

    pid: int
    seen: float
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    kill: Kill | None = None
    kill_at: float = 0.0


@dataclass
class RunProcesses:
    """The runs of a code server, the living ones and those that were seen.

    Attributes:
        seen: every run's process by its id.
    """

    seen: dict[int, RunProcess] = field(default_factory=dict)

    def look(self, code_server: int) -> list[RunProcess]:
        """The living processes of runs, their figures brought up to date; call it several times a second."""
        try:
            started = psutil.Process(code_server).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [self._update(process) for process in started if _is_run(process)]

    def _update(self, process: psutil.Process) -> RunProcess:
        run = self.seen.setdefault(process.pid, RunProcess(process.pid, time.time()))
        run.peak_bytes = max(run.peak_bytes, *map(peak_bytes, [process.pid, *children(process.pid)]))
        with suppress(psutil.Error):
            times = process.cpu_times()
            run.cpu_seconds = times.user + times.system + times.children_user + times.children_system
        return run


def _is_run(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any(_OF_A_RUN in argument for argument in process.cmdline())
    return False


def children(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    with suppress(psutil.Error):
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []


def peak_bytes(pid: int) -> int:
    """The largest resident memory of a living process since its start; 0 for one that is gone."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def kill_now(pids: list[int]) -> None:
    """Sends kill -9 to processes."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
