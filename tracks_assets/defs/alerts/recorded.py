"""What Dagster recorded since the last tick of the alerts, as plain facts: runs, evaluations without a run, and ticks.

Runs are found by their end, because a query for evaluations by cursor fails on Dagster's default storage. The result of
a check is therefore seen when its run ends.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import dagster as dg

from tracks_assets.alerts.facts import CheckResult, FailedStep, Figure, FinishedRun, Ticks
from tracks_assets.alerts.hours import Hours
from tracks_assets.quality.message import moment_text

RUNS = "runs"
EVALUATIONS = "evaluations"
"""The names of the positions."""

LOOK_BACK = timedelta(days=1)
"""How far the very first tick looks back, so that what is red now is reported."""

BATCH = 100
"""Ends of runs, of each kind, that one tick reads."""

OVERLAP = 50
"""Ends that are read again each tick: a database with several writers may show a smaller number after a larger one."""

_ENDS: dict[str, Literal["success", "failure", "canceled"]] = {
    "PIPELINE_SUCCESS": "success",
    "PIPELINE_FAILURE": "failure",
    "PIPELINE_CANCELED": "canceled",
}

_RECORDS = {
    dg.DagsterEventType.ASSET_CHECK_EVALUATION,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED,
    dg.DagsterEventType.STEP_FAILURE,
}

_IMPLICIT_JOB = "__"
"""How Dagster's names of jobs begin that nobody defined."""

NOT_ENOUGH_HISTORY = "not_enough_history"
"""The metadata key under which an asset names checks without enough history: they have no result, and no incident."""

_TICKS = 6
_BLOCKING = "DagsterAssetCheckFailedError"
_WRAPPERS = re.compile(r"Dagster\w*|\w*(?:Sensor|Schedule|Partition|Run)\w*ExecutionError")


@dataclass(frozen=True)
class Graph:
    """What the definitions say about assets and checks.

    Attributes:
        rules: each check's own description, by asset and check.
        partitioned: the assets that have partitions.
        children: the assets that read an asset.
        ticking: the names of sensors and schedules.
    """

    rules: Mapping[tuple[str, str], str]
    partitioned: frozenset[str]
    children: Mapping[str, tuple[str, ...]]
    ticking: frozenset[str]

    @classmethod
    def of(cls, repository: dg.RepositoryDefinition) -> "Graph":
        """The graph of a code location."""
        graph = repository.asset_graph
        nodes = {node.key.to_user_string(): node for node in graph.asset_nodes}
        return cls(
            rules={
                (key.asset_key.to_user_string(), key.name): graph.get_check_spec(key).description or ""
                for key in graph.asset_check_keys
            },
            partitioned=frozenset(name for name, node in nodes.items() if node.partitions_def is not None),
            children={
                name: tuple(sorted(child.to_user_string() for child in node.child_keys)) for name, node in nodes.items()
            },
            ticking=frozenset(each.name for each in repository.sensor_defs)
            | frozenset(each.name for each in repository.schedule_defs),
        )

    def downstream(self, asset: str) -> tuple[str, ...]:
        """Every asset that reads an asset, directly or through others, nearest first."""
        found: dict[str, None] = {}
        waiting = list(self.children.get(asset, ()))
        while waiting:
            child = waiting.pop(0)
            if child != asset and child not in found:
                found[child] = None
                waiting += self.children.get(child, ())
        return tuple(found)


@dataclass(frozen=True)
class Source:
    """Dagster's instance, as far as one code location is concerned."""

    instance: dg.DagsterInstance
    graph: Graph
    location: str | None

    def finished_runs(self, position: Mapping[str, Any] | None, now: datetime) -> tuple[list[FinishedRun], Any]:
        """The runs that ended since a position, in the order in which they ended, and the new position."""
        before = {kind: (position or {}).get(kind) or self._day_ago(kind, now) for kind in _ENDS}
        found = {kind: self._ends(kind, before[kind]) for kind in _ENDS}
        # Ends of one kind that are beyond this batch wait for the next tick, and those of the others with them.
        full = [records[-1].storage_id for records, is_full in found.values() if is_full]
        bound = min(full) if full else None
        runs: list[tuple[int, FinishedRun]] = []
        after: dict[str, Any] = {}
        for kind, (records, _) in found.items():
            seen = set(before[kind]["seen"])
            taken = [record for record in records if bound is None or record.storage_id <= bound]
            fresh = [record for record in taken if record.storage_id not in seen]
            runs += [(record.storage_id, run) for record, run in self._runs(kind, fresh)]
            after[kind] = _moved(before[kind], [record.storage_id for record in taken])
        return [run for _, run in sorted(runs, key=lambda each: each[0])], after

    def _day_ago(self, kind: str, now: datetime) -> dict[str, Any]:
        """The position of the very first look: the newest end that is older than a day."""
        event_type: Any = dg.DagsterEventType(kind)
        older = dg.RunStatusChangeRecordsFilter(event_type, before_timestamp=(now - LOOK_BACK).timestamp())
        records = self.instance.fetch_run_status_changes(older, limit=1).records
        return {"after": records[0].storage_id if records else -1, "seen": []}

    def _ends(self, kind: str, position: Mapping[str, Any]) -> tuple[Sequence[dg.EventLogRecord], bool]:
        """The ends of one kind after a position, and whether there may be more."""
        event_type: Any = dg.DagsterEventType(kind)
        wanted = dg.RunStatusChangeRecordsFilter(event_type, after_storage_id=position["after"])
        limit = BATCH + len(position["seen"])
        records = self.instance.fetch_run_status_changes(wanted, limit=limit, ascending=True).records
        return records, len(records) == limit

    def _runs(self, kind: str, records: Sequence[dg.EventLogRecord]) -> Iterator[tuple[dg.EventLogRecord, FinishedRun]]:
        ids = [record.run_id for record in records]
        known = {
            found.dagster_run.run_id: found.dagster_run
            for found in (self.instance.get_run_records(dg.RunsFilter(run_ids=ids)) if ids else ())
        }
        for record in records:
            run = known.get(record.run_id)
            if run is not None and self._is_ours(run):
                yield record, self._facts(kind, record, run)

    def _is_ours(self, run: dg.DagsterRun) -> bool:
        origin = run.remote_job_origin
        # A run that was started by the command line has no origin.
        return origin is None or self.location is None or origin.location_name == self.location

    def _facts(self, kind: str, record: dg.EventLogRecord, run: dg.DagsterRun) -> FinishedRun:
        hours = hours_of(run.tags)
        events = self.instance.get_records_for_run(run.run_id, of_type=_RECORDS).records
        results = tuple(
            self._result(event.asset_check_evaluation_data, entry.timestamp, hours)
            for entry, event in _events(events, "ASSET_CHECK_EVALUATION")
        )
        planned = [event.asset_check_planned_data for _, event in _events(events, "ASSET_CHECK_EVALUATION_PLANNED")]
        wanted = {(each.asset_key.to_user_string(), each.check_name) for each in planned}
        missing = wanted - {(result.asset, result.check) for result in results}
        will_retry = run.tags.get("dagster/will_retry") == "true"
        return FinishedRun(
            run_id=run.run_id,
            job="" if run.job_name.startswith(_IMPLICIT_JOB) else run.job_name,
            # Dagster runs it again by itself: the last attempt is reported.
            status="canceled" if kind == "PIPELINE_FAILURE" and will_retry else _ENDS[kind],
            ended=datetime.fromtimestamp(record.timestamp, UTC),
            hours=hours,
            results=results,
            unevaluated=tuple(sorted(missing - self._without_history(run.run_id, {asset for asset, _ in missing}))),
            planned=self._assets(run.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED),
            materialized=self._assets(run.run_id, dg.DagsterEventType.ASSET_MATERIALIZATION),
            failed_steps=tuple(_failed_step(event) for _, event in _events(events, "STEP_FAILURE")),
            message=_message_of(record),
        )

    def _without_history(self, run_id: str, assets: set[str]) -> set[tuple[str, str]]:
        """The checks of which a run's materializations say that they have not enough history."""
        if not assets:
            return set()
        records = self.instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
        return {
            (materialization.asset_key.to_user_string(), check)
            for record in records
            if (materialization := record.asset_materialization) is not None
            for check in _names(materialization.metadata.get(NOT_ENOUGH_HISTORY))
            if materialization.asset_key.to_user_string() in assets
        }

    def _assets(self, run_id: str, of_type: dg.DagsterEventType) -> tuple[str, ...]:
        return tuple(sorted(key.to_user_string() for key in self.instance.get_asset_keys_for_run(run_id, of_type)))

    def _result(self, evaluation: dg.AssetCheckEvaluation, at: float, hours: Hours) -> CheckResult:
        asset, check = evaluation.asset_key.to_user_string(), evaluation.check_name
        partition = evaluation.partition
        metadata = {name: _readable(value) for name, value in evaluation.metadata.items()}
        own = Hours.between(partition) if partition else (hours if asset in self.graph.partitioned else Hours())
        return CheckResult(
            asset=asset,
            check=check,
            passed=evaluation.passed,
            at=datetime.fromtimestamp(at, UTC),
            severity="WARN" if evaluation.severity is dg.AssetCheckSeverity.WARN else "ERROR",
            rule=self.graph.rules.get((asset, check), ""),
            description=evaluation.description or "",
            finding=_text(metadata, "finding"),
            comparison=_text(metadata, "comparison"),
            next_step=_text(metadata, "next_step"),
            runbook=_text(metadata, "runbook"),
            figures=_figures(metadata),
            ids=tuple(filter(None, _text(metadata, "example_ids").split("\n"))),
            hours=own,
        )

    def evaluations_without_run(
        self, position: Mapping[str, int] | None, now: datetime
    ) -> tuple[list[CheckResult], dict[str, int]]:
        """The evaluations that a sensor or a script reported since a position, and the new position."""
        keys = [dg.AssetCheckKey(dg.AssetKey.from_user_string(asset), check) for asset, check in self.graph.rules]
        storage = self.instance.event_log_storage
        newest = storage.get_latest_asset_check_execution_by_key(keys)
        results: list[CheckResult] = []
        after = dict(position or {})
        for key, latest in newest.items():
            name = f"{key.asset_key.to_user_string()}:{key.name}"
            if latest.id <= after.get(name, -1):
                continue
            for each in self._history(key, after.get(name), now):
                if not each.run_id and each.event is not None and each.event.dagster_event is not None:
                    evaluation = each.event.dagster_event.asset_check_evaluation_data
                    results.append(self._result(evaluation, each.event.timestamp, Hours()))
            after[name] = latest.id
        return results, after

    def _history(self, key: dg.AssetCheckKey, position: int | None, now: datetime) -> Iterator[Any]:
        """The executions of a check after a position, newest first."""
        cursor: int | None = None
        oldest = (now - LOOK_BACK).timestamp()
        while True:
            page = self.instance.event_log_storage.get_asset_check_execution_history(key, limit=50, cursor=cursor)
            for each in page:
                if each.id <= (position or -1) or (position is None and each.create_timestamp < oldest):
                    return
                yield each
            if not page:
                return
            cursor = page[-1].id

    def ticks(self, own: str, now: datetime) -> Iterator[Ticks]:
        """How each sensor and schedule of the code location is doing, but for the alerts' own."""
        for state in self.instance.all_instigator_state():
            selector = state.repository_selector
            if state.name == own or (self.location is not None and selector.location_name != self.location):
                continue
            kind: Literal["sensor", "schedule"] = "sensor" if state.instigator_type.value == "SENSOR" else "schedule"
            if not state.is_running or state.name not in self.graph.ticking:
                # Switching it off, or removing it from the code, ends its incident.
                yield Ticks(kind, state.name, now, failures=0)
                continue
            recent = self.instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=_TICKS)
            finished = [tick for tick in recent if tick.status.value != "STARTED"]
            if finished:
                yield _ticks(kind, state.name, finished)


def _ticks(kind: Literal["sensor", "schedule"], name: str, finished: Sequence[Any]) -> Ticks:
    """A sensor's or schedule's finished ticks, newest first, as a fact."""
    failures = 0
    for tick in finished:
        if tick.status.value != "FAILURE":
            break
        failures += 1
    at = datetime.fromtimestamp(finished[0].timestamp, UTC)
    ticks = Ticks(kind, name, at, failures)
    if failures and finished[0].error is not None:
        error, message = cause_of(finished[0].error)
        ticks = replace(ticks, error=error, message=message)
    return ticks


def hours_of(tags: Mapping[str, str]) -> Hours:
    """The hours of a run, by its tags."""
    first, last = tags.get("dagster/asset_partition_range_start"), tags.get("dagster/asset_partition_range_end")
    if first and last:
        return Hours.between(first, last)
    key = tags.get("dagster/partition")
    return Hours.between(key) if key else Hours()


def _moved(position: Mapping[str, Any], taken: Sequence[int]) -> dict[str, Any]:
    """A position after some records: the newest of them are remembered, because they are read again."""
    seen = sorted(set(taken))
    after = position["after"]
    if len(seen) > OVERLAP:
        after = seen[-OVERLAP - 1]
        seen = seen[-OVERLAP:]
    return {"after": after, "seen": seen}


def _events(records: Iterable[dg.EventLogRecord], kind: str) -> Iterator[tuple[Any, Any]]:
    for record in records:
        entry = record.event_log_entry
        if entry.dagster_event is not None and entry.dagster_event.event_type_value == kind:
            yield entry, entry.dagster_event


def _failed_step(event: Any) -> FailedStep:
    info = event.step_failure_data.error
    error, message = cause_of(info) if info is not None else ("", "")
    return FailedStep(event.step_key or "", error, message, is_blocking_check=error.endswith(_BLOCKING))


def cause_of(info: Any) -> tuple[str, str]:
    """The class and the text of the error that the pipeline raised, below Dagster's own.

    Args:
        info: an error as Dagster stores it.
    """
    while info.cause is not None and _WRAPPERS.fullmatch(info.cls_name or ""):
        info = info.cause
    name, _, text = info.message.strip().partition(": ")
    return (name, text.strip()) if re.fullmatch(r"[\w.]+", name) else (info.cls_name or "", info.message.strip())


def _message_of(record: dg.EventLogRecord) -> str:
    event = record.event_log_entry.dagster_event
    return (event.message or "") if event is not None else ""


def _readable(value: dg.MetadataValue[Any]) -> object:
    """A metadata value, a moment as one: Dagster's own value of it is seconds since 1970."""
    return datetime.fromtimestamp(value.value, UTC) if isinstance(value, dg.TimestampMetadataValue) else value.value


def _figures(metadata: Mapping[str, object]) -> tuple[tuple[str, Figure], ...]:
    return tuple(
        (name, moment_text(value) if isinstance(value, datetime) else value)
        for name, value in metadata.items()
        if isinstance(value, int | float | datetime) and not isinstance(value, bool) and not name.startswith("dagster/")
    )


def _names(listed: dg.MetadataValue[Any] | None) -> list[str]:
    value = listed.value if listed is not None else None
    return [str(name) for name in value] if isinstance(value, list) else []


def _text(metadata: Mapping[str, object], name: str) -> str:
    value = metadata.get(name)
    return value if isinstance(value, str) else ""
