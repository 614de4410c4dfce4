"""The check ``upload_complete`` as Dagster takes it: from the sensor, and from an hourly run."""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from tracks_assets.defs.shared.metadata import check_result, result_metadata
from tracks_assets.defs.shared.partitions import partition_key
from tracks_assets.quality.uploads.check import CHECK, DESCRIPTION, evaluate
from tracks_assets.quality.uploads.state import Lateness
from tracks_assets.settings import PARTITION_FORMAT

EVENTS_PARQUET_KEY = dg.AssetKey(["posthog", "events_parquet"])

SPEC = dg.AssetCheckSpec(CHECK, asset=EVENTS_PARQUET_KEY, description=DESCRIPTION)

LATE_TAG = "tracks/late_uploads"
"""The tag of a run that was requested while other hours were late: their number, the first and the last."""


def late_tags(lateness: Lateness) -> dict[str, str]:
    """The tags by which a run knows which other hours are late."""
    if lateness.first is None or lateness.last is None:
        return {}
    return {LATE_TAG: f"{lateness.hours} {partition_key(lateness.first)} {partition_key(lateness.last)}"}


def sensor_evaluation(lateness: Lateness) -> dg.AssetCheckEvaluation:
    """An evaluation that belongs to no run."""
    result = evaluate(lateness)
    return dg.AssetCheckEvaluation(
        asset_key=EVENTS_PARQUET_KEY,
        check_name=CHECK,
        passed=result.passed,
        severity=dg.AssetCheckSeverity[result.severity],
        description=result.message.text,
        metadata=result_metadata(result),
    )


def run_result(tags: Mapping[str, str]) -> dg.AssetCheckResult:
    """The evaluation of a run with these tags: its own hours are uploaded, and others may be late."""
    return check_result(CHECK, EVENTS_PARQUET_KEY, evaluate(_late_hours(tags)))


def _late_hours(tags: Mapping[str, str]) -> Lateness:
    if LATE_TAG not in tags:
        return Lateness()
    hours, *keys = tags[LATE_TAG].split()
    first, last = (datetime.strptime(key, PARTITION_FORMAT).replace(tzinfo=UTC) for key in keys)
    return Lateness(int(hours), first, last)
