"""The emulators as subprocesses: started on free ports of this machine, waited for, and stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from tests import ROOT
from tests.support.emulators.credentials import token_server, write_service_account

PROJECT = "tracks-tests"
START_SECONDS = 900.0


class EmulatorError(Exception):
    """An emulator does not come up; the message says which one, and its last output."""


@dataclass
class Server:
    """One emulator: what starts it, and the process while it runs.

    Attributes:
        name: what messages call it.
        command: Python's arguments that start it.
        port: where it listens.
        health: a path of it that answers, with whatever status, once it is up.
        log: the file with what it says.
        variables: variables of its environment.
    """

    name: str
    command: Sequence[str]
    port: int
    health: str
    log: Path
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, seconds: float = START_SECONDS) -> None:
        """Starts it and waits until it answers.

        Raises:
            EmulatorError: it ended, or did not answer in time.
        """
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.command],
                cwd=ROOT,
                env={**os.environ, **self.variables},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + seconds
        while not self._answers():
            if self.process.poll() is not None:
                raise EmulatorError(f"{self.name} ended with {self.process.returncode} at its start: {self._last()}")
            if time.monotonic() > deadline:
                self.kill()
                raise EmulatorError(f"{self.name} did not answer within {seconds:g} seconds: {self._last()}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends it at once, with whatever it has started."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}{self.health}", timeout=2):
                return True
        except urllib.error.HTTPError:
            return True
        except (OSError, HTTPException):
            return False

    def _last(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return " | ".join(lines[-5:]) or "it printed nothing"


@dataclass(frozen=True)
class GoogleCloud:
    """BigQuery and Cloud Storage of the test run, and the environment in which Google's libraries find them."""

    bigquery: Server
    storage: Server
    environment: Mapping[str, str]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def bigquery_server(folder: Path) -> Server:
    """BigQuery, not yet started; it reads ``gs://`` where ``storage_server`` of the same folder keeps its objects."""
    port = free_port()
    return Server(
        "The BigQuery emulator",
        [
            "-m",
            "tests.support.emulators.launch_bigquery",
            "start",
            "--rest-port",
            str(port),
            "--grpc-port",
            str(free_port()),
        ],
        port,
        "/healthz",
        folder / "bigquery.log",
        {
            "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",
            "BQEMU_GCS_LOCAL_ROOT": str(folder / ".cloudstorage"),
            "BQEMU_LOG_LEVEL": "warning",
        },
    )


def storage_server(folder: Path) -> Server:
    """Cloud Storage, not yet started, with its objects below ``folder``."""
    port = free_port()
    command = ["-m", "tests.support.emulators.launch_storage", str(port), str(folder)]
    return Server("The Cloud Storage emulator", command, port, "/", folder / "storage.log", {})


@contextmanager
def google_cloud(folder: Path) -> Iterator[GoogleCloud]:
    """Both emulators and a service account, for a ``with`` block.

    Raises:
        EmulatorError: one of them does not come up.
    """
    (folder / ".cloudstorage").mkdir()
    bigquery, storage, key = bigquery_server(folder), storage_server(folder), folder / "key.json"
    with ExitStack() as stack:
        write_service_account(key, PROJECT, stack.enter_context(token_server()))
        for server in (bigquery, storage):
            stack.callback(server.kill)
            server.start()
        environment = {
            "BIGQUERY_EMULATOR_HOST": bigquery.address,
            "STORAGE_EMULATOR_HOST": storage.address,
            "GOOGLE_APPLICATION_CREDENTIALS": str(key),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
        }
        yield GoogleCloud(bigquery, storage, environment)
