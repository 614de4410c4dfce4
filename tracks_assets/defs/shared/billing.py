"""Job labels and billing metadata of an engine that bills its jobs."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.shared.partitions import hours_of, partition_key
from tracks_assets.quality.pages import size_text
from tracks_assets.warehouse.results import HourCost, Usage

_LONGEST = 63
"""Characters that BigQuery allows in a label's value, of these kinds: https://cloud.google.com/bigquery/docs/labels-intro."""


def label(text: str) -> str:
    """A text as the value of a label."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:_LONGEST]


def job_labels(asset: str, run_id: str, window: dg.TimeWindow | None = None) -> dict[str, str]:
    """The labels of the jobs of one step, which separate their cost from others'.

    Args:
        asset: the asset, check or job that they are for.
        run_id: the run of Dagster's.
        window: the hours, where it is partitioned.
    """
    labels = {"asset": label(asset), "run": label(run_id)}
    return labels | ({"partition": label(_named(window))} if window else {})


def _named(window: dg.TimeWindow) -> str:
    keys = [partition_key(hour) for hour in hours_of(window)]
    return keys[0] if len(keys) == 1 else f"{keys[0]}_{keys[-1]}"


def usage_metadata(usage: Usage | None, since: Usage | None = None) -> Mapping[str, Any]:
    """What was billed, as numbers that the UI plots; nothing that the engine does not report.

    Args:
        usage: what was used.
        since: what had been used before, and is left out.
    """
    if usage is None:
        return {}
    usage = usage.since(since or Usage())
    reported = {
        "jobs": usage.jobs,
        "bytes_billed": usage.bytes_billed,
        "slot_ms": usage.slot_ms,
        "dml_rows_inserted": usage.inserted,
        "dml_rows_updated": usage.updated,
        "dml_rows_deleted": usage.deleted,
    }
    return {name: number for name, number in reported.items() if number is not None}


def hour_cost(hour: datetime, seconds: float, usage: Usage | None, before: Usage | None) -> HourCost:
    """What an hour took.

    Args:
        hour: its start.
        seconds: how long it took.
        usage: what was used since the warehouse was opened; None on an engine that bills nothing.
        before: what had been used before the hour.
    """
    if usage is None:
        return HourCost(hour, round(seconds * 1000))
    used = usage.since(before or Usage())
    return HourCost(hour, round(seconds * 1000), used.bytes_billed, used.slot_ms)


def usage_line(purpose: str, usage: Usage) -> str:
    """The log line for what a step was billed."""
    jobs = "1 job" if usage.jobs == 1 else f"{usage.jobs:,} jobs"
    return f"{billed_text(usage.bytes_billed, usage.slot_ms)} for {purpose}, in {jobs}."


def billed_text(bytes_billed: int, slot_ms: int) -> str:
    """What was billed, in a few words."""
    return f"{size_text(bytes_billed)} billed and {slot_ms / 1000:,.1f} slot seconds"
