"""Which anomaly checks there are, with the rules of each: the one list that the graph, the count and the tests read."""

from dataclasses import replace

from tracks_assets.quality.anomalies.evaluation import Check
from tracks_assets.quality.anomalies.expectation import Rules
from tracks_assets.quality.anomalies.series import Dimension, Metric
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import TRACKS

RAW_TRACKS_TRAINING = 14
TRACKS_TRAINING = 28
"""Days of training, as the checks of elementary that these follow had them."""


def anomaly_checks(settings: Settings) -> tuple[Check, ...]:
    """The checks, as the settings have them; that of the purchase flow is there only where its events are named."""
    raw = Rules(training_period=RAW_TRACKS_TRAINING, anomaly_sensitivity=settings.anomaly_sensitivity)
    tracks = replace(raw, training_period=TRACKS_TRAINING)
    loads, events = RAW_TRACKS.name, TRACKS.name
    of_a_day = "Settled days, each against the days before it, weekdays taken into account"
    checks = [
        Check(
            "raw_tracks_volume",
            f"Rows of raw_tracks by day of their export hour, {RAW_TRACKS_TRAINING} days of training. {of_a_day}.",
            *(loads, Metric.ROW_COUNT, (Dimension.NONE,), "days", raw),
        ),
        Check(
            "tracks_volume",
            f"Events of tracks by day, {TRACKS_TRAINING} days of training. {of_a_day}.",
            *(events, Metric.ROW_COUNT, (Dimension.NONE,), "days", tracks),
        ),
        Check(
            "event_name_volume",
            f"Events of each of the largest event names by day, and of all others. {of_a_day}.",
            *(events, Metric.ROW_COUNT, (Dimension.EVENT_NAME, Dimension.OTHER_EVENT_NAMES), "event names", tracks),
        ),
        Check(
            "client_volume",
            f"Events of each of the largest clients by day, and of all others. {of_a_day}.",
            *(events, Metric.ROW_COUNT, (Dimension.CLIENT, Dimension.OTHER_CLIENTS), "clients", tracks),
        ),
        Check(
            "update_delay",
            "Time from the end of an export hour to its first load, the mean of each day. Only delays are anomalies.",
            *(loads, Metric.UPDATE_DELAY, (Dimension.NONE,), "days"),
            replace(raw, anomaly_direction="spike", is_count=False),
        ),
    ]
    if settings.purchase_flow_events:
        checks.append(
            Check(
                "purchase_flow_volume",
                f"Events of each name in TRACKS_PURCHASE_FLOW_EVENTS by day. {of_a_day}.",
                *(events, Metric.ROW_COUNT, (Dimension.PURCHASE_FLOW,), "events of the purchase flow", tracks),
                severity="ERROR",
            )
        )
    return tuple(checks)


def days_needed(checks: tuple[Check, ...]) -> int:
    """Days to measure, so that each evaluated day of each check has all of its training days."""
    return max(check.rules.days_needed + check.rules.detection_period for check in checks)
