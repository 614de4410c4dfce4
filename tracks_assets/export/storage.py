"""What Cloud Storage's errors mean to the person on duty, in one sentence each, and which object they are about.

gcsfs repeats by itself, with backoff and for about half a minute, what fails for a passing reason; what comes out of it
is final.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from aiohttp import ClientError
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from gcsfs.retry import HttpError
from google.auth.exceptions import GoogleAuthError
from requests.exceptions import RequestException

from tracks_assets.export.errors import ExportError

Item = TypeVar("Item")
Result = TypeVar("Result")


FILES_AT_ONCE = 4

_REFUSALS = (401, 403)
_FAILURES = (HttpError, GoogleAuthError, RequestException, ClientError, TimeoutError)


def filesystem_of(uri: str) -> tuple[AbstractFileSystem, str]:
    """A place's filesystem and its path there; a local path is taken as it stands, whatever signs it holds.

    Listings are never remembered: an hour's folder gets new files while the process lives.
    """
    return url_to_fs(uri, use_listings_cache=False) if "://" in uri else (LocalFileSystem(), uri)


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
    except _FAILURES as error:
        raise ExportError(sentence(place, error)) from error
    except OSError as error:
        if not _is_refusal(error):
            raise
        raise ExportError(sentence(place, error)) from error


def sentence(place: str, error: Exception) -> str:
    """What is said of a failure at an object or a folder of a bucket."""
    if isinstance(error, GoogleAuthError):
        remedy = (
            "log in with 'gcloud auth application-default login', or let GOOGLE_APPLICATION_CREDENTIALS name a service "
            "account's key"
        )
    elif _is_refusal(error):
        remedy = "give the account roles/storage.objectViewer on the bucket"
    else:
        remedy = "it was tried again and again; look at Cloud Storage's status"
    return f"Cloud Storage failed at {place} ({_said(error)}): {remedy}, then run the hour again."


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, HttpError):
        return int(error.code or 0) in _REFUSALS
    return str(error).startswith("Forbidden")


def _said(error: Exception) -> str:
    """The last line of an error: gcsfs puts the address into the first."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return re.sub(r"\.$", "", lines[-1])
