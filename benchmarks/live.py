"""What reading tracks_live costs, against reading tracks: the price of seeing deliveries before they are merged.

Run with ``make benchmark-live``. A year of events is in tracks. The tail is the deliveries of one or six hours more:
new events, and 4 % re-deliveries, of which a quarter are of any age. Both are read by the same queries in turns. The
view must show each event once, whatever its age.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.dbt import run_models
from benchmarks.measure import median_cpu_seconds
from tracks_assets.defs.posthog.live import MODEL
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import TRACKS, TRACKS_LIVE

MILLIONS = (4, 16, 64)
TAIL_HOURS = (0, 1, 6)
HOURS_OF_YEAR = 8_760
REDELIVERED = 0.04
END = datetime(2026, 3, 1, tzinfo=UTC)
RUNS = 5

EVENTS = """
    insert into {table} by name
    select
        uuid()::varchar as event_id,
        $1::timestamptz + to_microseconds((range.range * $2)::bigint) as created_at,
        ['$pageview', '$autocapture', '$pageleave', '$identify', 'purchase', 'signup'][(1 + hash(range.range) % 6)::int]
            as event_name,
        'user ' || hash(range.range) % 100_000 as user_id,
        created_at as event_inserted_at,
        created_at as bq_ingested_timestamp,
        ('{{"price": ' || range.range % 100 || ', "$lib": "web", "$os": "Mac OS X", "$current_url": '
        || '"https://example.com/' || hash(range.range * 7) % 1000 || '", "text": "' || md5(range.range::varchar)
        || '"}}')::json as event_payload
        {more}
    from range($3)
"""
REDELIVERIES = """
    insert into posthog.raw_tracks by name
    select
        *,
        $1::timestamptz as window_start,
        'tail' as source_file
    from (
        select * replace ($2::timestamptz as event_inserted_at, now() as bq_ingested_timestamp)
        from posthog.tracks
        where created_at >= $3
        using sample reservoir({rows} rows) repeatable (1)
    )
"""
QUERIES = {
    "count by day": "select date_trunc('day', created_at), count(*) from {} group by 1",
    "count by name": "select event_name, count(*) from {} group by 1",
    "sum over payload": "select sum((event_payload ->> 'price')::double) from {}",
}


def build(home: Path, rows: int) -> None:
    """Fills tracks with a year of events, and makes the view."""
    with DuckDbWarehouse(home / "warehouse.duckdb", memory_limit=MEMORY_LIMIT).opened() as warehouse:
        year = timedelta(hours=HOURS_OF_YEAR)
        spacing = year / rows / timedelta(microseconds=1)
        warehouse.connection.execute(EVENTS.format(table=TRACKS, more=""), [END - year, spacing, rows])
    run_models(home, MODEL)


def load_tail(connection: duckdb.DuckDBPyConnection, rows: int, hours: int) -> int:
    """Fills raw_tracks with hours that no merge has seen; returns how many deliveries they hold."""
    connection.execute(f"delete from {RAW_TRACKS}")
    per_hour = rows // HOURS_OF_YEAR
    for hour in (END + timedelta(hours=number) for number in range(hours)):
        more = f", timestamptz '{hour.isoformat()}' as window_start, 'tail' as source_file"
        spacing = 3_600_000_000 / per_hour
        connection.execute(EVENTS.format(table=RAW_TRACKS, more=more), [hour, spacing, per_hour])
        redelivered = int(per_hour * REDELIVERED)
        for since, share in ((END - timedelta(days=2), 0.75), (END - timedelta(days=400), 0.25)):
            text = REDELIVERIES.format(rows=max(1, round(redelivered * share)))
            connection.execute(text, [hour, hour, since])
    connection.execute("checkpoint")
    (count,) = connection.execute(f"select count(*) from {RAW_TRACKS}").fetchone() or (0,)
    return int(count)


def check_rows(connection: duckdb.DuckDBPyConnection, rows: int) -> str:
    """Compares the rows of the view with the events that there are; says how old the oldest re-delivered one is.

    Raises:
        RuntimeError: the view shows an event twice, or not at all.
    """
    (deliveries, new, oldest) = connection.execute(
        f"select count(*), count(*) filter (created_at >= $1), min(created_at) from {RAW_TRACKS}", [END]
    ).fetchone() or (0, 0, None)
    (shown,) = connection.execute(f"select count(*) from {TRACKS_LIVE}").fetchone() or (0,)
    if shown != rows + new:
        raise RuntimeError(f"tracks_live has {shown:,} rows of {rows + new:,} events")
    age = f", up to {(END - oldest).days} days old" if oldest and deliveries > new else ""
    return f"    {shown:,} events shown, each once; {deliveries - new:,} of the tail are re-deliveries{age}"


def ratio(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[float, float]:
    """The median seconds of a query on tracks and on the view, run in turns."""
    seconds: dict[str, list[float]] = {str(TRACKS): [], str(TRACKS_LIVE): []}
    for _ in range(RUNS):
        for table, found in seconds.items():
            started = time.perf_counter()
            connection.execute(query.format(table)).fetchall()
            found.append(time.perf_counter() - started)
    return median(seconds[str(TRACKS)]), median(seconds[str(TRACKS_LIVE)])


def limits(connection: duckdb.DuckDBPyConnection, rows: int) -> list[str]:
    """Measures two limits of the view: CPU for each row to compare ids, and to leave known rows out of a query."""
    connection.execute(f"create or replace table compressed as select event_id from {TRACKS}")
    connection.execute("checkpoint")
    connection.execute(f"create or replace temp table known as select rowid as row_id from {TRACKS} limit 100")
    compared = "select count(*) from {} semi join posthog.raw_tracks using (event_id)"
    left_out = "not exists (select 1 from known where known.row_id = tracks.rowid)"
    lines = [
        f"    ids compared       {cpu(connection, compared.format(TRACKS)) * 1e9 / rows:5.1f} ns of CPU a row,"
        f" {cpu(connection, compared.format('compressed')) * 1e9 / rows:5.1f} as DuckDB would compress them"
    ]
    for name, query in QUERIES.items():
        plain = cpu(connection, query.format(TRACKS))
        known = cpu(connection, query.format(f"(select * from {TRACKS} as tracks where {left_out}) as tracks"))
        lines.append(f"    {name:18} {known / plain:5.2f} times the CPU, were the rows to leave out known")
    return lines


def cpu(connection: duckdb.DuckDBPyConnection, query: str) -> float:
    """The median CPU seconds of a query."""
    return median_cpu_seconds(lambda: connection.execute(query).fetchall(), RUNS)


def compare(millions: float, home: Path) -> None:
    """Prints what each query takes on tracks and on the view, for each tail."""
    rows = int(millions * 1_000_000)
    build(home, rows)
    with DuckDbWarehouse(home / "warehouse.duckdb", memory_limit=MEMORY_LIMIT).opened() as warehouse:
        for hours in TAIL_HOURS:
            tail = load_tail(warehouse.connection, rows, hours)
            print(f"{rows:,} rows, a tail of {hours} hours with {tail:,} deliveries")
            print(check_rows(warehouse.connection, rows))
            for name, query in QUERIES.items():
                plain, live = ratio(warehouse.connection, query)
                print(f"    {name:18} tracks {plain * 1000:7.0f} ms   tracks_live {live * 1000:7.0f} ms", end="")
                print(f"   {live / plain:6.2f} times, {(live - plain) * 1e9 / rows:5.1f} ns a row more")
        print("\n".join(["What limits it", *limits(warehouse.connection, rows)]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=MILLIONS, help="millions of rows")
    options = parser.parse_args(arguments)
    for millions in options.millions:
        with tempfile.TemporaryDirectory(prefix="tracks-benchmark-") as folder:
            compare(millions, Path(folder))


if __name__ == "__main__":
    main()
