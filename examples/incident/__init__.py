"""The incident of 2026-06-12, made again in any size: how tracks came to hold events twice, and at wrong times."""

from examples.incident.build import (
    build_incident,
    deliver_again,
    fill_backfill_tracks,
    fill_tracks_the_old_way,
    old_day_scoped_merge,
    old_hourly_merge,
    validation_case,
    write_legacy,
)
from examples.incident.plan import (
    IncidentCounts,
    IncidentError,
    IncidentPlan,
    Kind,
    plan_incident,
    plan_validation,
)

__all__ = [
    "IncidentCounts",
    "IncidentError",
    "IncidentPlan",
    "Kind",
    "build_incident",
    "deliver_again",
    "fill_backfill_tracks",
    "fill_tracks_the_old_way",
    "old_day_scoped_merge",
    "old_hourly_merge",
    "plan_incident",
    "plan_validation",
    "validation_case",
    "write_legacy",
]
