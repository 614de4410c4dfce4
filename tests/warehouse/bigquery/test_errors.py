"""The next step for answers that BigQuery gives: the same class and reason cover bugs, data and other writers."""

import pytest
from google.api_core import exceptions as api

from tracks_assets.transform.duckdb_errors import BUG
from tracks_assets.warehouse.bigquery.errors import bigquery_error


def refused(message: str, reason: str = "invalidQuery", status: int = 400) -> Exception:
    """An answer or a job that failed, as the client library raises it."""
    errors = [{"reason": reason, "message": message}]
    return api.from_http_status(status, message, errors=errors)  # type: ignore[no-untyped-call,no-any-return]


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (refused('Syntax error: Unexpected identifier "quota" at [1:7]'), BUG),
        (refused("Unrecognized name: event_idd at [2:3]"), BUG),
        (refused("No matching signature for function PARSE_JSON for argument types: INT64 at [1:8]"), BUG),
        (refused("Column 7 in UNION ALL has incompatible types: STRING, JSON at [9:1]"), BUG),
        (refused("This is not supported", "notImplemented", 501), BUG),
        (refused("Invalid input to PARSE_JSON: syntax error while parsing value"), "A value in the data"),
        (refused("Invalid input to PARSE_JSON: number overflow parsing '1e999'; in script at [9:3]"), "A value in the"),
        (refused("Error while reading data, error message: Parquet column", "invalid"), "A value in the data"),
        (refused("Transaction is aborted due to concurrent update against table p:d.t"), "Another job changed"),
        (refused("Could not serialize access to table p:d.t due to concurrent update"), "Another job changed"),
        (
            refused("UPDATE or DELETE statement over table t would affect rows in the streaming buffer"),
            "Rows that were",
        ),
        (refused("Resources exceeded during query execution", "resourcesExceeded"), "The statement needs more memory"),
        (refused("Job not found", "invalid"), "Look at the job"),
        (
            refused("Query exceeded limit for bytes billed: 1000.", "bytesBilledLimitExceeded", 500),
            "Raise TRACKS_BQ_MAXIMUM",
        ),
        (refused("Quota exceeded: too many jobs", "accessDenied", 403), "Wait until the quota"),
        (
            refused("Access Denied: Table p:d.t: User does not have permission", "accessDenied", 403),
            "Give the account roles/",
        ),
        (refused("Not found: Dataset p:d", "notFound", 404), "Check TRACKS_BQ_PROJECT"),
        (refused("try later", "backendError", 503), "BigQuery could not be reached"),
        (TimeoutError("late"), "BigQuery could not be reached"),
        (refused("Already Exists: Job", "duplicate", 409), "Look at the job"),
    ],
)
def test_the_next_step_for_an_error(error: Exception, step: str) -> None:
    text = str(bigquery_error("p", "at the statement s", error))
    finding, _, after = text.rpartition("). ")
    assert finding.startswith("BigQuery in p failed at the statement s (")
    assert after.startswith(step)
    assert (BUG in text) == (step == BUG)
