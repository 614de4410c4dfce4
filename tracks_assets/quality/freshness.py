"""Whether raw_tracks is fresh: how long ago rows were loaded into it last."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tracks_assets.quality.checks import CheckResult, Severity
from tracks_assets.quality.message import Message, Runbook, moment_text
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.base import Warehouse

_NEXT_STEP = "Look at the sensor export_complete and at the runs of the job load_hours."


@dataclass(frozen=True)
class Limits:
    """The ages of the newest load above which the check warns and fails."""

    warn_after: timedelta
    error_after: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The limits that the settings state."""
        return cls(
            timedelta(minutes=settings.freshness_warn_minutes), timedelta(minutes=settings.freshness_error_minutes)
        )


def newest_load(warehouse: Warehouse) -> datetime | None:
    """The newest bq_ingested_timestamp of raw_tracks, from the log of loads; None if no load brought rows.

    Raises:
        WarehouseError: the engine failed.
    """
    (row,) = warehouse.fetch("newest_ingested")
    return row["newest"].astimezone(UTC) if row["newest"] else None


def freshness(newest: datetime | None, now: datetime, limits: Limits) -> CheckResult:
    """The evaluation of the age of the newest load. Without rows, it fails, as ``dbt source freshness`` does.

    Args:
        newest: when rows were loaded last.
        now: the time.
        limits: when it is too old.
    """
    bounds = {
        "warn_after_minutes": _minutes(limits.warn_after),
        "error_after_minutes": _minutes(limits.error_after),
    }
    if newest is None:
        message = Message(f"No load of {RAW_TRACKS} has brought rows.", "", _NEXT_STEP, Runbook.CHECKS)
        return CheckResult(False, message, figures=bounds)
    age = now - newest
    figures = {"minutes_since_load": round(_minutes(age), 1), **bounds}
    severity: Severity = "ERROR" if age > limits.error_after else "WARN"
    minutes = f"{_minutes(age):,.0f} minutes"
    if age <= limits.warn_after:
        return CheckResult(True, Message(f"Rows were loaded into {RAW_TRACKS} {minutes} ago."), "WARN", figures)
    limit = limits.error_after if severity == "ERROR" else limits.warn_after
    message = Message(
        f"No rows were loaded into {RAW_TRACKS} for {minutes}.",
        f"The limit is {_minutes(limit):,.0f} minutes. The last rows were loaded at {moment_text(newest)}.",
        _NEXT_STEP,
        Runbook.CHECKS,
    )
    return CheckResult(False, message, severity, figures)


def _minutes(period: timedelta) -> float:
    return period / timedelta(minutes=1)
