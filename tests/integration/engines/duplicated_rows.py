"""A tracks with duplicated events, in rows that any engine takes."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from tests.integration.engines.engine import Row

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

EVENTS, DUPLICATED = 60, 20
ROWS, EXCESS = EVENTS + 3 * DUPLICATED, 3 * DUPLICATED


def damaged_rows() -> list[Row]:
    """Events of which the first have four rows: two exactly, and twice re-sent on later days, with one stamp.

    Of those two the one of the earlier day is to stay; some have no insert time, and the others one and the same.
    """
    return [row for number in range(EVENTS) for row in _copies(number)]


def _copies(number: int) -> Iterator[Row]:
    yield event(number)
    if number < DUPLICATED:
        yield event(number)
        resent = event(number, copy=1)
        yield resent
        yield resent | {"created_at": resent["created_at"] + DAY, "locale": "later", "event_payload": "[1, null]"}


def event(number: int, copy: int = 0, **values: object) -> Row:
    """A row of tracks; a copy is as many days later."""
    return {
        "event_id": f"event {number:03}",
        "created_at": START + number * MINUTE + copy * DAY,
        "event_name": f"name {number % 7}",
        "user_id": f"user {number % 10}",
        # JSON's own null is a value, and no value is none.
        "lib_values": [None, "null", "{}", '"text"'][number % 4],
        "event_payload": f'{{"n": {number}, "copy": {copy}}}',
        "bq_ingested_timestamp": START + (1 + copy) * DAY,
        "event_inserted_at": START + number * MINUTE + copy * DAY if number % 3 else None,
    } | values
