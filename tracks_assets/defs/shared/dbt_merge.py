"""Merges by dbt: one model over the hours of a run, one call for the whole range."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliEventMessage, DbtCliInvocation

from tracks_assets.core.errors import TransientWarehouseError
from tracks_assets.core.tables import Table
from tracks_assets.defs.shared.billing import job_labels
from tracks_assets.defs.shared.dbt_results import Results, cause_of, errors_in, results_of, usage_of
from tracks_assets.defs.shared.merge_report import MergeError, merge_failure
from tracks_assets.defs.shared.partitions import hours_of, merge_windows, partition_key, window_of
from tracks_assets.defs.shared.resources import DbtRunner, WarehouseOpener
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Usage


@dataclass(frozen=True)
class MergeModel:
    """A dbt model that merges hours into a table.

    Attributes:
        name: the model, or several with spaces between, of which the first fills the table.
        table: its table.
        manifest: the project's manifest.
        translator: gives models their asset keys.
        length: how long a partition is.
    """

    name: str
    table: Table
    manifest: Mapping[str, Any]
    translator: DagsterDbtTranslator
    length: timedelta = HOUR


@dataclass(frozen=True)
class Merged:
    """One call of dbt that has merged a window.

    Attributes:
        window: the hours.
        events: what dbt reported.
        seconds: how long it took.
        billed: what its jobs were billed.
    """

    window: dg.TimeWindow
    events: Sequence[DbtCliEventMessage]
    seconds: float
    billed: Usage


def merged_windows(
    context: dg.AssetExecutionContext, dbt: DbtRunner, warehouse: WarehouseOpener, model: MergeModel
) -> Iterator[Merged]:
    """Merges the hours of the run, a month at a time; the warehouse is closed whenever it yields.

    Raises:
        TransientWarehouseError: dbt failed for a reason that passes.
        MergeError: dbt failed for another reason.
    """
    hours = window_of(context, model.length)
    with warehouse.opened(context, model.table.name, hours):
        context.log.debug("The warehouse's tables are in place.")
    for number, window in enumerate(merge_windows(hours)):
        started = time.monotonic()
        merge = dbt.run(
            ["run", "--select", model.name],
            run_name=f"{context.run.run_id}-{number}",
            variables=merge_variables(model.table, window, context.run.run_id),
            manifest=model.manifest,
            translator=model.translator,
            context=context,
        )
        events = list(merge.stream_raw_events())
        if not merge.is_successful():
            raise _failure(model, merge, events, window, warehouse.warehouse())
        seconds = time.monotonic() - started
        yield Merged(window, events, seconds, usage_of(results_of(_results_file(merge))))


def label_variables(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels of dbt's jobs, as its macro ``tracks_query_comment`` reads them."""
    return {"TRACKS_RUN_LABEL": labels["run"], "TRACKS_PARTITION_LABEL": labels.get("partition", "")}


def merge_variables(table: Table, window: dg.TimeWindow, run_id: str) -> dict[str, str]:
    """The environment variables of one merge: its window, and the labels of its jobs."""
    return label_variables(job_labels(table.name, run_id, window)) | {
        "TRACKS_RUN_ID": run_id,
        "TRACKS_WINDOW_START": window.start.isoformat(),
        "TRACKS_WINDOW_END": window.end.isoformat(),
    }


def _cause(names: str, results: Results, error_text: str) -> str:
    """Why the first of some models that failed did so."""
    failed = [name for name in names.split() if results.get(name, {}).get("status") == "error"]
    return cause_of((failed or names.split())[0], results, error_text)


def _results_file(merge: DbtCliInvocation) -> Path:
    return merge.target_path / "run_results.json"


def _failure(
    model: MergeModel,
    merge: DbtCliInvocation,
    events: Sequence[DbtCliEventMessage],
    window: dg.TimeWindow,
    engine: Warehouse,
) -> MergeError | TransientWarehouseError:
    """What became of a merge that dbt did not finish."""
    cause = _cause(model.name, results_of(_results_file(merge)), errors_in(events))
    hours = [partition_key(hour, model.length) for hour in hours_of(window, model.length)]
    diagnosis = engine.diagnose(cause)
    kind: type[MergeError | TransientWarehouseError] = TransientWarehouseError if diagnosis.passes else MergeError
    return merge_failure(kind, model.table, hours[0], hours[-1], cause, diagnosis.next_step)
