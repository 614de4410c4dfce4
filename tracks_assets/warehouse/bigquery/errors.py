"""Causes of BigQuery's errors, and the next step for each.

A class often covers several causes that only the words distinguish. The words that are looked for here are those of its
error messages and of its documentation of quotas, transactions and the streaming buffer.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from requests import exceptions as http

from tracks_assets.core.errors import TransientWarehouseError, WarehouseError
from tracks_assets.transform.duckdb_errors import BUG

FAILURES = (api.GoogleAPICallError, api.RetryError, auth.GoogleAuthError, http.RequestException, TimeoutError)
"""Everything that the client library raises when a call or a job fails."""

_REMEDIES = (
    (
        "streaming buffer",
        "Rows that were streamed into the table cannot be changed for up to 90 minutes: stop the streaming, wait, then "
        "run again.",
    ),
    (
        "concurrent update",
        "Another job changed the same table meanwhile, so nothing was changed: wait for it to finish, or end the "
        "session that a killed run left open (docs/runbooks.md says how), then run again.",
    ),
    (
        "could not serialize access",
        "Another job changed the same table meanwhile, so nothing was changed: run again.",
    ),
    ("bytes billed", "Raise TRACKS_BQ_MAXIMUM_BYTES_BILLED to the cost that the statement may have, then run again."),
    (
        "job timed out",
        "Raise TRACKS_BQ_JOB_SECONDS, or look at the plan in BigQuery's list of jobs, then run again.",
    ),
    ("resources exceeded", "The statement needs more memory than BigQuery gives it: run fewer hours at once."),
    ("quota", "Wait until the quota allows it again, or have it raised, then run again."),
    ("rate limit", "Wait a minute, then run again."),
    ("billing", "Enable billing for the project, then run again."),
)


_PASSING_WORDS = ("streaming buffer", "concurrent update", "could not serialize access", "quota", "rate limit")
"""Of these, the reasons that pass although nobody changes anything."""

_LOG_IN = (
    "Log in with 'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS to a service account's "
    "key, then run again."
)
_ROLES = (
    "Give the account roles/bigquery.jobUser on the project and roles/bigquery.dataOwner on the datasets, then run "
    "again."
)
_PLACE = "Check TRACKS_BQ_PROJECT, TRACKS_BQ_LOCATION and TRACKS_BQ_DATASET_PREFIX."
_REACH = "BigQuery could not be reached, or not in time: look at its status, then run again."
_DATA = (
    "A value in the data is one that BigQuery refuses: take it out of the hour's files, or out of the table that the "
    "statement reads, then run again."
)
_CHECK = "Look at the job in BigQuery's list of jobs, remove the cause, then run again."

_DATA_WORDS = (
    "parse_json",
    "error while reading data",
    "bad int64 value",
    "bad double value",
    "bad bool value",
    "could not cast",
    "invalid timestamp",
    "invalid utf-8",
    "overflow",
    "out of range",
    "division by zero",
    "more than one element",
    "required field",
)
"""Errors that depend on rows: BigQuery gives them the same reason, invalidQuery, as a statement that is wrong."""

_BUG_WORDS = re.compile(
    r"Syntax error:|Unrecognized name:|No matching signature for|Function not found:|Query parameter '|Undeclared |"
    r"not found inside|neither grouped nor aggregated|is ambiguous|Duplicate column name|Compilation Error|"
    r"Parsing Error"
)
"""Errors of a statement's own text, as BigQuery and dbt spell them."""

_BY_WORDS_ALONE = (
    *_REMEDIES,
    *((words, _DATA) for words in _DATA_WORDS),
    ("access denied", _ROLES),
    ("credentials", _LOG_IN),
    ("not found", _PLACE),
    ("unavailable", _REACH),
    ("timeout", _REACH),
    ("timed out", _REACH),
    ("connection", _REACH),
)
"""For an error whose class is not known any more, because dbt reported it."""

_CALLED = re.compile(r"^[A-Z]+ https?://\S+: ")


def remedy_of(error_text: str) -> str:
    """The next step for an error of which only the text is known."""
    return BUG if _BUG_WORDS.search(error_text) else _found(_BY_WORDS_ALONE, error_text) or _CHECK


def text_is_passing(error_text: str) -> bool:
    """Whether the reason passes, of an error of which only the text is known."""
    if _BUG_WORDS.search(error_text):
        return False
    words = _words_in((words for words, _ in _BY_WORDS_ALONE), error_text)
    return words in _PASSING_WORDS or _found(_BY_WORDS_ALONE, error_text) == _REACH


def is_passing(error: Exception) -> bool:
    """Whether the same work can succeed later although nobody changes anything.

    Args:
        error: one of ``FAILURES``.
    """
    if isinstance(error, auth.TransportError):
        return True
    if isinstance(error, api.BadRequest) and _BUG_WORDS.search(error.message or ""):
        return False
    words = _words_in((words for words, _ in _REMEDIES), str(error))
    return words in _PASSING_WORDS if words else _by_class(error) == _REACH


def _words_in(candidates: Iterable[str], error_text: str) -> str | None:
    return next((words for words in candidates if words in error_text.lower()), None)


def _found(remedies: Iterable[tuple[str, str]], error_text: str) -> str | None:
    return next((remedy for words, remedy in remedies if words in error_text.lower()), None)


def _remedy(error: Exception) -> str:
    if isinstance(error, api.BadRequest) and _BUG_WORDS.search(error.message or ""):
        return BUG
    return _found(_REMEDIES, str(error)) or _by_class(error)


def _by_class(error: Exception) -> str:
    match error:
        case auth.GoogleAuthError():
            return _LOG_IN
        case api.Forbidden() | api.Unauthorized():
            return _ROLES
        case api.NotFound():
            return _PLACE
        case api.BadRequest() | api.MethodNotImplemented():
            return _of_statement(error)
        case api.ServerError() | api.TooManyRequests() | api.RetryError() | http.RequestException() | TimeoutError():
            return _REACH
        case _:
            return _CHECK


def _of_statement(error: api.GoogleAPICallError) -> str:
    """The next step for a statement or file that BigQuery refused: its data or the statement itself is the cause."""
    if any(words in str(error).lower() for words in _DATA_WORDS):
        return _DATA
    reasons = {detail.get("reason") for detail in error.errors if isinstance(detail, dict)}
    return BUG if reasons & {"invalidQuery", "notImplemented"} else _CHECK


def cause(error: Exception) -> str:
    """What an error says, in its first line, without the address that was called."""
    error_text = error.message if isinstance(error, api.GoogleAPICallError) and error.message else str(error)
    line = error_text.strip().splitlines()[0] if error_text.strip() else type(error).__name__
    return _CALLED.sub("", line).rstrip(".")


def bigquery_error(project: str, doing: str, error: Exception) -> WarehouseError:
    """The error to raise for one of BigQuery's: a transient one, if the reason passes; see ``is_passing``.

    Args:
        project: the project.
        doing: what was being done, after "failed".
        error: one of ``FAILURES``.
    """
    kind = TransientWarehouseError if is_passing(error) else WarehouseError
    return kind(f"BigQuery in {project} failed {doing} ({cause(error)}).", next_step=_remedy(error))


@contextmanager
def error_context(project: str, doing: str) -> Iterator[None]:
    """Makes an error of BigQuery's in the ``with`` block one of this project.

    Raises:
        WarehouseError: see ``bigquery_error``.
    """
    try:
        yield
    except FAILURES as error:
        raise bigquery_error(project, doing, error) from error
