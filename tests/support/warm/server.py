"""The process behind the warm commands: imports and parses the dbt project once, then forks for each call.

``python -m tests.support.warm.server FOLDER PROCESS`` returns when its socket in the folder is ready for calls. It goes
on in the background until the process, given by its number, has ended. Then it removes the folder.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

import tracks_assets
from tests.support.warm import RARELY
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

_READS_THE_ENVIRONMENT = ("tracks_assets.definitions",)
_ALSO = ("dbt.adapters.duckdb", "dbt.adapters.bigquery", "dbt.task.run", "dbt.task.test")
_SIGNALLED = 128


def main(folder: Path, run: int) -> None:
    """Serves calls; in the process that is forked for a call, carries it out instead."""
    end_of_run = os.pidfd_open(run)
    _import_everything()
    _prepare_dbt(folder)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(folder / "socket"))
        listener.listen()
        if os.fork():
            return
        # A call need not look through what is there for good.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*RARELY)
        carry_out = _serve(listener, folder, end_of_run)
    if carry_out is None:
        shutil.rmtree(folder)
    else:
        carry_out()


def _import_everything() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for module in pkgutil.walk_packages(tracks_assets.__path__, "tracks_assets."):
            if module.name not in _READS_THE_ENVIRONMENT and not module.name.endswith("__main__"):
                importlib.import_module(module.name)
        for name in ("dagster", "dbt"):
            _entry_point(name)
        for name in _ALSO:
            importlib.import_module(name)


def _prepare_dbt(folder: Path) -> None:
    """Parses the project, so that each call inherits what dbt computes at its first use: over 40 % of a call's time."""
    os.environ["TRACKS_HOME"] = str(folder)
    paths = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    paths += ["--target-path", str(folder / "target"), "--log-path", str(folder / "target")]
    done = dbtRunner().invoke(["--quiet", "parse", "--no-write-json", *paths])
    assert done.success, done.exception
    assert threading.active_count() == 1, "a process with threads cannot be forked"


def _entry_point(name: str) -> Callable[[], Any]:
    (found,) = entry_points(group="console_scripts", name=name)
    loaded: Callable[[], Any] = found.load()
    return loaded


def _serve(listener: socket.socket, folder: Path, end_of_run: int) -> Callable[[], None] | None:
    """Forks for each call until the run has ended; in a forked process, returns what it is to carry out."""
    running: dict[int, tuple[int, socket.socket]] = {}
    while True:
        watched = [end_of_run, listener, *running, *(client for _, client in running.values())]
        ready, _, _ = select.select(watched, [], [])
        if end_of_run in ready:
            return None
        for end, (child, client) in list(running.items()):
            if end in ready:
                _answer(end, child, client)
                del running[end]
            elif client in ready:
                # The caller is gone: so is the call.
                os.kill(child, signal.SIGKILL)
        if listener in ready:
            client, _ = listener.accept()
            carry_out, child = _start(client, folder)
            if carry_out is not None:
                return carry_out
            running[os.pidfd_open(child)] = (child, client)


def _answer(end: int, child: int, client: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(end)
    try:
        client.sendall(bytes([code if code >= 0 else _SIGNALLED - code]))
    except OSError:
        # The caller was killed, and with it the call.
        pass
    finally:
        client.close()


def _start(client: socket.socket, folder: Path) -> tuple[Callable[[], None] | None, int]:
    head, files, _, _ = socket.recv_fds(client, 8, 3)
    call = json.loads(_received(client, int.from_bytes(head, "big")))
    child = os.fork()
    if child:
        for file in files:
            os.close(file)
        client.sendall(child.to_bytes(8, "big"))
        return None, child
    client.close()
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    return lambda: _carry_out(call, folder), 0


def _received(client: socket.socket, length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        parts += client.recv(length - len(parts))
    return parts


def _carry_out(call: dict[str, Any], folder: Path) -> None:
    # At its end it does, or DuckDB reports all that was imported as leaked.
    atexit.register(gc.unfreeze)
    os.environ.clear()
    os.environ.update(call["environment"])
    os.chdir(call["folder"])
    # What a command starts, it looks for beside its own Python: there, it finds warm commands again.
    sys.executable = str(folder / "python")
    if call["program"] == "python":
        _, module, *arguments = call["arguments"]
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return
    sys.argv = [str(folder / call["program"]), *call["arguments"]]
    sys.exit(_entry_point(call["program"])())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
