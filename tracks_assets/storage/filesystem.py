"""How the places are reached where exports lie: local folders and Cloud Storage.

gcsfs repeats by itself, with backoff and for about half a minute, what fails for a passing reason: 408, 429, 500 to 504
and broken connections (``gcsfs.retry``). What comes out of it is final. Two things are missing there and added here:
it never gives up on a storage that is silent, and it does not repeat a login that found no connection.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import TypeVar

from aiohttp import ClientTimeout
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from gcsfs.credentials import GoogleCredentials
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import RefreshError, TransportError

from tracks_assets.storage.errors import reaching

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


def filesystem_of(uri: str) -> tuple[AbstractFileSystem, str]:
    """A location's filesystem and its path there; a local path is taken as it is, whatever characters it holds.

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
        # gcsfs works in a loop that lives as long as the process and keeps the context that it was made in: without one
        # of its own that is Dagster's whole run, which DuckDB then reports as leaked.
        filesystem, path = Context().run(url_to_fs, uri, use_listings_cache=False, **_CLOUD_STORAGE)
        _log_in(filesystem.credentials)
    return filesystem, path


def _log_in(credentials: GoogleCredentials) -> None:
    """Asks for a token where the last one is about to expire; a refusal is reported at once.

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


def _has_no_traceback(record: logging.LogRecord) -> bool:
    return not record.exc_info


# gcsfs logs each error with its traceback before it raises it; here an error is reported once, in a few sentences.
logging.getLogger("gcsfs").addFilter(_has_no_traceback)
