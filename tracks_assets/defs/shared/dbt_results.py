"""The outcome of a call of dbt: what it recorded of each node (``run_results.json``), or else what it printed."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliEventMessage

from tracks_assets.warehouse.results import Usage

Results = Mapping[str, Mapping[str, Any]]

_MOST_CHARACTERS = 400
_NOT_THE_CAUSE = re.compile(r"^((Database|Runtime) Error in (model|test) |compiled code at )")


def results_of(file: Path) -> Results:
    """The results by the name of the model or test; none where dbt stopped before it ran any."""
    if not file.exists():
        return {}
    return {result["unique_id"].split(".")[2]: result for result in json.loads(file.read_text())["results"]}


def usage_of(results: Results) -> Usage:
    """What the nodes were billed, where the engine reports it."""
    reported = [result.get("adapter_response") or {} for result in results.values()]
    billed = [response for response in reported if response.get("bytes_billed") is not None]
    return Usage(
        jobs=len(billed),
        bytes_billed=sum(response["bytes_billed"] for response in billed),
        slot_ms=sum(response.get("slot_ms") or 0 for response in billed),
    )


def errors_in(events: Iterable[DbtCliEventMessage]) -> str:
    """The errors that dbt printed, one after another."""
    infos = (event.raw_event["info"] for event in events)
    return "; ".join(info["msg"] for info in infos if info["level"] == "error")


def cause_of(name: str, results: Results, error_text: str) -> str:
    """Why a model or test did not come to its end, in one line.

    Args:
        name: the model's or test's name.
        results: what dbt recorded.
        error_text: the errors that it printed.
    """
    reported = str(results.get(name, {}).get("message") or error_text or "it says nothing")
    lines = [line.strip() for line in reported.splitlines()]
    cause = " ".join(line for line in lines if line and not _NOT_THE_CAUSE.match(line))
    return (cause or reported.strip())[:_MOST_CHARACTERS].rstrip(". ")
