"""The tables that the project owns: names, columns, partitioning and clustering, written once for every engine."""

from dataclasses import dataclass

from tracks_assets.sources.posthog.columns import (
    RAW_TRACK_COLUMNS,
    REJECTED_COLUMNS,
    TRACK_COLUMNS,
    Column,
    ColumnType,
    Stamp,
)

SCHEMA = "posthog"

OPS_SCHEMA = "posthog_ops"
"""What the pipeline keeps for itself; analysts read ``SCHEMA``."""


@dataclass(frozen=True)
class Table:
    """One table: its place, columns, and (on BigQuery) the day it is partitioned by and what it is clustered by."""

    name: str
    columns: tuple[Column, ...]
    description: str
    partitioned_by: str | None = None
    clustered_by: tuple[str, ...] = ()
    schema: str = SCHEMA

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


def _stamp(name: str, type_: ColumnType, description: str) -> Column:
    return Column(name, type_, Stamp(), description)


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
    # A merge reads whole deliveries of an hour, and would be billed for those of the whole day.
    clustered_by=("window_start",),
)
TRACKS_CONTENTS = Table(
    "tracks_contents",
    (
        _stamp(
            "content", ColumnType.INT64, "Fingerprint of a row as a merge wrote it: all of its columns but its time."
        ),
    ),
    "One number for each row that a merge wrote into tracks: by it a re-delivery is known to change nothing.",
)
TRACKS_REDELIVERED = Table(
    "tracks_redelivered",
    (
        _stamp("event_id", ColumnType.STRING, "The event's id."),
        _stamp("event_inserted_at", ColumnType.TIMESTAMP, "The insert time of the delivery."),
        _stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the delivery."),
        _stamp("window_start", ColumnType.TIMESTAMP, "The export hour (its start) that held the delivery."),
        _stamp("standing_inserted_at", ColumnType.TIMESTAMP, "The insert time of the row of tracks that it repeats."),
        _stamp(
            "standing_ingested_timestamp",
            ColumnType.TIMESTAMP,
            "The loader's stamp of that row: where another row stands, the delivery says nothing of it.",
        ),
    ),
    "Every newest delivery of an event whose content stood in tracks already, so that it changed nothing there.",
)
TRACKS_COLLISIONS = Table(
    "tracks_collisions",
    RAW_TRACK_COLUMNS,
    "Every delivery whose id belongs to another event in tracks, in full; without an hour if the old pipeline's.",
    schema=OPS_SCHEMA,
)
REJECTED_TRACKS = Table(
    "rejected_tracks",
    REJECTED_COLUMNS,
    "Every delivered row that the contract refuses, whole, with the reason.",
    partitioned_by="window_start",
)
BACKFILL_TRACKS = Table(
    "backfill_tracks",
    TRACK_COLUMNS,
    "The frozen table of the old pipeline, as it left it: ids may stand more than once.",
    partitioned_by="created_at",
    clustered_by=("event_name", "user_id"),
)
DUPLICATE_CENSUS = Table(
    "duplicate_census",
    (
        _stamp("measured_at", ColumnType.TIMESTAMP, "When tracks was counted."),
        _stamp("rows", ColumnType.INT64, "Rows of tracks."),
        _stamp("distinct_event_ids", ColumnType.INT64, "Different event ids."),
        _stamp("duplicate_event_ids", ColumnType.INT64, "Event ids that stand more than once."),
        _stamp("excess_rows", ColumnType.INT64, "Rows beyond the first of each event id."),
        _stamp("null_event_ids", ColumnType.INT64, "Rows without an event id."),
        _stamp(
            "colliding_event_ids",
            ColumnType.INT64,
            "Event ids that stand with several (event_name, user_id): different events, which a dedup would lose.",
        ),
        _stamp(
            "redated_rows",
            ColumnType.INT64,
            "Rows whose UUIDv7 id carries a time more than 24 hours from created_at.",
        ),
        _stamp("oldest_ingested_timestamp", ColumnType.TIMESTAMP, "The oldest bq_ingested_timestamp."),
        _stamp("newest_ingested_timestamp", ColumnType.TIMESTAMP, "The newest bq_ingested_timestamp."),
    ),
    "What tracks held, one row a count: rows, ids, duplicates, collisions, re-dated rows.",
)
TRACKS_DUPLICATES = Table(
    "tracks_duplicates",
    (
        *TRACK_COLUMNS,
        _stamp("dedup_id", ColumnType.STRING, "The dedup that removed the row from tracks."),
        _stamp("removed_at", ColumnType.TIMESTAMP, "When it did."),
        _stamp("winner_created_at", ColumnType.TIMESTAMP, "The time of the copy that stayed."),
        _stamp("winner_bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the copy that stayed."),
    ),
    "Every row that a dedup removed from tracks, whole.",
    partitioned_by="removed_at",
)
TRACKS_REDATED = Table(
    "tracks_redated",
    (
        _stamp("event_id", ColumnType.STRING, "The event's id."),
        _stamp("created_at", ColumnType.TIMESTAMP, "The time that the row had before."),
        _stamp("restored_created_at", ColumnType.TIMESTAMP, "The time that the row was given back."),
        _stamp("evidence", ColumnType.STRING, "Where the time given back was read: 'event_id' or '$time'."),
        _stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the row."),
        _stamp("event_inserted_at", ColumnType.TIMESTAMP, "The insert time of the row."),
        _stamp("restore_id", ColumnType.STRING, "The run of restore_created_at that did it."),
        _stamp("restored_at", ColumnType.TIMESTAMP, "When it did."),
    ),
    "Every time that restore_created_at replaced in tracks.",
    partitioned_by="restored_at",
)
TRACKS_REPAIRS = Table(
    "tracks_repairs",
    (
        _stamp("repair_id", ColumnType.STRING, "The repair's own id: dedup_id or restore_id in the archives."),
        _stamp("job", ColumnType.STRING, "The job that repairs: dedup_tracks or restore_created_at."),
        _stamp("state", ColumnType.STRING, "How far it came: snapshot, archived, published, reported, rolled_back."),
        _stamp("started_at", ColumnType.TIMESTAMP, "When its snapshot was taken."),
        _stamp("expires_at", ColumnType.TIMESTAMP, "Until when its snapshot is kept."),
        _stamp("snapshot", ColumnType.STRING, "The table that holds its snapshot."),
        _stamp("rows_before", ColumnType.INT64, "Rows of tracks as the snapshot saw it."),
        _stamp("content_before", ColumnType.STRING, "Sum of the hashes of those rows."),
        _stamp("ids_before", ColumnType.INT64, "Different event ids as the snapshot saw them."),
        _stamp("rows_after", ColumnType.INT64, "Rows of tracks when the repair was published."),
        _stamp("rows_archived", ColumnType.INT64, "Rows, or times, that the repair put into its archive."),
    ),
    "One row for each repair of tracks: what it saw, how far it came, and where its snapshot is.",
)


def _cost(work: str) -> tuple[Column, ...]:
    return (
        _stamp("milliseconds", ColumnType.INT64, f"How long {work} took; null until the run has recorded it."),
        _stamp("bytes_billed", ColumnType.INT64, f"Bytes billed for {work}; null on an engine that bills nothing."),
        _stamp("slot_ms", ColumnType.INT64, f"Slot milliseconds of {work}; null on an engine that bills nothing."),
    )


LOAD_LOG = Table(
    "load_log",
    (
        _stamp("window_start", ColumnType.TIMESTAMP, "The export hour (its start) that was loaded."),
        _stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The stamp of the loader run."),
        _stamp("run_id", ColumnType.STRING, "The Dagster run that loaded it; null if there was none."),
        _stamp("files", ColumnType.INT64, "Files of the hour."),
        _stamp("bytes", ColumnType.INT64, "Their size."),
        _stamp("rows_read", ColumnType.INT64, "Rows in the files."),
        _stamp("rows_accepted", ColumnType.INT64, "Rows that went into raw_tracks."),
        _stamp("rows_rejected", ColumnType.INT64, "Rows that went into rejected_tracks."),
        _stamp("rows_repaired", ColumnType.INT64, "Accepted rows in which half a surrogate pair was replaced."),
        _stamp("values_not_fitting", ColumnType.INT64, "Values that did not fit their column's type, and are null."),
        *_cost("the load of the hour"),
    ),
    "One row for each load of an export hour, written in the load's transaction. The newest row of an hour counts.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
MERGE_LOG = Table(
    "merge_log",
    (
        _stamp("window_start", ColumnType.TIMESTAMP, "The export hour (its start) that was merged."),
        _stamp("merged_at", ColumnType.TIMESTAMP, "When the merge's transaction wrote this row."),
        _stamp("run_id", ColumnType.STRING, "The Dagster run that merged it; without Dagster, dbt's invocation."),
        _stamp("rows_inserted", ColumnType.INT64, "Events that tracks lacked."),
        _stamp("rows_updated", ColumnType.INT64, "Events whose content or time changed."),
        _stamp("rows_unchanged", ColumnType.INT64, "Events that were left as they were."),
        _stamp("rows_collided", ColumnType.INT64, "Deliveries whose id belongs to another event."),
        _stamp("rows_before_cutover", ColumnType.INT64, "Deliveries that lie before TRACKS_CUTOVER."),
        *_cost("the merge of the hour (its share, if several hours were merged at once)"),
    ),
    "One row for each merge of an export hour, written in the merge's transaction. An event that a merge sees in "
    "several hours counts once, in the hour of its last delivery. The newest row of an hour counts.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
DAILY_METRICS = Table(
    "daily_metrics",
    (
        _stamp("bucket_start", ColumnType.TIMESTAMP, "The day (its start, UTC)."),
        _stamp("table_name", ColumnType.STRING, "The table that is measured."),
        _stamp(
            "metric_name", ColumnType.STRING, "What is measured: row_count, hours_loaded or update_delay (seconds)."
        ),
        _stamp(
            "dimension",
            ColumnType.STRING,
            "What rows are counted by: event_name, client, purchase_flow, or empty for the table in full; "
            "other_event_names and other_clients are all values without rows of their own.",
        ),
        _stamp("dimension_value", ColumnType.STRING, "The dimension's value; null for rows without one."),
        _stamp("metric_value", ColumnType.INT64, "The figure."),
        _stamp("measured_at", ColumnType.TIMESTAMP, "When it was measured. Only settled days are."),
    ),
    "Figures by day: rows of tracks and raw_tracks, by event name and client, and how late hours were loaded.",
    schema=OPS_SCHEMA,
)
TABLES = (
    RAW_TRACKS,
    REJECTED_TRACKS,
    TRACKS,
    TRACKS_CONTENTS,
    TRACKS_REDELIVERED,
    TRACKS_COLLISIONS,
    BACKFILL_TRACKS,
    DUPLICATE_CENSUS,
    TRACKS_DUPLICATES,
    TRACKS_REDATED,
    TRACKS_REPAIRS,
    LOAD_LOG,
    MERGE_LOG,
    DAILY_METRICS,
)


def _turn(table: Table) -> Table:
    columns = (
        _stamp("number", ColumnType.INT64, "Always 1: there is one row."),
        _stamp("taken_at", ColumnType.TIMESTAMP, "When a transaction last began to write."),
    )
    return Table(
        f"{table.name}_turn",
        columns,
        f"One row, which whoever writes {table.name} changes first: of two at once, one is let go.",
    )


RAW_TRACKS_TURN, BACKFILL_TRACKS_TURN, TRACKS_TURN = map(_turn, (RAW_TRACKS, BACKFILL_TRACKS, TRACKS))

TURNS = (RAW_TRACKS_TURN, BACKFILL_TRACKS_TURN, TRACKS_TURN)
"""What an engine with several writers at a time has besides ``TABLES``; see ``take_turn`` in ``sql/macros.sql``."""

EVERY_TABLE = (*TABLES, *TURNS)
