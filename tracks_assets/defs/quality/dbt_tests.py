"""dbt's own tests of tracks, evaluated as Dagster checks: they read the full table and run with the census."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from tracks_assets.defs.shared.billing import job_labels, usage_line
from tracks_assets.defs.shared.dbt_merge import label_variables
from tracks_assets.defs.shared.dbt_results import Results, cause_of, errors_in, results_of, usage_of
from tracks_assets.defs.shared.resources import DbtRunner
from tracks_assets.quality import census, checks
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.several_checks import Check, CheckError, with_examples
from tracks_assets.settings import EARLIEST
from tracks_assets.warehouse.base import Warehouse

DBT_CHECKS = {
    "unique_event_id_all": "No event id is duplicated among the rows since the cutover (dbt's unique test).",
    "event_id_not_null": "Every row has an event id (dbt's not_null test).",
    "created_at_not_null": "Every row has a time (dbt's not_null test).",
}
"""Checks by the names of dbt's tests."""


def run_dbt_tests(
    context: dg.AssetExecutionContext, dbt: DbtRunner, manifest: Mapping[str, Any], purpose: str
) -> tuple[Results, str]:
    """Runs the tests. The warehouse must be closed.

    Returns:
        What dbt recorded of each test, and the errors that it logged.
    """
    call = dbt.run(
        ["test", "--select", *DBT_CHECKS],
        run_name=f"{context.run.run_id}-{purpose}",
        variables=label_variables(job_labels(purpose, context.run.run_id)),
        manifest=manifest,
        translator=DagsterDbtTranslator(),
        context=context,
    )
    logged = errors_in(call.stream_raw_events())
    recorded = results_of(call.target_path / "run_results.json")
    used = usage_of(recorded)
    if used.jobs:
        context.log.info(usage_line("dbt's tests", used))
    return recorded, logged


def dbt_checks(warehouse: Warehouse, cutover: datetime | None, recorded: Results, logged: str) -> dict[str, Check]:
    """The evaluations of dbt's tests; the warehouse must stay open."""
    return {name: partial(dbt_result, warehouse, cutover, name, recorded, logged) for name in DBT_CHECKS}


def failures_of(name: str, recorded: Results, logged: str, next_step: Callable[[str], str]) -> int:
    """The rows that a dbt test found at fault.

    Args:
        name: the test's name.
        recorded: what dbt recorded.
        logged: the errors that it logged.
        next_step: the engine's next step for an error text, see ``Warehouse.diagnose``.

    Raises:
        CheckError: dbt did not finish the test.
    """
    outcome = recorded.get(name, {})
    if outcome.get("status") not in ("pass", "fail"):
        cause = cause_of(name, recorded, logged)
        raise CheckError(f"dbt did not finish its test ({cause}).", next_step=next_step(cause))
    return int(outcome["failures"])


def dbt_result(
    warehouse: Warehouse, cutover: datetime | None, name: str, recorded: Results, logged: str
) -> CheckResult:
    """The outcome of a dbt test, with ids to look at where it failed.

    Raises:
        CheckError: dbt did not finish the test.
    """
    failures = failures_of(name, recorded, logged, lambda text: warehouse.diagnose(text).next_step)
    match name:
        case "unique_event_id_all":
            colliding = census.count_colliding(warehouse) if failures else 0
            return with_examples(
                checks.unique_event_id_all(failures, cutover, colliding),
                lambda: _ids(warehouse.fetch("recent_duplicates", {"since": cutover or EARLIEST})),
            )
        case "event_id_not_null":
            return checks.not_null("event_id", failures)
        case _:
            return with_examples(
                checks.not_null("created_at", failures), lambda: _ids(warehouse.fetch("untimed_examples"))
            )


def _ids(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [row["event_id"] for row in rows]
