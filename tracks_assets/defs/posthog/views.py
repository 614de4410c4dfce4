"""The job that makes the views again each day, so that changed settings and new releases take effect by themselves."""

from typing import Any

import dagster as dg

from tracks_assets.settings import Settings

JOB = "make_views"


def views_job(*views: dg.AssetKey) -> Any:
    """The job that makes views."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(*views),
        description="Makes every view again, which reads no row. Without a view, run it once.",
    )


def views_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Once a day: off unless TRACKS_AUTOMATION is on, or until it is switched on in the UI."""
    return dg.ScheduleDefinition(
        name="make_views_every_day",
        job=job,
        cron_schedule="30 5 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )
