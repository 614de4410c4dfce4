"""The sensors ``export_complete`` and ``persons_export_complete``: each complete export hour is loaded by itself.

It never opens the warehouse, which has one writer, and waits for nothing: a look takes one listing for each day that
has an open or watched hour. What follows from a look is decided in ``quality/export_complete.py``.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.posthog.export_runs import (
    EVENT_RUNS,
    PERSON_RUNS,
    REQUEST_TAG,
    FeedRuns,
    busy_hours,
    loaded_before,
    loaded_since,
    results,
)
from tracks_assets.defs.posthog.hourly import RAW_TRACKS_KEY
from tracks_assets.defs.posthog.persons import GROUP
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.posthog.upload_check import EVENTS_PARQUET_KEY, late_tags, sensor_evaluation
from tracks_assets.defs.shared.dead_runs import fail_dead_runs
from tracks_assets.defs.shared.partitions import export_hours, partition_key, range_tags
from tracks_assets.defs.shared.resources import ExportResource
from tracks_assets.quality.uploads.cursor import read_cursor, write_cursor
from tracks_assets.quality.uploads.export_complete import begin, decide, hours_to_admit
from tracks_assets.quality.uploads.look import Look
from tracks_assets.quality.uploads.state import Decision, Facts, Lateness, Request, Rules, State
from tracks_assets.settings import Settings

JOB, SENSOR = EVENT_RUNS.job, EVENT_RUNS.sensor

_MOST_NAMED = 3


def load_job() -> Any:
    """The job that loads and merges export hours; the sensor starts it."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(EVENTS_PARQUET_KEY, RAW_TRACKS_KEY, TRACKS_KEY),
        description="Loads export hours into raw_tracks and merges them into tracks, with the checks of the hours.",
    )


def persons_job() -> Any:
    """The job that loads and merges export hours of persons; their sensor starts it."""
    return dg.define_asset_job(
        PERSON_RUNS.job,
        selection=dg.AssetSelection.groups(GROUP),
        description="Loads export hours of persons, merges them into person_distinct_ids, and evaluates its checks.",
    )


def _utc_now() -> datetime:
    return datetime.now(UTC)


def export_sensor(
    settings: Settings, job: Any, clock: Callable[[], datetime] = _utc_now, of: FeedRuns = EVENT_RUNS
) -> dg.SensorDefinition:
    """The sensor of a feed.

    Args:
        settings: the rules, and whether the sensor is on from the start.
        job: the job that it starts.
        clock: the time in UTC.
        of: the feed, and how its runs are recorded.
    """
    rules = Rules.of(settings)

    @dg.sensor(
        name=of.sensor,
        job=job,
        minimum_interval_seconds=settings.upload_poke_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description=f"Starts {of.job} for every export hour whose upload is complete (docs/automation.md).",
    )
    def export_complete(context: dg.SensorEvaluationContext, export: ExportResource) -> dg.SensorResult | dg.SkipReason:
        for line in fail_dead_runs(context.instance):
            context.log.warning(line)
        now = clock()
        # Its layout is checked once a look, so each look starts with a new one.
        look = Look(replace(export, feed=of.feed))
        if not (context.cursor or of.expects_hours or look.newest):
            return dg.SkipReason(f"The export has no hours of {of.feed.name}.")
        state = (
            read_cursor(context.cursor)
            if context.cursor
            else begin(settings.export_start, look.oldest(settings.export_start), now)
        )
        decision = decide(state, _facts(context.instance, of, look, state, settings, now), rules, now)
        for line in decision.notes:
            context.log.warning(line)
        return _result(decision, of)

    return export_complete


def _facts(
    instance: dg.DagsterInstance, of: FeedRuns, look: Look, state: State, settings: Settings, now: datetime
) -> Facts:
    admitted = hours_to_admit(state, look.newest, now)
    keys = {entry.request for entry in state.hours.values() if entry.request is not None}
    return Facts(
        newest=look.newest,
        listings=look.listings([*state.hours, *admitted], state.hours),
        results=results(instance, of, keys),
        busy=busy_hours(instance, of),
        by_hand=loaded_since(instance, of, state.checked),
        already=loaded_before(instance, of, admitted, export_hours(settings)),
    )


def _result(decision: Decision, of: FeedRuns) -> dg.SensorResult:
    lateness = decision.lateness if of.expects_hours else Lateness()
    requests = [_run_request(request, lateness) for request in decision.requests]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _skip_reason(decision),
        cursor=write_cursor(decision.state),
        asset_events=[sensor_evaluation(lateness)] if decision.is_reported and of.expects_hours else [],
    )


def _run_request(request: Request, lateness: Lateness) -> dg.RunRequest:
    tags = {**range_tags(request.first, request.last), REQUEST_TAG: request.key, **late_tags(lateness)}
    return dg.RunRequest(run_key=request.key, tags=tags)


def _skip_reason(decision: Decision) -> str:
    loading = sum(entry.request is not None for entry in decision.state.hours.values())
    if loading:
        return "1 hour is being loaded." if loading == 1 else f"{loading:,} hours are being loaded."
    names = [partition_key(hour) for hour in decision.waiting]
    if not names and decision.lateness.hours:
        return f"No hour from {partition_key(decision.state.until)} on has files."
    if not names:
        return f"No upload is open; everything before {partition_key(decision.state.until)} is done."
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    return f"Waiting for the uploads of {', '.join(names[:_MOST_NAMED])}{more}."
