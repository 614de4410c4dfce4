"""The state of tracks in Dagster's record, and the page after each census, on the real graph."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.graph.conftest import Home
from tests.status_page.html import parsed
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY, JOB
from tracks_assets.defs.quality.status import PAGE_FILE, PAGE_KEY
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.status import main
from tracks_assets.warehouse.tables import TRACKS

START = datetime(2026, 3, 12, tzinfo=UTC)


def exported(home: Home, hours: int = 2) -> None:
    """Writes an export of some hours."""
    list(write_hours(home.path / "export", START, hours, ExportPlan(events_per_hour=200)))


def observed(home: Home) -> list[dict[str, object]]:
    """The metadata of every observation of tracks, the oldest first."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        records = instance.fetch_observations(TRACKS_KEY, limit=100, ascending=True).records
    events = [record.asset_event for record in records]
    return [{name: entry.value for name, entry in event.metadata.items()} for event in events if event]


def materialized(home: Home, key: dg.AssetKey) -> dict[str, object]:
    """The metadata of an asset's newest materialization."""
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        (record,) = instance.fetch_materializations(key, limit=1).records
    assert record.asset_materialization
    return {name: entry.value for name, entry in record.asset_materialization.metadata.items()}


@pytest.mark.thorough
def test_the_state_follows_the_hours_and_the_censuses(home: Home) -> None:
    """Unknown, then Healthy by a census, Broken by the hour that finds damage done meanwhile."""
    exported(home)
    assert home.run_hours("2026-03-12-00:00").success
    (first,) = observed(home)
    assert (first["state"], first["repeated_ids"], first["hours"]) == ("Unknown", 0, "2026-03-12-00:00")

    assert home.run_job(JOB).success
    assert materialized(home, CENSUS_KEY)["state"] == "Healthy"
    assert observed(home)[-1]["state"] == "Healthy"
    assert observed(home)[-1]["state_reason"] == materialized(home, CENSUS_KEY)["state_reason"]

    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(f"insert into {TRACKS} select * from {TRACKS} limit 1")
    assert home.run_hours("2026-03-12-00:00").success
    broken = observed(home)[-1]
    assert (broken["state"], broken["repeated_ids"]) == ("Broken", 1)
    assert "is duplicated in posthog.tracks" in str(broken["state_reason"])
    assert home.run_hours("2026-03-12-01:00").success
    assert (observed(home)[-1]["state"], observed(home)[-1]["repeated_ids"]) == ("Broken", 0), "until the next census"
    assert home.metadata("tracks", "2026-03-12-01:00")["state"] == "Broken", "as was known before its own checks"

    assert home.run_job(JOB).success
    assert materialized(home, CENSUS_KEY)["state"] == "Broken"
    assert "1 more than before" in str(materialized(home, CENSUS_KEY)["state_reason"])


@pytest.mark.thorough
def test_the_page_follows_each_census(home: Home) -> None:
    exported(home)
    assert home.run_hours("2026-03-12-00:00", "2026-03-12-01:00").success
    assert home.run_job(JOB).success
    file = home.path / PAGE_FILE
    page = parsed(file.read_text(encoding="utf-8"))
    assert "Healthy Each of the" in page.words
    metadata = materialized(home, PAGE_KEY)
    assert (metadata["state"], metadata["path"]) == ("Healthy", str(file))
    assert sorted(path.name for path in home.path.iterdir() if "status" in path.name) == [PAGE_FILE]


@pytest.mark.thorough
def test_a_page_that_fails_hides_no_census(home: Home) -> None:
    exported(home, hours=1)
    assert home.run_hours("2026-03-12-00:00").success
    (home.path / PAGE_FILE).mkdir()
    result = home.run_job(JOB)
    assert not result.success
    assert materialized(home, CENSUS_KEY)["state"] == "Healthy"
    evaluated = home.evaluated(JOB)
    assert len(evaluated) == 6
    assert all(each.passed for each in evaluated.values())
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert str(home.path / PAGE_FILE) in str(failure.step_failure_data.error)


@pytest.mark.nightly
def test_the_command_says_what_the_page_says(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    exported(home, hours=1)
    assert home.run_hours("2026-03-12-00:00").success
    assert home.run_job(JOB).success
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(f"insert into {TRACKS} select * from {TRACKS} limit 1")
    assert home.run_hours("2026-03-12-00:00").success
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "elsewhere" / "page.html"
    capsys.readouterr()
    assert main(["--out", str(file)]) == 0
    assert capsys.readouterr().out.startswith("Broken: 1 of 200 events ")
    assert "Broken 1 of 200 events" in parsed(file.read_text(encoding="utf-8")).words


def test_every_asset_is_in_the_catalogue(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_OWNERS="team:data, a@example.org")
    for node in build_definitions(home.settings).resolve_asset_graph().asset_nodes:
        assert list(node.owners) == ["team:data", "a@example.org"]
        assert node.group_name not in (None, "default")
        assert node.kinds, node.key
        assert node.description, node.key
        assert node.tags["source"] in {"posthog", "mixpanel", "growth", "marketing"}
        assert node.tags["layer"]


def sources(home: Home, key: dg.AssetKey) -> list[str]:
    """The code references of an asset."""
    metadata = build_definitions(home.settings).resolve_asset_graph().get(key).metadata
    return [reference.source for reference in metadata["dagster/code_references"].code_references]


@pytest.mark.thorough
def test_code_references_name_the_defining_lines(home: Home) -> None:
    for node in build_definitions(home.settings).resolve_asset_graph().asset_nodes:
        found = sources(home, node.key)
        assert found
        for source in found:
            file, line = source.rsplit(":", 1)
            text = Path(file).read_text(encoding="utf-8").splitlines()[int(line) - 1]
            assert text.strip().startswith(("@dg.asset", "@dg.multi_asset", "@dbt_assets", "{#-")), (source, text)
    assert any("posthog_tracks.sql" in source for source in sources(home, TRACKS_KEY))


def test_code_references_are_links_where_the_repository_is_set(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_SOURCE_URL="https://github.com/us/tracks.git", TRACKS_SOURCE_BRANCH="release")
    model, definition = sorted(sources(home, TRACKS_KEY))
    assert model == ("https://github.com/us/tracks/tree/release/dbt_project/models/marts/posthog_tracks.sql#L1")
    assert definition.startswith("https://github.com/us/tracks/tree/release/tracks_assets/defs/posthog/tracks.py#L")


@pytest.mark.thorough
def test_columns_of_tracks_come_from_raw_tracks(home: Home) -> None:
    exported(home, hours=1)
    assert home.run_hours("2026-03-12-00:00").success
    metadata = home.metadata("tracks", "2026-03-12-00:00")
    lineage = metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineage)
    raw = dg.AssetKey([RAW_TRACKS.schema, RAW_TRACKS.name])
    assert lineage.deps_by_column == {column.name: [dg.TableColumnDep(raw, column.name)] for column in TRACKS.columns}
    shown = build_definitions(home.settings).resolve_asset_graph().get(TRACKS_KEY).metadata["column_sources"]
    rows = [f"| {column.name} | posthog.raw_tracks.{column.name} |" for column in TRACKS.columns]
    assert shown.value.splitlines()[2:] == rows, "for the UI, which shows no column lineage"
