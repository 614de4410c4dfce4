"""The tables that the project owns: names, columns, partitioning and clustering, written once for every engine."""

from dataclasses import dataclass

from tracks_assets.events.columns import RAW_TRACK_COLUMNS, REJECTED_COLUMNS, TRACK_COLUMNS, Column

SCHEMA = "posthog"


@dataclass(frozen=True)
class Table:
    """One table: its place, columns, and (on BigQuery) the day it is partitioned by and what it is clustered by."""

    name: str
    columns: tuple[Column, ...]
    description: str
    partitioned_by: str
    clustered_by: tuple[str, ...] = ()
    schema: str = SCHEMA

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


TRACKS = Table(
    "tracks",
    TRACK_COLUMNS,
    "Every event once, at the time it happened, with the content of its last delivery.",
    partitioned_by="created_at",
    clustered_by=("event_name", "user_id"),
)
RAW_TRACKS = Table(
    "raw_tracks",
    RAW_TRACK_COLUMNS,
    "Every delivery, typed: what PostHog exported, hour by hour, repeats included.",
    partitioned_by="window_start",
)
REJECTED_TRACKS = Table(
    "rejected_tracks",
    REJECTED_COLUMNS,
    "Every delivered row that the contract refuses, whole, with the reason.",
    partitioned_by="window_start",
)
TABLES = (RAW_TRACKS, REJECTED_TRACKS, TRACKS)
