"""The feeds of PostHog: exported events and persons, and the rows that the old pipeline left."""

from dataclasses import replace

from tracks_assets.core.columns import FileField
from tracks_assets.core.feed import Feed, Fields
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.columns import RAW_TRACK_COLUMNS, REJECTED_COLUMNS, TRACK_COLUMNS
from tracks_assets.sources.posthog.contract import RawPostHogEvent
from tracks_assets.sources.posthog.fields import EVENT_FIELDS
from tracks_assets.sources.posthog.layout import EVENTS_FOLDER
from tracks_assets.sources.posthog.persons import PERSONS

RAW_TRACKS = Table(
    "raw_tracks",
    RAW_TRACK_COLUMNS,
    "Every delivery, typed: what PostHog exported, hour by hour, repeats included.",
    partitioned_by="window_start",
    # A merge reads whole deliveries of an hour, and would be billed for those of the whole day.
    clustered_by=("window_start",),
)
REJECTED_TRACKS = Table(
    "rejected_tracks",
    REJECTED_COLUMNS,
    "Every delivered row that the contract refuses, in full, with the reason.",
    partitioned_by="window_start",
)
BACKFILL_TRACKS = Table(
    "backfill_tracks",
    TRACK_COLUMNS,
    "The frozen table of the old pipeline, as it was left: ids may be duplicated.",
    partitioned_by="created_at",
    clustered_by=("event_name", "user_id"),
)

EVENTS = Feed(
    "events",
    EVENTS_FOLDER,
    EVENT_FIELDS,
    RAW_TRACKS,
    TRACK_COLUMNS,
    slice_column="window_start",
    contract=RawPostHogEvent,
    rejected=REJECTED_TRACKS,
    log=LOAD_LOG,
)

LEGACY = Feed(
    "legacy",
    "",
    Fields(frozenset(column.name for column in TRACK_COLUMNS)),
    BACKFILL_TRACKS,
    # The old pipeline's files hold the columns of tracks by name.
    tuple(replace(column, source=FileField((column.name,))) for column in TRACK_COLUMNS),
    slice_column="created_at",
)

POSTHOG_FEEDS = (EVENTS, LEGACY, PERSONS)
