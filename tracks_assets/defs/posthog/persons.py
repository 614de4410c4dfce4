"""The persons export: its files, raw_persons and person_distinct_ids, and the events with their current person."""

from pathlib import Path

import dagster as dg

from tracks_assets.defs.shared.feed_assets import feed_assets
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.defs.shared.model_asset import model_asset
from tracks_assets.defs.shared.view_asset import ViewModel, view_asset
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.persons import PERSONS, RAW_PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS, TRACKS_BY_PERSON

GROUP = "persons"

MODEL = "posthog_person_distinct_ids"
"""The name of the dbt model that merges the mappings."""

VIEW_MODEL = "posthog_tracks_by_person"
"""The name of the dbt model that makes the view."""

BY_PERSON = ViewModel(VIEW_MODEL, TRACKS_BY_PERSON, TRACKS, ((PERSON_DISTINCT_IDS, "person_id"),))


BY_PERSON_KEY = table_key(TRACKS_BY_PERSON)


def persons_assets(settings: Settings, project: Path) -> list[dg.AssetsDefinition]:
    """The assets of the persons export, and the view ``posthog/tracks_by_person``."""
    return [
        *feed_assets(settings, PERSONS, GROUP),
        model_asset(settings, project, MODEL, PERSON_DISTINCT_IDS, RAW_PERSONS, GROUP),
        view_asset(settings, project, BY_PERSON, GROUP),
    ]
