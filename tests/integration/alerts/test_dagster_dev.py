"""From a failing check to a message, with Dagster's own processes: daemon, code server and the real sensor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import dagster as dg
import psutil
import pytest

from tests import ROOT
from tests.alerts.receiver import SECRET, HttpReceiver
from tests.support import warm
from tracks_assets.alerts.store import AlertStore

pytestmark = [pytest.mark.dagster, pytest.mark.slow, pytest.mark.thorough]

SMALL_DEFINITIONS = "tests.integration.alerts.small_definitions"
PATIENCE = 600.0
BIN = Path(sys.executable).parent


@contextmanager
def dagster_dev(environment: dict[str, str], log: Path, *code: str) -> Iterator[None]:
    """``dagster dev`` for some code; it and everything that it started are killed after the ``with`` block."""
    with log.open("a") as output:
        process = subprocess.Popen(
            [BIN / "dagster", "dev", *code, "--port", str(HttpReceiver().port)],
            cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            for each in [*psutil.Process(process.pid).children(recursive=True), psutil.Process(process.pid)]:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Small:
    """A home of the small code location."""

    def __init__(self, path: Path, receiver: HttpReceiver) -> None:
        self.path, self.receiver = path, receiver
        (path / "dagster").mkdir(parents=True)
        (path / "dagster" / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text())

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "DAGSTER_"))}
        own = {
            "TRACKS_HOME": str(self.path),
            "DAGSTER_HOME": str(self.path / "dagster"),
            "TRACKS_AUTOMATION": "on",
            "TRACKS_ALERT_URLS": self.receiver.url,
        }
        return inherited | own

    def report(self, file: str, *names: str) -> None:
        (self.path / file).write_text(" ".join(names))

    def run(self) -> None:
        """Materializes the table with its checks, by the command line."""
        subprocess.run(
            [warm.command("dagster"), "asset", "materialize", "-m", SMALL_DEFINITIONS, "--select", "*"],
            cwd=ROOT, env=self.environment, check=False, capture_output=True,
        )  # fmt: skip

    def store(self) -> AlertStore:
        return AlertStore(f"sqlite:///{self.path}/alerts.db")

    def looks(self) -> str | None:
        """When the alerts last looked."""
        store = self.store()
        try:
            last: str | None = store.positions().get("tick")
        finally:
            store.close()
        return last

    def wait_for_look(self) -> None:
        """Waits until the sensor has looked at everything that was recorded before this moment."""
        for _ in range(2):
            before = self.looks()
            wait_until(partial(self._has_looked_since, before), "the alerts look")

    def _has_looked_since(self, before: str | None) -> bool:
        return self.looks() != before

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """Dagster's daemon with its code server; both are gone after the ``with`` block."""
        with dagster_dev(self.environment, self.path / "dagster.log", "-m", SMALL_DEFINITIONS):
            yield

    def everything_written(self) -> str:
        """Every file of the home as text: logs, databases, captured output."""
        files = (file for file in self.path.rglob("*") if file.is_file())
        return "".join(file.read_bytes().decode("latin-1") for file in files)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.5)
    pytest.fail(f"Waited in vain until {what}.")


@pytest.fixture
def small(tmp_path: Path, receiver: HttpReceiver) -> Small:
    return Small(tmp_path / "home", receiver)


def test_the_life_of_an_alert(small: Small, receiver: HttpReceiver) -> None:
    """A passing run, a failing check, the same again, 50 at once, a failed run, a failing sensor, and their ends."""
    with small.daemon():
        wait_until(lambda: small.looks() is not None, "the alerts look")
        small.run()
        small.wait_for_look()
        assert receiver.titles == [], "a passing run sends nothing"

        small.report("red", "check_07")
        small.run()
        wait_until(lambda: len(receiver.messages) == 1, "the message is there")
        assert receiver.titles == ["[ERROR] Check check_07 failed on small/table"]
        body = receiver.messages[0]["message"]
        assert body.startswith("12 rows break check_07.\nFigures: rows 12\nCompared with: The rule of check_07.\n")
        assert "Downstream: small/report\n" in body
        assert "bob" not in body

        small.run()
        small.wait_for_look()
        assert len(receiver.messages) == 1, "the same again is silent"

        small.report("red", *(f"check_{number:02d}" for number in range(50)))
        small.run()
        wait_until(lambda: len(receiver.messages) == 2, "the grouped message is there")
        assert receiver.titles[1:] == ["[ERROR] 49 checks failed"]
        small.wait_for_look()
        assert len(receiver.messages) == 2

        small.report("broken", "yes")
        small.run()
        wait_until(lambda: len(receiver.messages) == 3, "the failed run is reported")
        assert receiver.titles[2:] == ["[ERROR] Run failed: small__table"]
        assert receiver.messages[2]["message"].startswith("RuntimeError (the run's page has the text)\n")
        assert "bob" not in receiver.messages[2]["message"]

        small.report("broken")
        small.report("red")
        small.run()
        wait_until(lambda: len(receiver.messages) == 4, "everything recovers")
        assert receiver.titles[3:] == ["[RECOVERED] 50 checks and 1 run recovered"]

        small.report("tired", "yes")
        wait_until(lambda: len(receiver.messages) == 5, "the failing sensor is reported")
        small.report("tired")
        wait_until(lambda: len(receiver.messages) == 6, "the sensor recovers")
        assert receiver.titles[4:] == ["[ERROR] The sensor watches fails", "[RECOVERED] Over: The sensor watches fails"]
    assert SECRET not in small.everything_written()


@pytest.mark.nightly
def test_a_receiver_that_is_down_for_three_tries(small: Small, receiver: HttpReceiver) -> None:
    receiver.stop()
    small.report("red", "check_01")
    small.run()
    store = small.store()
    with small.daemon():
        wait_until(lambda: any(each.attempts >= 3 for each in store.unsent()), "three tries failed")
        receiver.start()
        wait_until(lambda: len(receiver.messages) == 1, "the message is there")
    assert store.unsent() == []
    store.close()


def test_a_daemon_that_is_killed_between_evaluation_and_delivery(small: Small, receiver: HttpReceiver) -> None:
    """Killed with the message stored and not sent; and once more with the check evaluated and not seen."""
    receiver.stop()
    small.report("red", "check_01")
    small.run()
    store = small.store()
    with small.daemon():
        wait_until(lambda: any(each.attempts for each in store.unsent()), "it is stored")
    small.report("red", "check_01", "check_02")
    small.run()
    receiver.start()
    with small.daemon():
        wait_until(lambda: len(receiver.messages) == 2, "both messages are there")
        small.wait_for_look()
    store.close()

    assert receiver.titles == [f"[ERROR] Check check_0{number} failed on small/table" for number in (1, 2)]


def test_a_receiver_that_refuses_is_shown_as_a_failed_tick(small: Small, receiver: HttpReceiver) -> None:
    receiver.always = 403
    small.report("red", "check_01")
    small.run()

    def errors() -> list[str]:
        with dg.DagsterInstance.from_config(str(small.path / "dagster")) as instance:
            states = [state for state in instance.all_instigator_state() if state.name == "alerts"]
            return [
                str(tick.error)
                for state in states
                for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id)
                if tick.status.value == "FAILURE"
            ]

    with small.daemon():
        wait_until(lambda: bool(errors()), "the tick fails")
    assert "Alerts are refused by json://127.0.0.1: it answered HTTP 403. Correct TRACKS_ALERT_URLS" in errors()[0]
    assert SECRET not in small.everything_written()
