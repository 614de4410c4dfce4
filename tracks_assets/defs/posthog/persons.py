"""The persons export: its files, raw_persons and person_distinct_ids. It runs only when it is asked to."""

from pathlib import Path

import dagster as dg

from tracks_assets.defs.posthog.feed_assets import feed_assets
from tracks_assets.defs.posthog.model_asset import model_asset
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.persons import PERSONS, RAW_PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

GROUP = "persons"

MODEL = "posthog_person_distinct_ids"
"""The name of the dbt model."""


def persons_assets(settings: Settings, project: Path) -> list[dg.AssetsDefinition]:
    """The assets ``posthog/persons_parquet``, ``posthog/raw_persons`` and ``posthog/person_distinct_ids``."""
    return [
        *feed_assets(settings, PERSONS, GROUP),
        model_asset(settings, project, MODEL, PERSON_DISTINCT_IDS, RAW_PERSONS, GROUP),
    ]
