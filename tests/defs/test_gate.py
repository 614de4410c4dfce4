"""The guard of consumers on Dagster's own record: each check that holds them back does, for as long as it must."""

from collections.abc import Iterator

import dagster as dg
import pytest

from tracks_assets.defs.consumers.gate import BATCH, FULL_TABLE, MIXPANEL, NotBuiltError, refuse_damage
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.warehouse.tables import GROWTH_EVENTS

HOLDING = [*BATCH, *FULL_TABLE, *MIXPANEL]


@pytest.fixture
def sound() -> Iterator[dg.DagsterInstance]:
    """A record of an hour and a census whose checks have all passed."""
    with dg.DagsterInstance.ephemeral() as instance:
        for asset in (TRACKS_KEY, CENSUS_KEY):
            instance.report_runless_asset_event(dg.AssetMaterialization(asset))
        evaluate(instance, *HOLDING, passed=True)
        yield instance


def evaluate(instance: dg.DagsterInstance, *checks: dg.AssetCheckKey, passed: bool) -> None:
    for check in checks:
        event = dg.AssetCheckEvaluation(check_name=check.name, asset_key=check.asset_key, passed=passed, metadata={})
        instance.report_runless_asset_event(event)


def test_what_has_passed_holds_nothing_back(sound: dg.DagsterInstance) -> None:
    refuse_damage(sound, GROWTH_EVENTS)


@pytest.mark.parametrize("check", HOLDING, ids=lambda check: check.name)
def test_each_check_that_failed_is_named(sound: dg.DagsterInstance, check: dg.AssetCheckKey) -> None:
    evaluate(sound, check, passed=False)
    asset = check.asset_key.to_user_string()
    with pytest.raises(NotBuiltError, match=f"{GROWTH_EVENTS} is not built, .*check {check.name} of {asset} failed at"):
        refuse_damage(sound, GROWTH_EVENTS)


@pytest.mark.parametrize("check", BATCH, ids=lambda check: check.name)
def test_a_batch_that_failed_counts_until_the_next_census(sound: dg.DagsterInstance, check: dg.AssetCheckKey) -> None:
    evaluate(sound, check, passed=False)
    evaluate(sound, check, passed=True)
    with pytest.raises(NotBuiltError, match=f"the check {check.name} of .* failed at"):
        refuse_damage(sound, GROWTH_EVENTS)
    sound.report_runless_asset_event(dg.AssetMaterialization(CENSUS_KEY))
    refuse_damage(sound, GROWTH_EVENTS)


def test_an_hour_that_nobody_checked_is_named(sound: dg.DagsterInstance) -> None:
    sound.report_runless_asset_event(dg.AssetMaterialization(TRACKS_KEY))
    with pytest.raises(NotBuiltError, match="was not evaluated since posthog/tracks was last changed"):
        refuse_damage(sound, GROWTH_EVENTS)
