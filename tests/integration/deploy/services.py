"""The three services of deploy/systemd, started by the commands of their units on ports of their own."""

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests import ROOT
from tests.support.emulators.servers import free_port

_INSTALLED = "/opt/tracks_assets/.venv/bin/"
_CODE_PORT, _UI_PORT = "4000", "3000"


def unit_command(name: str, ports: Mapping[str, str], key: str = "ExecStart") -> list[str] | None:
    """A command of a unit, of this environment and with other ports; None if the unit has none of that key."""
    unit = (ROOT / "deploy" / "systemd" / f"tracks-{name}.service").read_text(encoding="utf-8")
    lines = [line.removeprefix(f"{key}=") for line in unit.splitlines() if line.startswith(f"{key}=")]
    if not lines:
        return None
    (line,) = lines
    assert _INSTALLED in line
    line = line.replace(_INSTALLED, f"{Path(sys.executable).parent}/")
    return shlex.split(re.sub(r"(?<=--port )\d+", lambda found: ports[str(found[0])], line))


@dataclass
class Services:
    """The services, each a process group of its own.

    Attributes:
        environment: what tracks.env would hold.
        folder: where their logs are written.
    """

    environment: dict[str, str]
    folder: Path
    code_port: int = field(default_factory=free_port)
    ui_port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Starts one of them, and waits until systemd would call it started."""
        command = unit_command(name, self._ports)
        assert command is not None
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment | {"TRACKS_CODE_HOST": "127.0.0.1", "TRACKS_CODE_PORT": str(self.code_port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until_ready = unit_command(name, self._ports, "ExecStartPost")
        if until_ready is not None:
            subprocess.run(until_ready, cwd=ROOT, env=self.environment, capture_output=True, check=True, timeout=600)

    @property
    def _ports(self) -> dict[str, str]:
        return {_CODE_PORT: str(self.code_port), _UI_PORT: str(self.ui_port)}

    def kill(self, name: str) -> None:
        """Ends one of them at once, with all that it started: as a power cut does."""
        process = self.processes.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextmanager
def services(environment: dict[str, str], folder: Path) -> Iterator[Services]:
    """All of them, for a ``with`` block."""
    running = Services(environment, folder)
    try:
        for name in ("code", "webserver", "daemon"):
            running.start(name)
        yield running
    finally:
        for name in list(running.processes):
            running.kill(name)
