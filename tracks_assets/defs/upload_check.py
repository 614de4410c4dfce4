"""The check ``upload_complete`` as Dagster takes it: from the sensor, and from an hourly run."""

import dagster as dg

from tracks_assets.export.layout import HOUR
from tracks_assets.integrity.verdicts import Verdict
from tracks_assets.quality.upload_check import CHECK, DESCRIPTION, Evaluation, evaluate_in_run

EVENTS_PARQUET_KEY = dg.AssetKey(["posthog", "events_parquet"])

SPEC = dg.AssetCheckSpec(CHECK, asset=EVENTS_PARQUET_KEY, description=DESCRIPTION)


def sensor_evaluation(evaluation: Evaluation) -> dg.AssetCheckEvaluation:
    """An evaluation that belongs to no run."""
    verdict = evaluation.verdict
    return dg.AssetCheckEvaluation(
        asset_key=EVENTS_PARQUET_KEY,
        check_name=CHECK,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity[verdict.severity],
        description=verdict.sentence,
        metadata={**verdict.figures, **evaluation.texts},
    )


def run_result(instance: dg.DagsterInstance, window: dg.TimeWindow) -> dg.AssetCheckResult:
    """The evaluation of a run that loads the hours of a window."""
    evaluation = evaluate_in_run(window.start, window.end - HOUR, _newest(instance))
    verdict = evaluation.verdict
    return dg.AssetCheckResult(
        check_name=CHECK,
        asset_key=EVENTS_PARQUET_KEY,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity[verdict.severity],
        description=verdict.sentence,
        metadata={**verdict.figures, **evaluation.texts},
    )


def _newest(instance: dg.DagsterInstance) -> Evaluation | None:
    """The newest evaluation, whoever reported it."""
    record = instance.get_latest_asset_check_evaluation_record(SPEC.key)
    event = record.event.dagster_event if record is not None and record.event is not None else None
    if event is None:
        return None
    found = event.asset_check_evaluation_data
    values = {name: value.value for name, value in found.metadata.items()}
    figures = {name: value for name, value in values.items() if isinstance(value, int | float)}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return Evaluation(Verdict(found.passed, found.description or "", "WARN", figures), texts)
