"""Delivery to real receivers: in order, after any outage, and each message once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests import ROOT
from tests.alerts.receiver import SECRET, HttpReceiver, receiving
from tests.alerts.seen import DAY, MINUTE, NOW, bad
from tracks_assets.alerts.delivery import CLAIM, REPEAT, Delivered, deliver, wait_after
from tracks_assets.alerts.receivers import Receiver, Receivers, send
from tracks_assets.alerts.store import AlertStore, State
from tracks_assets.alerts.tick import Policy, record


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, time: timedelta) -> None:
        self.now += time


class Alerts:
    """Everything that a tick needs, with a clock that the test moves."""

    def __init__(self, store: AlertStore, *receivers: HttpReceiver) -> None:
        self.store, self.clock, self.number = store, Clock(), 0
        self.receivers = Receivers.of_urls([each.url for each in receivers], [])

    def fail(self, *names: str) -> None:
        """Checks that fail at this moment, so that one message is to be sent."""
        self.number += 1
        seen = [bad(f"posthog/tracks:{name}", self.clock.now) for name in names]
        policy = Policy(self.receivers, 30 * DAY)
        assert record(self.store, self.store.positions(), {"runs": self.number}, seen, policy, self.clock)

    def deliver(self) -> Delivered:
        return deliver(self.store, self.receivers, send, self.clock)


@pytest.fixture
def alerts(store: AlertStore, receiver: HttpReceiver) -> Alerts:
    return Alerts(store, receiver)


@pytest.fixture
def other() -> Iterator[HttpReceiver]:
    with receiving() as running:
        yield running


def _titles(*names: str) -> list[str]:
    return [f"[ERROR] Check {name} failed on posthog/tracks" for name in names]


def test_messages_arrive_once_and_in_order(alerts: Alerts, receiver: HttpReceiver) -> None:
    for name in ("one", "two", "three"):
        alerts.fail(name)
    assert alerts.deliver() == Delivered(sent=3)
    assert alerts.deliver() == Delivered()
    assert receiver.titles == _titles("one", "two", "three")


def test_a_receiver_that_is_down_for_three_tries_gets_everything_in_order(
    alerts: Alerts, receiver: HttpReceiver
) -> None:
    receiver.stop()
    alerts.fail("one")
    for attempt in (1, 2, 3):
        delivered = alerts.deliver()
        assert (delivered.sent, delivered.waiting) == (0, attempt)
        assert delivered.failing == ("json://127.0.0.1: it could not be reached, or gave no HTTP answer",)
        assert alerts.store.unsent()[0].attempts == attempt
        alerts.fail(f"more_{attempt}")
        alerts.clock.forward(wait_after(attempt) - timedelta(seconds=1))
        assert alerts.deliver().sent == 0
        assert alerts.store.unsent()[0].attempts == attempt, "it is not tried before it is due"
        alerts.clock.forward(timedelta(seconds=1))
    receiver.start()

    assert alerts.deliver() == Delivered(sent=4)
    assert receiver.titles == _titles("one", "more_1", "more_2", "more_3")


def test_no_message_overtakes_another(alerts: Alerts, receiver: HttpReceiver) -> None:
    alerts.fail("one")
    alerts.fail("two")
    receiver.answers = [503]
    assert (alerts.deliver().sent, receiver.titles) == (0, [])
    alerts.clock.forward(wait_after(1))
    assert alerts.deliver() == Delivered(sent=2)
    assert receiver.titles == _titles("one", "two")


def test_the_waits_grow_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(attempts).seconds for attempts in (1, 2, 3, 4, 5, 6, 7, 10_000)] == [
        30, 60, 120, 240, 480, 900, 900, 900,
    ]  # fmt: skip


def test_a_receiver_that_is_busy_gets_it_later(alerts: Alerts, receiver: HttpReceiver) -> None:
    receiver.answers = [503, 429]
    alerts.fail("one")
    assert alerts.deliver().failing == ("json://127.0.0.1: it answered HTTP 503",)
    alerts.clock.forward(wait_after(1))
    assert alerts.deliver().failing == ("json://127.0.0.1: it answered HTTP 429",)
    alerts.clock.forward(wait_after(2))
    assert alerts.deliver() == Delivered(sent=1)


def test_a_refusal_is_kept_and_holds_up_nothing(alerts: Alerts, receiver: HttpReceiver) -> None:
    receiver.answers = [404]
    alerts.fail("one")
    alerts.fail("two")
    assert alerts.deliver() == Delivered(sent=1)
    assert receiver.titles == _titles("two")
    (refused,) = alerts.store.refused()
    assert (refused.title, refused.answer, refused.state) == (*_titles("one"), "it answered HTTP 404", State.REFUSED)

    alerts.clock.forward(DAY)
    assert alerts.deliver() == Delivered()
    assert receiver.statuses == [404, 200], "it is not tried again"


def test_a_receiver_that_refuses_is_named_until_it_takes_something(alerts: Alerts, receiver: HttpReceiver) -> None:
    receiver.always = 403
    alerts.fail("one")
    assert alerts.deliver() == Delivered(refusing=("json://127.0.0.1: it answered HTTP 403",))
    assert alerts.deliver() == Delivered(refusing=("json://127.0.0.1: it answered HTTP 403",))
    assert [(each.label, each.answer, each.done) for each in alerts.store.refusing()] == [
        ("json://127.0.0.1", "it answered HTTP 403", NOW)
    ]
    receiver.always = 200
    alerts.fail("two")
    assert alerts.deliver() == Delivered(sent=1)


def test_a_receiver_that_is_down_holds_up_no_other(
    store: AlertStore, receiver: HttpReceiver, other: HttpReceiver
) -> None:
    receiver.stop()
    alerts = Alerts(store, receiver, other)
    alerts.fail("one")
    alerts.fail("two")
    assert (alerts.deliver().sent, other.titles) == (2, _titles("one", "two"))


def test_warnings_go_to_their_own_receivers(store: AlertStore, receiver: HttpReceiver, other: HttpReceiver) -> None:
    receivers = Receivers.of_urls([receiver.url], [other.url])
    policy = Policy(receivers, DAY)
    record(store, store.positions(), {"runs": 1}, [bad("a:b"), bad("a:c", severity="WARN")], policy, lambda: NOW)
    deliver(store, receivers, send, lambda: NOW)
    assert receiver.titles == ["[ERROR] Check b failed on a"]
    assert other.titles == ["[WARN] Check c failed on a"]


def test_a_corrected_receiver_gets_what_the_old_one_did_not_take(
    store: AlertStore, receiver: HttpReceiver, other: HttpReceiver
) -> None:
    alerts = Alerts(store, receiver)
    alerts.fail("old")
    receiver.always = 401
    alerts.clock.forward(DAY + MINUTE)
    alerts.deliver()
    alerts.fail("refused")
    alerts.deliver()
    receiver.always = 503
    alerts.fail("waiting")
    alerts.deliver()

    alerts.receivers = Receivers.of_urls([other.url], [])
    assert alerts.deliver() == Delivered(sent=2)
    assert other.titles == _titles("refused", "waiting")
    assert alerts.deliver() == Delivered()
    assert store.refused() == []


def test_a_receiver_that_is_taken_away_leaves_the_others_with_one_message_each(
    store: AlertStore, receiver: HttpReceiver, other: HttpReceiver
) -> None:
    receiver.stop()
    alerts = Alerts(store, receiver, other)
    alerts.fail("one")
    alerts.deliver()
    alerts.receivers = Receivers.of_urls([other.url], [])
    assert alerts.deliver() == Delivered()
    assert other.titles == _titles("one")


def test_without_receivers_nothing_is_sent_and_incidents_are_kept(store: AlertStore) -> None:
    alerts = Alerts(store)
    alerts.fail("one")
    assert alerts.deliver() == Delivered()
    assert len(store.open_incidents()) == 1


def test_a_tick_does_not_send_for_ever(alerts: Alerts, receiver: HttpReceiver) -> None:
    def slow(to: Receiver, title: str, body: str) -> object:
        alerts.clock.forward(timedelta(seconds=20))
        return send(to, title, body)

    for name in ("one", "two", "three"):
        alerts.fail(name)
    delivered = deliver(alerts.store, alerts.receivers, slow, alerts.clock)  # type: ignore[arg-type]
    assert (delivered.sent, delivered.waiting) == (2, 1)
    assert alerts.deliver() == Delivered(sent=1)


def test_the_database_holds_no_secret(alerts: Alerts, database: str, receiver: HttpReceiver) -> None:
    receiver.always = 403
    alerts.fail("one")
    alerts.deliver()
    alerts.store.close()
    assert SECRET.encode() not in Path(database.removeprefix("sqlite:///")).read_bytes()


_KILLED = """
import os, signal, sys
from tests.alerts.seen import NOW
from tracks_assets.alerts.delivery import deliver
from tracks_assets.alerts.receivers import Receivers, send
from tracks_assets.alerts.store import AlertStore

database, url, moment = sys.argv[1:]

def killed_before(receiver, title, body):
    os.kill(os.getpid(), signal.SIGKILL)

def killed_after(receiver, title, body):
    send(receiver, title, body)
    os.kill(os.getpid(), signal.SIGKILL)

sending = {"before": killed_before, "after": killed_after}[moment]
deliver(AlertStore(database), Receivers.of_urls([url], []), sending, lambda: NOW)
"""


def _deliver_and_die(database: str, url: str, moment: str) -> None:
    root = ROOT
    done = subprocess.run([sys.executable, "-c", _KILLED, database, url, moment], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_process_that_is_killed_before_it_sends_loses_nothing(
    alerts: Alerts, database: str, receiver: HttpReceiver
) -> None:
    alerts.fail("one")
    alerts.fail("two")
    _deliver_and_die(database, receiver.url, "before")
    assert alerts.deliver() == Delivered(waiting=2, failing=("json://127.0.0.1: no answer noted",))
    alerts.clock.forward(CLAIM)

    assert alerts.deliver() == Delivered(sent=2)
    assert receiver.titles == _titles("one", "two")
    assert REPEAT in receiver.messages[0]["message"]
    assert REPEAT not in receiver.messages[1]["message"]


@pytest.mark.slow
def test_a_process_that_is_killed_before_it_notes_the_answer_repeats_one_message_and_says_so(
    alerts: Alerts, database: str, receiver: HttpReceiver
) -> None:
    alerts.fail("one")
    alerts.fail("two")
    _deliver_and_die(database, receiver.url, "after")
    alerts.clock.forward(CLAIM)
    alerts.deliver()

    assert receiver.titles == _titles("one", "one", "two")
    assert [REPEAT in each["message"] for each in receiver.messages] == [False, True, False]
