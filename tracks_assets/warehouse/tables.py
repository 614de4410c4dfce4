"""The tables that the project owns: names, columns, partitioning and clustering, written once for every engine."""

from dataclasses import replace

from tracks_assets.core.columns import ColumnType, Stamp, stamp
from tracks_assets.core.load_log import LOAD_LOG, cost_columns
from tracks_assets.core.tables import GROWTH_SCHEMA, MARKETING_SCHEMA, OPS_SCHEMA, Table
from tracks_assets.sources.feeds import FEEDS
from tracks_assets.sources.mixpanel.tables import MIXPANEL_TABLES, MP_EVENTS
from tracks_assets.sources.posthog.columns import RAW_TRACK_COLUMNS, TRACK_COLUMNS
from tracks_assets.sources.posthog.persons import PERSON_COLUMNS, PERSON_KEY

TRACKS = Table(
    "tracks",
    TRACK_COLUMNS,
    "Every event once, at the time it happened, with the content of its last delivery.",
    partitioned_by="created_at",
    clustered_by=("event_name", "user_id"),
)
TRACKS_LIVE = Table(
    "tracks_live",
    TRACK_COLUMNS,
    "View: every event once, as of the newest load. It is tracks with the deliveries that are not merged yet.",
)
PERSON_DISTINCT_IDS = Table(
    "person_distinct_ids",
    PERSON_COLUMNS,
    "The person of every distinct_id, as of its newest version. A deleted mapping keeps its row.",
    clustered_by=PERSON_KEY,
)
TRACKS_BY_PERSON = Table(
    "tracks_by_person",
    tuple(
        replace(column, source=Stamp(), description="The person that the user_id belongs to now, or else as in tracks.")
        if column.name == "person_id"
        else column
        for column in TRACK_COLUMNS
    ),
    "Every event of tracks with the person that its user belongs to now. A view.",
)
GROWTH_EVENTS = Table(
    "int_events_growth_union_events",
    (
        stamp("source", ColumnType.STRING, "The system that exported the event: posthog or mixpanel."),
        stamp("event_id", ColumnType.STRING, "The event's id in its system: event_id, or dedup_id with the time."),
        stamp("event_name", ColumnType.STRING, "What happened, as its system names it."),
        stamp("time", ColumnType.TIMESTAMP, "When the event happened."),
        stamp("user_id", ColumnType.STRING, "Who did it: user_id of PostHog's events, customer_id of Mixpanel's."),
        stamp("platform", ColumnType.STRING, "What sent it, by its library: web, ios, android, server or other."),
        stamp("app_version", ColumnType.STRING, "Version of the app."),
        stamp("country", ColumnType.STRING, "Country code, from the address."),
        stamp("utm_source", ColumnType.STRING, "utm_source of the link that led here."),
        stamp("utm_medium", ColumnType.STRING, "utm_medium of that link."),
        stamp("utm_campaign", ColumnType.STRING, "utm_campaign of that link."),
    ),
    "View: the events of PostHog and of Mixpanel in one shape.",
    schema=GROWTH_SCHEMA,
)
INSTALLS_SUBSCRIBERS = Table(
    "installs_subscribers_by_channel_platform",
    (
        stamp("day", ColumnType.TIMESTAMP, "The day (its start, UTC)."),
        stamp("channel", ColumnType.STRING, "utm_source of the event, in lower case, or 'direct' without one."),
        stamp("platform", ColumnType.STRING, "What sent the event: web, ios, android, server or other."),
        stamp("installs", ColumnType.INT64, "Users whose first install was on this day."),
        stamp("subscribers", ColumnType.INT64, "Users whose first subscription was on this day."),
    ),
    "Installs and subscribers by day, channel and platform. Each user counts once.",
    schema=MARKETING_SCHEMA,
)
CONTENT_FINGERPRINTS = Table(
    "content_fingerprints",
    (stamp("content", ColumnType.INT64, "Fingerprint of a row as a merge wrote it: all of its columns but its time."),),
    "One number for each row that a merge wrote into tracks. It shows whether a re-delivery changes anything.",
    schema=OPS_SCHEMA,
)
UNCHANGED_REDELIVERIES = Table(
    "unchanged_redeliveries",
    (
        stamp("event_id", ColumnType.STRING, "The event's id."),
        stamp("event_inserted_at", ColumnType.TIMESTAMP, "The insert time of the delivery."),
        stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the delivery."),
        stamp("window_start", ColumnType.TIMESTAMP, "The export hour (its start) that held the delivery."),
        stamp("stored_inserted_at", ColumnType.TIMESTAMP, "The insert time of the row of tracks that it repeats."),
        stamp(
            "stored_ingested_timestamp",
            ColumnType.TIMESTAMP,
            "The loader's stamp of that row. If tracks now has another row, this delivery does not count.",
        ),
    ),
    "Newer deliveries that repeated the content of the stored row, and so changed nothing in tracks.",
    schema=OPS_SCHEMA,
)
TRACKS_COLLISIONS = Table(
    "tracks_collisions",
    RAW_TRACK_COLUMNS,
    "Every delivery whose id belongs to another event in tracks, in full. Rows of the old pipeline have no hour.",
    schema=OPS_SCHEMA,
)
DUPLICATE_CENSUS = Table(
    "duplicate_census",
    (
        stamp("measured_at", ColumnType.TIMESTAMP, "When tracks was counted."),
        stamp("rows", ColumnType.INT64, "Rows of tracks."),
        stamp("distinct_event_ids", ColumnType.INT64, "Different event ids."),
        stamp("duplicate_event_ids", ColumnType.INT64, "Event ids that are duplicated."),
        stamp("excess_rows", ColumnType.INT64, "Rows beyond the first of each event id."),
        stamp("null_event_ids", ColumnType.INT64, "Rows without an event id."),
        stamp(
            "colliding_event_ids",
            ColumnType.INT64,
            "Event ids that are stored with several (event_name, user_id): different events, which a dedup would lose.",
        ),
        stamp(
            "moved_rows",
            ColumnType.INT64,
            "Rows whose UUIDv7 id carries a time more than 24 hours from created_at.",
        ),
        stamp("oldest_ingested_timestamp", ColumnType.TIMESTAMP, "The oldest bq_ingested_timestamp."),
        stamp("newest_ingested_timestamp", ColumnType.TIMESTAMP, "The newest bq_ingested_timestamp."),
    ),
    "One row for each count of tracks: rows, ids, duplicates, collisions, rows that moved in time.",
    schema=OPS_SCHEMA,
)
ARCHIVED_DUPLICATES = Table(
    "archived_duplicates",
    (
        *TRACK_COLUMNS,
        stamp("dedup_id", ColumnType.STRING, "The dedup that removed the row from tracks."),
        stamp("removed_at", ColumnType.TIMESTAMP, "When it did."),
        stamp("kept_created_at", ColumnType.TIMESTAMP, "The time of the row that was kept."),
        stamp("kept_bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the row that was kept."),
    ),
    "Every row that a dedup removed from tracks, in full.",
    partitioned_by="removed_at",
    schema=OPS_SCHEMA,
)
ARCHIVED_TIMES = Table(
    "archived_times",
    (
        stamp("event_id", ColumnType.STRING, "The event's id."),
        stamp("created_at", ColumnType.TIMESTAMP, "The time that the row had before."),
        stamp("restored_created_at", ColumnType.TIMESTAMP, "The time that the row was given back."),
        stamp("evidence", ColumnType.STRING, "Where the time given back was read: 'event_id' or '$time'."),
        stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of the row."),
        stamp("event_inserted_at", ColumnType.TIMESTAMP, "The insert time of the row."),
        stamp("restore_id", ColumnType.STRING, "The run of restore_created_at that did it."),
        stamp("restored_at", ColumnType.TIMESTAMP, "When it did."),
    ),
    "Every time that restore_created_at replaced in tracks.",
    partitioned_by="restored_at",
    schema=OPS_SCHEMA,
)
ARCHIVED_PERSON_IDS = Table(
    "archived_person_ids",
    (
        stamp("squash_id", ColumnType.STRING, "The squash that did it."),
        stamp("event_id", ColumnType.STRING, "The event's id."),
        stamp("user_id", ColumnType.STRING, "The event's user_id, whose person was written."),
        stamp("created_at", ColumnType.TIMESTAMP, "The time that the row had."),
        stamp("person_id", ColumnType.STRING, "The person that the row had before."),
        stamp("squashed_person_id", ColumnType.STRING, "The person that was written; merges keep it."),
        stamp(
            "squashed_at",
            ColumnType.TIMESTAMP,
            "When it was written. Of several squashes of an event, the newest counts.",
        ),
    ),
    "Every person that a squash in effect replaced in tracks. A rollback removes its rows.",
    partitioned_by="squashed_at",
    clustered_by=("event_id",),
    schema=OPS_SCHEMA,
)
SQUASH_MAPPINGS = Table(
    "squash_mappings",
    (
        stamp("squash_id", ColumnType.STRING, "The squash."),
        stamp("user_id", ColumnType.STRING, "A user whose events get another person."),
        stamp("person_id", ColumnType.STRING, "The user's person when the squash began."),
    ),
    "The persons that a squash writes, as they were when it began. Kept until it is finished.",
    schema=OPS_SCHEMA,
)
PERSON_SQUASHES = Table(
    "person_squashes",
    (
        stamp("squash_id", ColumnType.STRING, "The squash's own id, as in archived_person_ids."),
        stamp("state", ColumnType.STRING, "How far it came: running, finished, rolled_back."),
        stamp("started_at", ColumnType.TIMESTAMP, "When it began."),
        stamp("team_id", ColumnType.INT64, "The team whose persons it writes."),
        stamp("rows_planned", ColumnType.INT64, "Rows that had another person when it began."),
        stamp("rows_squashed", ColumnType.INT64, "Rows that it changed so far."),
        stamp("batches_done", ColumnType.INT64, "Batches that are committed."),
    ),
    "One row for each run of squash_person_overrides: what it saw and how far it came.",
    schema=OPS_SCHEMA,
)
TRACKS_REPAIRS = Table(
    "tracks_repairs",
    (
        stamp("repair_id", ColumnType.STRING, "The repair's own id: dedup_id or restore_id in the archives."),
        stamp("job", ColumnType.STRING, "The job that repairs: dedup_tracks or restore_created_at."),
        stamp("state", ColumnType.STRING, "How far it came: snapshot, archived, published, reported, rolled_back."),
        stamp("started_at", ColumnType.TIMESTAMP, "When its snapshot was taken."),
        stamp("expires_at", ColumnType.TIMESTAMP, "Until when its snapshot is kept."),
        stamp("snapshot", ColumnType.STRING, "The table that holds its snapshot."),
        stamp("rows_before", ColumnType.INT64, "Rows of tracks as the snapshot saw it."),
        stamp("content_before", ColumnType.STRING, "Sum of the hashes of those rows."),
        stamp("ids_before", ColumnType.INT64, "Different event ids as the snapshot saw them."),
        stamp("rows_after", ColumnType.INT64, "Rows of tracks when the repair was published."),
        stamp("rows_archived", ColumnType.INT64, "Rows, or times, that the repair put into its archive."),
    ),
    "One row for each repair of tracks: what it saw, how far it came, and where its snapshot is.",
    schema=OPS_SCHEMA,
)


MERGE_LOG = Table(
    "merge_log",
    (
        stamp("window_start", ColumnType.TIMESTAMP, "The export hour (its start) that was merged."),
        stamp("merged_at", ColumnType.TIMESTAMP, "When the merge's transaction wrote this row."),
        stamp("run_id", ColumnType.STRING, "The Dagster run that merged it; without Dagster, dbt's invocation."),
        stamp("rows_inserted", ColumnType.INT64, "Events that tracks lacked."),
        stamp("rows_updated", ColumnType.INT64, "Events whose content or time changed."),
        stamp("rows_unchanged", ColumnType.INT64, "Events that were left as they were."),
        stamp("rows_collided", ColumnType.INT64, "Deliveries whose id belongs to another event."),
        stamp("rows_before_cutover", ColumnType.INT64, "Deliveries that lie before TRACKS_CUTOVER."),
        *cost_columns("the merge of the hour (its share, if several hours were merged at once)"),
    ),
    "One row for each merge of an export hour, written in the merge's transaction. An event that a merge sees in "
    "several hours counts once, in the hour of its last delivery. The newest row of an hour counts.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
DAILY_METRICS = Table(
    "daily_metrics",
    (
        stamp("bucket_start", ColumnType.TIMESTAMP, "The day (its start, UTC)."),
        stamp("table_name", ColumnType.STRING, "The table that is measured."),
        stamp("metric_name", ColumnType.STRING, "What is measured: row_count, hours_loaded or update_delay (seconds)."),
        stamp(
            "dimension",
            ColumnType.STRING,
            "What rows are counted by: event_name, client, purchase_flow, or empty for the table in full; "
            "other_event_names and other_clients are all values without rows of their own.",
        ),
        stamp("dimension_value", ColumnType.STRING, "The dimension's value; null for rows without one."),
        stamp("metric_value", ColumnType.INT64, "The figure."),
        stamp("measured_at", ColumnType.TIMESTAMP, "When it was measured. Only settled days are."),
    ),
    "Figures by day: rows of tracks and raw_tracks, by event name and client, and how late hours were loaded.",
    schema=OPS_SCHEMA,
)

TABLES = (
    *(table for feed in FEEDS for table, _ in feed.slices),
    TRACKS,
    PERSON_DISTINCT_IDS,
    CONTENT_FINGERPRINTS,
    UNCHANGED_REDELIVERIES,
    TRACKS_COLLISIONS,
    DUPLICATE_CENSUS,
    ARCHIVED_DUPLICATES,
    ARCHIVED_TIMES,
    ARCHIVED_PERSON_IDS,
    SQUASH_MAPPINGS,
    PERSON_SQUASHES,
    TRACKS_REPAIRS,
    LOAD_LOG,
    MERGE_LOG,
    DAILY_METRICS,
    *MIXPANEL_TABLES,
)


def _lock_table(table: Table) -> Table:
    columns = (
        stamp("number", ColumnType.INT64, "Always 1: there is one row."),
        stamp("taken_at", ColumnType.TIMESTAMP, "When a transaction last began to write."),
    )
    return Table(
        f"{table.name}_lock",
        columns,
        f"The write lock of {table.name}: one row, which every writer changes first. BigQuery aborts one of two.",
        schema=OPS_SCHEMA,
    )


_WRITE_LOCKS = {table: _lock_table(table) for table in (*(feed.table for feed in FEEDS), TRACKS, MP_EVENTS)}

LOCK_TABLES = tuple(_WRITE_LOCKS.values())
"""What an engine with several writers at a time has in addition to ``TABLES``; see dbt's macro ``write_lock``."""

EVERY_TABLE = (*TABLES, *LOCK_TABLES)

VIEWS = (TRACKS_LIVE, TRACKS_BY_PERSON, GROWTH_EVENTS, INSTALLS_SUBSCRIBERS)
"""What dbt makes of tables in full; the warehouse neither creates nor changes them."""


def write_lock(table: Table) -> Table:
    """The table whose one row every writer of ``table`` changes first."""
    return _WRITE_LOCKS[table]
