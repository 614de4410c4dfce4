"""The asset ``posthog/daily_metrics``: one count of the newest weeks by day, and the anomaly checks by it.

A check without enough history is planned and not evaluated. That is Dagster's own third state: its run succeeded, so
the UI shows the check as skipped, neither passed nor failed, and the asset's metadata has the reason. A check that
cannot be computed is another matter: its run fails.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.core.tables import SCHEMA
from tracks_assets.defs.alerts.recorded import NOT_ENOUGH_HISTORY
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.shared.billing import usage_metadata
from tracks_assets.defs.shared.metadata import message_metadata, table_metadata
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.quality.anomalies.charts import markdown_image, training_window
from tracks_assets.quality.anomalies.checks import anomaly_checks, days_needed
from tracks_assets.quality.anomalies.daily_metrics import Counting, Measurement, measure
from tracks_assets.quality.anomalies.evaluation import EvaluatedDay, Evaluation, Result, evaluate, hours_missing
from tracks_assets.quality.anomalies.text import anomaly_table, message, results_table
from tracks_assets.quality.message import Message
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import DAILY_METRICS

DAILY_METRICS_KEY = dg.AssetKey([SCHEMA, DAILY_METRICS.name])

RESULT = "result"
"""The metadata key under which every evaluation has its ``Result``, for alerts and the status page."""


def daily_metrics_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset ``posthog/daily_metrics`` with its checks."""
    checks = anomaly_checks(settings)
    counting = Counting(days_needed(checks), settings.purchase_flow_events, settings.anomaly_detection_delay_hours)

    @dg.multi_asset(
        name="posthog__daily_metrics",
        specs=[
            dg.AssetSpec(
                DAILY_METRICS_KEY,
                deps=[TRACKS_KEY, dg.AssetKey([RAW_TRACKS.schema, RAW_TRACKS.name])],
                group_name="integrity",
                kinds={settings.engine},
                description=f"{DAILY_METRICS.description} Its checks compare the newest days with those before them.",
                metadata=table_metadata(DAILY_METRICS),
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(check.name, asset=DAILY_METRICS_KEY, description=check.description) for check in checks
        ],
        # So that Dagster lets a check without enough history go without a result.
        can_subset=True,
        pool=WAREHOUSE_POOL,
    )
    def daily_metrics(
        context: dg.AssetExecutionContext, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with warehouse.opened(context, DAILY_METRICS.name) as opened:
            measured = measure(opened, datetime.now(UTC), counting)
            usage = usage_metadata(opened.usage)
        series = measured.series if measured else ()
        evaluations = [evaluate(check, series) for check in checks]
        if waiting := without_history(evaluations):
            context.log.info(f"Not enough history yet, so neither passed nor failed: {', '.join(waiting)}.")
        if DAILY_METRICS_KEY in context.selected_asset_keys:
            yield dg.MaterializeResult(
                asset_key=DAILY_METRICS_KEY, metadata={**count_metadata(measured, evaluations), **usage}
            )
        selected = {key.name for key in context.selected_asset_check_keys}
        for evaluation in evaluations:
            if evaluation.check.name in selected and evaluation.shown is not None:
                missing = hours_missing(evaluation.shown, series)
                yield evaluation_result(evaluation, evaluation.shown, message(evaluation, missing))

    return daily_metrics


def count_metadata(measured: Measurement | None, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    """What was counted, and how each check ended, those without a result included."""
    metadata = {
        "results": dg.MetadataValue.md(results_table(evaluations)),
        NOT_ENOUGH_HISTORY: dg.MetadataValue.json(without_history(evaluations)),
    }
    if measured is None:
        return metadata
    return {
        **metadata,
        "series": len(measured.series),
        "settled_to": dg.MetadataValue.timestamp(measured.window.tracks_end),
        "detection_delay_hours": measured.window.delay_hours,
    }


def without_history(evaluations: Sequence[Evaluation]) -> list[str]:
    """The names of the checks that have no result, because no series of theirs has enough history."""
    return [each.check.name for each in evaluations if each.result is Result.NOT_ENOUGH_HISTORY]


def evaluation_result(evaluation: Evaluation, shown: EvaluatedDay, found: Message) -> dg.AssetCheckResult:
    """An evaluation as Dagster's UI and alerts take it."""
    expected = shown.expectation
    metadata: dict[str, Any] = {
        RESULT: evaluation.result.value,
        **(message_metadata(found) if evaluation.anomalies else {}),
        "day": dg.MetadataValue.timestamp(shown.day),
        "value": shown.value,
        "expected_low": round(expected.low),
        "expected": round(expected.expected),
        "expected_high": round(expected.high),
        "training_days": expected.training_days,
        "series": evaluation.series,
        "series_without_history": evaluation.without_history,
        "anomalies": len(evaluation.anomalies),
        "plot": dg.MetadataValue.md(markdown_image(training_window(shown), "The training days and the day")),
    }
    if evaluation.anomalies:
        metadata["anomalous_days"] = dg.MetadataValue.md(anomaly_table(evaluation.anomalies))
    return dg.AssetCheckResult(
        check_name=evaluation.check.name,
        asset_key=DAILY_METRICS_KEY,
        passed=evaluation.result is Result.PASSED,
        severity=dg.AssetCheckSeverity[evaluation.check.severity],
        description=found.text,
        metadata=metadata,
    )
