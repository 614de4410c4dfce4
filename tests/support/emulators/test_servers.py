"""An emulator that is missing, ends or hangs is reported in one sentence, soon; nothing of it is left running."""

import re
import time
from pathlib import Path

import pytest

from tests.support.emulators.servers import EmulatorError, Server, free_port

pytestmark = pytest.mark.slow

EXITS = "import sys; print('a line before'); sys.exit('no room for tables')"
MISSING = "import an_emulator_that_is_not_installed"
SILENT = "print('it waits', flush=True); time.sleep(600)"
NOT_ACCEPTING = "with socket.create_server(('127.0.0.1', port)): time.sleep(600)"
HANGING = "with socket.create_server(('127.0.0.1', port)) as server: held = server.accept(); time.sleep(600)"
GIBBERISH = """
with socket.create_server(('127.0.0.1', port)) as server:
    while True:
        server.accept()[0].sendall(b'no HTTP at all\\r\\n\\r\\n')
"""
ANSWERING = "http.server.test(port=port, bind='127.0.0.1')"
WITH_A_CHILD = (
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid, flush=True);" + ANSWERING
)
_IMPORTS = "import http.server, socket, subprocess, sys, time; port = int(sys.argv[1])\n"


def server(tmp_path: Path, program: str) -> Server:
    """A server that runs a program of its own."""
    port = free_port()
    return Server("The emulator", ["-c", _IMPORTS + program, str(port)], port, "/", tmp_path / "server.log", {})


def failure(broken: Server, seconds: float) -> str:
    """The error text of a server that does not come up, which comes soon."""
    started = time.monotonic()
    with pytest.raises(EmulatorError) as reported:
        broken.start(seconds)
    assert time.monotonic() - started < seconds + 5
    return str(reported.value)


def test_one_that_ends_at_its_start(tmp_path: Path) -> None:
    assert failure(server(tmp_path, EXITS), 60) == (
        "The emulator ended with 1 at its start: a line before | no room for tables"
    )


def test_one_that_is_not_installed(tmp_path: Path) -> None:
    text = failure(server(tmp_path, MISSING), 60)
    assert text.startswith("The emulator ended with 1 at its start: ")
    assert text.endswith("ModuleNotFoundError: No module named 'an_emulator_that_is_not_installed'")
    assert "\n" not in text


@pytest.mark.parametrize("program", [NOT_ACCEPTING, HANGING, GIBBERISH], ids=["not accepting", "hanging", "gibberish"])
def test_one_that_never_answers_is_ended(tmp_path: Path, program: str) -> None:
    hung = server(tmp_path, program)
    assert failure(hung, 1) == "The emulator did not answer within 1 seconds: it printed nothing"
    assert hung.process is None


def test_one_that_listens_nowhere_is_quoted(tmp_path: Path) -> None:
    assert failure(server(tmp_path, SILENT), 1) == "The emulator did not answer within 1 seconds: it waits"


def test_one_that_answers_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    running = server(tmp_path, WITH_A_CHILD)
    running.start(60)
    child = re.search(r"^(\d+)$", running.log.read_text(), re.MULTILINE)
    assert running.process is not None
    assert child is not None
    group = [running.process.pid, int(child[1])]
    assert all(map(is_running, group))

    running.kill()
    running.kill()

    deadline = time.monotonic() + 300
    while any(map(is_running, group)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(is_running, group))


def is_running(process_id: int) -> bool:
    """Whether there is a process of that id that has not ended; one that nobody waited for has."""
    status = Path(f"/proc/{process_id}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"
