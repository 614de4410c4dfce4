"""What an hour of 400,000 events takes on its way from a bucket into BigQuery: memory of the pipeline's process.

The bucket and BigQuery are the emulators of the tests, so that the seconds say little and the memory says all: files
are streamed, transformed and uploaded by the same code as on Google Cloud. ``make benchmark-bigquery``.
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from google.cloud import storage

from benchmarks.measure import own_peak_bytes, peak_of_module
from examples.export_generator.generate import write_hour
from examples.export_generator.plan import ExportPlan
from tests.support.emulators.servers import PROJECT, google_cloud
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.warehouse.connect import warehouse_of

HOUR = datetime(2026, 3, 12, tzinfo=UTC)
BUCKET = "exports"


def put(folder: Path) -> int:
    """Puts an export into the bucket; returns its bytes."""
    client = storage.Client()
    bucket = client.create_bucket(BUCKET)
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    for file in files:
        bucket.blob(f"posthog/{file.relative_to(folder)}").upload_from_filename(str(file))
    client.close()
    return sum(file.stat().st_size for file in files)


def load() -> None:
    """Loads the hour, and prints the seconds and this process's peak memory in bytes."""
    started = time.perf_counter()
    with warehouse_of(read_settings({"TRACKS_ENGINE": "bigquery", "TRACKS_BQ_PROJECT": PROJECT})).opened() as opened:
        load = opened.load_slice(EVENTS, Export(f"gs://{BUCKET}/posthog").inventory(HOUR), datetime.now(UTC))
    print(load.accepted, load.rejected, f"{time.perf_counter() - started:.1f}")
    print(own_peak_bytes())


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--load", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.load:
        load()
        return
    with tempfile.TemporaryDirectory() as folder, google_cloud(Path(folder)) as cloud:
        os.environ.update(cloud.environment)
        written = write_hour(Path(folder, "export"), HOUR, ExportPlan(events_per_hour=asked.events))
        size = put(Path(folder, "export"))
        measured = peak_of_module("benchmarks.bigquery_load", ["--load"], os.environ)
        print(f"One hour: {written.rows:,} rows, {size / 1e6:,.0f} MB of Parquet in the bucket")
        print(f"  from the bucket into BigQuery in {measured.seconds:.0f} s (both are emulators on this machine)")
        print(f"  peak memory of the process {measured.peak_bytes / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
