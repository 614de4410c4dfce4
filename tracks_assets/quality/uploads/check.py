"""The check ``upload_complete``: one failed evaluation when an upload is late, one passed when none is late any more.

The sensor evaluates it while it waits. An hourly run evaluates it too, because Dagster shows a check for the latest
materialization only; there it stays failed while other hours are late.
"""

from datetime import datetime

from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.message import Message, Runbook
from tracks_assets.quality.uploads.state import Lateness
from tracks_assets.settings import PARTITION_FORMAT

CHECK = "upload_complete"

DESCRIPTION = "Every export hour is uploaded completely before TRACKS_UPLOAD_TIMEOUT_SECONDS have passed."

_NEXT_STEP = "Look at the batch export in PostHog. An hour is loaded by itself once its upload is complete."


def evaluate(lateness: Lateness) -> CheckResult:
    """The evaluation of what is late now."""
    figures = {"late_hours": lateness.hours}
    if not lateness.hours or lateness.first is None or lateness.last is None:
        return CheckResult(True, Message("No upload is late."), "WARN", figures)
    first = _key(lateness.first)
    if lateness.hours == 1:
        finding, comparison = f"The upload of the hour {first} is late.", lateness.reason
    else:
        finding = f"The uploads of {lateness.hours:,} hours are late."
        comparison = f"The first is {first}, the last {_key(lateness.last)}. {lateness.reason}".rstrip()
    return CheckResult(False, Message(finding, comparison, _NEXT_STEP, Runbook.CHECKS), "WARN", figures)


def _key(hour: datetime) -> str:
    return hour.strftime(PARTITION_FORMAT)
