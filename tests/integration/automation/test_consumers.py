"""Damage of tracks is found by its own checks first: what is made of tracks waits, says why, and follows the repair."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.alerts.conftest import receiver  # noqa: F401 (fixture)
from tests.alerts.receiver import HttpReceiver
from tests.integration.graph.conftest import Home
from tests.support import warm
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.alerts.sensor import alert_sensor
from tracks_assets.defs.consumers.gate import BATCH, FULL_TABLE, MIXPANEL
from tracks_assets.defs.consumers.models import SENSOR
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS

START = datetime(2026, 3, 12, tzinfo=UTC)
FIRST, SECOND, THIRD = "2026-03-12-00:00", "2026-03-12-01:00", "2026-03-12-02:00"
GROWTH, MARKETING = table_key(GROWTH_EVENTS), table_key(INSTALLS_SUBSCRIBERS)
CONSUMERS = {GROWTH, MARKETING}

FOUND = f"select coalesce(sum(installs), 0) from {INSTALLS_SUBSCRIBERS}"
EXPECTED = "select count(distinct user_id) from posthog.tracks where event_name = 'Application Installed'"
DUPLICATE = "insert into posthog.tracks from posthog.tracks where event_name = 'Application Installed'"
DEDUPLICATE = """
    delete from posthog.tracks
    where rowid not in (select min(rowid) from posthog.tracks group by event_id)
"""


class Automation:
    """The conditions of the real graph on a real instance, evaluated one after another."""

    def __init__(self, home: Home) -> None:
        self.home, self.definitions = home, build_definitions(home.settings)
        self.cursor: Any = None
        self.evaluated: dict[Any, Any] = {}

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        with dg.DagsterInstance.from_config(str(self.home.path / "dagster")) as instance:
            yield instance

    def requested(self) -> set[dg.AssetKey]:
        """What the next evaluation requests."""
        with self.instance() as instance:
            result = dg.evaluate_automation_conditions(
                self.definitions,
                instance,
                asset_selection=dg.AssetSelection.assets(*CONSUMERS),
                cursor=self.cursor,
            )
        self.cursor, self.evaluated = result.cursor, {each.key: each for each in result.results}
        return {key for key in CONSUMERS if result.get_num_requested(key)}

    def waits_for(self, asset: dg.AssetKey) -> str | None:
        """The first condition of an asset that was not true at the last evaluation, as its page names it."""
        children = self.evaluated[asset].child_results
        label: str | None = next(each.condition.get_label() for each in children if each.true_subset.is_empty)
        return label

    def build(self, *assets: dg.AssetKey) -> dg.ExecuteInProcessResult:
        """A run of consumers, as the automation or a person starts it."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        with self.instance() as instance, warm.beside_python():
            return job.execute_in_process(asset_selection=list(assets), instance=instance, raise_on_error=False)

    def send_alerts(self) -> None:
        with self.instance() as instance, dg.build_sensor_context(instance, definitions=self.definitions) as context:
            alert_sensor(self.home.settings)(context)


def error_of(run: dg.ExecuteInProcessResult, asset: dg.AssetKey) -> str:
    """The message of the error of an asset that was not built."""
    data = run.failure_data_for_node(asset.to_python_identifier())
    assert data is not None
    assert data.error is not None
    cause = data.error.cause or data.error
    return cause.message


def value(home: Home, query: str) -> int:
    with home.warehouse().opened() as warehouse:
        ((number,),) = warehouse.connection.execute(query).fetchall()
    return int(number)


def change(home: Home, statement: str) -> None:
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(statement)


@pytest.mark.thorough
@pytest.mark.slow
def test_consumers_wait_while_tracks_is_damaged_and_follow_its_repair(
    new_home: Callable[..., Home],
    receiver: HttpReceiver,  # noqa: F811
) -> None:
    home = new_home(TRACKS_ALERT_URLS=receiver.url)
    list(write_hours(home.path / "export", START, 3, ExportPlan(events_per_hour=2000, people=200, malformed_share=0)))
    automation = Automation(home)
    assert automation.requested() == set()
    refused = automation.build(GROWTH)
    assert "the check unique_event_id of posthog/tracks was not evaluated" in error_of(refused, GROWTH)

    assert home.run_hours(FIRST).success
    assert automation.requested() == CONSUMERS
    assert automation.build(*CONSUMERS).success
    assert automation.requested() == set(), "nothing is new"
    before = value(home, FOUND)
    assert before == value(home, EXPECTED) > 0

    # Damage: the check of the hour finds it, the team of tracks is alerted, and nothing is built of it.
    change(home, DUPLICATE)
    assert home.run_hours(FIRST).success
    automation.send_alerts()
    assert "[ERROR] Check unique_event_id failed on posthog/tracks" in receiver.titles
    assert automation.requested() == set()
    assert automation.waits_for(GROWTH) == automation.waits_for(MARKETING) == "hourly_checks_passed"
    refused = automation.build(GROWTH, MARKETING)
    assert not refused.success
    message = error_of(refused, GROWTH)
    assert "growth.int_events_growth_union_events is not built" in message
    assert "the check unique_event_id of posthog/tracks failed at" in message
    assert "marketing.installs" in error_of(automation.build(MARKETING), MARKETING)

    # The next hour is sound, and hides nothing.
    assert home.run_hours(SECOND).success
    assert automation.requested() == set()
    assert automation.waits_for(GROWTH) == "no_hour_failed_since_the_census"
    assert "unique_event_id of posthog/tracks failed" in error_of(automation.build(MARKETING), MARKETING)

    # The census finds it in the full table.
    assert home.run_job("tracks_checks").success
    assert automation.requested() == set()
    assert automation.waits_for(MARKETING) == "no_check_of_the_full_table_failed"
    message = error_of(automation.build(MARKETING), MARKETING)
    assert "the check unique_event_id_all of posthog/duplicate_census failed at" in message
    assert value(home, FOUND) == before

    # After the repair and a census, they are built, with the hour that came meanwhile.
    change(home, DEDUPLICATE)
    assert home.run_job("tracks_checks").success
    assert automation.requested() == CONSUMERS
    assert automation.build(*CONSUMERS).success
    assert value(home, FOUND) == value(home, EXPECTED) > before


def report(automation: Automation, *materialized: dg.AssetKey, failed: Collection[str] = ()) -> None:
    """Records materializations, and then an evaluation of each of their checks that holds consumers back."""
    with automation.instance() as instance:
        for asset in materialized:
            partition = FIRST if asset == TRACKS_KEY else None
            instance.report_runless_asset_event(dg.AssetMaterialization(asset, partition=partition))
            for check in (each for each in (*BATCH, *FULL_TABLE, *MIXPANEL) if each.asset_key == asset):
                passed = check.name not in failed
                evaluation = dg.AssetCheckEvaluation(asset_key=asset, check_name=check.name, passed=passed, metadata={})
                instance.report_runless_asset_event(evaluation)


def test_consumers_are_requested_only_while_tracks_is_sound(new_home: Callable[..., Home]) -> None:
    """On a record of Dagster's, without a run; the story above shows the same with real runs."""
    automation = Automation(new_home())
    assert automation.requested() == set()
    report(automation, TRACKS_KEY, CENSUS_KEY)
    assert automation.requested() == CONSUMERS
    report(automation, GROWTH, MARKETING)
    assert automation.requested() == set(), "nothing is new"

    report(automation, TRACKS_KEY, failed=["unique_event_id"])
    assert automation.requested() == set()
    assert automation.waits_for(GROWTH) == automation.waits_for(MARKETING) == "hourly_checks_passed"
    report(automation, TRACKS_KEY)
    assert automation.requested() == set(), "a sound hour hides nothing"
    assert automation.waits_for(GROWTH) == "no_hour_failed_since_the_census"

    report(automation, CENSUS_KEY, failed=["unique_event_id_all"])
    assert automation.requested() == set()
    assert automation.waits_for(MARKETING) == "no_check_of_the_full_table_failed"
    report(automation, CENSUS_KEY)
    assert automation.requested() == CONSUMERS


@pytest.mark.parametrize(("automation", "status"), [("on", "RUNNING"), ("off", "STOPPED")])
def test_the_sensor_follows_the_setting(new_home: Callable[..., Home], automation: str, status: str) -> None:
    definitions = build_definitions(new_home(TRACKS_AUTOMATION=automation).settings)
    (sensor,) = (each for each in definitions.sensors or () if each.name == SENSOR)
    assert sensor.default_status.value == status
