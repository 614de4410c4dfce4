"""The persons export through the real graph: its own group, its own checks, and one call of dbt for a range."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hour
from tests.integration.engines.persons import Person, hour_of, write_persons
from tests.integration.graph.conftest import Home
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.export_runs import PERSON_RUNS
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.posthog.views import JOB as VIEWS_JOB
from tracks_assets.defs.quality.persons import PERSON_CHECKS, PERSONS_KEY
from tracks_assets.defs.shared.feed_assets import load_checks
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.sources.posthog.persons import PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS, TRACKS_BY_PERSON

ASSETS = ("persons_parquet", "raw_persons", "person_distinct_ids")
VIEW = table_key(TRACKS_BY_PERSON)
KEYS = [*(dg.AssetKey(["posthog", name]) for name in ASSETS), VIEW]


@pytest.mark.thorough
def test_a_range_of_persons_is_loaded_and_merged_by_one_call_of_dbt(home: Home) -> None:
    write_persons(home.path / "export", 0, [Person("a", "ann"), Person("b", "bob", 3)])
    write_persons(home.path / "export", 1, [Person("a", "ada", 1), Person("b", "old", 2), Person(None, "nobody")])
    result = home.run_hours("2026-03-12-00:00", "2026-03-12-02:00", ASSETS)
    assert result.success

    evaluated = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert set(evaluated) == {*load_checks(PERSONS), *PERSON_CHECKS}
    assert {evaluated[name].asset_key for name in PERSON_CHECKS} == {PERSONS_KEY}
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


@pytest.mark.thorough
def test_the_view_is_made_by_itself_or_with_hours(home: Home) -> None:
    write_hour(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), ExportPlan(events_per_hour=50, people=5))
    assert home.run_hours("2026-03-12-00:00", assets=("raw_tracks", "tracks")).success
    alone = home.run_dg("launch", "--assets", "key:posthog/tracks_by_person")
    assert alone.returncode == 0, alone.stderr
    assert persons_of_view(home) == persons_of_events(home)

    users = [row[0] for row in query(home, "select distinct user_id from posthog.tracks")]
    write_persons(home.path / "export", 0, [Person(user, "the only one") for user in users])
    result = home.run_hours("2026-03-12-00:00", assets=[*ASSETS, "tracks_by_person"])
    assert result.success
    assert persons_of_view(home) == {"the only one"}
    assert {each.check_name for each in result.get_asset_check_evaluations() if each.passed} >= set(PERSON_CHECKS)

    (made,) = result.asset_materializations_for_node("posthog__tracks_by_person")
    shown = made.metadata["dagster/column_lineage"].value
    assert isinstance(shown, dg.TableColumnLineage)
    lineage = shown.deps_by_column
    assert {dep.asset_key for dep in lineage["person_id"]} == {TRACKS_KEY, PERSONS_KEY}
    assert set(lineage) == {column.name for column in TRACKS.columns}


def query(home: Home, statement: str) -> list[tuple[str, ...]]:
    """The rows that a statement gives."""
    with home.warehouse().opened() as warehouse:
        return warehouse.connection.execute(statement).fetchall()


def persons_of_view(home: Home) -> set[str]:
    """The persons of the view."""
    return {row[0] for row in query(home, f"select person_id from {TRACKS_BY_PERSON}")}


def persons_of_events(home: Home) -> set[str]:
    """The persons of tracks."""
    found = {row[0] for row in query(home, f"select person_id from {TRACKS}")}
    assert len(found) > 1
    return found


@pytest.mark.thorough
def test_who_exports_no_persons_notices_nothing(home: Home) -> None:
    write_hour(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), ExportPlan(events_per_hour=50))
    assert home.run_hours("2026-03-12-00:00").success
    assert not home.run_hours("2026-03-12-00:00", assets=ASSETS).success, "they are asked for, and are not there"
    definitions = build_definitions(home.settings)
    graph = definitions.resolve_asset_graph()
    assert {graph.get(key).group_name for key in KEYS} == {"persons"}
    for job in (job for job in definitions.jobs or () if job.name not in (PERSON_RUNS.job, VIEWS_JOB)):
        selected = definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys
        assert not set(selected) & set(KEYS)


@pytest.mark.thorough
def test_an_hour_without_persons_is_merged(home: Home) -> None:
    write_persons(home.path / "export", 5, [Person("a", "ann")])
    assert home.run_hours(f"{hour_of(3):%Y-%m-%d-%H:%M}", assets=ASSETS).success
