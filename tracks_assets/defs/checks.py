"""The checks on ``posthog/tracks``: one rides with every hour, the others read the whole table in a job of their own.

Each asks the warehouse for figures and leaves the verdict to ``integrity.verdicts``. A check that cannot be computed
raises, and the others of its job are evaluated all the same.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from tracks_assets.defs.billing import job_labels, usage_line
from tracks_assets.defs.dbt_manifest import ensure_manifest
from tracks_assets.defs.dbt_results import Results, cause_of, errors_in, results_of, usage_of
from tracks_assets.defs.metadata import check_result
from tracks_assets.defs.own_job import leave_own_job_checks_out, own_job_metadata
from tracks_assets.defs.partitions import hours_of, partition_key
from tracks_assets.defs.resources import WAREHOUSE_POOL, TracksDbt, WarehouseResource, new_target_path
from tracks_assets.defs.tracks import TRACKS_KEY, dbt_environment, environment, label_variables
from tracks_assets.export.layout import HOUR
from tracks_assets.integrity import census, verdicts
from tracks_assets.integrity.judging import CheckError, Judge, Judged, judge, with_examples
from tracks_assets.integrity.verdicts import Verdict
from tracks_assets.settings import EARLIEST, Settings
from tracks_assets.warehouse.base import Warehouse

JOB = "tracks_checks"

DBT_CHECKS = {
    "unique_event_id_all": "No event id stands more than once among the rows since the cutover, if one is set.",
    "event_id_not_null": "Every row has an event id.",
    "created_at_not_null": "Every row has a time.",
}
COUNTED_CHECKS = {
    "flat_duplicate_count": "Excess rows are no more than in the newest census that is at least 7 days old.",
    "no_collisions": "No event id stands for several (event_name, user_id).",
    "created_at_kept": "No more rows stand away from their id's time than in the newest census.",
}


def _specs(checks: Mapping[str, str]) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=TRACKS_KEY, description=description, metadata=own_job_metadata(JOB))
        for name, description in checks.items()
    ]


def batch_check(settings: Settings) -> dg.AssetChecksDefinition:
    """The check that runs with every hourly run, and looks only at the ids that its hours delivered.

    It has no partitions of its own, for the UI would show a range's one verdict as that of none of them. Its hours are
    those of its run; a run that has none, as when the UI executes checks by themselves, looks at the last day's.
    """

    @dg.asset_check(
        asset=TRACKS_KEY,
        name="batch_is_unique",
        description="Every event of the hours just merged stands once in tracks.",
        pool=WAREHOUSE_POOL,
    )
    def batch_is_unique(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
        window = _hours_of_run(context.op_execution_context)
        bounds = {"window_start": window.start, "window_end": window.end, "cutover": settings.takes_from}
        with warehouse.opened(context, "batch_is_unique", window) as tables:
            (found,) = tables.fetch("batch_duplicates", bounds)
            known = census.newest(tables)
        hours = [partition_key(hour) for hour in hours_of(window)]
        named = hours[0] if len(hours) == 1 else f"{hours[0]} to {hours[-1]}"
        return check_result(
            "batch_is_unique",
            TRACKS_KEY,
            verdicts.batch_is_unique(named, found["batch_ids"], found["ids"], found["examples"] or (), known),
        )

    return batch_is_unique


def _hours_of_run(context: dg.OpExecutionContext) -> dg.TimeWindow:
    if context.has_partitions:
        return context.partition_time_window
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return dg.TimeWindow(end - 24 * HOUR, end)


def counted_checks() -> dg.AssetChecksDefinition:
    """The checks that follow from one census of the whole table, which they take but do not record."""

    @dg.multi_asset_check(name="counted_checks", specs=_specs(COUNTED_CHECKS), can_subset=True, pool=WAREHOUSE_POOL)
    def counted(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        with warehouse.opened(context, "counted_checks") as tables:
            judges = counted_judges(tables, datetime.now(UTC))
            judged = judge({name: judges[name] for name in _selected(context, COUNTED_CHECKS)})
        yield from _results(judged)

    return counted


def counted_judges(warehouse: Warehouse, now: datetime) -> dict[str, Judge]:
    """The judges of the checks that follow from one count, which is made here; the warehouse must stay open."""
    counted = census.count(warehouse, now)
    return {
        "flat_duplicate_count": lambda: with_examples(
            verdicts.flat_duplicate_count(counted, census.baseline(warehouse, now), census.earlier(warehouse, now)),
            lambda: census.duplicate_examples(warehouse),
        ),
        "no_collisions": lambda: with_examples(
            verdicts.no_collisions(counted), lambda: census.colliding_examples(warehouse)
        ),
        "created_at_kept": lambda: with_examples(
            verdicts.created_at_kept(counted, census.newest(warehouse)), lambda: census.redated_examples(warehouse)
        ),
    }


def dbt_checks(settings: Settings, project: Path) -> dg.AssetChecksDefinition:
    """The tests that dbt has of the model, switched on, as checks."""
    manifest = ensure_manifest(settings, project)

    @dg.multi_asset_check(name="dbt_checks", specs=_specs(DBT_CHECKS), can_subset=True, pool=WAREHOUSE_POOL)
    def dbt_tests(
        context: dg.AssetCheckExecutionContext, dbt: TracksDbt, warehouse: WarehouseResource
    ) -> Iterator[dg.AssetCheckResult]:
        with warehouse.opened(context, "dbt_checks"):
            context.log.debug("The warehouse's tables are in place.")
        names = _selected(context, DBT_CHECKS)
        labels = label_variables(job_labels("dbt_checks", context.run.run_id))
        with environment(dbt_environment(settings) | labels):
            call = dbt.cli(
                ["test", "--select", " ".join(names)],
                manifest=manifest,
                raise_on_error=False,
                target_path=new_target_path(settings.home, f"{context.op_execution_context.run_id}-checks"),
            )
            said = errors_in(call.stream_raw_events())
        results = results_of(call.target_path / "run_results.json")
        used = usage_of(results)
        if used.jobs:
            context.log.info(usage_line("dbt_checks", used))
        with warehouse.opened(context, "dbt_checks") as tables:
            judged = judge(
                {name: partial(dbt_verdict, tables, settings.cutover, name, results, said) for name in names}
            )
        yield from _results(judged)

    return dbt_tests


def failures_of(name: str, results: Results, said: str) -> int:
    """How many rows a dbt test found at fault; ``said`` are the errors that dbt told.

    Raises:
        CheckError: dbt did not run the test to its end.
    """
    result = results.get(name, {})
    if result.get("status") not in ("pass", "fail"):
        cause = cause_of(name, results, said)
        raise CheckError(f"dbt did not finish its test ({cause}): mend the cause, then run {JOB} again.")
    return int(result["failures"])


def dbt_verdict(warehouse: Warehouse, cutover: datetime | None, name: str, results: Results, said: str) -> Verdict:
    """The verdict on what a dbt test found, with ids to look at where it failed.

    Raises:
        CheckError: dbt did not run the test to its end.
    """
    failures = failures_of(name, results, said)
    match name:
        case "unique_event_id_all":
            return with_examples(
                verdicts.unique_event_id(failures, cutover),
                lambda: _ids(warehouse.fetch("recent_duplicates", {"since": cutover or EARLIEST})),
            )
        case "event_id_not_null":
            return verdicts.not_null("event_id", failures)
        case _:
            return with_examples(
                verdicts.not_null("created_at", failures), lambda: _ids(warehouse.fetch("untimed_examples"))
            )


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    return [row["event_id"] for row in rows]


def _results(judged: Judged) -> Iterator[dg.AssetCheckResult]:
    """Every verdict there is, and only then what was raised."""
    for name, verdict in judged.verdicts.items():
        yield check_result(name, TRACKS_KEY, verdict)
    judged.raise_errors()


def _selected(context: dg.AssetCheckExecutionContext, checks: Mapping[str, str]) -> list[str]:
    selected = {key.name for key in context.selected_asset_check_keys}
    return [name for name in checks if name in selected]


def tracks_checks(settings: Settings, project: Path) -> list[dg.AssetChecksDefinition]:
    """All checks on ``posthog/tracks``."""
    leave_own_job_checks_out()
    return [batch_check(settings), counted_checks(), dbt_checks(settings, project)]


def checks_job() -> Any:
    """The job of the checks that read the whole table."""
    own = [dg.AssetCheckKey(TRACKS_KEY, name) for name in (*DBT_CHECKS, *COUNTED_CHECKS)]
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.checks(*own),
        description="Looks whether tracks is whole: every check that reads the whole table.",
    )


def schedules(checks: Any) -> list[dg.ScheduleDefinition]:
    """The whole table looked at once a day, then counted: off until they are switched on in the UI."""
    return [
        dg.ScheduleDefinition(name="tracks_checks_daily", job=checks, cron_schedule="0 6 * * *"),
        dg.ScheduleDefinition(
            name="duplicate_census_daily",
            target=dg.AssetSelection.assets(["posthog", "duplicate_census"]),
            cron_schedule="0 7 * * *",
        ),
    ]
