"""What to do about each kind of incident: the runbook's page and anchor, the next step, and what ends it."""

from tracks_assets.alerts.facts import Kind
from tracks_assets.quality.message import Runbook

COVERED_BY = {
    "posthog/tracks:unique_event_id": "posthog/duplicate_census:unique_event_id_all",
    "posthog/tracks:no_collisions": "posthog/duplicate_census:no_collisions_all",
}
"""Checks of the hours just merged, and the check of the full table that says the same of every hour.

An incident of such a check is over when its own hours were evaluated again and passed, or when the check of the full
table passed. A later hour that passes says nothing about them.
"""

REPORTED_WITHOUT_RUN = {"posthog/events_parquet:upload_complete"}
"""Checks that a sensor reports: what a run says of them is about the moment when the run was requested."""

RED_CHECK = Runbook.CHECKS.value
FAILED_RUN = "docs/alerts.md#a-run-failed"
NOT_EVALUATED = "docs/alerts.md#a-check-could-not-be-evaluated"
FAILING_TICKS = "docs/alerts.md#a-sensor-or-a-schedule-fails"

READ_RUN = "Open the run's page, remove the cause, then run the same partitions again; running an hour again is safe."
EVALUATE_AGAIN = "Open the run's page, remove the cause, then run it again."
READ_CHECK = "Open the check's page and follow the runbook."


def of_ticks(kind: Kind) -> str:
    """The next step for a sensor or schedule that fails."""
    return f"Open the {kind.value}'s page, read the newest tick's error, and remove the cause; it goes on by itself."
