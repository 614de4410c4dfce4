"""One example, or more, of the variables of every statement that BigQuery is sent.

A new statement needs a line here: its name in ``WITHOUT_VARIABLES``, or in ``WITH_VARIABLES`` with values as its caller
gives them. A query parameter that is new needs its type in ``PARAMETERS``, and a statement that makes a
temporary table needs its name in ``MAKE_TEMPORARY_TABLES``.
"""

from datetime import datetime
from typing import Any

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.feed import Feed
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.core.tables import OPS_SCHEMA, SCHEMA, Table
from tracks_assets.repairs.repair import snapshot_name
from tracks_assets.repairs.squash.squash import Range
from tracks_assets.sources.feeds import FEEDS
from tracks_assets.sources.mixpanel.tables import MP_MERGE_LOG, MP_PROCESSED_DAYS, STG_MP_DEDUP_EVENTS
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.bigquery.engine import Part
from tracks_assets.warehouse.bigquery.repairing import rewritten_name
from tracks_assets.warehouse.bigquery.tables import staging_schema
from tracks_assets.warehouse.migration import MOVES, Move
from tracks_assets.warehouse.results import HourCost
from tracks_assets.warehouse.statements import bigquery_statements
from tracks_assets.warehouse.tables import (
    ARCHIVED_TIMES,
    DUPLICATE_CENSUS,
    EVERY_TABLE,
    LOCK_TABLES,
    MERGE_LOG,
    PERSON_SQUASHES,
    TRACKS,
    TRACKS_REPAIRS,
    VIEWS,
    write_lock,
)

STATEMENTS = bigquery_statements("project")

SNAPSHOT = snapshot_name("dedup_20260612_093000_000000").partition(".")[2]
REWRITTEN = rewritten_name(SNAPSHOT).partition(".")[2]
MOMENT = "2026-03-12T01:00:00+00:00"
STAGED = {table.name: f"staging_{table.name}_2026031201_0123456789ab" for feed in FEEDS for table, _ in feed.slices}

LOGGED = {
    "window_start": datetime.fromisoformat(MOMENT),
    "bq_ingested_timestamp": datetime.fromisoformat(MOMENT),
    "run_id": None,
    "rows_read": 3,
}
COSTS = (
    HourCost(datetime.fromisoformat(MOMENT), 1_200, 10_485_760, 90),
    HourCost(datetime.fromisoformat(MOMENT) + HOUR, 800),
)

DAYS = (
    Range("2026-03-12T00:00:00+00:00", "2026-03-13T00:00:00+00:00"),
    Range("2026-06-12T00:00:00+00:00", "2026-06-13T00:00:00+00:00"),
    Range(),
)

PARAMETERS: dict[str, ColumnType] = {
    **{
        column.name: column.type
        for table in (DUPLICATE_CENSUS, PERSON_SQUASHES, TRACKS_REPAIRS)
        for column in table.columns
    },
    # The cost of a load is added later.
    **{column.name: column.type for column in LOAD_LOG.columns[:-3]},
    "at_most": ColumnType.TIMESTAMP,
    "fingerprint": ColumnType.STRING,
    "first_time": ColumnType.TIMESTAMP,
    "last_time": ColumnType.TIMESTAMP,
    "created_end": ColumnType.TIMESTAMP,
    "cutover": ColumnType.TIMESTAMP,
    "earliest": ColumnType.TIMESTAMP,
    "event_id": ColumnType.STRING,
    "latest": ColumnType.TIMESTAMP,
    "purchase_flow_0": ColumnType.STRING,
    "purchase_flow_1": ColumnType.STRING,
    "purchase_flow_2": ColumnType.STRING,
    "removed_at": ColumnType.TIMESTAMP,
    "restored_at": ColumnType.TIMESTAMP,
    "since": ColumnType.TIMESTAMP,
    "squashed_at": ColumnType.TIMESTAMP,
    "stored_since": ColumnType.TIMESTAMP,
    "tolerance_hours": ColumnType.INT64,
    "usual": ColumnType.INT64,
    "window_end": ColumnType.TIMESTAMP,
    "window_start": ColumnType.TIMESTAMP,
}

MAKE_TEMPORARY_TABLES = (
    "find_squash_mapping",
    "find_squash_rows",
    "find_former_persons",
    "count_tracks_by_day",
    "find_duplicates",
    "find_moved_rows",
    "find_seen_rows",
    "find_given_back",
)
"""In an order in which each finds the tables that it reads."""


def qualified(table: Table | str) -> str:
    """The qualified name of a table; one that the project does not know lies in the pipeline's own schema."""
    name = table if isinstance(table, str) else table.name
    schemas = {each.name: each.schema for each in EVERY_TABLE}
    return STATEMENTS.qualified(schemas.get(name, OPS_SCHEMA), name)


def parts(feed: Feed, with_rows: bool) -> list[Part]:
    """The tables of a slice, with their staging tables if it has rows."""
    return [
        Part(STATEMENTS.table(table), column, qualified(STAGED[table.name]) if with_rows else None)
        for table, column in feed.slices
    ]


WITHOUT_VARIABLES = (
    "advance_repair",
    "advance_squash",
    "arrivals",
    "backfill_hours",
    "batch_collisions",
    "batch_duplicates",
    "census",
    "censuses",
    "colliding_ids",
    "collision_pairs",
    "count_archived_persons",
    "count_backfill_window",
    "count_collisions",
    "count_given_back",
    "count_id_times",
    "count_missing_legacy",
    "count_touched",
    "count_tracks_by_day",
    "daily_metrics_of",
    "delete_archived",
    "delete_archived_persons",
    "delete_archived_times",
    "delete_moved_events",
    "delete_older_metrics",
    "delete_repair",
    "delete_squash_mapping",
    "duplicate_examples",
    "duplicates_by_month",
    "excess_rows",
    "find_former_persons",
    "find_given_back",
    "find_moved_rows",
    "find_squash_rows",
    "fingerprint_archive",
    "former_days",
    "hours_before_cutover",
    "insert_census",
    "insert_missing_legacy",
    "insert_moved_events",
    "insert_mp_daily_quality",
    "insert_repair",
    "insert_squash",
    "keep_collided_legacy",
    "keep_squash_mapping",
    "load_delays",
    "logged_hours",
    "moved_row_examples",
    "mp_duplicates",
    "mp_batch_times",
    "mp_loaded_days",
    "mp_quality_of",
    "mp_rejected_by_reason",
    "newest_hours",
    "newest_ingested",
    "person_teams",
    "recent_duplicates",
    "refused_reasons",
    "repairs",
    "restore_archived",
    "restore_times",
    "squash_days",
    "squash_totals",
    "squashes",
    "times_rollback_state",
    "totals",
    "trace_collisions",
    "trace_contents",
    "trace_deliveries",
    "trace_id",
    "trace_refusals",
    "trace_removed",
    "trace_repeats",
    "trace_restored",
    "trace_squashed",
    "untimed_examples",
)

WITH_VARIABLES: dict[str, tuple[dict[str, Any], ...]] = {
    "find_squash_mapping": ({"of_squash": False}, {"of_squash": True}),
    **{
        name: ({"days": DAYS},)
        for name in (
            *("archive_person_ids", "forget_squashed_contents", "former_state", "give_persons_back"),
            *("squash_person_ids", "squash_state"),
        )
    },
    "sample_squash_rows": ({"events": 20},),
    "archive_rows_to_remove": ({"snapshot": qualified(SNAPSHOT)},),
    "archive_times": ({"snapshot": qualified(SNAPSHOT)},),
    "count_slice": tuple(
        {"table": qualified(table), "column": column} for feed in FEEDS for table, column in feed.slices
    ),
    "crowded_persons": ({"most": 3},),
    "duplicate_mappings": ({"most": 3},),
    "mapping_teams": ({"team_id": None, "most": 3}, {"team_id": 7, "most": 3}),
    "unmapped_events": ({"team_id": None}, {"team_id": 7}),
    "count_rows": ({"table": qualified(TRACKS)},),
    "drop_snapshot": ({"snapshot": qualified(SNAPSHOT)},),
    "excess_rows_of": ({"table": qualified(TRACKS)},),
    "find_duplicates": ({"table": qualified(TRACKS)}, {"table": qualified(REWRITTEN)}),
    "find_seen_rows": ({"snapshot": qualified(SNAPSHOT)},),
    "fingerprint": ({"table": qualified(TRACKS)}, {"table": qualified(SNAPSHOT)}, {"table": qualified(REWRITTEN)}),
    "fingerprint_restored": ({"table": qualified(TRACKS)}, {"table": qualified(SNAPSHOT)}),
    "insert_daily_metrics": (
        {"purchase_flow": ("purchase_flow_0", "purchase_flow_1", "purchase_flow_2"), "largest": 1},
        {"purchase_flow": (), "largest": 20},
    ),
    "hour_totals": tuple(
        {"table": qualified(feed.table), "rejected_table": qualified(feed.rejected) if feed.rejected else None}
        for feed in FEEDS
        if feed.slice_column == "window_start"
    ),
    "insert_load_log": tuple({"log": STATEMENTS.table(log)} for log in (LOAD_LOG, MP_PROCESSED_DAYS)),
    "merges_of_run": ({}, {"log": qualified(MP_MERGE_LOG)}),
    "fewer_rows": tuple({"log": qualified(log)} for log in (LOAD_LOG, MP_PROCESSED_DAYS)),
    "newest_load": ({"log": qualified(MP_PROCESSED_DAYS)},),
    "drop_table": ({"table": qualified(TRACKS)},),
    "empty_table": ({"table": qualified(TRACKS)},),
    "migrated_by_day": ({"recent_hours": 504},),
    "move_rows": tuple(
        {
            "table": STATEMENTS.table(move.table),
            "former": STATEMENTS.qualified(SCHEMA, move.former),
            "expressions": move.expressions(),
        }
        for move in MOVES
    ),
    "newest_census": ({"has_bound": False}, {"has_bound": True}),
    "record_costs": tuple({"log": qualified(log), "costs": COSTS} for log in (LOAD_LOG, MERGE_LOG)),
    "months_of_moved_rows": (
        {"table": "moved_rows", "of_repair": False},
        {"table": qualified(ARCHIVED_TIMES), "of_repair": True},
    ),
    "redeliveries": (
        {"summed": True, "age_limits": (1, 24), "restamped_seconds": 60},
        {"summed": False, "most": 10},
        {"summed": False, "most": None},
    ),
    "replace_slice": tuple(
        {
            "parts": parts(feed, with_rows),
            "window_start": MOMENT,
            "window_end": MOMENT,
            "lock": STATEMENTS.table(write_lock(feed.table)),
            "log": STATEMENTS.table(feed.log) if feed.log else None,
            "logged": LOGGED if feed.log else None,
        }
        for feed in FEEDS
        for with_rows in (False, True)
    ),
    "rewrite_tracks": ({"rewritten": qualified(REWRITTEN)},),
    "rollback_state": ({"snapshot": qualified(SNAPSHOT)},),
    "sample_duplicate_rows": ({"events": 20},),
    "sample_moved_rows": ({"events": 20},),
    "acquire_write_lock": tuple({"lock": qualified(table)} for table in LOCK_TABLES),
    "touched_rows": (
        {"table": qualified(TRACKS), "touched": "duplicate_ids"},
        {"table": qualified(REWRITTEN), "touched": qualified(SNAPSHOT)},
    ),
    "trace_rows": ({"table": qualified(TRACKS)}, {"table": qualified(BACKFILL_TRACKS)}),
}

EXAMPLES: dict[str, tuple[dict[str, Any], ...]] = {**{name: ({},) for name in WITHOUT_VARIABLES}, **WITH_VARIABLES}


def tables() -> dict[str, tuple[tuple[str, ColumnType], ...]]:
    """Every table that a statement may find, by its full name, with its columns' names and types."""
    like_tracks = dict.fromkeys((SNAPSHOT, REWRITTEN), TRACKS)
    known = {
        STATEMENTS.qualified(table.schema, table.name): table for table in (*EVERY_TABLE, *VIEWS, STG_MP_DEDUP_EVENTS)
    }
    known |= {qualified(name): table for name, table in like_tracks.items()}
    columns = {
        name.strip("`"): tuple((column.name, column.type) for column in table.columns) for name, table in known.items()
    }
    staged = dict(map(_staging, (table for feed in FEEDS for table, _ in feed.slices)))
    return columns | staged | dict(map(_former, MOVES))


def _former(move: Move) -> tuple[str, tuple[tuple[str, ColumnType], ...]]:
    expressions = zip(move.expressions(), move.table.columns, strict=True)
    columns = tuple(
        (each.removeprefix("former.") if each.startswith("former.") else column.name, column.type)
        for each, column in expressions
    )
    return STATEMENTS.qualified(SCHEMA, move.former).strip("`"), columns


def _staging(table: Table) -> tuple[str, tuple[tuple[str, ColumnType], ...]]:
    columns = tuple((field.name, ColumnType(field.field_type)) for field in staging_schema(table.columns))
    return qualified(STAGED[table.name]).strip("`"), columns
