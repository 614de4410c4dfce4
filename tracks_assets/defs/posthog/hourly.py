"""The first two steps of the hourly path: an hour's files, and its deliveries in raw_tracks."""

import dagster as dg

from tracks_assets.defs.posthog.upload_check import SPEC, run_result
from tracks_assets.defs.shared.feed_assets import FilesCheck, feed_assets, load_checks
from tracks_assets.defs.shared.metadata import table_key
from tracks_assets.quality.freshness import Limits
from tracks_assets.settings import Settings
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS

RAW_TRACKS_KEY = table_key(RAW_TRACKS)

RAW_CHECKS = load_checks(EVENTS)


def hourly_assets(settings: Settings) -> list[dg.AssetsDefinition]:
    """The assets ``posthog/events_parquet`` and ``posthog/raw_tracks``."""
    limits = Limits.of(settings)
    return feed_assets(
        settings,
        EVENTS,
        group="hourly",
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=limits.error_after, warn_window=limits.warn_after),
        files_checks=[FilesCheck(SPEC, run_result)],
    )
