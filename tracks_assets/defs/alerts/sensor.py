"""The sensor ``alerts``: reads what Dagster recorded, and reports what is wrong (tracks_assets/alerts decides)."""

from datetime import UTC, datetime

import dagster as dg

from tracks_assets.alerts.delivery import Delivered, deliver
from tracks_assets.alerts.observe import Context, of_check, of_run, of_ticks
from tracks_assets.alerts.receivers import send
from tracks_assets.alerts.store import AlertStore
from tracks_assets.alerts.tick import Policy, record
from tracks_assets.core.errors import ReportedError
from tracks_assets.defs.alerts.recorded import EVALUATIONS, RUNS, Graph, Source
from tracks_assets.settings import Settings

NAME = "alerts"

INTERVAL = 30
"""Seconds between two ticks, at least."""


class AlertsRefusedError(ReportedError):
    """A receiver refuses alerts for good."""


def alert_sensor(settings: Settings, interval: int = INTERVAL) -> dg.SensorDefinition:
    """The sensor ``alerts``: on by itself if TRACKS_AUTOMATION is on.

    Args:
        settings: the settings of the location.
        interval: seconds between two ticks, at least.
    """

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Reports failed checks, failed runs and failing sensors, once each (TRACKS_ALERT_URLS).",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        store = AlertStore(settings.alert_database)
        try:
            try:
                look(context, store, settings)
            finally:
                # What is stored is sent, whatever became of the look.
                delivered = deliver(store, Policy.of(settings).receivers, send, _now)
            opened = len(store.open_incidents())
        finally:
            store.close()
        if delivered.refusing:
            raise refusal(delivered)
        return dg.SkipReason(summary(opened, delivered))

    return alerts


def look(context: dg.SensorEvaluationContext, store: AlertStore, settings: Settings) -> None:
    """Reads what was recorded since the last tick, and stores the incidents and messages that follow."""
    repository = context.repository_def
    assert repository is not None, "Dagster hands every sensor its repository"  # noqa: S101
    location = context.code_location_origin.location_name if context.code_location_origin else None
    source = Source(context.instance, Graph.of(repository), location)
    before, now = store.positions(), _now()
    reported = Context(settings.show_values, settings.ui_url, location or "", source.graph.downstream)
    runs, runs_position = source.finished_runs(before.get(RUNS), now)
    results, results_position = source.evaluations_without_run(before.get(EVALUATIONS), now)
    observations = [seen for run in runs for seen in of_run(run, reported)]
    observations += [of_check(result, reported) for result in results]
    observations += filter(None, (of_ticks(ticks, reported) for ticks in source.ticks(NAME, now)))
    record(store, before, {RUNS: runs_position, EVALUATIONS: results_position}, observations, Policy.of(settings), _now)


def summary(opened: int, delivered: Delivered) -> str:
    """What a tick did, for the list of ticks."""
    counts = [f"{opened} open incidents", f"{delivered.sent} messages sent", f"{delivered.waiting} waiting"]
    return ", ".join(counts) + "".join(f"; {failing}" for failing in delivered.failing)


def refusal(delivered: Delivered) -> AlertsRefusedError:
    """The error of a tick whose receiver refuses alerts."""
    return AlertsRefusedError(
        f"Alerts are refused by {'; '.join(delivered.refusing)}.",
        next_step="Correct TRACKS_ALERT_URLS, and test it with python -m tracks_assets.alerts test.",
    )


def _now() -> datetime:
    return datetime.now(UTC)
