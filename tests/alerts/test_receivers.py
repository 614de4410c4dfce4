"""Receivers over real HTTP: what they answer, and that no secret of theirs is ever logged, shown or stored."""

import logging
from collections.abc import Iterator

import pytest

from tests.alerts.receiver import SECRET, HttpReceiver
from tracks_assets.alerts.receivers import Outcome, Receiver, Receivers, label_of, send

HOSTILE = "<b>bold</b> & [link](http://evil) *x*"


class Everything(logging.Handler):
    """Keeps the text of every record, with its arguments and its error."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(f"{record.name} {record.getMessage()} {record.args!r} {record.exc_info!r}")


@pytest.fixture
def everything() -> Iterator[Everything]:
    """A handler at the root and at every logger of Apprise's and urllib3's, with every level on."""
    handler = Everything()
    loggers = [logging.getLogger(name) for name in (None, "apprise", "urllib3", "urllib3.connectionpool", "requests")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(1)
    yield handler
    for logger, level in zip(loggers, levels, strict=True):
        logger.removeHandler(handler)
        logger.setLevel(level)


def test_a_message_arrives_as_it_is(receiver: HttpReceiver) -> None:
    answer = send(Receiver(receiver.url), "[ERROR] A title", f"First line\nSecond: {HOSTILE}")

    assert answer.outcome is Outcome.TAKEN
    (message,) = receiver.messages
    assert message["title"] == "[ERROR] A title"
    assert message["message"] == f"First line\nSecond: {HOSTILE}"
    assert message["type"] == "failure"


@pytest.mark.parametrize(
    ("title", "kind"), [("[ERROR] x", "failure"), ("[WARN] x", "warning"), ("[RECOVERED] x", "success")]
)
def test_the_kind_of_a_message_follows_its_title(receiver: HttpReceiver, title: str, kind: str) -> None:
    send(Receiver(receiver.url), title, "x")
    assert receiver.messages[0]["type"] == kind


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
def test_a_client_error_is_for_good(receiver: HttpReceiver, status: int) -> None:
    receiver.answers = [status]
    answer = send(Receiver(receiver.url), "t", "b")
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, f"it answered HTTP {status}")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_other_errors_pass(receiver: HttpReceiver, status: int) -> None:
    receiver.answers = [status]
    answer = send(Receiver(receiver.url), "t", "b")
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, f"it answered HTTP {status}")


def test_a_receiver_that_is_down_may_come_back(receiver: HttpReceiver) -> None:
    receiver.stop()
    answer = send(Receiver(receiver.url), "t", "b")
    assert (answer.outcome, answer.reason) == (Outcome.FAILED, "it could not be reached, or gave no HTTP answer")


@pytest.mark.parametrize("url", [f"nonsense://{SECRET}", f"slack://{SECRET}", "json://", f"mailto://{SECRET}@"])
def test_a_url_that_apprise_does_not_understand_is_refused(url: str, everything: Everything) -> None:
    answer = send(Receiver(url), "t", "b")
    assert (answer.outcome, answer.reason) == (Outcome.REFUSED, "it is not a URL that Apprise understands")
    assert SECRET not in "".join(everything.texts)


@pytest.mark.parametrize("status", [200, 404, 503, None])
def test_no_secret_is_logged(receiver: HttpReceiver, status: int | None, everything: Everything) -> None:
    if status is None:
        receiver.stop()
    receiver.answers = [status or 200]
    logging.getLogger("urllib3.connectionpool").debug("This handler sees what is logged at another time.")

    answer = send(Receiver(receiver.url), "t", "b")

    assert len(set(everything.texts)) == 1
    assert SECRET not in repr(everything.texts) + repr(answer)


def test_logging_is_as_before_after_a_message(receiver: HttpReceiver, everything: Everything) -> None:
    send(Receiver(receiver.url), "t", "b")
    assert not everything.texts
    logging.getLogger("apprise").debug("after")
    assert set(everything.texts) == {"apprise after () None"}


@pytest.mark.parametrize("raising_in", ["requests.request", "apprise.Apprise.instantiate"])
def test_an_error_within_apprise_shows_no_secret(
    monkeypatch: pytest.MonkeyPatch, receiver: HttpReceiver, everything: Everything, raising_in: str
) -> None:
    # No plugin of Apprise's raises on purpose, so one is made to.
    def raising(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError(f"cannot open {receiver.url}")

    monkeypatch.setattr(raising_in, raising)
    answer = send(Receiver(receiver.url), "t", "b")
    assert answer.outcome is Outcome.FAILED
    assert answer.reason in ("Apprise raised RuntimeError", "it could not be reached, or gave no HTTP answer")
    assert SECRET not in answer.reason + repr(everything.texts)


@pytest.mark.parametrize(("options", "parts"), [("", 4), ("?overflow=truncate", 1)])
def test_what_is_too_long_for_a_service_is_sent_in_parts(receiver: HttpReceiver, options: str, parts: int) -> None:
    """Mattermost takes 4,000 characters; its plugin calls a server on this machine as it would call Mattermost."""
    url = f"mmost://127.0.0.1:{receiver.port}/{'a' * 24}{options}"
    assert send(Receiver(url), "[ERROR] x", "word " * 1800).outcome is Outcome.TAKEN
    assert len(receiver.messages) == parts
    assert {each["username"] for each in receiver.messages} == {"tracks_assets"}


LABELS = [
    ("slack://TokenA/TokenB/TokenC/#channel", "slack://..."),
    ("json://user:password@alerts.example.com:8080/path?x=y", "json://alerts.example.com"),
    ("jsons://localhost/path", "jsons://localhost"),
    ("json://token", "json://..."),
    ("discord://id.with.dots/token", "discord://..."),
    ("mailto://user:password@example.com", "mailto://example.com"),
    ("tgram://bottoken/chat", "tgram://..."),
    ("json://[broken", "json://..."),
]


@pytest.mark.parametrize(("url", "label"), LABELS)
def test_what_people_see_of_a_url_holds_no_secret(url: str, label: str) -> None:
    assert label_of(url) == label
    assert Receiver(url).label == label
    assert url not in repr(Receiver(url))


def test_warnings_go_where_errors_go_unless_set_otherwise() -> None:
    same = Receivers.of_urls(["json://a", "json://b"], [])
    apart = Receivers.of_urls(["json://a"], ["json://b"])
    assert (same.is_one_level, apart.is_one_level) == (True, False)
    assert same.of("WARN") == same.of("ERROR")
    assert [each.url for each in apart.of("WARN")] == ["json://b"]
    assert [each.url for each in apart.every] == ["json://a", "json://b"]
