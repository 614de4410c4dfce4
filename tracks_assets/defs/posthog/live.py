"""The view ``posthog/tracks_live``: tracks with the deliveries that are not merged yet."""

from pathlib import Path

import dagster as dg

from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.defs.shared.view_asset import ViewModel, view_asset
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import TRACKS, TRACKS_LIVE

GROUP = "live"

MODEL = "posthog_tracks_live"
"""The name of the dbt model."""

LIVE = ViewModel(MODEL, TRACKS_LIVE, TRACKS, tuple((RAW_TRACKS, column.name) for column in TRACKS_LIVE.columns))

LIVE_KEY = table_key(TRACKS_LIVE)


def live_asset(settings: Settings, project: Path) -> dg.AssetsDefinition:
    """The asset ``posthog/tracks_live``."""
    return view_asset(settings, project, LIVE, GROUP)
