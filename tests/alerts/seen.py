"""Observations and results for tests, with everything that a test does not care about filled in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tracks_assets.alerts.facts import CheckResult, FinishedRun, Kind, Observation
from tracks_assets.alerts.hours import Hours

NOW = datetime(2026, 3, 12, 8, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

FIVE = Hours.between("2026-03-12-05:00")
SIX = Hours.between("2026-03-12-06:00")
UNIQUE = "posthog/tracks:unique_event_id"
UNIQUE_ALL = "posthog/duplicate_census:unique_event_id_all"


def bad(subject: str = UNIQUE, at: datetime = NOW, **parts: Any) -> Observation:
    """A check that failed."""
    title = f"Check {subject.partition(':')[2]} failed on {subject.partition(':')[0]}"
    return replace(Observation(Kind.CHECK, subject, False, at, title=title, finding="12 of 200 events."), **parts)


def good(subject: str = UNIQUE, at: datetime = NOW, **parts: Any) -> Observation:
    """A check that passed."""
    return replace(Observation(Kind.CHECK, subject, True, at), **parts)


def failed_run(at: datetime = NOW, **parts: Any) -> Observation:
    """A run that failed at the step of raw_tracks."""
    seen = Observation(
        Kind.RUN, "|raw_tracks|locked", False, at, title="Run failed: raw_tracks", job="hourly",
        assets=("posthog/raw_tracks", "posthog/tracks"), hours=FIVE,
    )  # fmt: skip
    return replace(seen, **parts)


def passed_run(at: datetime = NOW, **parts: Any) -> Observation:
    """A run that succeeded."""
    seen = Observation(
        Kind.RUN, "hourly", True, at, job="hourly", hours=FIVE,
        assets=("posthog/events_parquet", "posthog/raw_tracks", "posthog/tracks"),
    )  # fmt: skip
    return replace(seen, **parts)


def result(**parts: Any) -> CheckResult:
    """A check of an hour that failed."""
    made = CheckResult(
        "posthog/tracks", "unique_event_id", False, NOW, rule="No event id of the hours just merged is duplicated.",
        description="12 of bob@example.com.", finding="12 of 200 events are duplicated.", next_step="Trace an id.",
        figures=(("batch_ids", 200), ("repeated_ids", 12)), ids=("id-1", "id-2"), hours=FIVE,
    )  # fmt: skip
    return replace(made, **parts)


def run(**parts: Any) -> FinishedRun:
    """A run of an hour that succeeded."""
    made = FinishedRun(
        "run-1", "hourly", "success", NOW, FIVE, planned=("posthog/raw_tracks", "posthog/tracks"),
        materialized=("posthog/raw_tracks", "posthog/tracks"),
    )  # fmt: skip
    return replace(made, **parts)
