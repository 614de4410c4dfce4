"""The state of posthog.tracks in its metadata: computed with every hourly run and with every census.

A materialization of ``posthog/tracks`` has the state that was known before its checks, which run after it. What they
found goes into an observation of ``posthog/tracks``. These observations are also the record of the batches that the
state rests on until the next census.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.quality import census
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.collisions import count_collisions
from tracks_assets.quality.state import BatchResult, State, state_of
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import TRACKS

_TRACKS_KEY = table_key(TRACKS)

_MOST_BATCHES = 1000
"""More runs than there are between two censuses; without a census the state is unknown anyway."""


def state_metadata(state: State) -> dict[str, Any]:
    """A state as metadata."""
    steps = {"next_step": state.next_step} if state.next_step else {}
    return {"state": state.condition.value, "state_reason": state.sentence, **steps}


def batch_result(hours: str, result: CheckResult, now: datetime) -> BatchResult:
    """The result of the check ``unique_event_id`` of a batch, as the state takes it."""
    return BatchResult(now, hours, int(result.figures["batch_ids"]), int(result.figures["repeated_ids"]))


def known_state(instance: dg.DagsterInstance, warehouse: Warehouse, *results: BatchResult) -> State:
    """The state by the censuses, the batches that were observed since the newest one, and ``results``."""
    censuses = census.history(warehouse)
    newest = censuses[-1].measured_at if censuses else None
    batches = [*observed_batches(instance, newest), *results]
    return state_of(censuses, batches, count_collisions(warehouse).ids, datetime.now(UTC))


def observation(state: State, batch: BatchResult | None = None) -> dg.AssetObservation:
    """The state as an observation of ``posthog/tracks``, with the batch that it rests on."""
    return dg.AssetObservation(
        _TRACKS_KEY, metadata={**state_metadata(state), **(_batch_metadata(batch) if batch else {})}
    )


def observed_batches(instance: dg.DagsterInstance, since: datetime | None) -> list[BatchResult]:
    """The batches that were observed after a moment; none without one, because nothing is compared with them then."""
    if since is None:
        return []
    wanted = dg.AssetRecordsFilter(_TRACKS_KEY, after_timestamp=since.timestamp())
    records = instance.fetch_observations(wanted, limit=_MOST_BATCHES).records
    found = (record.asset_event.metadata for record in records if record.asset_event)
    return [_batch_of(metadata) for metadata in found if "repeated_ids" in metadata]


def _batch_metadata(batch: BatchResult) -> dict[str, Any]:
    return {**asdict(batch), "checked_at": batch.checked_at.isoformat()}


def _batch_of(metadata: Mapping[str, dg.MetadataValue[Any]]) -> BatchResult:
    values = {name: metadata[name].value for name in ("checked_at", "hours", "batch_ids", "repeated_ids")}
    return BatchResult(
        datetime.fromisoformat(str(values["checked_at"])),
        str(values["hours"]),
        int(str(values["batch_ids"])),
        int(str(values["repeated_ids"])),
    )
