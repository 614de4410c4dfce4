"""A small, damaged warehouse as literals, so that one question can be put to both engines without a table in either.

A statement reads its tables by the names that it is given; a named subquery before it does as well.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.warehouse.statements.examples import EXAMPLES, MAKE_TEMPORARY_TABLES, REWRITTEN, SNAPSHOT, qualified
from tests.warehouse.statements.macro_cases import NOON, UUID7, Absent, Json, at, literal
from tracks_assets.core.columns import Column, ColumnType
from tracks_assets.core.sql_files import macros
from tracks_assets.warehouse.statements import SQL, Statements, dialect
from tracks_assets.warehouse.tables import TABLES, TRACKS

Row = dict[str, Any]

TYPES = {
    ColumnType.STRING: "string",
    ColumnType.TIMESTAMP: "timestamp",
    ColumnType.JSON: "json",
    ColumnType.INT64: "int64",
    ColumnType.BOOL: "bool",
}
"""Columns' types, in words that both engines take."""

LATER = at("2026-06-12 09:00:00")
REPAIR = "dedup_20260612_093000_000000"
SQUASH = "squash_20260612_093000_000000"
RUN = "one run"
HOUR, NEXT_HOUR = at("2026-03-12 12:00:00"), at("2026-03-12 13:00:00")
OTHER_UUID7 = "019ce10f-4401-7abc-8def-0123456789ab"
THIRD_UUID7 = "019ce10f-4402-7abc-8def-0123456789ab"
RESTORED_UUID7 = "019ce10f-4403-7abc-8def-0123456789ab"
UNTIMED_IDS = ("", "no id at all", "e0000000-0000-7000-8000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff")
BAD_CLOCK = "00000000-0001-7abc-8def-0123456789ab"


def event(event_id: str | None, **others: Any) -> Row:
    """One row of tracks; columns that are not named are null."""
    plain = {"created_at": NOON, "event_name": "$pageview", "user_id": "u1", "bq_ingested_timestamp": NOON}
    return {name: value for name, value in {"event_id": event_id, **plain, **others}.items() if value is not None}


def paid(text: str) -> Row:
    """A payload, and nothing else."""
    return {"event_payload": Json(text)}


def squashed(event_id: str, created_at: datetime, person_id: str) -> Row:
    """A row of a squash's archive, of an event of u1's."""
    return {
        "event_id": event_id,
        "user_id": "u1",
        "created_at": created_at,
        "person_id": person_id,
        "squashed_person_id": "p1",
    }


DAMAGED: tuple[Row, ...] = (
    # Two copies that are the same but for JSON's null, one that was moved, and one that was moved and refreshed.
    event(UUID7, created_at=at("2026-03-12 08:00:00")),
    event(UUID7, created_at=at("2026-03-12 08:00:00"), **paid("null")),
    event(UUID7, created_at=LATER, bq_ingested_timestamp=LATER, event_inserted_at=LATER, person_id="p1"),
    event(UUID7, created_at=LATER, bq_ingested_timestamp=LATER, event_inserted_at=NOON, **paid('{"$time": 5}')),
    # Moved; the payload's own time agrees with the id's, then does not, then is no number.
    event(OTHER_UUID7, created_at=LATER, person_id="p1", **paid('{"$time": 1773302400.5, "$lib": "web"}')),
    event(OTHER_UUID7, created_at=LATER, user_id="u2", **paid('{"$time": 1773302900.5}')),
    event(OTHER_UUID7, created_at=LATER, user_id=None, **paid('{"$time": "noon"}')),
    event(THIRD_UUID7, created_at=at("2026-03-11 01:00:00")),
    event(BAD_CLOCK, created_at=LATER, person_id="p1"),
    event(BAD_CLOCK, created_at=LATER, event_name="$autocapture", lib_values=Json('{"$lib": "web"}')),
    event("untimed", created_at=None, bq_ingested_timestamp=None),
    event("untimed", created_at=None, bq_ingested_timestamp=LATER),
    event(None),
    event(None, created_at=None),
    *(event(event_id, created_at=LATER) for event_id in UNTIMED_IDS),
)

MOVED = event(RESTORED_UUID7, created_at=LATER)
"""An event that the snapshot saw moved, and that was given its time back since."""

SAMPLE: dict[str, Sequence[Row]] = {
    "tracks": (*DAMAGED, {**MOVED, "created_at": at("2026-03-12 08:00:00.003")}),
    SNAPSHOT: (*DAMAGED, MOVED),
    REWRITTEN: DAMAGED[2:],
    "backfill_tracks": DAMAGED[:4],
    "raw_tracks": [
        {**row, "window_start": at("2026-03-12 12:00:00"), "source_file": "2026/one.parquet"} for row in DAMAGED[:8]
    ],
    "tracks_collisions": [
        {**event(UUID7, event_name="purchase", user_id="u9"), "window_start": at("2026-03-12 12:00:00")},
        event("old", event_name=None, user_id="u9"),
    ],
    "content_fingerprints": [{"content": number} for number in range(2)],
    "unchanged_redeliveries": [
        {
            "event_id": event_id,
            "event_inserted_at": LATER,
            "bq_ingested_timestamp": LATER,
            "window_start": at("2026-06-12 08:00:00"),
            "stored_inserted_at": NOON,
        }
        for event_id in (UUID7, OTHER_UUID7)
    ],
    "rejected_tracks": [
        {
            "window_start": at("2026-03-12 12:00:00"),
            "source_file": "2026/one.parquet",
            "row_number": number,
            "reason": "null event",
            "raw": Json(raw),
            "rejected_at": NOON,
        }
        for number, raw in enumerate([f'{{"uuid": "{UUID7}"}}', '{"uuid": {"a": 1}}', "[]"])
    ],
    "raw_persons": [
        {"distinct_id": name, "is_deleted": name == "b", "window_start": at("2026-03-12 12:00:00")} for name in "ab"
    ],
    "rejected_persons": [{"reason": "distinct_id is null", "window_start": at("2026-03-12 12:00:00")}],
    "person_distinct_ids": [
        {"team_id": team, "distinct_id": name, "person_id": person, **is_deleted}
        for team, name, person, is_deleted in (
            (7, "u1", "ann", {"is_deleted": False}),
            (7, "u2", "ann", {"is_deleted": True}),
            (7, "u3", "ann", {"is_deleted": False}),
            (7, "u4", "ann", {}),
            (7, "u4", "bob", {}),
            (8, "u1", "cat", {"is_deleted": False}),
            (9, "u1", "bob", {"is_deleted": False}),
            (1, "u1", "person of u1", {}),
            (1, "u2", "person of u2", {"is_deleted": True}),
            (1, "u3", "person of u3", {"is_deleted": False}),
            (2, "u1", "person of u1", {"is_deleted": False}),
        )
    ],
    "archived_duplicates": [
        {**row, "dedup_id": REPAIR, "removed_at": LATER, "kept_created_at": LATER} for row in DAMAGED[:3]
    ],
    "archived_times": [
        {
            "event_id": event_id,
            "created_at": LATER,
            "restored_created_at": at("2026-03-12 08:00:00"),
            "evidence": evidence,
            "restore_id": REPAIR,
            "restored_at": LATER,
        }
        for event_id, evidence in ((UUID7, "event_id"), (OTHER_UUID7, "$time"), (RESTORED_UUID7, "event_id"))
    ],
    "archived_person_ids": [
        {"squash_id": squash_id, "squashed_at": LATER, **row}
        for squash_id, row in (
            # Of one event, several that agree; of another, two of two times; of a third, two of one time.
            (SQUASH, squashed(UUID7, LATER, "before")),
            (SQUASH, squashed(UUID7, NOON, "before")),
            (SQUASH, squashed(BAD_CLOCK, LATER, "before")),
            (SQUASH, squashed(BAD_CLOCK, NOON, "earlier")),
            (SQUASH, squashed(OTHER_UUID7, LATER, "before")),
            (SQUASH, squashed(OTHER_UUID7, LATER, "earlier")),
            ("another", squashed(THIRD_UUID7, NOON, "before")),
        )
    ],
    "squash_mappings": [
        {"squash_id": squash_id, "user_id": "u1", "person_id": "somebody"} for squash_id in (SQUASH, "another")
    ],
    "person_squashes": [
        {"squash_id": SQUASH, "state": "running", "started_at": LATER, "team_id": 1, "rows_planned": 9},
        {"squash_id": "another", "state": "finished", "started_at": NOON, "team_id": 1, "rows_squashed": 3},
    ],
    "tracks_repairs": [
        {"repair_id": repair_id, "job": "dedup_tracks", "state": "published", "started_at": LATER, "rows_before": 9}
        for repair_id in ("dedup_20260611_000000_000000", REPAIR)
    ],
    "daily_metrics": [
        {
            "bucket_start": at("2026-03-12 00:00:00"),
            "table_name": "tracks",
            "metric_name": "row_count",
            "metric_value": 12,
            "measured_at": LATER,
            **dimension,
        }
        for dimension in ({"dimension": ""}, {"dimension": "event_name", "dimension_value": 'it\'s a \\ "name"'})
    ],
    "duplicate_census": [
        {"measured_at": moment, "rows": number, "excess_rows": 0} for number, moment in enumerate((NOON, LATER))
    ],
    "load_log": [
        {"window_start": hour, "bq_ingested_timestamp": stamp, "rows_read": rows, "milliseconds": 1_500}
        for hour, stamp, rows in ((HOUR, NOON, 2), (HOUR, LATER, 1), (LATER, LATER, 3))
    ],
    "merge_log": [
        {"window_start": hour, "merged_at": merged_at, "run_id": run_id, "rows_inserted": number}
        for number, (hour, merged_at, run_id) in enumerate(
            ((HOUR, NOON, RUN), (HOUR, LATER, RUN), (NEXT_HOUR, NOON, RUN), (HOUR, LATER, "other run"))
        )
    ],
}


def delivered(insert_id: str | None, **others: Any) -> Row:
    """A row of mp_master_event."""
    plain = {"mp_insert_id": insert_id, "time": NOON, "event_name": "App Open", "distinct_id": "u1"}
    row = {**plain, "bq_ingested_timestamp": NOON, "window_start": at("2026-03-12 00:00:00"), **others}
    return {name: value for name, value in row.items() if value is not None}


_SECOND_DAY = {"window_start": at("2026-03-12 23:00:00")}

SAMPLE |= {
    "mp_master_event": [
        delivered("one"),
        delivered("one", distinct_id="u2"),
        delivered("two", distinct_id=None),
        delivered(None),
        delivered("one", **_SECOND_DAY),
    ],
    "mp_events": [
        {"dedup_id": "one", **delivered("one")},
        {"dedup_id": "two", **delivered("two", distinct_id=None)},
        {"dedup_id": "two", **delivered("two", distinct_id=None)},
    ],
    "mp_rejected_events": [
        {"rejection_reason": reason, **delivered("one")} for reason in ("duplicate", "collision", "time is missing")
    ],
    "mp_refused_rows": [{"window_start": at("2026-03-12 00:00:00"), "reason": "time is missing"}],
    "mp_daily_quality": [
        {"window_start": at("2026-03-12 00:00:00"), "measured_at": moment, "deliveries": number}
        for number, moment in enumerate((NOON, LATER))
    ],
    "mp_processed_days": [
        {
            "window_start": at("2026-03-12 00:00:00"),
            "bq_ingested_timestamp": moment,
            "fingerprint": f"{moment:%Y%m}",
            "rows_read": rows,
        }
        for moment, rows in ((NOON, 2), (LATER, 1))
    ],
    "mp_merge_log": [{"window_start": at("2026-03-12 00:00:00"), "merged_at": NOON, "run_id": RUN}],
}

LIKE_TRACKS = (SNAPSHOT, REWRITTEN)

PARAMETERS: dict[str, Any] = {
    "at_most": at("2026-06-01 00:00:00"),
    "created_end": at("2026-03-13 00:00:00"),
    "cutover": at("2026-03-04 00:00:00"),
    "earliest": at("2000-01-01 00:00:00"),
    "event_id": UUID7,
    "fingerprint": "202603",
    "first_time": NOON,
    "job": "dedup_tracks",
    "last_time": NOON,
    "latest": at("2100-01-01 00:00:00"),
    "measured_at": LATER,
    "purchase_flow_0": "$autocapture",
    "purchase_flow_1": 'it\'s a \\ "name"',
    "purchase_flow_2": "purchase",
    "removed_at": LATER,
    "repair_id": REPAIR,
    "restored_at": LATER,
    "run_id": RUN,
    "squash_id": SQUASH,
    "squashed_at": LATER,
    "team_id": 1,
    "since": at("2026-06-01 00:00:00"),
    "stored_since": at("2026-03-01 00:00:00"),
    "tolerance_hours": 24,
    "usual": 1,
    "window_end": at("2026-03-13 00:00:00"),
    "window_start": at("2026-03-12 00:00:00"),
}


def _one_changed() -> list[Row]:
    """Rows of tracks that differ from each other in one column, or in which one holds what."""
    others: dict[ColumnType, tuple[Any, Any]] = {
        ColumnType.STRING: ("one", "two"),
        ColumnType.TIMESTAMP: (NOON, NOON + timedelta(microseconds=1)),
        ColumnType.JSON: (Json('{"a":1}'), Json('{"a":2}')),
    }
    whole = {column.name: others[column.type][0] for column in TRACKS.columns}
    changed = [{**whole, column.name: others[column.type][1]} for column in TRACKS.columns]
    absent = [{name: value for name, value in whole.items() if name != column.name} for column in TRACKS.columns]
    null = [{**whole, column.name: Json("null")} for column in TRACKS.columns if column.type == ColumnType.JSON]
    elsewhere = [{**whole, "client": "o", "locale": "neone"}, {**whole, "client": "neone", "locale": "o"}, {}]
    return [whole, *changed, *absent, *null, *elsewhere]


ONE_CHANGED = _one_changed()


def hashed(engine: str, macro: str, rows: Sequence[Row]) -> str:
    """A query of a macro's value over rows of tracks: ``hash_sum`` or ``row_hash``."""
    hashes = getattr(dialect(engine), macro)(TRACKS.columns)
    return f"select {hashes} as content from ({values(engine, TRACKS.columns, rows)})"


def minted_at(engine: str, table: str) -> str:
    """A query of the time that each id (event_id) of a table carries."""
    return f"select event_id, {macros(SQL / 'macros.sql').minted_at(dialect(engine))} as minted_at from {table}"


def question(engine: str, statement: str, variables: Row) -> str:
    """What a statement asks, as one query that reads nothing but itself."""
    text = _asked(engine, statement, variables)
    tables = ""
    for name, query in reversed(_tables(engine).items()):
        if re.search(rf"\b{name}\b", tables + text):
            tables = f"{name} as (\n{query}\n),\n{tables}"
    return f"with\n{tables}asked as (\n{text}\n)\nselect * from asked"


def _tables(engine: str) -> dict[str, str]:
    """Queries by the name under which others may read them; the later ones may read the earlier ones."""
    columns = {table.name: table.columns for table in TABLES} | dict.fromkeys(LIKE_TRACKS, TRACKS.columns)
    return {
        **{f"sample_{name}": values(engine, columns[name], rows) for name, rows in SAMPLE.items()},
        **{_made_table(made): _asked(engine, made, EXAMPLES[made][0]) for made in MAKE_TEMPORARY_TABLES},
    }


def _made_table(statement: str) -> str:
    """The temporary table that a statement makes."""
    (name,) = re.findall(r"^create or replace temp table (\w+) as", _text("bigquery", statement), re.MULTILINE)
    return str(name)


def _asked(engine: str, statement: str, variables: Row) -> str:
    """The query of a statement: all of it, or what it inserts, or what it makes a table of."""
    text = _text(engine, statement, variables)
    return text[_query_start(text) :]


def _query_start(text: str) -> int:
    found = re.search(r"^(with|select)\b", text, re.MULTILINE)
    return found.start() if found else -1


def is_question(statement: str) -> bool:
    """Whether a statement, but for its head, is a query."""
    return _query_start(_text("bigquery", statement)) >= 0


def _text(engine: str, statement: str, variables: Row | None = None) -> str:
    samples = {qualified(name): f"sample_{name}" for name in SAMPLE}
    given = EXAMPLES[statement][0] if variables is None else variables
    filled = {name: samples.get(value, value) if isinstance(value, str) else value for name, value in given.items()}
    return _statements(engine).text(statement, **filled)


def _statements(engine: str) -> Statements:
    return Statements(
        engine,
        qualified=lambda _, name: f"sample_{name}",
        parameter=lambda name: literal(engine, PARAMETERS[name]) if name in PARAMETERS else "null",
    )


def values(engine: str, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    """A query that gives these rows; what a row does not name is null."""
    return "\nunion all\n".join(
        "select "
        + ", ".join(
            f"{literal(engine, row.get(column.name, Absent(TYPES[column.type])))} as {_quoted(engine, column.name)}"
            for column in columns
        )
        for row in rows
    )


def _quoted(engine: str, name: str) -> str:
    return f"`{name}`" if engine == "bigquery" else f'"{name}"'
