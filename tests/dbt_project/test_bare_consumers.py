"""Without Dagster, `dbt build --select +tag:marketing` alone builds what marketing reads, and nothing on damage."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.sources.posthog import feeds
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS

from .bare_dbt import BareDbt
from .test_bare_dbt import query

START = datetime(2026, 3, 12, tzinfo=UTC)
PLAIN_BUILD = ("build", "--select", "+tag:marketing")
BUILD = (*PLAIN_BUILD, "--exclude", "test_type:unit")
"""What a build does to tables, in a third of the time: unit tests read none."""
FOUND = f"select coalesce(sum(installs), 0) from {INSTALLS_SUBSCRIBERS}"
EXPECTED = "select count(distinct user_id) from posthog.tracks where event_name = 'Application Installed'"
MODELS = {"posthog_tracks", "stg_mp_dedup_events", "mp_events", GROWTH_EVENTS.name, INSTALLS_SUBSCRIBERS.name}


def load_an_hour(dbt: BareDbt, root: Path) -> None:
    """Loads an hour with installs into raw_tracks."""
    list(write_hours(root, START, 1, ExportPlan(events_per_hour=2000, people=200)))
    with dbt.warehouse.opened() as warehouse:
        assert warehouse.load_slice(feeds.EVENTS, Export(str(root)).inventory(START), START).accepted > 0


@pytest.mark.thorough
def test_marketing_is_built_by_itself_on_an_empty_and_on_a_filled_warehouse(dbt: BareDbt, tmp_path: Path) -> None:
    results = dbt.run(*PLAIN_BUILD)
    assert {result["status"] for result in results} == {"success", "pass"}
    built = {result["unique_id"].split(".")[2] for result in results if result["unique_id"].startswith("model.")}
    assert built == MODELS
    assert query(dbt, FOUND) == [(0,)]

    load_an_hour(dbt, tmp_path)
    dbt.run(*BUILD)
    ((installs,),) = query(dbt, FOUND)
    assert query(dbt, EXPECTED) == [(installs,)]
    assert installs > 0
    assert query(dbt, f"select count(*) from {GROWTH_EVENTS}") == query(dbt, "select count(*) from posthog.tracks")

    dbt.run(*BUILD, "--empty")
    assert query(dbt, FOUND) == [(installs,)], "an empty build empties nothing"


@pytest.mark.thorough
def test_marketing_is_not_built_on_damage(dbt: BareDbt, tmp_path: Path) -> None:
    load_an_hour(dbt, tmp_path)
    dbt.run(*BUILD)
    before = query(dbt, f"select * from {INSTALLS_SUBSCRIBERS} order by all")
    query(
        dbt, "insert into posthog.tracks from (select * replace (user_id || ' again' as user_id) from posthog.tracks)"
    )
    with pytest.raises(AssertionError, match="unique_event_id_all"):
        dbt.run(*BUILD)
    assert query(dbt, f"select * from {INSTALLS_SUBSCRIBERS} order by all") == before


@pytest.mark.thorough
def test_marketing_is_not_built_on_events_of_two_keys(dbt: BareDbt) -> None:
    """A run with another TRACKS_MIXPANEL_KEY leaves an event twice, under different ids."""
    dbt.run(*BUILD)
    event = "timestamptz '2026-03-12 00:00:00+00' as time, 'App Open' as event_name, 'u1' as distinct_id"
    for dedup_id in ("a", "8:App Open 2:u1 a"):
        query(dbt, f"insert into {MP_EVENTS} by name select '{dedup_id}' as dedup_id, 'a' as mp_insert_id, {event}")
    with pytest.raises(AssertionError, match="mp_one_row_per_event"):
        dbt.run(*BUILD)
