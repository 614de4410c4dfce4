"""The persons export through the real graph: its own group, its own checks, and one call of dbt for a range."""

from datetime import UTC, datetime

import dagster as dg

from examples.export_generator.generate import ExportPlan, write_hour
from tests.integration.engines.persons import Person, hour_of, write_persons
from tests.integration.graph.conftest import Home
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.feed_assets import load_checks
from tracks_assets.sources.posthog.persons import PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

ASSETS = ("persons_parquet", "raw_persons", "person_distinct_ids")
KEYS = [dg.AssetKey(["posthog", name]) for name in ASSETS]


def test_a_range_of_persons_is_loaded_and_merged_by_one_call_of_dbt(home: Home) -> None:
    write_persons(home.path / "export", 0, [Person("a", "ann"), Person("b", "bob", 3)])
    write_persons(home.path / "export", 1, [Person("a", "ada", 1), Person("b", "old", 2), Person(None, "nobody")])
    result = home.run_hours("2026-03-12-00:00", "2026-03-12-02:00", ASSETS)
    assert result.success

    evaluated = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert evaluated.keys() == load_checks(PERSONS).keys()
    assert evaluated["rows_accounted_for"].passed
    assert "33.3 %" in str(evaluated["rejected_share"].description)
    assert "from posthog.rejected_persons" in str(evaluated["rejected_share"].description)
    assert home.metadata("raw_persons", "2026-03-12-01:00")["rows_rejected"] == 1
    assert home.metadata("persons_parquet", "2026-03-12-01:00")["unknown_fields"] == 0
    assert home.metadata("person_distinct_ids", "2026-03-12-02:00")["dagster/row_count"] == 2
    with home.warehouse().opened() as warehouse:
        rows = warehouse.connection.execute(f"select person_id from {PERSON_DISTINCT_IDS} order by all").fetchall()
    assert rows == [("ada",), ("bob",)]
    assert len(list((home.settings.home / "dbt" / "runs").iterdir())) == 1


def test_who_exports_no_persons_notices_nothing(home: Home) -> None:
    write_hour(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), ExportPlan(events_per_hour=50))
    assert home.run_hours("2026-03-12-00:00").success
    assert not home.run_hours("2026-03-12-00:00", assets=ASSETS).success, "they are asked for, and are not there"
    definitions = build_definitions(home.settings)
    graph = definitions.resolve_asset_graph()
    assert {graph.get(key).group_name for key in KEYS} == {"persons"}
    for job in definitions.jobs or ():
        selected = definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys
        assert not set(selected) & set(KEYS)


def test_an_hour_without_persons_is_merged(home: Home) -> None:
    write_persons(home.path / "export", 5, [Person("a", "ann")])
    assert home.run_hours(f"{hour_of(3):%Y-%m-%d-%H:%M}", assets=ASSETS).success
