"""What is tried again inside a step, and what fails at once; which error is which."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from requests import exceptions as http

from tests.integration.failures.conftest import example, site
from tests.integration.failures.sites import Site, cut_off_the_footer, holding
from tracks_assets.core.errors import TransientWarehouseError
from tracks_assets.defs.posthog.export_runs import _outcome
from tracks_assets.defs.posthog.hourly import hourly_assets
from tracks_assets.defs.shared import retries
from tracks_assets.defs.shared.resources import WarehouseOpener
from tracks_assets.quality.uploads.state import Outcome
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.transform import duckdb_errors
from tracks_assets.warehouse.bigquery import errors as bigquery_errors

__all__ = ["example", "site"]

FOLDER = Path("/data")
LOCK = 'IO Error: Could not set lock on file "x": Conflicting lock is held in /usr/bin/python3 (PID 7)'

DUCKDB = [
    (duckdb.IOException(LOCK), True),
    (duckdb.TransactionException("TransactionContext Error: Conflict on update!"), True),
    (duckdb.IOException("IO Error: No space left on device"), True),
    (duckdb.InterruptException("INTERRUPT Error: Interrupted!"), True),
    (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate data"), False),
    (duckdb.ConversionException("Conversion Error: Could not convert string 'x' to INT64"), False),
    (duckdb.BinderException("Binder Error: Referenced column not found"), False),
    (duckdb.IOException("IO Error: Permission denied"), False),
]
BIGQUERY: list[tuple[type[Exception], str, bool]] = [
    (api.TooManyRequests, "Too many requests", True),
    (api.ServiceUnavailable, "The service is unavailable", True),
    (api.Forbidden, "Quota exceeded: Your project exceeded quota for concurrent queries", True),
    (api.BadRequest, "Transaction is aborted due to concurrent update against table x", True),
    (api.BadRequest, "UPDATE or DELETE statement over table x would affect rows in the streaming buffer", True),
    (http.ConnectionError, "Connection refused", True),
    (auth.TransportError, "no connection", True),
    (auth.DefaultCredentialsError, "no credentials", False),
    (api.Forbidden, "Access Denied: Table x", False),
    (api.NotFound, "Not found: Dataset x", False),
    (api.BadRequest, "Bad int64 value: x", False),
    (api.BadRequest, "Syntax error: Unexpected end of script", False),
    (api.BadRequest, "Query exceeded limit for bytes billed: 10. 20 or higher required.", False),
]
TEXTS = [
    (duckdb_errors.cause_in(f"Runtime Error {LOCK}") in duckdb_errors.PASSING, True),
    (duckdb_errors.cause_in("Database Error Conversion Error: Could not convert") in duckdb_errors.PASSING, False),
    (bigquery_errors.text_is_passing("Transaction is aborted due to concurrent update against table x"), True),
    (bigquery_errors.text_is_passing("Database Error Quota exceeded"), True),
    (bigquery_errors.text_is_passing("Database Error Syntax error: Unexpected keyword"), False),
    (bigquery_errors.text_is_passing("it says nothing"), False),
]


@pytest.mark.parametrize(("error", "passes"), DUCKDB, ids=str)
def test_duckdb_errors(error: duckdb.Error, passes: bool) -> None:
    assert isinstance(duckdb_errors.warehouse_error("It failed", error, FOLDER), TransientWarehouseError) == passes


@pytest.mark.parametrize(("error", "text", "passes"), BIGQUERY)
def test_bigquery_errors(error: type[Exception], text: str, passes: bool) -> None:
    with pytest.raises(Exception, match="BigQuery in p failed") as caught, bigquery_errors.error_context("p", "at x"):
        raise error(text)
    assert isinstance(caught.value, TransientWarehouseError) == passes


@pytest.mark.parametrize(("found", "expected"), TEXTS)
def test_errors_that_dbt_reports(found: bool, expected: bool) -> None:
    assert found == expected


def load(site: Site, instance: dg.DagsterInstance, tries: str) -> dg.ExecuteInProcessResult:
    settings = read_settings({"TRACKS_HOME": str(site.folder), "TRACKS_STEP_RETRIES": tries})
    opener = WarehouseOpener(settings.model_copy(update={"duckdb_path": site.warehouse}), lock_wait=0.2)
    return dg.materialize(
        hourly_assets(settings),
        selection='key:"posthog/raw_tracks"',
        partition_key="2026-03-12-00:00",
        resources={"export": Export(settings.export_uri), "warehouse": opener},
        instance=instance,
        raise_on_error=False,
    )


def retried(result: dg.ExecuteInProcessResult) -> int:
    return sum(event.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY for event in result.all_events)


def outcome(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> Outcome:
    (record,) = instance.get_run_records(dg.RunsFilter(run_ids=[result.run_id]))
    return _outcome(instance, record)


@pytest.mark.slow
def test_a_lock_is_waited_for_inside_the_step(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PAUSES", (0.1,))
    with dg.DagsterInstance.ephemeral() as instance, holding(site.warehouse):
        result = load(site, instance, "2")
        assert (result.success, retried(result)) == (False, 2)
        assert outcome(instance, result) is Outcome.FAILED_PASSING
    with dg.DagsterInstance.ephemeral() as instance, holding(site.warehouse, seconds=2):
        result = load(site, instance, "10")
        assert result.success
        assert retried(result) >= 1


@pytest.mark.slow
def test_bad_data_fails_at_once(site: Site) -> None:
    cut_off_the_footer(site)
    with dg.DagsterInstance.ephemeral() as instance:
        result = load(site, instance, "2")
        assert (result.success, retried(result)) == (False, 0)
        assert outcome(instance, result) is Outcome.FAILED
