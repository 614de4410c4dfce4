"""Rows for the tests' tables, each given by the columns that matter to the test; all others are null."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from tracks_assets.core.tables import Table

MINTED = datetime(2026, 3, 12, 0, 30, tzinfo=UTC)
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
MILLISECOND, MICROSECOND = timedelta(milliseconds=1), timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = dict[str, Any]


def uuid7(moment: datetime, number: int = 1) -> str:
    """The UUIDv7 of a moment, to the millisecond; ``number`` separates it from others of the same moment."""
    digits = f"{(moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{number:012x}"


def insert(connection: duckdb.DuckDBPyConnection, table: Table, *given: Row) -> None:
    """Puts rows into a table."""
    for row in given:
        names = ", ".join(row)
        marks = ", ".join(f"${name}" for name in row)
        connection.execute(f"insert into {table} ({names}) values ({marks})", row)


def seconds(moment: datetime) -> str:
    """A moment as a payload's $time has it."""
    return f"{(moment - EPOCH) // MICROSECOND / 1_000_000:.6f}"


def row(event_id: str, created_at: datetime | None, payload: str | None = None, **values: object) -> Row:
    """An event as tracks has it."""
    return {
        "event_id": event_id,
        "created_at": created_at,
        "event_name": "open",
        "user_id": "user",
        "event_payload": payload,
        "bq_ingested_timestamp": MINTED + 90 * DAY,
        "event_inserted_at": created_at,
    } | values


ID = uuid7(MINTED)
FINE = MINTED + timedelta(microseconds=123)
NEAR = MINTED + SECOND
OLD_CLOCK = datetime(1999, 12, 31, tzinfo=UTC)

LEFT = {
    "at its time": row(ID, MINTED),
    "later, within the tolerance": row(ID, MINTED + DAY),
    "earlier": row(ID, MINTED - 30 * DAY),
    "without a time": row(ID, None),
    "a random id": row("3c9d27e5-2d9b-4a5c-8b1e-0d8f5a6b7c8d", MINTED + 30 * DAY),
    "an id of version 1": row("01958a3c-7c00-1000-8000-000000000001", MINTED + 900 * DAY),
    "a v7 that is none": row(ID.replace("-8000-", "-c000-"), MINTED + 30 * DAY),
    "an id of a clock that was not set": row(uuid7(OLD_CLOCK), MINTED),
    "an id of the far future": row("ffffffff-ffff-7fff-bfff-ffffffffffff", MINTED),
    "no uuid": row("an id", MINTED + 30 * DAY),
    "no id": row("", MINTED) | {"event_id": None},
}
"""Rows that no restore may touch."""


def pairs() -> list[Row]:
    """Duplicated ids, in every way that makes a way back hard."""

    def copy(number: int, moved: timedelta, content: str, ingested: int = 0) -> Row:
        stamp = MINTED + 90 * DAY + ingested * HOUR
        return row(uuid7(MINTED, number), MINTED + moved, locale=content, bq_ingested_timestamp=stamp)

    return [
        # exact copies, both moved
        *(copy(1, 30 * DAY, "a"), copy(1, 30 * DAY, "a")),
        # one at its time, one moved, the same but for it
        *(copy(2, 0 * DAY, "a"), copy(2, 30 * DAY, "a")),
        # both moved, to different days, the same but for it
        *(copy(3, 30 * DAY, "a"), copy(3, 60 * DAY, "a")),
        # both moved to different days, with contents of their own
        *(copy(4, 30 * DAY, "a", 1), copy(4, 60 * DAY, "b", 2)),
        # the same content ingested twice
        *(copy(5, 60 * DAY, "a", 1), copy(5, 30 * DAY, "a", 2)),
        # three copies, one within the tolerance
        *(copy(6, HOUR, "a"), copy(6, 30 * DAY, "b"), copy(6, 30 * DAY, "b")),
        # once
        copy(7, 45 * DAY, "a"),
        # nothing to restore
        *(copy(8, 0 * DAY, "a"), copy(8, 0 * DAY, "b")),
    ]


def random_rows(random_: random.Random) -> list[Row]:
    """Events of up to four copies, each at a random time with a random content."""
    return [
        row(
            uuid7(MINTED, number),
            MINTED + random_.choice([0, 1, 30, 30, 60]) * DAY,
            random_.choice([None, f'{{"$time": {seconds(FINE)}}}', f'{{"$time": {seconds(NEAR)}}}']),
            locale=random_.choice(["a", "b"]),
            event_inserted_at=random_.choice([None, MINTED]),
        )
        for number in range(60)
        for _ in range(random_.randint(1, 4))
    ]
