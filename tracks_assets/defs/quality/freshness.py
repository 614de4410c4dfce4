"""The freshness of raw_tracks: a check every 15 minutes.

Its limits are settings. dbt's source freshness (dbt_project/models/staging/sources.yml) and the freshness policy of the
asset (defs/hourly.py) have the same ones.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.posthog.export_runs import UNFINISHED
from tracks_assets.defs.posthog.hourly import RAW_TRACKS_KEY
from tracks_assets.defs.shared.metadata import check_result
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality.freshness import Limits, freshness, newest_load
from tracks_assets.settings import Settings

CHECK = "raw_tracks_fresh"

JOB = "freshness"


def freshness_check(settings: Settings) -> dg.AssetChecksDefinition:
    """The check of the age of the newest load; it runs with every hourly run, too."""
    limits = Limits.of(settings)

    @dg.asset_check(
        name=CHECK,
        asset=RAW_TRACKS_KEY,
        pool=WAREHOUSE_POOL,
        description="Rows were loaded recently: TRACKS_FRESHNESS_WARN_MINUTES, TRACKS_FRESHNESS_ERROR_MINUTES.",
    )
    def raw_tracks_fresh(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> dg.AssetCheckResult:
        with retried(context, settings), warehouse.opened(context, CHECK) as opened:
            newest = newest_load(opened)
        return check_result(CHECK, RAW_TRACKS_KEY, freshness(newest, datetime.now(UTC), limits))

    return raw_tracks_fresh


def freshness_job() -> Any:
    """The job that evaluates the check alone."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(RAW_TRACKS_KEY, CHECK)),
        description="Evaluates how long ago rows were loaded into raw_tracks.",
    )


def freshness_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """The check every 15 minutes. It waits for the warehouse's pool, so none is added while one waits."""

    @dg.schedule(
        name="freshness_every_15_minutes",
        job=job,
        cron_schedule="*/15 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )
    def every_15_minutes(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        unfinished = context.instance.get_run_records(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED), limit=1)
        return dg.SkipReason("The check before this one has not run yet.") if unfinished else dg.RunRequest()

    return every_15_minutes
