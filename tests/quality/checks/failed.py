"""A failed result of every check, and a message of every reason for a state that is not Healthy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.quality.checks.counted_rows import DAY, NOW
from tests.quality.checks.test_results import BEFORE, CENSUS, HOUR, WHOLE
from tests.quality.test_evaluation import CHECKS, days, named, series
from tests.status_page.samples import HALF_A_DAY, counted
from tracks_assets.defs.quality.freshness import CHECK as FRESHNESS
from tracks_assets.quality import checks, mixpanel, persons
from tracks_assets.quality.anomalies.evaluation import evaluate
from tracks_assets.quality.anomalies.series import Dimension, Metric
from tracks_assets.quality.anomalies.text import message
from tracks_assets.quality.checks import CheckResult, CutoverHour
from tracks_assets.quality.collisions import BatchCollisions, Collision, Identity, KeptCollisions
from tracks_assets.quality.fewer_rows import FewerRows, no_fewer_rows
from tracks_assets.quality.freshness import Limits, freshness
from tracks_assets.quality.message import Message
from tracks_assets.quality.mixpanel import DayQuality
from tracks_assets.quality.persons import (
    CrowdedPerson,
    CrowdedPersons,
    DuplicateMapping,
    DuplicateMappings,
    Team,
    Teams,
    UnmappedEvents,
)
from tracks_assets.quality.state import BatchResult, Condition, state_of
from tracks_assets.quality.uploads import check as upload
from tracks_assets.quality.uploads.state import Lateness

BOB = Identity("bob@example.com signed up", "bob")
COLLISIONS = BatchCollisions(200, 1, ("id-1",), (Collision("id-1", (BOB,), (BOB,)),))

DAY_ONE = datetime(2026, 3, 12, tzinfo=UTC)
_HOUR_NAME = "2026-03-12-05:00"
_LIMITS = Limits(timedelta(hours=2), timedelta(hours=4))
_REASON = "2026-03-12-00:00 has no files, and no later hour has any."

FAILED: dict[str, tuple[CheckResult, ...]] = {
    upload.CHECK: (
        upload.evaluate(Lateness(1, HOUR, HOUR, _REASON)),
        upload.evaluate(Lateness(3, HOUR, HOUR + timedelta(hours=2))),
    ),
    FRESHNESS: (freshness(None, NOW, _LIMITS), freshness(NOW - DAY, NOW, _LIMITS)),
    "rows_accounted_for": (
        checks.rows_accounted_for([replace(WHOLE, accepted=0)]),
        checks.rows_accounted_for([replace(WHOLE, accepted=2_000)]),
    ),
    "rejected_share": (checks.rejected_share([replace(WHOLE, rejected=500)], 0.1, 1),),
    "no_fewer_rows": (no_fewer_rows([FewerRows(HOUR, 10, 1_000), FewerRows(HOUR + timedelta(hours=1), 0, 12)]),),
    "unique_event_id": tuple(
        checks.unique_event_id_of_batch(_HOUR_NAME, 200, 12, ["id-1"], census)
        for census in (CENSUS, replace(CENSUS, excess_rows=0), None)
    ),
    "no_collisions": (checks.no_collisions_of_batch(_HOUR_NAME, COLLISIONS),),
    "cutover_share": (checks.cutover_share([CutoverHour(HOUR, 10, 9)], HOUR),),
    "unique_event_id_all": (
        checks.unique_event_id_all(2, None, colliding=1),
        checks.unique_event_id_all(2, HOUR),
    ),
    "event_id_not_null": (checks.not_null("event_id", 2),),
    "created_at_not_null": (checks.not_null("created_at", 1),),
    "flat_duplicate_count": (checks.flat_duplicate_count(replace(CENSUS, excess_rows=11), BEFORE),),
    "no_collisions_all": (checks.no_collisions_all(CENSUS, KeptCollisions(2, 1, ("id-1",))),),
    "one_row_per_key": (mixpanel.one_row_per_key(10, 2, ("id-1",)),),
    "days_have_files": (mixpanel.days_have_files({DAY_ONE: 0, DAY_ONE + DAY: 3}, DAY_ONE + 3 * DAY),),
    "keys_agree": (mixpanel.keys_agree([DayQuality(DAY_ONE, deliveries=10, keys_differ=2)]),),
    "one_row_per_distinct_id": (
        persons.one_row_per_distinct_id(DuplicateMappings(1, (DuplicateMapping(1, "bob@example.com", 2),))),
    ),
    "team_is_known": (
        persons.team_is_known(Teams(4, (Team(2, 900), Team(1, 1), Team(3, 1))), None),
        persons.team_is_known(Teams(1, (Team(2, 900),)), 7),
    ),
    "events_have_persons": (persons.events_have_persons(_HOUR_NAME, UnmappedEvents(200, 150), 50),),
    "distinct_ids_per_person": (
        persons.distinct_ids_per_person(CrowdedPersons(2, (CrowdedPerson("person-1", 4_000),)), 100),
    ),
    "created_at_kept": (checks.created_at_kept(replace(CENSUS, moved_rows=6), BEFORE),),
}
"""Failed results by the check's name."""

_STOPPED = series(days(0))
_LATE = series((4_200,) * 39 + (11_000,), metric=Metric.UPDATE_DELAY, table="raw_tracks")
_OF_NAME = named(BOB.event_name, 0)

ANOMALIES: dict[str, tuple[Message, ...]] = {
    "raw_tracks_volume": (message(evaluate(CHECKS["raw_tracks_volume"], [series(days(5_000), table="raw_tracks")])),),
    "tracks_volume": (message(evaluate(CHECKS["tracks_volume"], [_STOPPED]), hours_missing=2),),
    "event_name_volume": (message(evaluate(CHECKS["event_name_volume"], [_OF_NAME, named("new", number=3)])),),
    "client_volume": (message(evaluate(CHECKS["client_volume"], [series(days(0), "bob", Dimension.CLIENT)])),),
    "purchase_flow_volume": (
        message(evaluate(CHECKS["purchase_flow_volume"], [series(days(0), "purchase", Dimension.PURCHASE_FLOW)])),
    ),
    "update_delay": (message(evaluate(CHECKS["update_delay"], [_LATE])),),
}
"""Messages of anomalies by the check's name."""

_DAMAGE: dict[str, Any] = {"excess_rows": 460, "null_event_ids": 2, "colliding_event_ids": 1}
_EARLIER = counted(age=HALF_A_DAY)
_STATES = (
    state_of([], (), 0, NOW),
    state_of([counted(**_DAMAGE)], (), 0, NOW),
    state_of([_EARLIER, counted(**_DAMAGE)], (), 3, NOW),
    state_of([replace(_EARLIER, moved_rows=311), replace(counted(), moved_rows=312)], (), 0, NOW),
    state_of([counted()], [BatchResult(NOW + HALF_A_DAY, _HOUR_NAME, 400, 3)], 0, NOW),
)

REASONS = tuple(
    reason.message for state in _STATES for reason in state.reasons if reason.condition is not Condition.HEALTHY
)
"""Messages of the reasons for a state that is not Healthy."""

MESSAGES = (
    *(result.message for results in FAILED.values() for result in results),
    *(found for several in ANOMALIES.values() for found in several),
    *REASONS,
)
"""Every message about something that is wrong."""
