"""The commands ``dagster``, ``dg``, ``dbt`` and ``python -m`` without their start: for tests that run many of them.

Importing Dagster and dbt takes most of a command's seconds. Here one process imports them once and forks for each call:
a call is a process of its own, with its own arguments, environment, folder, output and exit code. One test of each
command runs the installed command itself, and so does every test that kills a command.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from tempfile import gettempdir
from unittest.mock import patch
from uuid import uuid4

from tests import ROOT

COMMANDS = ("dagster", "dg", "dbt", "python")

RARELY = (50_000, 20, 100)
"""How often Python looks for garbage in processes that have imported much: thresholds of ``gc``."""


def command(name: str) -> str:
    """The path of one of ``COMMANDS``, to be used as the installed command is."""
    return str(_commands() / name)


@contextmanager
def beside_python() -> Iterator[None]:
    """Lets code of this process find the warm commands where it looks for the installed ones, beside its Python."""
    with patch.object(sys, "executable", command("python")):
        yield


@cache
def _commands() -> Path:
    """The folder of the commands: one for all test processes of a run, made by the first that asks."""
    folder = Path(gettempdir()) / f"tracks_warm_{os.environ.get('PYTEST_XDIST_TESTRUNUID', uuid4().hex)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not (folder / "socket").exists():
            _start_server(folder)
    return folder


def _start_server(folder: Path) -> None:
    """Starts the process behind the commands. When the test run has ended, it removes the folder and ends, too."""
    client = Path(__file__).with_name("client.py").read_text(encoding="utf-8")
    for name in COMMANDS:
        path = folder / name
        path.write_text(f"#!{sys.executable} -ISE\n{client}", encoding="utf-8")
        path.chmod(0o755)
    run = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    server = [sys.executable, "-m", "tests.support.warm.server", str(folder), str(run)]
    subprocess.run(server, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
