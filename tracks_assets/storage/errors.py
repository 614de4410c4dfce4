"""What Cloud Storage's errors mean to the person on duty, and which file they are about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from aiohttp import ClientError
from gcsfs.retry import HttpError, is_retriable
from google.auth.exceptions import GoogleAuthError, TransportError
from requests.exceptions import ProxyError, RequestException

from tracks_assets.core.errors import ExportError, TransientExportError

_MOST_CHARACTERS = 300
_UNAUTHORIZED, _FORBIDDEN, _BAD_GATEWAY = 401, 403, 502
_FAILURES = (HttpError, GoogleAuthError, RequestException, ClientError, TimeoutError, ConnectionError)


@contextmanager
def reaching(location: str) -> Iterator[None]:
    """Makes a failure of Cloud Storage in the ``with`` block an error that names ``location``.

    Raises:
        TransientExportError: the reason passes: no connection, no answer, too many requests.
        ExportError: it does not.
    """
    try:
        yield
    except (*_FAILURES, OSError, ValueError) as error:
        if not _is_of_storage(error):
            raise
        raise _storage_error(location, error) from error


def _is_of_storage(error: Exception) -> bool:
    """Whether an error is one of Cloud Storage's; gcsfs has no class for refusals (403) and bad requests (400)."""
    if isinstance(error, _FAILURES):
        return True
    if isinstance(error, ValueError):
        return not isinstance(error, pa.ArrowException)
    return _status(error) == _FORBIDDEN


def _storage_error(location: str, error: Exception) -> ExportError:
    """The error for a failure at an object or a folder of a bucket."""
    kind = TransientExportError if is_passing(error) else ExportError
    comparison, remedy = _remedy(error)
    return kind(
        f"Cloud Storage failed at {location} ({_cause(error)}).", comparison, f"{remedy}, then run the hour again."
    )


def is_passing(error: Exception) -> bool:
    """Whether the same request can succeed later although nobody changes anything."""
    if isinstance(error, (TransportError, OSError)):
        return _status(error) != _FORBIDDEN
    if isinstance(error, GoogleAuthError) or _status(error) == _UNAUTHORIZED:
        return False
    return bool(is_retriable(error))


def _remedy(error: Exception) -> tuple[str, str]:
    """What an error means, and what removes its cause, without a full stop."""
    status = _status(error)
    if status == _FORBIDDEN:
        return "", "Give the account roles/storage.objectViewer on the bucket"
    if status == _UNAUTHORIZED or (isinstance(error, GoogleAuthError) and not is_passing(error)):
        return "", (
            "Log in with 'gcloud auth application-default login', or let GOOGLE_APPLICATION_CREDENTIALS name a service "
            "account's key"
        )
    if is_passing(error):
        return "It was tried again and again.", "Look at the network and at Cloud Storage's status"
    return "It does not take such a request.", "Look at the bucket's settings and at the variable that names it"


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
    return (words.strip(" ,.") or known)[:_MOST_CHARACTERS]
