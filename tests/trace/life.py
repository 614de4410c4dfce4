"""The whole life of one event, as the tables hold it, and the page on it."""

from tests.repairs.restore_times.moved_rows import DAY, HOUR, MINTED, SECOND, Row, uuid7
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.warehouse.tables import (
    ARCHIVED_DUPLICATES,
    ARCHIVED_PERSON_IDS,
    ARCHIVED_TIMES,
    PERSON_SQUASHES,
    TRACKS,
    TRACKS_REPAIRS,
)

EVENT = uuid7(MINTED)
TIME = MINTED + SECOND
LOADED = MINTED + HOUR
REPAIRED = MINTED + 90 * DAY


def row(days: int = 0, **values: object) -> Row:
    """The event as the delivery of some days later has it, its time kept."""
    return {
        "event_id": EVENT,
        "created_at": TIME,
        "event_name": "$pageview",
        "user_id": "user-7",
        "event_payload": '{"n": 1}',
        "event_inserted_at": TIME + days * DAY,
        "bq_ingested_timestamp": LOADED + days * DAY,
    } | values


def delivered(days: int = 0, **values: object) -> Row:
    hour = MINTED.replace(minute=0) + days * DAY
    return row(days, window_start=hour, source_file=f"events/{hour:%Y-%m-%d}/01/a.parquet.sz") | values


def refused(event_id: str) -> Row:
    return {
        "window_start": MINTED.replace(minute=0),
        "source_file": "events/2026-03-12/01/a.parquet.sz",
        "row_number": 41,
        "reason": "timestamp is null",
        "raw": f'{{"uuid": "{event_id}", "event": "$pageview", "timestamp": null}}',
        "rejected_at": LOADED,
    }


def repair(repair_id: str, job: str) -> Row:
    return {"repair_id": repair_id, "job": job, "state": "reported", "started_at": REPAIRED}


def whole_life() -> dict[Table, tuple[Row, ...]]:
    """The event's whole life: each table holds something of it, and something of another event."""
    other: Row = {"event_id": "another", "event_name": "other", "user_id": "other"}
    moved = {"created_at": TIME + 2 * DAY}
    removed = {"dedup_id": "dedup_1", "removed_at": REPAIRED}
    moved_in_time: Row = {
        "event_id": EVENT,
        "created_at": TIME + 3 * DAY,
        "restored_created_at": TIME,
        "evidence": "$time",
        "restore_id": "restore_1",
        "restored_at": REPAIRED + DAY,
    }
    squashed: Row = {
        "squash_id": "squash_1",
        "event_id": EVENT,
        "user_id": "user-7",
        "created_at": TIME,
        "person_id": "anonymous",
        "squashed_person_id": "merged",
        "squashed_at": REPAIRED + 2 * DAY,
    }
    return {
        RAW_TRACKS: (delivered(2, **moved), delivered(), delivered(3) | other),
        REJECTED_TRACKS: (refused(EVENT), refused("another")),
        TRACKS: (row(2), row(3) | other),
        BACKFILL_TRACKS: (row(bq_ingested_timestamp=LOADED - HOUR / 4), row() | other),
        ARCHIVED_DUPLICATES: (row() | removed, row() | removed | other),
        ARCHIVED_TIMES: (moved_in_time, moved_in_time | {"event_id": "another"}),
        ARCHIVED_PERSON_IDS: (squashed, squashed | {"event_id": "another"}),
        PERSON_SQUASHES: ({"squash_id": "squash_1", "state": "finished", "started_at": REPAIRED + 2 * DAY},),
        TRACKS_REPAIRS: (repair("dedup_1", "dedup_tracks"), repair("restore_1", "restore_created_at")),
    }


WHOLE_LIFE = """\
# Event `019cdf73-4740-7000-8000-000000000001`

One event, held by the old pipeline, delivered twice and refused once, is stored once since 1 copy went into the \
archive; its time was moved and is restored.

Its id is a UUIDv7, made at 2026-03-12 00:30:00 UTC.

## In order of time (UTC)

- 2026-03-12 00:00:00: delivered and refused
  - export hour 2026-03-12-00:00, file `events/2026-03-12/01/a.parquet.sz`
  - row 41 (from 0) of the file, refused because timestamp is null
- 2026-03-12 00:30:00: the id was made
- 2026-03-12 00:30:01: delivered
  - export hour 2026-03-12-00:00, file `events/2026-03-12/01/a.parquet.sz`
  - created_at 2026-03-12 00:30:01, event `$pageview`, user `user-7`
  - event_inserted_at 2026-03-12 00:30:01, bq_ingested_timestamp 2026-03-12 01:30:00
- 2026-03-12 01:15:00: taken by the old pipeline (posthog.backfill_tracks)
  - created_at 2026-03-12 00:30:01, event `$pageview`, user `user-7`
  - event_inserted_at 2026-03-12 00:30:01, bq_ingested_timestamp 2026-03-12 01:15:00
- 2026-03-14 00:30:01: delivered
  - export hour 2026-03-14-00:00, file `events/2026-03-14/01/a.parquet.sz`
  - created_at 2026-03-14 00:30:01, event `$pageview`, user `user-7`
  - event_inserted_at 2026-03-14 00:30:01, bq_ingested_timestamp 2026-03-14 01:30:00
- 2026-06-10 00:30:00: removed from tracks
  - by dedup_1 (reported), kept in posthog_ops.archived_duplicates
  - created_at 2026-03-12 00:30:01, event `$pageview`, user `user-7`
  - event_inserted_at 2026-03-12 00:30:01, bq_ingested_timestamp 2026-03-12 01:30:00
- 2026-06-11 00:30:00: time restored in tracks
  - created_at 2026-03-15 00:30:01 to 2026-03-12 00:30:01, read from $time
  - by restore_1 (reported), kept in posthog_ops.archived_times
- 2026-06-12 00:30:00: person written in tracks
  - person `anonymous` to `merged`, of user `user-7`
  - by squash_1 (finished), kept in posthog_ops.archived_person_ids
- now: is stored in posthog.tracks
  - created_at 2026-03-12 00:30:01, event `$pageview`, user `user-7`
  - event_inserted_at 2026-03-14 00:30:01, bq_ingested_timestamp 2026-03-14 01:30:00
"""

NEVER_SEEN = """\
# Event `nobody`

Never seen: no table of the warehouse holds this id.

Its id is no UUIDv7: it carries no time.
"""
