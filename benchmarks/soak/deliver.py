"""The hours that are delivered: an example export with re-deliveries, edits, malformed rows and some collisions."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.soak.account import is_well_formed
from examples.export_generator.generate import ExportPlan, redeliver, write_hour
from tracks_assets.sources.posthog.layout import HOUR, hour_folder

Change = Callable[[dict[str, Any]], dict[str, Any]]

_LARGE = 8_000_000
"""Characters of the largest property that is delivered."""


@dataclass(frozen=True)
class Delivered:
    """An hour that lies in the export.

    Attributes:
        hour: its start.
        folder: where its files are.
    """

    hour: datetime
    folder: Path


@dataclass(frozen=True)
class Deliveries:
    """An export that grows hour by hour.

    Attributes:
        root: its folder.
        start: its first hour.
        chance: decides what is changed.
    """

    root: Path
    start: datetime
    chance: Random

    @cached_property
    def plan(self) -> ExportPlan:
        """The plan of an ordinary hour."""
        return ExportPlan(
            events_per_hour=400,
            files_per_hour=2,
            people=200,
            redelivery_share=0.05,
            repeat_share=0.02,
            edit_share=0.02,
            malformed_share=0.02,
            export_start=self.start,
        )

    def deliver(self, number: int) -> Delivered:
        """Adds the hour of a number, all files at once.

        Every tenth hour holds re-deliveries only. Every seventh has a collision, every eleventh values that no engine
        stores as they are, and every fiftieth an event of 8 MB.
        """
        hour, unfinished = self.start + number * HOUR, self.root.with_name("unfinished")
        if number % 10 == 9:  # noqa: PLR2004
            redeliver(unfinished, hour, [self.start + each * HOUR for each in _ordinary(number)], 100, self.plan)
        else:
            write_hour(unfinished, hour, self.plan)
        written = Delivered(hour, unfinished / hour_folder(hour))
        for each in _added(number):
            self._add_row(written, each)
        delivered = Delivered(hour, self.root / hour_folder(hour))
        delivered.folder.parent.mkdir(parents=True, exist_ok=True)
        written.folder.rename(delivered.folder)
        return delivered

    def deliver_again(self, delivered: Delivered) -> None:
        """The hour is exported again, after it was loaded: as before, with one more delivery that changes an event."""
        self._add_row(delivered, {"properties": json.dumps({"edited": "late"})}, timedelta(minutes=59, seconds=58))

    def _add_row(
        self, delivered: Delivered, changed: dict[str, Any], after: timedelta = timedelta(minutes=59, seconds=59)
    ) -> None:
        """Rewrites the hour's first file with one more row, a changed copy of a valid one."""
        file = min(delivered.folder.glob("*.parquet*"))
        table = pq.ParquetFile(file).read()
        row = self.chance.choice([each for each in table.to_pylist() if is_well_formed(each)])
        row |= {"_inserted_at": delivered.hour + after, **changed}
        unfinished = file.with_name(f".{file.name}.unfinished")
        pq.write_table(pa.concat_tables([table, pa.Table.from_pylist([row], table.schema)]), unfinished)
        unfinished.replace(file)


def _ordinary(before: int) -> list[int]:
    """The latest hours that hold events of their own."""
    return [number for number in range(max(0, before - 30), before) if number % 10 != 9][-20:]  # noqa: PLR2004


def _added(number: int) -> list[dict[str, Any]]:
    """The columns in which the rows that are added to an hour differ from an event of it."""
    added: list[dict[str, Any]] = []
    # Never in an hour that is delivered again, so that an account needs no order of two changes of one event.
    if number % 7 == 2:  # noqa: PLR2004
        added.append({"event": "another event"})
    if number % 11 == 5:  # noqa: PLR2004
        added += [{"properties": '{"number": 1e400}'}, {"properties": '{"half": "\\ud83d"}'}]
    if number % 50 == 25:  # noqa: PLR2004
        added.append({"properties": json.dumps({"large": "x" * _LARGE})})
    return added
