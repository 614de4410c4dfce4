"""What BigQuery's errors mean to the person on duty, in one sentence each.

BigQuery tells most of them in prose: the words that are looked for here are those of its error messages and of its
documentation of quotas, transactions and the streaming buffer.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from google.api_core import exceptions as api
from google.auth import exceptions as auth
from requests import exceptions as http

from tracks_assets.warehouse.base import WarehouseError

FAILURES = (api.GoogleAPICallError, api.RetryError, auth.GoogleAuthError, http.RequestException, TimeoutError)
"""Everything that the client library raises when a call or a job fails."""

_REMEDIES = (
    (
        "streaming buffer",
        "rows that were streamed into the table cannot be changed for up to 90 minutes: stop the streaming, wait, then "
        "run again",
    ),
    (
        "concurrent update",
        "another job changed the same table meanwhile, so nothing was changed: let it end, or end the session that a "
        "killed run left open (docs/runbooks.md says how), then run again",
    ),
    ("could not serialize access", "another job changed the same table meanwhile, so nothing was changed: run again"),
    (
        "bytes billed",
        "raise TRACKS_BQ_MAXIMUM_BYTES_BILLED to what the statement may cost, then run again",
    ),
    (
        "job timed out",
        "let TRACKS_BQ_JOB_SECONDS give it more time, or look at its plan in BigQuery's list of jobs, then run again",
    ),
    ("quota", "wait until the quota allows it again, or have it raised, then run again"),
    ("rate limit", "wait a minute, then run again"),
    ("billing", "switch billing on for the project, then run again"),
)


_LOG_IN = (
    "log in with 'gcloud auth application-default login', or let GOOGLE_APPLICATION_CREDENTIALS name a service "
    "account's key, then run again"
)
_ROLES = (
    "give the account roles/bigquery.jobUser on the project and roles/bigquery.dataOwner on the datasets, then run "
    "again"
)
_PLACE = "look whether TRACKS_BQ_PROJECT, TRACKS_BQ_LOCATION and TRACKS_BQ_DATASET_PREFIX are right"
_REACH = "BigQuery could not be reached, or not in time: look at its status, then run again"
_MEND = "mend the cause, then run again"

_BY_WORDS_ALONE = (
    *_REMEDIES,
    ("access denied", _ROLES),
    ("credentials", _LOG_IN),
    ("not found", _PLACE),
    ("unavailable", _REACH),
    ("timeout", _REACH),
    ("timed out", _REACH),
    ("connection", _REACH),
)
"""For an error whose class is not known any more, because dbt has told of it."""

_CALLED = re.compile(r"^[A-Z]+ https?://\S+: ")


def remedy_of(said: str) -> str:
    """What to do about an error that is known by its words only."""
    return _found(_BY_WORDS_ALONE, said) or _MEND


def _found(remedies: Iterable[tuple[str, str]], said: str) -> str | None:
    return next((remedy for words, remedy in remedies if words in said.lower()), None)


def _remedy(error: Exception) -> str:
    return _found(_REMEDIES, str(error)) or _by_class(error)


def _by_class(error: Exception) -> str:
    match error:
        case auth.GoogleAuthError():
            return _LOG_IN
        case api.Forbidden() | api.Unauthorized():
            return _ROLES
        case api.NotFound():
            return _PLACE
        case api.ServerError() | api.TooManyRequests() | api.RetryError() | http.RequestException() | TimeoutError():
            return _REACH
        case _:
            return _MEND


def cause(error: Exception) -> str:
    """What an error says, in its first line, without the address that was called."""
    said = error.message if isinstance(error, api.GoogleAPICallError) and error.message else str(error)
    line = said.strip().splitlines()[0] if said.strip() else type(error).__name__
    return _CALLED.sub("", line).rstrip(".")


def sentence(project: str, doing: str, error: Exception) -> str:
    """The sentence for an error of BigQuery's.

    Args:
        project: the project.
        doing: what was being done, after "failed".
        error: one of ``FAILURES``.
    """
    return f"BigQuery in {project} failed {doing} ({cause(error)}): {_remedy(error)}."


@contextmanager
def told(project: str, doing: str) -> Iterator[None]:
    """Turns an error of BigQuery's in the ``with`` block into one sentence.

    Raises:
        WarehouseError: with that sentence.
    """
    try:
        yield
    except FAILURES as error:
        raise WarehouseError(sentence(project, doing, error)) from error
