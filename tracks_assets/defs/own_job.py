"""Checks that read the whole table run in a job of their own, and not with every hour that is merged.

Dagster gives every run of an asset all checks of that asset and has no switch to leave some out
(dagster-io/dagster#18124). Here a check can say that it belongs to a job of its own; what selects an asset, as the
command line, schedules and sensors do, then leaves it out, and what selects the check itself, as that job does, still
takes it. The UI is the exception: for a run or a backfill it names every check of the assets by itself, and the daemon
refuses a run that lacks one. There they run too, once in a run, however many hours it takes.
"""

from collections.abc import Set
from typing import Any

import dagster as dg

_MARK = "tracks/own_job"

_resolve_all = dg.AssetSelection.resolve_checks_inner


def own_job_metadata(job: str) -> dict[str, str]:
    """The metadata by which a check says that it belongs to ``job`` alone."""
    return {_MARK: job}


def _resolve_but_own(self: dg.AssetSelection, asset_graph: Any, allow_missing: bool) -> Set[dg.AssetCheckKey]:
    checks = _resolve_all(self, asset_graph, allow_missing)
    return {check for check in checks if _MARK not in (asset_graph.get_check_spec(check).metadata or {})}


def leave_own_job_checks_out() -> None:
    """Makes asset selections leave out the checks that have a job of their own; the process's definitions call it."""
    dg.AssetSelection.resolve_checks_inner = _resolve_but_own  # type: ignore[method-assign]
