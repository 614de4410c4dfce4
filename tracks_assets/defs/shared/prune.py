"""The job ``prune_runs`` and its schedule: the history of runs stays small over years of hourly runs."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from tracks_assets.defs.shared.run_history import prune, remove_leftovers
from tracks_assets.settings import Settings

JOB = "prune_runs"

LEFTOVER_DAYS = 2
"""No step takes as long: ``run_monitoring`` ends a run after a day."""


def prune_job(settings: Settings) -> dg.JobDefinition:
    """The job that removes what Dagster keeps of old runs; see ``run_history``. It does not open the warehouse."""

    @dg.op(description="Removes the logs of old runs, and old runs that no partition needs.")
    def remove_old_runs(context: dg.OpExecutionContext) -> None:
        now = datetime.now(UTC)
        pruned = prune(context.instance, now, settings.keep_log_days, settings.keep_run_days)
        leftovers = remove_leftovers(now - timedelta(days=LEFTOVER_DAYS))
        context.log.info(
            f"Removed the logs of {pruned.logs:,} runs older than {settings.keep_log_days} days, {pruned.runs:,} runs "
            f"older than {settings.keep_run_days} days, {pruned.tick_logs:,} logs of ticks, and {leftovers:,} folders "
            f"that killed runs left. Kept {pruned.kept:,} old runs that made the newest materialization of a partition."
        )
        context.add_output_metadata(
            {
                "logs_removed": pruned.logs,
                "runs_deleted": pruned.runs,
                "runs_kept": pruned.kept,
                "tick_logs_removed": pruned.tick_logs,
                "leftovers_removed": leftovers,
            }
        )

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        description=f"Removes the logs of runs older than {settings.keep_log_days} days (TRACKS_KEEP_LOG_DAYS), and "
        f"runs older than {settings.keep_run_days} days (TRACKS_KEEP_RUN_DAYS) unless a partition needs them.",
    )
    def prune_runs() -> None:
        remove_old_runs()

    return prune_runs


def prune_schedule(settings: Settings, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """The job once a day: off until it is switched on, here or by TRACKS_AUTOMATION."""
    return dg.ScheduleDefinition(
        name="prune_runs_daily",
        job=job,
        cron_schedule="30 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )
