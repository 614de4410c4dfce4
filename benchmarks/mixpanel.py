"""One more day of Mixpanel's events: a full refresh of a year against the incremental merge, in one run.

``python -m benchmarks.mixpanel`` generates and loads a year of days, then brings the last one into ``mp_events`` in
both ways. The full refresh is the plainest there is: one statement that sorts all deliveries by their key and keeps
the last of each. The incremental one is what runs every day: the dbt models ``mp_events`` and ``mp_rejected_events``.

Seconds are measured, as medians of a few runs. Bytes on BigQuery follow from the formula of its documentation (see
``benchmarks.bigquery_cost``), with the days and rows that this run really touched.
"""

import argparse
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import duckdb

from benchmarks.dbt import run_models
from benchmarks.measure import RUNS, median_seconds
from examples.mixpanel_generator.generate import MixpanelPlan, write_day
from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.mixpanel.inventory import MixpanelExport
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_MASTER_EVENT, MP_MERGE_LOG, STG_MP_DEDUP_EVENTS
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)

KEY_BYTES = 2 + 16 + 8
"""The insert id of 16 characters (BigQuery counts 2 bytes more) and the time."""

STAMP_BYTES = 2 * 8
IDENTITY_BYTES = 2 + 12 + 2 + 14
CONTENT_BYTES = 8
PAYLOAD_READS = 4
"""How often a merge reads the rows of its day: for fingerprints, rows, the INSERT and the UPDATE."""

FULL = f"""
create or replace table full_refresh as
select * exclude (window_start, source_file, row_number)
from {STG_MP_DEDUP_EVENTS}
qualify row_number() over (
    partition by dedup_id, time order by processed_at desc nulls last, bq_ingested_timestamp desc
) = 1
"""


@dataclass(frozen=True)
class Touched:
    """What the merge of a day touched: rows of the year and of the day, bytes of a row, and days of mp_events.

    Attributes:
        rows: deliveries of the year.
        day_rows: deliveries of the day.
        row_bytes: bytes of a delivery as BigQuery counts them, about.
        days: days of the year.
        batch_days: days on which the day's events happened.
        changed_days: those of them on which a row was updated.
    """

    rows: int
    day_rows: int
    row_bytes: float
    days: int
    batch_days: int
    changed_days: int

    @property
    def full_bytes(self) -> float:
        """A full refresh reads every column of every delivery."""
        return self.rows * self.row_bytes

    @property
    def incremental_bytes(self) -> float:
        """Payloads of the day, keys of the days of its events, a number for each stored row, and what is updated.

        mp_rejected_events also reads the deliveries that happened on those days, in full.
        """
        of_days = self.batch_days * self.rows / self.days
        merged = PAYLOAD_READS * self.day_rows * self.row_bytes + self.rows * CONTENT_BYTES
        keys = of_days * (KEY_BYTES + STAMP_BYTES + IDENTITY_BYTES)
        updated = self.changed_days * self.rows / self.days * self.row_bytes
        return merged + keys + updated + of_days * self.row_bytes


def load(home: Path, plan: MixpanelPlan, days: int) -> DuckDbWarehouse:
    """Generates and loads the days, one after another."""
    warehouse = DuckDbWarehouse(home / "warehouse.duckdb")
    export = MixpanelExport(str(home / "export"))
    with warehouse.opened() as opened:
        for number in range(days):
            written = write_day(home / "export", plan, number)
            opened.load_slice(MIXPANEL, export.inventory(written.day), written.day + DAY)
            written.file.unlink()
    return warehouse


def merge(home: Path, first: int, end: int) -> float:
    """Merges the days [first, end) by dbt; gives the seconds that its models took, without dbt's own start."""
    window = {
        "TRACKS_WINDOW_START": (FIRST + first * DAY).isoformat(),
        "TRACKS_WINDOW_END": (FIRST + end * DAY).isoformat(),
    }
    return run_models(home, "stg_mp_dedup_events mp_events mp_rejected_events", window)


def incremental_seconds(home: Path, days: int) -> float:
    """The median time of the last day's merge, each time into a copy of what there was before it."""
    before, now = home / "before.duckdb", home / "warehouse.duckdb"
    now.rename(before)
    seconds = []
    for _ in range(RUNS):
        now.write_bytes(before.read_bytes())
        seconds.append(merge(home, days - 1, days))
    return median(seconds)


def touched(connection: duckdb.DuckDBPyConnection, days: int) -> Touched:
    """What the merge of the last day touched, counted afterwards."""
    last = FIRST + (days - 1) * DAY
    of_day = f"from {MP_MASTER_EVENT} where window_start = $1"
    rows, size = connection.execute(
        f"select count(*), avg(strlen(properties::varchar) + strlen(source_file) + 100) from {MP_MASTER_EVENT}"
    ).fetchone() or (0, 0)
    day_rows, batch_days = connection.execute(
        f"select count(*), count(distinct time::date) {of_day}", [last]
    ).fetchone() or (0, 0)
    (changed,) = connection.execute(
        f"select count(distinct time::date) from {MP_EVENTS} where bq_ingested_timestamp = $1 and (dedup_id, time) in "
        f"(select (mp_insert_id, time) from {MP_MASTER_EVENT} where window_start < $2)",
        [last + DAY, last],
    ).fetchone() or (0,)
    return Touched(rows, day_rows, float(size), days, batch_days, changed)


def report(home: Path, days: int, events_per_day: int) -> list[str]:
    """The figures, one a line."""
    load(home, MixpanelPlan(FIRST, events_per_day, people=20_000), days)
    merge(home, 0, days - 1)
    incremental = incremental_seconds(home, days)
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("set timezone = 'UTC'; set memory_limit = '2GB'")
        full = median_seconds(lambda: connection.execute(FULL))
        counts = [
            connection.execute(f"select count(*) from {table}").fetchone() for table in (MP_EVENTS, "full_refresh")
        ]
        found = touched(connection, days)
        logged = connection.execute(
            f"select rows_inserted, rows_updated from {MP_MERGE_LOG} order by merged_at desc, window_start desc limit 1"
        ).fetchone()
    assert counts[0] == counts[1], f"the two ways disagree: {counts}"
    return [
        f"{found.rows:,} deliveries in {days} days; the last day has {found.day_rows:,}, of events on "
        f"{found.batch_days} days; inserted and updated: {logged}",
        line("seconds", full, incremental, ".2f"),
        line("deliveries read in full", found.rows, found.day_rows, ",.0f"),
        line("MB on BigQuery, by the formula", found.full_bytes / 1e6, found.incremental_bytes / 1e6, ",.1f"),
        f"mp_events and the full refresh have the same number of rows: {counts[0]}",
    ]


def line(what: str, full: float, incremental: float, form: str) -> str:
    """One comparison."""
    saved = 1 - incremental / full
    return f"{what}: full refresh {full:{form}}, incremental {incremental:{form}}, {saved:.1%} less"


def main() -> None:
    """Runs it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--events-per-day", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mixpanel_") as folder:
        print("\n".join(report(Path(folder), given.days, given.events_per_day)))


if __name__ == "__main__":
    main()
