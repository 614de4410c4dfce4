"""Everything that writes tracks is one connected graph, and no hour waits for the hours of the old pipeline."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.integration.graph.conftest import Home
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.anomalies import DAILY_METRICS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.quality.status import PAGE_KEY
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS, TRACKS


def key(name: str) -> dg.AssetKey:
    return dg.AssetKey(["posthog", name])


def mixpanel(name: str) -> dg.AssetKey:
    return dg.AssetKey(["mixpanel", name])


def test_the_graph_shows_everything_that_writes_tracks(home: Home) -> None:
    graph = build_definitions(home.settings).resolve_asset_graph()
    parents = {node.key: set(node.parent_keys) for node in graph.asset_nodes}
    assert parents == {
        key("events_parquet"): set(),
        key("raw_tracks"): {key("events_parquet")},
        key("backfill_tracks"): set(),
        key("tracks_legacy"): {key("backfill_tracks")},
        TRACKS_KEY: {key("raw_tracks"), key("tracks_legacy")},
        CENSUS_KEY: {TRACKS_KEY},
        PAGE_KEY: {CENSUS_KEY},
        DAILY_METRICS_KEY: {key("raw_tracks"), TRACKS_KEY},
        key("tracks_live"): {key("raw_tracks"), TRACKS_KEY},
        key("persons_parquet"): set(),
        key("raw_persons"): {key("persons_parquet")},
        key("person_distinct_ids"): {key("raw_persons")},
        key("tracks_by_person"): {TRACKS_KEY, key("person_distinct_ids")},
        mixpanel("mp_export_files"): set(),
        mixpanel("mp_master_event"): {mixpanel("mp_export_files")},
        mixpanel("stg_mp_dedup_events"): {mixpanel("mp_master_event")},
        mixpanel("mp_events"): {mixpanel("stg_mp_dedup_events")},
        mixpanel("mp_rejected_events"): {mixpanel("mp_events"), mixpanel("mp_master_event")},
        table_key(GROWTH_EVENTS): {TRACKS_KEY, table_key(MP_EVENTS)},
        table_key(INSTALLS_SUBSCRIBERS): {table_key(GROWTH_EVENTS)},
    }
    mapping = graph.get(TRACKS_KEY).partition_mappings[key("tracks_legacy")]
    assert mapping == dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)


@pytest.mark.thorough
def test_hours_are_merged_without_the_legacy_hours_before_them(new_home: Callable[..., Home]) -> None:
    """The first of two hours is a legacy hour as well, which nobody ever loads; the second is none."""
    home = new_home(TRACKS_LEGACY_END="2026-03-12-01:00")
    list(write_hours(home.path / "export", datetime(2026, 3, 12, tzinfo=UTC), 2, ExportPlan(events_per_hour=200)))

    assert home.run_hours("2026-03-12-00:00", "2026-03-12-01:00").success

    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(TRACKS) > 300
