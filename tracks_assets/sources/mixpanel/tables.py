"""The tables of Mixpanel's events: what analysts read, and what the pipeline keeps of its merges."""

from tracks_assets.core.columns import Column, ColumnType, stamp
from tracks_assets.core.load_log import cost_columns, load_columns
from tracks_assets.core.tables import MIXPANEL_SCHEMA, OPS_SCHEMA, Table
from tracks_assets.sources.mixpanel.columns import (
    DELIVERY_COLUMNS,
    EVENT_COLUMNS,
    EVENT_KEY,
    MASTER_EVENT_COLUMNS,
)

MP_MASTER_EVENT = Table(
    "mp_master_event",
    MASTER_EVENT_COLUMNS,
    "Every delivery of Mixpanel's export, typed, day by day, repeats included.",
    partitioned_by="window_start",
    # The other deliveries of an event are looked up by its time, in every day.
    clustered_by=("time",),
    schema=MIXPANEL_SCHEMA,
)
STG_MP_DEDUP_EVENTS = Table(
    "stg_mp_dedup_events",
    (*EVENT_COLUMNS, *DELIVERY_COLUMNS),
    "The events of each delivered day, each once: of several deliveries in one day, the one that was processed last.",
    schema=MIXPANEL_SCHEMA,
)
MP_EVENTS = Table(
    "mp_events",
    EVENT_COLUMNS,
    "Every Mixpanel event once, with the content of its last delivery.",
    partitioned_by="time",
    clustered_by=("customer_id", "mp_insert_id"),
    schema=MIXPANEL_SCHEMA,
)
MP_REFUSED_ROWS = Table(
    "mp_refused_rows",
    (
        *DELIVERY_COLUMNS,
        stamp("reason", ColumnType.STRING, "Why the row is refused."),
        stamp("raw", ColumnType.JSON, "The delivered row, in full."),
        stamp("rejected_at", ColumnType.TIMESTAMP, "Start of the loader run that refused the row."),
    ),
    "Every delivered row that is no event, in full, with the reason.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
OWN_KEY = ("mp_insert_id", "time", "event_name", "distinct_id")
"""The columns by which Mixpanel itself knows an event that has an insert id."""

MP_REJECTED_EVENTS = Table(
    "mp_rejected_events",
    (
        stamp(
            "rejection_reason",
            ColumnType.STRING,
            "Why the delivery has no row in mp_events: 'duplicate', 'collision', or why the row was refused.",
        ),
        stamp(
            "rejection_timestamp",
            ColumnType.TIMESTAMP,
            "Start of the loader run that brought the delivery; the same however often its day is merged.",
        ),
        *(EVENT_COLUMNS[0], *MASTER_EVENT_COLUMNS),
    ),
    "Every delivery without a row of its own in mp_events: refused rows, duplicates (all deliveries of an event but "
    "the first; the row has the content of the last) and collisions (deliveries whose key belongs to another event).",
    partitioned_by="window_start",
    clustered_by=("rejection_reason",),
    schema=MIXPANEL_SCHEMA,
)
MP_CONTENT_FINGERPRINTS = Table(
    "mp_content_fingerprints",
    (stamp("content", ColumnType.INT64, "Fingerprint of a row as a merge wrote it."),),
    "One number for each row that a merge wrote into mp_events. It shows whether a re-delivery changes anything.",
    schema=OPS_SCHEMA,
)


def _columns(*names: str) -> tuple[Column, ...]:
    return tuple(column for name in names for column in STG_MP_DEDUP_EVENTS.columns if column.name == name)


MP_UNCHANGED_REDELIVERIES = Table(
    "mp_unchanged_redeliveries",
    (
        *_columns(*EVENT_KEY, "processed_at", "bq_ingested_timestamp", "window_start"),
        stamp("stored_inserted_at", ColumnType.TIMESTAMP, "When Mixpanel processed the row that it repeats."),
        stamp("stored_ingested_timestamp", ColumnType.TIMESTAMP, "The loader's stamp of that row."),
    ),
    "Newer deliveries that repeated the content of the stored row, and so changed nothing in mp_events.",
    schema=OPS_SCHEMA,
)
MP_COLLISIONS = Table(
    "mp_collisions",
    STG_MP_DEDUP_EVENTS.columns,
    "Every delivery whose key belongs to another event in mp_events, in full.",
    schema=OPS_SCHEMA,
)
MP_MERGE_LOG = Table(
    "mp_merge_log",
    (
        stamp("window_start", ColumnType.TIMESTAMP, "The day (its start, UTC) that was merged."),
        stamp("merged_at", ColumnType.TIMESTAMP, "When the merge's transaction wrote this row."),
        stamp("run_id", ColumnType.STRING, "The Dagster run that merged it; without Dagster, dbt's invocation."),
        stamp("rows_inserted", ColumnType.INT64, "Events that mp_events lacked."),
        stamp("rows_updated", ColumnType.INT64, "Events whose content changed."),
        stamp("rows_unchanged", ColumnType.INT64, "Events that were left as they were."),
        stamp("rows_collided", ColumnType.INT64, "Deliveries whose key belongs to another event."),
        stamp("rows_before_cutover", ColumnType.INT64, "Always 0: every delivery is taken."),
        *cost_columns("the merge of the day (its share, if several days were merged at once)"),
    ),
    "One row for each merge of a day into mp_events, written in the merge's transaction.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
MP_PROCESSED_DAYS = Table(
    "mp_processed_days",
    (
        *load_columns("The day (its start, UTC)", "day", MP_MASTER_EVENT.name, MP_REFUSED_ROWS.name),
        stamp("fingerprint", ColumnType.STRING, "A hash of the names, sizes and versions of the day's files."),
    ),
    "One row for each load of a day of Mixpanel's export, written in the load's transaction. The newest row of a day "
    "counts. A resumed backfill skips the days whose files are those of their newest row.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
MP_DAILY_QUALITY = Table(
    "mp_daily_quality",
    (
        stamp("window_start", ColumnType.TIMESTAMP, "The delivered day (its start, UTC)."),
        stamp("measured_at", ColumnType.TIMESTAMP, "When it was counted, after the merge of the day."),
        stamp("deliveries", ColumnType.INT64, "Rows that the day's files delivered as events."),
        stamp("duplicates", ColumnType.INT64, "Those of them that mp_rejected_events has as duplicates."),
        stamp("collisions", ColumnType.INT64, "Those of them that it has as collisions."),
        stamp("refused", ColumnType.INT64, "Further rows of the files, which were refused."),
        stamp(
            "keys_differ",
            ColumnType.INT64,
            "Deliveries that (insert id, time) takes for another event, and four parts do not.",
        ),
        stamp("without_insert_id", ColumnType.INT64, "Deliveries without an insert id, which are never duplicates."),
    ),
    "One row for each count of a delivered day: the duplicate rate and its history.",
    schema=OPS_SCHEMA,
)

MIXPANEL_TABLES = (
    *(MP_EVENTS, MP_REJECTED_EVENTS, MP_CONTENT_FINGERPRINTS, MP_UNCHANGED_REDELIVERIES, MP_COLLISIONS),
    *(MP_MERGE_LOG, MP_PROCESSED_DAYS, MP_DAILY_QUALITY),
)
"""What there is beside the tables of the feed."""
