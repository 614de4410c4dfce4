"""Mixpanel's events as its two exports write them, and the files of a day."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracks_assets.sources.mixpanel.layout import DAY, day_folder

FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def day_of(number: int) -> datetime:
    """A day, by its number from the first."""
    return FIRST + number * DAY


@dataclass(frozen=True)
class Event:
    """One delivery. ``day`` is the day on which it happened, ``processed`` the second after that of its processing."""

    insert_id: str | None
    day: int = 0
    name: str = "App Open"
    user: str = "u1"
    processed: int | None = 0
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> int:
        """When it happened."""
        return int(day_of(self.day).timestamp()) + 3600

    @property
    def processed_ms(self) -> int | None:
        """When Mixpanel processed it."""
        return None if self.processed is None else 1000 * (self.seconds + self.processed)

    def line(self) -> dict[str, Any]:
        """The line of the raw export."""
        known = {
            "time": self.seconds,
            "distinct_id": self.user,
            "$insert_id": self.insert_id,
            "mp_processing_time_ms": self.processed_ms,
        }
        given = {name: value for name, value in known.items() if value is not None}
        return {"event": self.name, "properties": given | dict(self.properties)}

    def row(self) -> dict[str, Any]:
        """The row of the schematized pipeline, which has ``mp_`` in place of a ``$``."""
        named = {name.replace("$", "mp_"): value for name, value in self.line()["properties"].items()}
        return {"mp_event_name": self.name, "mp_insert_id": None} | named


def folder_of(root: Path, day: int) -> Path:
    """The folder of a day, made where it is missing."""
    folder = root / day_folder(day_of(day))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_lines(root: Path, day: int, rows: Sequence[Event | Mapping[str, Any]], name: str = "events.json") -> Path:
    """Writes a file of JSON lines, compressed if its name says so."""
    text = "".join(f"{json.dumps(row.line() if isinstance(row, Event) else row)}\n" for row in rows)
    file = folder_of(root, day) / name
    file.write_bytes(gzip.compress(text.encode(), mtime=0) if name.endswith(".gz") else text.encode())
    return file


def write_parquet(root: Path, day: int, events: Sequence[Event], name: str = "events.parquet") -> Path:
    """Writes a file of the schematized pipeline."""
    rows = [event.row() for event in events]
    names = dict.fromkeys(name for row in rows for name in row)
    file = folder_of(root, day) / name
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), file)
    return file
