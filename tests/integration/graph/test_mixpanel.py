"""Mixpanel's export through the real graph: its own group, days as partitions, and one call of dbt for a range."""

import dagster as dg
import pytest

from examples.mixpanel_generator.generate import MixpanelPlan, write_days
from tests.integration.engines.mixpanel import Event, day_of, write_lines
from tests.integration.graph.conftest import Home
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.mixpanel.checks import CHECKS
from tracks_assets.defs.mixpanel.daily import JOB
from tracks_assets.defs.mixpanel.events import MODELS
from tracks_assets.defs.shared.feed_assets import load_checks
from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_PROCESSED_DAYS

SCHEMA = "mixpanel"
ASSETS = ("mp_export_files", "mp_master_event", *MODELS)
KEYS = [dg.AssetKey([SCHEMA, name]) for name in ASSETS]
RESUMED: dict[str, object] = {"ops": {"mixpanel__mp_master_event": {"config": {"resume": True}}}}


@pytest.fixture
def mixpanel_home(home: Home) -> Home:
    """A home whose settings name Mixpanel's export."""
    home.variables["TRACKS_MIXPANEL_URI"] = str(home.path / "mixpanel")
    home.variables["TRACKS_MIXPANEL_START"] = "2026-03-01"
    return home


def run(home: Home, first: str, last: str, *, resume: bool = False) -> dg.ExecuteInProcessResult:
    """Takes days through the assets."""
    return home.run_hours(first, last, ASSETS, SCHEMA, RESUMED if resume else None)


def count(home: Home, query: str) -> int:
    """The one number that a query gives."""
    with home.warehouse().opened() as warehouse:
        ((number,),) = warehouse.connection.execute(query).fetchall()
    return int(number)


@pytest.mark.thorough
def test_a_range_of_days_is_loaded_and_merged_by_one_call_of_dbt(mixpanel_home: Home) -> None:
    home, root = mixpanel_home, mixpanel_home.path / "mixpanel"
    written = write_days(root, MixpanelPlan(day_of(0), events_per_day=500, duplicate_share=0.02), 3)
    events = sum(day.deliveries - day.duplicates for day in written)
    result = run(home, "2026-03-01", "2026-03-03")
    assert result.success

    evaluated = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert evaluated.keys() == load_checks(MIXPANEL).keys() | CHECKS.keys()
    assert all(each.passed for each in evaluated.values())
    assert count(home, f"select count(*) from {MP_EVENTS}") == events
    duplicates = [home.metadata("mp_events", f"2026-03-0{day}", SCHEMA)["duplicates"] for day in (1, 2, 3)]
    assert sum(map(int, map(str, duplicates))) == sum(day.duplicates for day in written) > 0
    rejected = [home.metadata("mp_rejected_events", f"2026-03-0{day}", SCHEMA)["rows_rejected"] for day in (1, 2, 3)]
    assert rejected == duplicates
    assert count(home, "select sum(duplicates) from posthog_ops.mp_daily_quality") == sum(map(int, map(str, rejected)))
    assert len(list((home.settings.home / "dbt" / "runs").iterdir())) == 1

    # Another collision, and a range that is taken up again: what is loaded already is skipped.
    write_lines(root, 3, [Event("a", 3), Event("a", 3, name="Purchase"), {"event": "x", "properties": {}}])
    result = run(home, "2026-03-01", "2026-03-04", resume=True)
    assert result.success
    assert count(home, f"select count(*) from {MP_PROCESSED_DAYS}") == 4
    assert home.metadata("mp_master_event", "2026-03-02", SCHEMA)["skipped"] is True
    assert count(home, f"select count(*) from {MP_EVENTS}") == events + 1
    evaluated = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert {name for name, each in evaluated.items() if not each.passed} == {"keys_agree", "rejected_share"}
    assert "1 row is another event by Mixpanel's own key." in str(evaluated["keys_agree"].description)
    reasons = home.metadata("mp_rejected_events", "2026-03-04", SCHEMA)["by_reason"]
    assert reasons == {"collision": 1, "time is missing": 1}

    # The check looks at the full table: damage keeps it red, whatever day is merged next.
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            f"insert into {MP_EVENTS} select * from {MP_EVENTS} where time < '2026-03-02' limit 1"
        )
    evaluated = {each.check_name: each for each in run(home, "2026-03-04", "2026-03-04").get_asset_check_evaluations()}
    assert not evaluated["one_row_per_key"].passed


def test_who_exports_nothing_from_mixpanel_notices_nothing(home: Home) -> None:
    """The assets are there, and say what to set; no job but their own takes them along."""
    result = run(home, "2026-03-01", "2026-03-01")
    assert not result.success
    errors = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    assert any("Set TRACKS_MIXPANEL_URI to the folder" in error for error in errors)
    definitions = build_definitions(home.settings)
    graph = definitions.resolve_asset_graph()
    assert {graph.get(key).group_name for key in KEYS} == {"mixpanel"}
    for job in definitions.jobs or ():
        if job.name == JOB:
            continue
        selected = definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys
        assert not set(selected) & set(KEYS)
