"""A small pipeline in a folder of its own, and the processes that get in its way.

The tests break real files, hold real locks and kill real processes; this is how that is done and undone.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from examples.export_generator.generate import ExportPlan
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval, manifest_name
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import HourLoad

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
SECOND = FIRST + HOUR
STAMP = datetime(2026, 3, 12, 6, tzinfo=UTC)
PLAN = ExportPlan(events_per_hour=300, files_per_hour=1, people=100, repeat_share=0.02, malformed_share=0.02)

TABLES = ("posthog.raw_tracks", "posthog.rejected_tracks", "posthog.tracks")
STAMPS = {"posthog.rejected_tracks": "rejected_at"}

_FINGERPRINT = "select count(*), sum(hash(delivery)::hugeint) from ({}) as delivery"

Contents = dict[str, list[tuple[Any, ...]]]
Fingerprints = dict[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Site:
    """An export of two hours and a warehouse that holds both, the first one merged."""

    folder: Path

    @property
    def export(self) -> Path:
        """The export's root."""
        return self.folder / "export"

    @property
    def warehouse(self) -> Path:
        """The warehouse's file."""
        return self.folder / "warehouse.duckdb"

    @property
    def hour_folder(self) -> Path:
        """The folder of the first hour."""
        return self.export / hour_folder(FIRST)

    @property
    def file(self) -> Path:
        """The only file of the first hour."""
        return self.hour_folder / file_name(hour_interval(FIRST))

    @property
    def manifest(self) -> Path:
        """Where the first hour's manifest would lie."""
        return self.hour_folder / manifest_name(hour_interval(FIRST))

    def load(self, hour: datetime = FIRST, lock_wait: float = 20, *, allow_emptying: bool = False) -> HourLoad:
        """Loads an hour as the asset raw_tracks does."""
        with DuckDbWarehouse(self.warehouse, lock_wait).opened() as opened:
            inventory = Export(str(self.export)).inventory(hour)
            return opened.load_slice(EVENTS, inventory, STAMP, allow_emptying=allow_emptying)

    def contents(self, stamped: bool = True) -> Contents:
        """All rows of all tables, with or without the stamps of the loader's runs."""
        with duckdb.connect(str(self.warehouse)) as connection:
            return {table: connection.execute(_select(table, stamped)).fetchall() for table in TABLES}

    def fingerprints(self, stamped: bool = True) -> Fingerprints:
        """The same as ``contents``, of tables too big to be compared row by row: rows and the sum of their hashes."""
        with duckdb.connect(str(self.warehouse)) as connection:
            statements = {table: _select(table, stamped).removesuffix(" order by all") for table in TABLES}
            return {
                table: connection.sql(_FINGERPRINT.format(rows)).fetchall()[0] for table, rows in statements.items()
            }

    def distinct_tracks(self) -> int:
        """Distinct ids in tracks."""
        with duckdb.connect(str(self.warehouse)) as connection:
            return int(connection.sql("select count(distinct event_id) from posthog.tracks").fetchall()[0][0])

    def hours(self) -> dict[str, int]:
        """Rows of raw_tracks by export hour."""
        with duckdb.connect(str(self.warehouse)) as connection:
            statement = "select window_start, count(*) from posthog.raw_tracks group by all order by all"
            rows = connection.execute(statement).fetchall()
        return {f"{hour.astimezone(UTC):{PARTITION_FORMAT}}": count for hour, count in rows}

    def rewrite(self, column: str, values: "pa.Array[Any]") -> None:
        """Writes the first hour's file again with another column."""
        table = pq.ParquetFile(self.file).read()
        pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), self.file)


def _select(table: str, stamped: bool) -> str:
    columns = "*" if stamped else f"* exclude ({STAMPS.get(table, 'bq_ingested_timestamp')})"
    return f"select {columns} from {table} order by all"


def merge_first_hour(warehouse: Path) -> None:
    """Puts the first hour's events into tracks, each once."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "insert into posthog.tracks select * exclude (window_start, source_file) from posthog.raw_tracks "
            "where window_start = $1 "
            "qualify row_number() over (partition by event_id order by event_inserted_at desc) = 1",
            [FIRST],
        )


def cut_off_the_footer(site: Site) -> None:
    """What a write that was broken off leaves."""
    os.truncate(site.file, site.file.stat().st_size - 2_000)


@contextmanager
def child(command: Sequence[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own; the whole group is gone after the ``with`` block."""
    with subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            kill_group(process)


def kill_group(process: subprocess.Popen[str]) -> None:
    """kill -9 for a process of ``child`` and all its children."""
    subprocess.run(["kill", "-9", "--", f"-{process.pid}"], check=False, capture_output=True)
    process.wait()


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Reads a process's output up to the line that holds ``words``."""
    assert process.stdout is not None
    text = []
    for line in process.stdout:
        text.append(line)
        if words in line:
            return
    raise AssertionError(f"{words!r} was never text:\n" + "".join(text[-60:]))


@contextmanager
def holding(warehouse: Path, seconds: float = 120) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the warehouse's file for a while, already holding it."""
    program = f"import duckdb, time; held = duckdb.connect({str(warehouse)!r}); print('held', flush=True)"
    with child([sys.executable, "-c", f"{program}; time.sleep({seconds}); held.close()"]) as process:
        wait_for(process, "held")
        yield process


def loader(site: Site, hour: datetime, most_bytes: int = -1) -> list[str]:
    """The command that loads an hour in a process of its own; see loader.py."""
    script = Path(__file__).with_name("loader.py")
    key = f"{hour:{PARTITION_FORMAT}}"
    return [sys.executable, str(script), str(site.export), str(site.warehouse), key, str(most_bytes)]
