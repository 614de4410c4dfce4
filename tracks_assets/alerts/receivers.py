"""Receivers: Apprise URLs, and what they answer. An alert URL holds a secret, which is shown and logged nowhere."""

import hashlib
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

import apprise

from tracks_assets.alerts.facts import Severity

_LOGGERS = ("apprise", "urllib3.connectionpool", "urllib3.util.retry", "requests_oauthlib.oauth2_session", "paho")
"""Loggers that write the addresses, and with them the secrets, of what Apprise calls."""

_STATUS = re.compile(r"error=(?P<status>\d{3})\b")
_PASSING = {408, 425, 429}
"""HTTP answers of the 4xx kind that say "later"."""


class Outcome(Enum):
    """What a receiver did with a message."""

    TAKEN = "taken"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Answer:
    """An outcome, and what is known of its reason; without a secret."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True)
class Receiver:
    """One alert URL.

    Attributes:
        url: the URL; it is never shown.
    """

    url: str = field(repr=False)

    @property
    def key(self) -> str:
        """What the database knows it by: a digest of the URL, from which it cannot be had."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """What people see of it: the scheme and, where the URL names a server, the host."""
        return label_of(self.url)


def label_of(url: str) -> str:
    """An alert URL as people may see it, for instance ``slack://...`` or ``json://alerts.example.com``.

    A host is shown only where it is one: in most URLs a token is in its place.
    """
    scheme = url.partition("://")[0].lower()
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    is_host = re.fullmatch(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+|localhost", host) is not None
    return f"{scheme}://{host if is_host and scheme in _WITH_HOST else '...'}"


_WITH_HOST = {
    "apprise", "apprises", "form", "forms", "gotify", "gotifys", "json", "jsons", "mailto", "mailtos", "matrix",
    "matrixs", "mmost", "mmosts", "mqtt", "mqtts", "ntfy", "ntfys", "rocket", "rockets", "syslog", "workflows", "xml",
    "xmls",
}  # fmt: skip
"""Schemes whose URL names a server at the host's place."""


@dataclass(frozen=True)
class Receivers:
    """Where alerts go.

    Attributes:
        errors: for errors, and for warnings where they have none of their own.
        warnings: for warnings.
    """

    errors: tuple[Receiver, ...]
    warnings: tuple[Receiver, ...]

    @classmethod
    def of_urls(cls, urls: Sequence[str], urls_warn: Sequence[str]) -> "Receivers":
        """The receivers of the two settings."""
        errors = tuple(map(Receiver, urls))
        return cls(errors, tuple(map(Receiver, urls_warn)) or errors)

    @property
    def is_one_level(self) -> bool:
        """Whether warnings and errors go to the same receivers."""
        return set(self.errors) == set(self.warnings)

    def of(self, level: Severity) -> tuple[Receiver, ...]:
        """The receivers of a level."""
        return self.errors if level == "ERROR" else self.warnings

    @property
    def every(self) -> tuple[Receiver, ...]:
        """Each receiver once."""
        return tuple(dict.fromkeys((*self.errors, *self.warnings)))


def send(receiver: Receiver, title: str, body: str) -> Answer:
    """Hands a message to a receiver.

    Apprise answers yes or no; whether a no is for good, its log says by the HTTP status. What it logs is kept from
    every log, because it names URLs.

    Args:
        receiver: the receiver.
        title: one line of plain text.
        body: plain text.
    """
    with _quiet() as error_text:
        try:
            plugin = apprise.Apprise.instantiate(receiver.url, asset=apprise.AppriseAsset(app_id="tracks_assets"))
            if plugin is None:
                return Answer(Outcome.REFUSED, "it is not a URL that Apprise understands")
            if "overflow=" not in receiver.url:
                # What is too long for a service is sent in parts; by default, the service would refuse it.
                plugin.overflow_mode = apprise.OverflowMode.SPLIT
            sender = apprise.Apprise()
            sender.add(plugin)
            is_taken = sender.notify(
                title=title, body=body, notify_type=_type_of(title), body_format=apprise.NotifyFormat.TEXT
            )
        except Exception as error:
            # A plugin may raise anything, with the URL in its text: only the class is kept.
            return Answer(Outcome.FAILED, f"Apprise raised {type(error).__name__}")
    return Answer(Outcome.TAKEN, "taken") if is_taken else _refusal(error_text)


def _type_of(title: str) -> apprise.NotifyType:
    if title.startswith("[RECOVERED]"):
        return apprise.NotifyType.SUCCESS
    return apprise.NotifyType.FAILURE if title.startswith("[ERROR]") else apprise.NotifyType.WARNING


def _refusal(error_text: Sequence[str]) -> Answer:
    """Why a message was not taken, by what Apprise logged; without a status, it may be taken later."""
    statuses = [int(found["status"]) for text in error_text if (found := _STATUS.search(text))]
    if not statuses:
        return Answer(Outcome.FAILED, "it could not be reached, or gave no HTTP answer")
    status = statuses[-1]
    is_final = 400 <= status < 500 and status not in _PASSING  # noqa: PLR2004 (the client errors)
    return Answer(Outcome.REFUSED if is_final else Outcome.FAILED, f"it answered HTTP {status}")


class _Catcher(logging.Filter):
    """Keeps every record from the handlers, and remembers warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.error_text: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            self.error_text.append(record.getMessage())
        return False


@contextmanager
def _quiet() -> Iterator[list[str]]:
    """Nothing of what the loggers write within the ``with`` block reaches a handler; the list has their warnings."""
    catcher = _Catcher()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addFilter(catcher)
        logger.setLevel(logging.WARNING)
    try:
        yield catcher.error_text
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
            logger.removeFilter(catcher)
