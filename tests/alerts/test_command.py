"""The command line: a test message with what each receiver did, and the list of incidents."""

from datetime import UTC, datetime
from functools import partial

import pytest

from tests.alerts.receiver import SECRET, HttpReceiver
from tests.alerts.seen import DAY, FIVE, NOW, bad
from tracks_assets.alerts.__main__ import main
from tracks_assets.alerts.delivery import deliver
from tracks_assets.alerts.receivers import Receivers, send
from tracks_assets.alerts.store import AlertStore, State
from tracks_assets.alerts.tick import Policy, record


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, database: str) -> None:
    for name in ("TRACKS_ALERT_URLS", "TRACKS_ALERT_URLS_WARN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRACKS_ALERT_DATABASE", database)


def test_a_test_message_goes_to_each_receiver(
    receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKS_ALERT_URLS", receiver.url)
    monkeypatch.setenv("TRACKS_ALERT_URLS_WARN", f"nonsense://{SECRET}")

    assert main(["test"]) == 1
    text = capsys.readouterr()
    assert text.out == (
        "ok   json://127.0.0.1 (errors): taken\n"
        "FAIL nonsense://... (warnings): it is not a URL that Apprise understands\n"
    )
    assert SECRET not in text.out + text.err
    assert receiver.titles[0].startswith("[TEST] Alerts of tracks_assets, ")


@pytest.mark.parametrize(
    ("status", "code", "line"),
    [
        (200, 0, "ok   json://127.0.0.1 (errors and warnings): taken\n"),
        (403, 1, "FAIL json://127.0.0.1 (errors and warnings): it answered HTTP 403\n"),
        (500, 1, "FAIL json://127.0.0.1 (errors and warnings): it answered HTTP 500\n"),
    ],
)
def test_what_a_receiver_did_is_said(
    receiver: HttpReceiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
    code: int,
    line: str,
) -> None:
    monkeypatch.setenv("TRACKS_ALERT_URLS", receiver.url)
    receiver.always = status
    assert (main(["test"]), capsys.readouterr().out) == (code, line)


def test_a_receiver_that_works_again_gets_what_it_refused(
    store: AlertStore, receiver: HttpReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for messages that are older than a day."""
    monkeypatch.setenv("TRACKS_ALERT_URLS", receiver.url)
    receivers, now = Receivers.of_urls([receiver.url], []), datetime.now(UTC)
    receiver.answers = [403, 403]
    for number, moment in enumerate((now - 2 * DAY, now - DAY / 2)):
        policy, seen = Policy(receivers, DAY), bad(f"a:{number}", hours=FIVE)
        record(store, store.positions(), {"runs": number}, [seen], policy, partial(_same, moment))
        deliver(store, receivers, send, partial(_same, moment))
    assert [each.state for each in store.refused()] == [State.REFUSED] * 2

    assert main(["test"]) == 0
    text = "     1 message that it refused will be sent again\n"
    assert text in capsys.readouterr().out
    assert deliver(store, receivers, send, lambda: datetime.now(UTC)).refusing == ()
    assert [title.partition("]")[0] for title in receiver.titles[-2:]] == ["[TEST", "[ERROR"]
    assert [each.created for each in store.refused()] == [now - 2 * DAY]
    assert main(["test"]) == 0
    assert text not in capsys.readouterr().out


def _same(moment: datetime) -> datetime:
    return moment


def test_without_receivers_it_says_what_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test"]) == 1
    assert capsys.readouterr().out == (
        "No receiver is set: set TRACKS_ALERT_URLS to Apprise URLs, separated by commas.\n"
    )


def test_wrong_settings_are_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TRACKS_ALERT_URLS", SECRET)
    assert main(["test"]) == 2
    assert SECRET not in capsys.readouterr().out


def test_incidents_and_messages_are_listed(
    store: AlertStore, receiver: HttpReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["incidents"]) == 0
    assert capsys.readouterr().out == "No incident is open.\n"

    policy = Policy(Receivers.of_urls([receiver.url], []), DAY)
    receiver.answers = [403, 500]
    for number, seen in enumerate((bad("a:b", hours=FIVE), bad("a:c", severity="WARN", finding="", link="http://ui"))):
        record(store, store.positions(), {"runs": number}, [seen], policy, lambda: NOW)
        deliver(store, policy.receivers, send, lambda: NOW)
    first, second = store.open_incidents()

    assert main(["incidents"]) == 0
    listed = {incident.severity: incident.key for incident in (first, second)}
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(
        [
            f"ERROR {listed['ERROR']} since 2026-03-12 08:30 UTC: Check b failed on a, partitions 2026-03-12-05:00",
            "      12 of 200 events.",
            f"WARN  {listed['WARN']} since 2026-03-12 08:30 UTC: Check c failed on a",
            "      http://ui",
            "waiting for json://127.0.0.1: [WARN] Check c failed on a, tried 1 times: it answered HTTP 500",
            "refused for json://127.0.0.1: [ERROR] Check b failed on a, tried 1 times: it answered HTTP 403",
        ]
    )


def test_a_database_that_cannot_be_used_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKS_ALERT_DATABASE", f"postgresql+nodriver://user:{SECRET}@127.0.0.1/x")
    assert main(["incidents"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("The alert database postgresql+nodriver://user:***@127.0.0.1/x needs a driver")
    assert SECRET not in text
