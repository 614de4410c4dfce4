"""What keeps consumers of tracks from being built on damage: conditions for the automation, a guard for every run.

Dagster's own blocking checks would fail the hourly run and so repeat it, and would know of the last hour only. So the
checks that hold consumers back fail no run: the team of tracks is alerted, and the consumers wait.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from tracks_assets.core.errors import ReportedError
from tracks_assets.core.tables import Table
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY, COUNTED_CHECKS
from tracks_assets.defs.quality.checks import BATCH_CHECKS
from tracks_assets.defs.quality.dbt_tests import DBT_CHECKS
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.quality.consumers import Evaluation, Holding, reasons
from tracks_assets.sources.mixpanel.tables import MP_EVENTS

MIXPANEL_KEY = table_key(MP_EVENTS)

BATCH = [dg.AssetCheckKey(TRACKS_KEY, name) for name, check in BATCH_CHECKS.items() if check.holds_consumers]
"""The checks of each hour that hold consumers back."""

FULL_TABLE = [dg.AssetCheckKey(CENSUS_KEY, name) for name in (*DBT_CHECKS, *COUNTED_CHECKS)]
"""The checks of the full table; each does."""

MIXPANEL = [dg.AssetCheckKey(MIXPANEL_KEY, "one_row_per_key")]
"""The check of Mixpanel's events that does."""

_MOST_EVALUATIONS = 1000
"""More than there are between two censuses."""

_NEXT_STEP = (
    "Repair the table, run an hour of tracks and the job tracks_checks (docs/consumers.md), then run this again."
)


class NotBuiltError(ReportedError):
    """A model that was not built, because what it is made of may be damaged."""


def refuse_damage(instance: dg.DagsterInstance, table: Table) -> None:
    """The guard of a consumer, for runs that anybody starts.

    Raises:
        NotBuiltError: a check that holds consumers back has failed, or was not evaluated.
    """
    found = reasons(holding_checks(instance))
    if found:
        raise NotBuiltError(f"{table} is not built, because {' and '.join(found)}.", next_step=_NEXT_STEP)


def holding_checks(instance: dg.DagsterInstance) -> list[Holding]:
    """What Dagster knows of the checks that hold consumers back."""
    merged, counted = _materialized(instance, TRACKS_KEY), _materialized(instance, CENSUS_KEY)
    never = datetime.min.replace(tzinfo=UTC)
    return [
        *(_holding(instance, key, must_follow=merged or never, failed_since=counted or never) for key in BATCH),
        *(_holding(instance, key) for key in (*FULL_TABLE, *MIXPANEL)),
    ]


def _holding(
    instance: dg.DagsterInstance,
    key: dg.AssetCheckKey,
    must_follow: datetime | None = None,
    failed_since: datetime | None = None,
) -> Holding:
    asset = key.asset_key.to_user_string()
    return Holding(asset, key.name, _evaluations(instance, key), must_follow, failed_since)


def _evaluations(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> Sequence[Evaluation]:
    history = instance.event_log_storage.get_asset_check_execution_history(key, limit=_MOST_EVALUATIONS)
    return [
        Evaluation(each.status.value == "SUCCEEDED", datetime.fromtimestamp(each.event.timestamp, UTC))
        for each in history
        if each.event is not None and each.status.value in ("SUCCEEDED", "FAILED")
    ]


def _materialized(instance: dg.DagsterInstance, key: dg.AssetKey) -> datetime | None:
    event = instance.get_latest_materialization_event(key)
    return datetime.fromtimestamp(event.timestamp, UTC) if event else None


def when_sound() -> dg.AutomationCondition[dg.AssetKey]:
    """True once something upstream was updated, as soon as no check holds consumers back.

    The labels are what the page of the asset shows of each evaluation.
    """
    when = dg.AutomationCondition
    # A model behind the union follows tracks as the union does, so its page names what holds it back as well.
    merged: dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey] = when.asset_matches(
        TRACKS_KEY, when.newly_updated()
    )
    updated = (when.newly_missing() | when.any_deps_updated() | merged).since_last_handled()
    counted = when.asset_matches(CENSUS_KEY, when.newly_updated()).with_label("census_taken")
    failed_before_count = _any_failed(TRACKS_KEY, BATCH).newly_true().since(counted)
    return (
        updated.with_label("upstream_updated")
        & _all_passed(TRACKS_KEY, BATCH)
        & (~failed_before_count).with_label("no_hour_failed_since_the_census")
        & (~_any_failed(CENSUS_KEY, FULL_TABLE)).with_label("no_check_of_the_full_table_failed")
        & (~_any_failed(MIXPANEL_KEY, MIXPANEL)).with_label("no_check_of_mixpanel_failed")
        & ~when.any_deps_in_progress()
        & ~when.in_progress()
    ).with_label("upstream_is_sound")


def _all_passed(asset: dg.AssetKey, checks: Sequence[dg.AssetCheckKey]) -> dg.AutomationCondition[dg.AssetKey]:
    passed = dg.AutomationCondition.all_checks_match(dg.AutomationCondition.check_passed())
    found = passed.allow(dg.AssetSelection.checks(*checks))
    return dg.AutomationCondition.asset_matches(asset, found).with_label("hourly_checks_passed")


def _any_failed(asset: dg.AssetKey, checks: Sequence[dg.AssetCheckKey]) -> dg.AutomationCondition[dg.AssetKey]:
    failed = dg.AutomationCondition.any_checks_match(dg.AutomationCondition.check_failed())
    return dg.AutomationCondition.asset_matches(asset, failed.allow(dg.AssetSelection.checks(*checks)))
