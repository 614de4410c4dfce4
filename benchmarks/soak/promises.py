"""The tables held against the account: each promise that is broken becomes one line."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.soak.account import Account, Row, content

_SHOWN = 5

_NEWEST = """
select {columns}
from posthog_ops.{log}
qualify row_number() over (partition by window_start order by {stamp} desc) = 1
"""


@dataclass(frozen=True)
class Pair:
    """Old damage: an event that was in tracks twice before the first run, at these times.

    One time is left after a dedup.
    """

    event_id: str
    times: tuple[datetime, ...]


def broken_promises(warehouse: Path, account: Account, pair: Pair) -> list[str]:
    """The guarantees that the tables of a DuckDB file break, one sentence each; empty if they keep all."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return [
            *_raw_tracks(connection, account),
            *_tracks(connection, account, pair),
            *_collisions(connection, account),
            *_logs(connection, account),
        ]


def _raw_tracks(connection: duckdb.DuckDBPyConnection, account: Account) -> Iterator[str]:
    for table, expected in (("raw_tracks", account.accepted), ("rejected_tracks", account.rejected)):
        rows = connection.execute(f"select window_start, count(*) from posthog.{table} group by all").fetchall()
        wrong = _wrong_hours(_by_hour(rows), expected)
        if wrong:
            yield f"{table} does not hold the rows that were delivered, in the hours {_few(wrong)}"
    keys = connection.execute(
        "select event_id, event_name, user_id, created_at, event_inserted_at from posthog.raw_tracks"
    ).fetchall()
    delivered = Counter(_key(row) for deliveries in account.events.values() for row in deliveries)
    difference = (delivered - Counter(keys)) + (Counter(keys) - delivered)
    if difference:
        yield f"raw_tracks holds other deliveries than the files: {_few(map(str, difference))}"


def _key(row: Row) -> tuple[Any, ...]:
    return row["uuid"], row["event"], row["distinct_id"], row["timestamp"], row["_inserted_at"]


def _tracks(connection: duckdb.DuckDBPyConnection, account: Account, pair: Pair) -> Iterator[str]:
    rows = connection.execute(
        "select event_id, created_at, event_name, user_id, event_payload from posthog.tracks"
    ).fetchall()
    copies = Counter(row[0] for row in rows)
    several = [event_id for event_id, count in copies.items() if count > 1 and event_id != pair.event_id]
    if several:
        yield f"tracks holds events more than once: {_few(several)}"
    if copies[pair.event_id] != len(pair.times):
        yield f"tracks holds the old pair {pair.event_id} {copies[pair.event_id]} times"
    expected = account.expected_tracks()
    if copies.keys() != expected.keys():
        yield f"tracks holds other events than were delivered: {_few(copies.keys() ^ expected.keys())}"
    yield from _rows_of_tracks(rows, expected, pair)


def _rows_of_tracks(rows: list[tuple[Any, ...]], expected: dict[str, Row], pair: Pair) -> Iterator[str]:
    wrong: dict[str, list[str]] = {}
    for event_id, *values in rows:
        if event_id in expected:
            times = pair.times if event_id == pair.event_id else (expected[event_id]["timestamp"],)
            for difference in _differences(values, expected[event_id], times):
                wrong.setdefault(difference, []).append(event_id)
    for difference, ids in wrong.items():
        yield f"{len(ids)} rows of tracks {difference}: {_few(ids)}"


def _differences(values: list[Any], event: Row, times: tuple[datetime, ...]) -> Iterator[str]:
    created_at, name, user, payload = values
    if created_at not in times:
        yield "do not have the time of their first delivery"
    if (name, user) != (event["event"], event["distinct_id"]):
        yield "are of another event than was delivered first"
    if json.loads(payload or "null") != content(event):
        yield "do not have the content of their last delivery"


def _collisions(connection: duckdb.DuckDBPyConnection, account: Account) -> Iterator[str]:
    rows = connection.execute("select event_id, event_name, user_id from posthog_ops.tracks_collisions").fetchall()
    found, expected = Counter(rows), account.expected_collisions()
    if found != expected:
        difference = (expected - found) + (found - expected)
        yield f"tracks_collisions does not hold the deliveries that collide: {_few(map(str, difference))}"


def _logs(connection: duckdb.DuckDBPyConnection, account: Account) -> Iterator[str]:
    """The guarantees that the logs of loads and merges break."""
    newest = _NEWEST.format(columns="window_start, rows_read", log="load_log", stamp="bq_ingested_timestamp")
    wrong = _wrong_hours(_by_hour(connection.execute(newest).fetchall()), account.accepted + account.rejected)
    if wrong:
        yield f"load_log does not count the rows that were delivered, in the hours {_few(wrong)}"
    newest = _NEWEST.format(columns="window_start, rows_collided", log="merge_log", stamp="merged_at")
    collided = _by_hour(connection.execute(newest).fetchall())
    wrong = _wrong_hours(collided, account.collisions_by_hour())
    if wrong or collided.keys() != account.accepted.keys():
        yield f"merge_log does not count each hour's collisions: {_few(wrong)}"
    (inserted,) = connection.execute("select sum(rows_inserted)::bigint from posthog_ops.merge_log").fetchall()[0]
    # The old pair was there before the first merge.
    if inserted != len(account.events) - 1:
        yield f"merge_log counts {inserted} inserted events, and {len(account.events) - 1} were new"


def _by_hour(rows: Iterable[tuple[datetime, int]]) -> Counter[datetime]:
    return Counter({hour.astimezone(UTC): count for hour, count in rows})


def _wrong_hours(found: Counter[datetime], expected: Counter[datetime]) -> list[str]:
    return [f"{hour:%Y-%m-%d %H}" for hour in expected.keys() | found.keys() if found[hour] != expected[hour]]


def _few(names: Any) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more
