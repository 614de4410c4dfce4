"""The hours that are delivered: an example export with re-deliveries, edits, malformed rows and some collisions."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.soak.account import is_well_formed
from tracks_assets.demo.generate import ExportPlan, redeliver, write_hour
from tracks_assets.export.layout import HOUR, hour_folder

START = datetime(2026, 3, 12, tzinfo=UTC)
PLAN = ExportPlan(
    events_per_hour=400,
    files_per_hour=2,
    people=200,
    redelivery_share=0.05,
    repeat_share=0.02,
    edit_share=0.02,
    malformed_share=0.02,
)


Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Delivered:
    """An hour that lies in the export.

    Attributes:
        hour: its start.
        folder: where its files are.
    """

    hour: datetime
    folder: Path


def deliver(export: Path, number: int, chance: Random) -> Delivered:
    """Writes the export hour of a number: every tenth holds re-deliveries only, every seventh a collision."""
    hour = START + number * HOUR
    if number % 10 == 9:  # noqa: PLR2004
        redeliver(export, hour, [START + each * HOUR for each in _ordinary(number)], 100, PLAN)
    else:
        write_hour(export, hour, PLAN)
    delivered = Delivered(hour, export / hour_folder(hour))
    if number % 7 == 6:  # noqa: PLR2004
        _collide(delivered, chance)
    return delivered


def _ordinary(before: int) -> list[int]:
    """The latest hours that hold events of their own."""
    return [number for number in range(max(0, before - 30), before) if number % 10 != 9][-20:]  # noqa: PLR2004


def _collide(delivered: Delivered, chance: Random) -> None:
    """Delivers an event of the hour again, as another one under the same id."""
    at = delivered.hour + timedelta(minutes=59, seconds=59)
    append_row(delivered, lambda row: row | {"event": "another event", "_inserted_at": at}, chance)


def deliver_again(delivered: Delivered, chance: Random) -> None:
    """The hour is exported again, after it was loaded: as before, with one more delivery that changes an event."""
    at, properties = delivered.hour + timedelta(minutes=59, seconds=58), json.dumps({"edited": "late"})
    append_row(delivered, lambda row: row | {"properties": properties, "_inserted_at": at}, chance)


def append_row(delivered: Delivered, change: Change, chance: Random) -> None:
    """Rewrites the hour's first file with one more row, a changed copy of a valid one."""
    file = min(delivered.folder.glob("*.parquet*"))
    table = pq.ParquetFile(file).read()
    row = chance.choice([each for each in table.to_pylist() if is_well_formed(each)])
    added = pa.Table.from_pylist([change(row)], table.schema)
    unfinished = file.with_name(f".{file.name}.unfinished")
    pq.write_table(pa.concat_tables([table, added]), unfinished, compression="snappy")
    unfinished.replace(file)
