"""Persons as PostHog exports them: rows, and the files of an hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval
from tracks_assets.sources.posthog.persons import PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

FIRST = datetime(2026, 3, 12, tzinfo=UTC)

_TYPES: dict[str, pa.DataType] = {
    "team_id": pa.int64(),
    "distinct_id": pa.string(),
    "person_id": pa.string(),
    "properties": pa.string(),
    "person_distinct_id_version": pa.int64(),
    "person_version": pa.int64(),
    "created_at": pa.timestamp("us", "UTC"),
    "_inserted_at": pa.timestamp("us", "UTC"),
    "is_deleted": pa.bool_(),
}


@dataclass(frozen=True)
class Person:
    """A mapping as one export delivers it; ``person`` also makes its properties."""

    distinct_id: str | None
    person: str
    mapping_version: int | None = 0
    person_version: int = 0
    is_deleted: bool | None = False
    team: int = 1
    properties: str | None = ""

    def row(self, hour: datetime = FIRST) -> dict[str, Any]:
        """The row of a file."""
        made = f'{{"name": "{self.person}", "version": {self.person_version}}}'
        return {
            "team_id": self.team,
            "distinct_id": self.distinct_id,
            "person_id": self.person,
            "properties": made if self.properties == "" else self.properties,
            "person_distinct_id_version": self.mapping_version,
            "person_version": self.person_version,
            "created_at": FIRST,
            "_inserted_at": hour,
            "is_deleted": self.is_deleted,
        }


def stored_row(person: Person) -> dict[str, Any]:
    """The row of person_distinct_ids, loaded an hour after its export."""
    columns = {column.name for column in PERSON_DISTINCT_IDS.columns}
    row = {name: value for name, value in person.row().items() if name in columns}
    return {**row, "bq_ingested_timestamp": FIRST + HOUR}


def hour_of(number: int) -> datetime:
    """An export hour, by its number from the first."""
    return FIRST + number * HOUR


def write_persons(root: Path, number: int, persons: Sequence[Person], *, is_old: bool = False) -> Path:
    """Writes an hour of the export as one file; one of an older export has no field is_deleted."""
    hour = hour_of(number)
    file = root / hour_folder(hour, folder=PERSONS.folder) / file_name(hour_interval(hour))
    file.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([person.row(hour) for person in persons], pa.schema(_TYPES))
    pq.write_table(table.drop_columns("is_deleted") if is_old else table, file, compression="snappy")
    return file
