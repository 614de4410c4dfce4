"""The check ``upload_complete``: one failed evaluation when an upload is late, one passed when none is late any more.

The sensor evaluates it while it waits. An hourly run evaluates it too, because Dagster shows a check for the latest
materialization only; there it stays failed while other hours are late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from tracks_assets.integrity.verdicts import Verdict
from tracks_assets.quality.uploads import Lateness
from tracks_assets.settings import PARTITION_FORMAT

CHECK = "upload_complete"

DESCRIPTION = "Every export hour is uploaded completely before TRACKS_UPLOAD_TIMEOUT_SECONDS have passed."

_FIRST, _LAST = "first_late_hour", "last_late_hour"


@dataclass(frozen=True)
class Evaluation:
    """A result of the check: the verdict, and what it says of the late hours as text."""

    verdict: Verdict
    texts: Mapping[str, str]


def evaluate(lateness: Lateness) -> Evaluation:
    """The evaluation that the sensor reports."""
    figures = {"late_hours": lateness.hours}
    if lateness.first is None or lateness.last is None:
        return Evaluation(Verdict(True, "No upload is late.", "WARN", figures), {})
    first, last = (f"{hour:{PARTITION_FORMAT}}" for hour in (lateness.first, lateness.last))
    found = (
        f"The upload of the hour {first} is late"
        if lateness.hours == 1
        else (f"The uploads of {lateness.hours:,} hours are late, the first {first} and the last {last}")
    )
    sentence = f"{found}: {lateness.reason if lateness.hours == 1 else f'of {first}, {lateness.reason}'}. {_NEXT_STEP}"
    return Evaluation(Verdict(False, sentence, "WARN", figures), {_FIRST: first, _LAST: last})


_NEXT_STEP = "Look at the batch export in PostHog. An hour is loaded by itself once its upload is complete."


def evaluate_in_run(first: datetime, last: datetime, before: Evaluation | None) -> Evaluation:
    """The evaluation of a run that loads the hours from ``first`` to ``last``.

    Args:
        first: the run's first hour.
        last: its last.
        before: the newest evaluation that there is.
    """
    passed = Evaluation(Verdict(True, "The hours of this run are uploaded.", "WARN", {"late_hours": 0}), {})
    if before is None or before.verdict.passed or not before.texts.keys() >= {_FIRST, _LAST}:
        return passed
    late_from, late_to = (
        datetime.strptime(before.texts[name], PARTITION_FORMAT).replace(tzinfo=UTC) for name in (_FIRST, _LAST)
    )
    return passed if first <= late_from and late_to <= last else before
