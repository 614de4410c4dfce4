"""What Dagster recorded, as plain facts: results of checks, finished runs and ticks. And what follows: observations."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Literal

from tracks_assets.alerts.hours import NO_HOURS, Hours

Severity = Literal["ERROR", "WARN"]

Figure = float | str
"""A number, or a moment as its text."""


@dataclass(frozen=True)
class CheckResult:
    """One evaluation of an asset check.

    Attributes:
        asset: the asset's key, as ``posthog/tracks``.
        check: the check's name.
        passed: whether it passed.
        at: when it was evaluated.
        severity: how bad a failure is.
        rule: the check's own description: what it holds the asset to. It names no values.
        description: what it found, in full; it may name event values.
        finding: what it found, without event values; empty where the check does not say.
        comparison: what that was compared with, without event values; empty where the check does not say.
        next_step: what to do, without event values; empty where the check does not say.
        runbook: the page and anchor that say more; empty where the check does not say.
        figures: its numbers and moments, by their names.
        ids: event ids to look at.
        hours: the hours that it looked at; none for the whole table.
    """

    asset: str
    check: str
    passed: bool
    at: datetime
    severity: Severity = "ERROR"
    rule: str = ""
    description: str = ""
    finding: str = ""
    comparison: str = ""
    next_step: str = ""
    runbook: str = ""
    figures: tuple[tuple[str, Figure], ...] = ()
    ids: tuple[str, ...] = ()
    hours: Hours = NO_HOURS

    @property
    def subject(self) -> str:
        """The check in full, as ``posthog/tracks:unique_event_id``."""
        return f"{self.asset}:{self.check}"


@dataclass(frozen=True)
class FailedStep:
    """A step that raised.

    Attributes:
        name: its name.
        error: the exception's class, with its module where it has one.
        message: the exception's text.
        is_blocking_check: whether a failed blocking check ended it, and no error of its own.
    """

    name: str
    error: str
    message: str
    is_blocking_check: bool = False


@dataclass(frozen=True)
class FinishedRun:
    """A run that ended, and what it recorded.

    Attributes:
        run_id: its id.
        job: its job; empty for assets that were materialized without one.
        status: how it ended.
        ended: when.
        hours: its partitions; none for a run without.
        results: the checks that it evaluated.
        unevaluated: the checks that it planned and did not evaluate, as pairs of asset and check; not those of which
            the result was that they have not enough history.
        planned: the assets that it was to materialize.
        materialized: those that it did.
        failed_steps: the steps that raised.
        message: why it failed, where no step did.
    """

    run_id: str
    job: str
    status: Literal["success", "failure", "canceled"]
    ended: datetime
    hours: Hours = NO_HOURS
    results: tuple[CheckResult, ...] = ()
    unevaluated: tuple[tuple[str, str], ...] = ()
    planned: tuple[str, ...] = ()
    materialized: tuple[str, ...] = ()
    failed_steps: tuple[FailedStep, ...] = ()
    message: str = ""


@dataclass(frozen=True)
class Ticks:
    """How a sensor or schedule is doing: its newest finished ticks.

    Attributes:
        kind: what ticks.
        name: its name.
        at: when the newest finished tick began.
        failures: how many ticks failed in a row, up to now; 0 if the newest did not fail.
        error: the class of the newest one's error, with its module where it has one.
        message: its text.
    """

    kind: Literal["sensor", "schedule"]
    name: str
    at: datetime
    failures: int
    error: str = ""
    message: str = ""


class Kind(Enum):
    """What an observation is about."""

    CHECK = "check"
    RUN = "run"
    SENSOR = "sensor"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Observation:
    """Something that was seen to be in order or not, in parts that are joined only where they are shown.

    Every text is one that may leave the house: event values are in it only if the settings say so.

    Attributes:
        kind: what it is about.
        subject: which one, as ``posthog/tracks:unique_event_id``; the same for every observation of it.
        healthy: whether it is in order.
        at: when it was seen.
        severity: how bad it is.
        title: what failed, in a few words.
        finding: the figure, or the cause.
        compared_with: what the figure was compared with.
        figures: numbers and moments by their names.
        ids: event ids to look at.
        hours: the hours that it is about; none for what has no partitions.
        job: the job of a run.
        assets: of a failed run, the assets that it did not materialize; of another, those that it did.
        checks: the checks that a run did not evaluate; of one in order, those that it did.
        downstream: the assets that read what failed.
        next_step: what to do.
        runbook: the page and anchor that say more.
        link: the page of the UI.
    """

    kind: Kind
    subject: str
    healthy: bool
    at: datetime
    severity: Severity = "ERROR"
    title: str = ""
    finding: str = ""
    compared_with: str = ""
    figures: tuple[tuple[str, Figure], ...] = ()
    ids: tuple[str, ...] = ()
    hours: Hours = NO_HOURS
    job: str = ""
    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    downstream: tuple[str, ...] = ()
    next_step: str = ""
    runbook: str = ""
    link: str = ""

    @property
    def identity(self) -> str:
        """What makes two observations the same incident."""
        return f"{self.kind.value}|{self.subject}"
