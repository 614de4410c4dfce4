"""What the dedup of tracks costs, against the plain statement that everybody writes first.

Run with ``make benchmark-dedup``. For each size the incident is built once; each way then works on a copy of the file,
in a process of its own under the same memory limit. The dedup's time holds everything: counting, snapshot, archive,
rewrite and verification. The plain way keeps no snapshot, archives nothing and proves nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks.measure import own_peak_bytes
from examples.incident import build_incident, plan_incident
from tracks_assets.repairs.dedup.dedup import archive, plan, rewrite, take_snapshot
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

MILLIONS = (4, 16, 64)
PLAIN = """
    create or replace table posthog.tracks as
    select * from posthog.tracks
    qualify row_number() over (partition by event_id order by bq_ingested_timestamp desc) = 1
"""


@dataclass(frozen=True)
class Cost:
    """What one way took: wall seconds, peak memory of its process, and the most that it held on disk, in bytes."""

    seconds: float
    peak_bytes: int
    disk_bytes: int


def dedup(file: Path) -> None:
    """The project's dedup, every step with a newly opened warehouse, as the job runs it."""
    now = datetime.now(UTC)
    with _opened(file) as warehouse:
        made = plan(warehouse, now, 14)
    if made is None:
        raise RuntimeError(f"{file} has no duplicates to remove.")
    with _opened(file) as warehouse:
        take_snapshot(warehouse, made.repair_id, now, made.snapshot_days)
    with _opened(file) as warehouse:
        archive(warehouse, made.repair_id, now)
    with _opened(file) as warehouse:
        rewrite(warehouse, made.repair_id)


def _opened(file: Path) -> AbstractContextManager[DuckDbWarehouse]:
    return DuckDbWarehouse(file, memory_limit=MEMORY_LIMIT).opened()


def plain(file: Path) -> None:
    """CREATE OR REPLACE TABLE .. QUALIFY ROW_NUMBER() = 1."""
    with duckdb.connect(str(file), config={"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False}) as one:
        one.execute(PLAIN)


WAYS = {"dedup_tracks": dedup, "CREATE OR REPLACE .. QUALIFY": plain}


class DiskWatch(threading.Thread):
    """Notes the most bytes that a folder holds while the ``with`` block runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder, self._over = folder, threading.Event()
        self.most = 0

    def run(self) -> None:
        """Looks ten times a second."""
        while not self._over.wait(0.1):
            self.most = max(self.most, sum(size_of(file) for file in self._folder.rglob("*")))

    def __enter__(self) -> "DiskWatch":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()


def size_of(file: Path) -> int:
    """Bytes of a file; 0 where it has just gone."""
    try:
        return file.stat().st_size if file.is_file() else 0
    except FileNotFoundError:
        return 0


def measure(way: str, built: Path, folder: Path, patience: float) -> Cost | None:
    """Runs one way on a copy of ``built``; None where it does not finish within ``patience`` seconds or fails."""
    folder.mkdir()
    file = folder / "warehouse.duckdb"
    shutil.copy(built, file)
    try:
        with DiskWatch(folder) as disk:
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.dedup", "--one", way, str(file)],
                capture_output=True,
                text=True,
                check=True,
                timeout=patience,
                env=dict(os.environ),
            )
            seconds = time.perf_counter() - started
        return Cost(seconds, int(done.stdout.split()[-1]), disk.most)
    except subprocess.TimeoutExpired:
        print(f"    {way}: not finished after {patience:.0f} s")
    except subprocess.CalledProcessError as error:
        print(f"    {way}: failed, {error.stderr.strip().splitlines()[-1]}")
    finally:
        shutil.rmtree(folder)
    return None


def compare(millions: int, payload_bytes: int, folder: Path, patience: float) -> None:
    """Builds the incident in one size and prints what each way costs on it."""
    built = folder / "built.duckdb"
    state = build_incident(built, plan_incident(millions * 1_000_000, payload_bytes=payload_bytes, merge_days=200))
    size = built.stat().st_size
    print(f"{state.rows:,} rows, {state.excess_rows:,} in excess, file {size / 1e9:.2f} GB, limit {MEMORY_LIMIT}")
    costs = {way: measure(way, built, folder / "copy", patience) for way in WAYS}
    built.unlink()
    for way, cost in costs.items():
        if cost:
            memory, disk = cost.peak_bytes / 1e9, cost.disk_bytes / 1e9
            print(f"    {way:30} {cost.seconds:8.1f} s   memory {memory:.2f} GB   disk at most {disk:.2f} GB")
    ours, other = costs.values()
    if ours and other:
        print(f"    {other.seconds / ours.seconds:.1f} times faster")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every size that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=int, nargs="+", default=MILLIONS, help="millions of rows")
    parser.add_argument("--payload-bytes", type=int, default=600, help="bytes of each event's payload")
    parser.add_argument("--patience", type=float, default=1_800, help="seconds after which a way is given up")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        way, file = options.one
        WAYS[way](Path(file))
        print(own_peak_bytes())
        return
    for millions in options.millions:
        with tempfile.TemporaryDirectory(prefix="tracks-benchmark-") as folder:
            compare(millions, options.payload_bytes, Path(folder), options.patience)


if __name__ == "__main__":
    main()
