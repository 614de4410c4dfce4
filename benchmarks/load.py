"""What it costs to load an hour: against the row-by-row reference, against the engine's floor, and around the work.

Run with ``make benchmark``. Every figure it prints was measured in that run; ratios are the ones to trust, for
machines differ and share. ``--quick`` takes a hundredth of the events, to see that it works.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import median_seconds, own_peak_bytes, peak_of_module, run_command
from examples.export_generator.generate import write_hours
from examples.export_generator.plan import ExportPlan
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog import feeds
from tracks_assets.sources.posthog.contract import RawPostHogEvent, validate
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

FIRST_HOUR = datetime(2026, 3, 12, tzinfo=UTC)
EVENTS = 400_000
ROW_BY_ROW_EVENTS = 20_000
RANGE_HOURS = 24
STAMP = datetime(2026, 3, 13, tzinfo=UTC)


def row_by_row(inventory: HourInventory, rows: int) -> int:
    """Reads, validates and extracts row by row through RawPostHogEvent, and hands the rows to DuckDB as Arrow."""
    tracks = []
    for row in _rows(inventory, rows):
        event = validate(row)
        if isinstance(event, RawPostHogEvent):
            tracks.append(event.track())
    events = pa.Table.from_pylist(tracks)  # noqa: F841 (DuckDB finds it by its name)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder, "rows.duckdb"))) as connection:
        connection.execute("create table raw_tracks as select * from events")
    return len(tracks)


def _rows(inventory: HourInventory, rows: int) -> Iterator[dict[str, object]]:
    left = rows
    for file in inventory.files:
        for batch in pq.ParquetFile(file.path).iter_batches(5_000):
            for row in batch.to_pylist():
                if left == 0:
                    return
                left -= 1
                yield row


def load(inventory: HourInventory, warehouse_file: Path) -> None:
    """The loader: an hour into a fresh warehouse."""
    warehouse_file.unlink(missing_ok=True)
    with DuckDbWarehouse(warehouse_file).opened() as warehouse:
        warehouse.load_slice(feeds.EVENTS, inventory, STAMP)


def floor(inventory: HourInventory, warehouse_file: Path, payload: str) -> None:
    """INSERT .. SELECT of the same files with the payload as ``payload`` says, and no extraction."""
    warehouse_file.unlink(missing_ok=True)
    paths = [file.path for file in inventory.files]
    with duckdb.connect(str(warehouse_file), config={"preserve_insertion_order": False}) as connection:
        connection.execute(
            "create table deliveries (uuid varchar, event varchar, distinct_id varchar, person_id varchar, "
            f"properties {payload}, timestamp timestamptz, inserted_at timestamptz)"
        )
        connection.execute(
            "insert into deliveries select uuid, event, distinct_id, person_id, properties, timestamp, _inserted_at "
            "from read_parquet($1) where properties is null or json_valid(properties)",
            [paths],
        )


def compare_ways(folder: Path, events: int) -> None:
    """Prints events a second of the three ways over one hour, and their ratios."""
    list(write_hours(folder / "hour", FIRST_HOUR, 1, ExportPlan(events_per_hour=events)))
    inventory = Export(str(folder / "hour")).inventory(FIRST_HOUR)
    warehouse = folder / "ways.duckdb"
    few = min(ROW_BY_ROW_EVENTS, inventory.rows)
    print(f"One hour: {inventory.rows:,} events, {inventory.size / 1e6:,.0f} MB of Parquet; medians of 3 runs")
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "(a) row by row through RawPostHogEvent": (lambda: row_by_row(inventory, few), few),
        "(b) the loader": (lambda: load(inventory, warehouse), inventory.rows),
        "(c) floor: INSERT .. SELECT, nothing extracted": (
            lambda: floor(inventory, warehouse, "json"),
            inventory.rows,
        ),
        "    the same, payload with zstd as raw_tracks has it": (
            lambda: floor(inventory, warehouse, "json using compression zstd"),
            inventory.rows,
        ),
    }
    rates = {name: rows / median_seconds(work) for name, (work, rows) in ways.items()}
    for name, rate in rates.items():
        print(f"  {name:55} {rate:>10,.0f} events/s")
    by_row, loader, plain, zstd = rates.values()
    print(f"  b/a {loader / by_row:.1f}    b/c {loader / plain:.2f}    b/(c with zstd) {loader / zstd:.2f}")


def compare_memory(folder: Path, events: int) -> None:
    """Prints the peak memory of loading one hour, and of loading a range of such hours, each in its own process."""
    export = folder / "range"
    list(write_hours(export, FIRST_HOUR, RANGE_HOURS, ExportPlan(events_per_hour=events)))
    peaks = {}
    for hours in (1, RANGE_HOURS):
        arguments = ["--load-range", str(export), str(folder / f"memory-{hours}.duckdb"), str(hours)]
        peaks[hours] = peak_of_module("benchmarks.load", arguments, dict(os.environ)).peak_bytes
        print(f"  peak memory of loading {hours:>2} hour(s) of {events:,} events: {peaks[hours] / 1e6:,.0f} MB")
    print(f"  range against hour: {peaks[RANGE_HOURS] / peaks[1]:.2f}")


def load_range(export: str, warehouse_file: str, hours: int) -> None:
    """Loads the first hours of an export as a range run does, and prints the peak memory."""
    source = Export(export)
    with DuckDbWarehouse(Path(warehouse_file)).opened() as warehouse:
        for number in range(hours):
            warehouse.load_slice(feeds.EVENTS, source.inventory(FIRST_HOUR + timedelta(hours=number)), STAMP)
    print(own_peak_bytes())


def time_commands(folder: Path) -> None:
    """Prints the wall time of ``dagster asset materialize`` for an hour of 1,000 events, and for a day of them."""
    home = folder / "home"
    list(write_hours(home / "export", FIRST_HOUR, RANGE_HOURS, ExportPlan(events_per_hour=1_000)))
    dagster_home = home / "dagster"
    dagster_home.mkdir(parents=True)
    (dagster_home / "dagster.yaml").write_text((Path(__file__).parents[1] / "dagster.yaml").read_text())
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRACKS_")}
    environment = inherited | {"TRACKS_HOME": str(home), "DAGSTER_HOME": str(dagster_home)}
    base = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize", "-m", "tracks_assets.definitions"]
    base += ["--select", "group:hourly"]
    first, last = (f"{FIRST_HOUR + timedelta(hours=hour):{PARTITION_FORMAT}}" for hour in (0, RANGE_HOURS - 1))
    run_command([*base, "--partition", first], environment, folder / "log")  # parses the dbt project, once
    for label, partitions in {
        "one hour of 1,000 events": ["--partition", first],
        f"{RANGE_HOURS} hours of 1,000 events": ["--partition-range", f"{first}...{last}"],
    }.items():
        seconds = median_seconds(partial(run_command, [*base, *partitions], environment, folder / "log"))
        print(f"  dagster asset materialize, {label}: {seconds:.1f} s")


def main() -> None:
    """Measures all of it, or what one option names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a hundredth of the events")
    parser.add_argument("--only", choices=["ways", "memory", "commands"], help="measure just this")
    parser.add_argument("--load-range", nargs=3, metavar=("EXPORT", "WAREHOUSE", "HOURS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load_range:
        export, warehouse, hours = options.load_range
        load_range(export, warehouse, int(hours))
        return
    events = EVENTS // 100 if options.quick else EVENTS
    with tempfile.TemporaryDirectory(prefix="tracks-benchmark-") as name:
        folder = Path(name)
        parts: dict[str, Callable[[], None]] = {
            "ways": lambda: compare_ways(folder, events),
            "memory": lambda: compare_memory(folder, events),
            "commands": lambda: time_commands(folder),
        }
        for part, measure in parts.items():
            if options.only in (None, part):
                measure()


if __name__ == "__main__":
    main()
