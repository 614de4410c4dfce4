"""Rebuilds the marketing table, and compares that with storing all events of both systems in one shape.

Run with ``make benchmark-consumers``. A year of events of PostHog and of Mixpanel is in one file, and 0.1 % of them are
installs or subscriptions. The marketing table is rebuilt from the view of both systems, so it reads the payloads of the
named events only. The obvious design stores all events in one shape first: this one step is compared.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks.dbt import run_models
from benchmarks.live import END, HOURS_OF_YEAR
from benchmarks.measure import RUNS, median_seconds
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import TRACKS

UNION = "int_events_growth_union_events"
MARKETING = "installs_subscribers_by_channel_platform"
MIXPANEL_SHARE = 0.25

POSTHOG_EVENTS = """
    insert into {table} by name
    select
        uuid()::varchar as event_id,
        $1::timestamptz - to_seconds(hash(range.range) % ($2 * 3600)) as created_at,
        case when range.range % 1000 = 0 then 'Application Installed' else '$pageview' end as event_name,
        'user ' || hash(range.range) % 1_000_000 as user_id,
        '{{"$lib": "web"}}' as lib_values,
        created_at as event_inserted_at,
        created_at as bq_ingested_timestamp,
        ('{{"utm_source": "' || ['google', 'facebook', 'tiktok'][(1 + range.range % 3)::int]
        || '", "$current_url": "https://example.com/' || hash(range.range * 7) % 1000
        || '", "text": "' || repeat(md5(range.range::varchar), 8) || '"}}')::json as event_payload
    from range($3)
"""
MIXPANEL_EVENTS = """
    insert into {table} by name
    select
        md5('mixpanel ' || range.range)::varchar as dedup_id,
        dedup_id as mp_insert_id,
        $1::timestamptz - to_seconds(hash(range.range, 'mixpanel') % ($2 * 3600)) as time,
        case when range.range % 1000 = 0 then 'Purchase' else 'Page View' end as event_name,
        'user ' || hash(range.range) % 1_000_000 as customer_id,
        'web' as mp_lib,
        'google' as utm_source,
        time as bq_ingested_timestamp
    from range($3)
"""


def report(home: Path, rows: int) -> list[str]:
    """Builds the tables and measures both; one line each."""
    with DuckDbWarehouse(home / "warehouse.duckdb", memory_limit=MEMORY_LIMIT).opened() as warehouse:
        given = [END, HOURS_OF_YEAR]
        warehouse.connection.execute(POSTHOG_EVENTS.format(table=TRACKS), [*given, rows])
        warehouse.connection.execute(MIXPANEL_EVENTS.format(table=MP_EVENTS), [*given, round(rows * MIXPANEL_SHARE)])
    run_models(home, f"{UNION} {MARKETING}")
    rebuild = median_of_model(home)
    with DuckDbWarehouse(home / "warehouse.duckdb", memory_limit=MEMORY_LIMIT).opened() as warehouse:
        stored = f"create or replace table stored as select * from growth.{UNION}"
        store = median_seconds(lambda: warehouse.connection.execute(stored))
        total = f"select sum(installs + subscribers) from marketing.{MARKETING}"
        (counted,) = warehouse.connection.execute(total).fetchone() or (0,)
    return [
        f"{rows:,} events of PostHog, {MIXPANEL_SHARE:.0%} more of Mixpanel; {counted:,} installs and subscribers",
        f"rebuild of the marketing table             {rebuild:6.2f} s",
        f"all events stored in one shape             {store:6.2f} s   {store / rebuild:.1f} times the rebuild",
    ]


def median_of_model(home: Path) -> float:
    """The median seconds that dbt's statement of the marketing table takes, without dbt's own start."""
    return sorted(run_models(home, MARKETING) for _ in range(RUNS))[RUNS // 2]


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, default=4, help="millions of PostHog's events")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracks-benchmark-") as folder:
        print("\n".join(report(Path(folder), round(given.millions * 1_000_000))))


if __name__ == "__main__":
    main()
