"""The schedule ``mixpanel_every_day``: the newest days of Mixpanel's export are loaded by themselves.

Nothing in a day's folder says that it is complete, and Mixpanel's data sync adds files to days that it has exported
before. So each tick asks for the last days again, and the run loads those whose files are new or changed. It begins
with the day after the newest one that was merged, if that is earlier: an outage of many days leaves none out.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.mixpanel.events import GROUP
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.defs.shared.partitions import partition_key, range_tags
from tracks_assets.settings import DAY_FORMAT, Settings
from tracks_assets.sources.mixpanel.inventory import MixpanelExport
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_MASTER_EVENT

JOB, SCHEDULE = "load_mixpanel", "mixpanel_every_day"

RESUMED = {"ops": {"__".join(table_key(MP_MASTER_EVENT).path): {"config": {"resume": True}}}}
"""The run config by which days whose files are those of their last load are skipped."""


def mixpanel_job() -> Any:
    """The job that loads and merges days of Mixpanel's events; the schedule starts it."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.groups(GROUP),
        description="Loads days of Mixpanel's events, merges them into mp_events, and evaluates its checks.",
    )


def mixpanel_schedule(settings: Settings, job: Any) -> dg.ScheduleDefinition:
    """Once a day: off unless TRACKS_AUTOMATION is on, or until it is switched on in the UI."""

    @dg.schedule(
        name=SCHEDULE,
        job=job,
        cron_schedule="30 4 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
        required_resource_keys={"mixpanel"},
        description=f"Starts {JOB} for the last days of Mixpanel's export (docs/mixpanel.md).",
    )
    def every_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        export: MixpanelExport = context.resources.mixpanel
        # An export that somebody named and that is not there must fail, not be skipped for ever.
        if not settings.names_mixpanel and not export.is_there():
            return dg.SkipReason("There is no export of Mixpanel's, and TRACKS_MIXPANEL_URI is not set.")
        return request(settings, context.scheduled_execution_time, newest_merged(context.instance))

    return every_day


def newest_merged(instance: dg.DagsterInstance) -> datetime | None:
    """The newest day that is merged into mp_events; None if there is none."""
    merged = instance.get_materialized_partitions(table_key(MP_EVENTS))
    return max((datetime.strptime(key, DAY_FORMAT).replace(tzinfo=UTC) for key in merged), default=None)


def request(settings: Settings, now: datetime, newest: datetime | None) -> dg.RunRequest | dg.SkipReason:
    """The run for the days that ended in the last TRACKS_MIXPANEL_LOOKBACK_DAYS days, and those since the newest day.

    Args:
        settings: the first day, and how many days are looked at again.
        now: the time of the tick.
        newest: the newest day that is merged.
    """
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    looked_at = today - settings.mixpanel_lookback_days * DAY
    first = max(min(looked_at, newest + DAY if newest else looked_at), settings.mixpanel_start)
    last = today - DAY
    if last < first:
        return dg.SkipReason(f"Mixpanel's export begins on {partition_key(first, DAY)}, which is not over yet.")
    return dg.RunRequest(run_key=partition_key(last, DAY), tags=range_tags(first, last, DAY), run_config=RESUMED)
