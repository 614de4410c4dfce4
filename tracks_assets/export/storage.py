"""How Cloud Storage is reached, and what its errors mean to the person on duty, in one sentence each.

gcsfs repeats by itself, with backoff and for about half a minute, what fails for a passing reason: 408, 429, 500 to 504
and broken connections (``gcsfs.retry``). What comes out of it is final. Two things are missing there and added here:
it never gives up on a storage that is silent, and it does not repeat a login that found no connection.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import pyarrow as pa
from aiohttp import ClientError, ClientTimeout
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from gcsfs.credentials import GoogleCredentials
from gcsfs.retry import HttpError, is_retriable
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from requests.exceptions import ProxyError, RequestException

from tracks_assets.export.errors import ExportError

Item = TypeVar("Item")
Result = TypeVar("Result")

FILES_AT_ONCE = 4

SILENCE = ClientTimeout(total=None, sock_connect=10, sock_read=15)
"""Seconds without a byte after which a request counts as failed and is repeated: with gcsfs's six tries, and the waits
between them, a storage that hangs has failed after two minutes. How long a file may take in all has no limit."""

LOGIN_SECONDS = 30.0

_CLOUD_STORAGE = {
    # The login that BigQuery's client has, too. Left to itself, gcsfs goes on as nobody where there is none.
    "token": "google_default",
    "access": "read_only",
    "requests_timeout": SILENCE,
}
_MOST_LETTERS = 300
_UNAUTHORIZED, _FORBIDDEN, _BAD_GATEWAY = 401, 403, 502
_FAILURES = (HttpError, GoogleAuthError, RequestException, ClientError, TimeoutError, ConnectionError)


def filesystem_of(uri: str) -> tuple[AbstractFileSystem, str]:
    """A place's filesystem and its path there; a local path is taken as it stands, whatever signs it holds.

    Listings are never remembered: an hour's folder gets new files while the process lives.

    Raises:
        ExportError: there is no login for Cloud Storage.
    """
    if "://" not in uri:
        return LocalFileSystem(), uri
    if not uri.startswith("gs://"):
        filesystem, path = url_to_fs(uri, use_listings_cache=False)
        return filesystem, path
    with reaching(uri):
        filesystem, path = url_to_fs(uri, use_listings_cache=False, **_CLOUD_STORAGE)
        _log_in(filesystem.credentials)
    return filesystem, path


def _log_in(credentials: GoogleCredentials) -> None:
    """Asks for a token where the last one is about to expire; a refusal is told at once.

    Inside a request, gcsfs repeats a refused login for half a minute, and never one that found no connection.
    """
    try:
        Retry(_is_passing, timeout=LOGIN_SECONDS)(credentials.maybe_refresh)()
    except RetryError as error:
        raise (error.cause or error) from error


def _is_passing(error: BaseException) -> bool:
    """Whether a login that failed so may succeed in a moment."""
    refusal = error.__cause__
    return isinstance(error, TransportError) or (isinstance(refusal, RefreshError) and refusal.retryable)


def address(filesystem: AbstractFileSystem, path: str) -> str:
    """How messages name a path: with its ``gs://``, where it has one."""
    return path if isinstance(filesystem, LocalFileSystem) else str(filesystem.unstrip_protocol(path))


def at_once(read: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What ``read`` gives of each item, in order: several at a time, for a bucket takes long to answer.

    Raises:
        Exception: what the first of the items raised that raised anything.
    """
    with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
        return list(pool.map(read, items))


@contextmanager
def reaching(place: str) -> Iterator[None]:
    """Turns a failure of Cloud Storage in the ``with`` block into one sentence about ``place``.

    Raises:
        ExportError: with that sentence.
    """
    try:
        yield
    except (*_FAILURES, OSError, ValueError) as error:
        if not _is_of_storage(error):
            raise
        raise ExportError(sentence(place, error)) from error


def _is_of_storage(error: Exception) -> bool:
    """Whether an error is one of Cloud Storage's; gcsfs has no class for refusals (403) and bad requests (400)."""
    if isinstance(error, _FAILURES):
        return True
    if isinstance(error, ValueError):
        return not isinstance(error, pa.ArrowException)
    return _status(error) == _FORBIDDEN


def sentence(place: str, error: Exception) -> str:
    """What is said of a failure at an object or a folder of a bucket."""
    return f"Cloud Storage failed at {place} ({_cause(error)}): {_remedy(error)}, then run the hour again."


def _remedy(error: Exception) -> str:
    status = _status(error)
    has_no_connection = isinstance(error, (TransportError, OSError))
    if status == _FORBIDDEN:
        return "give the account roles/storage.objectViewer on the bucket"
    if status == _UNAUTHORIZED or (isinstance(error, GoogleAuthError) and not has_no_connection):
        return (
            "log in with 'gcloud auth application-default login', or let GOOGLE_APPLICATION_CREDENTIALS name a service "
            "account's key"
        )
    if has_no_connection or is_retriable(error):
        return "it was tried again and again; look at the network and at Cloud Storage's status"
    return "it does not take such a request; look at the bucket's settings and at the variable that names it"


def _status(error: Exception) -> int | None:
    """The HTTP status of an answer, which gcsfs keeps in one of four ways."""
    if isinstance(error, HttpError):
        return int(error.code or 0)
    if isinstance(error, ProxyError):
        return _BAD_GATEWAY
    return _FORBIDDEN if isinstance(error, OSError) and str(error).startswith("Forbidden") else None


def _cause(error: Exception) -> str:
    """What an error says, in one line, without a web page's tags and without the address that gcsfs puts first."""
    refusal = error.__cause__ if isinstance(error.__cause__, GoogleAuthError) else error
    # Errors of a login carry the whole answer beside what they say.
    text = str(refusal.args[0]) if isinstance(refusal, GoogleAuthError) and refusal.args else str(refusal)
    text = re.sub(r"^(Forbidden|Bad Request): .*\n", "", text)
    words = " ".join(re.sub(r"<style.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL).split()).replace(" ,", ",")
    known = f"{_status(error) or ''} {type(error).__name__}".strip()
    return (words.strip(" ,.") or known)[:_MOST_LETTERS]


def _has_no_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


# gcsfs logs each error with its traceback before it raises it; here an error is told once, in a sentence.
logging.getLogger("gcsfs").addFilter(_has_no_traceback)
