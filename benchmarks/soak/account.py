"""The expected tables, computed from the delivered files alone: plain Python, and no code of the pipeline."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_HOUR = "hour"


@dataclass
class Account:
    """The deliveries and the tables that follow from them.

    Attributes:
        accepted: well-formed rows by export hour.
        rejected: malformed rows by export hour.
        events: the deliveries of each event id, in the order of their insert times; each with its export hour.
    """

    accepted: Counter[datetime] = field(default_factory=Counter)
    rejected: Counter[datetime] = field(default_factory=Counter)
    events: dict[str, list[Row]] = field(default_factory=dict)

    def expected_tracks(self) -> dict[str, Row]:
        """Of each id its event: the first delivery's time and identity, and the content of its last delivery."""
        return {event_id: self._event(deliveries) for event_id, deliveries in self.events.items()}

    def expected_collisions(self) -> Counter[tuple[str, str, str]]:
        """Deliveries of another event than their id's, by (id, event, user)."""
        return Counter((row["uuid"], row["event"], row["distinct_id"]) for row in self._colliding())

    def collisions_by_hour(self) -> Counter[datetime]:
        """The number of colliding deliveries in each export hour."""
        return Counter(row[_HOUR] for row in self._colliding())

    def hours_of_colliding_events(self) -> set[datetime]:
        """The export hours that deliver an event whose id belongs to another one, too, in whichever hour."""
        return {hour for row in self._colliding() for hour in self.hours_of(row["uuid"])}

    def hours_of(self, event_id: str) -> set[datetime]:
        """The export hours that deliver an event."""
        return {row[_HOUR] for row in self.events[event_id]}

    def _colliding(self) -> Iterator[Row]:
        for deliveries in self.events.values():
            yield from (row for row in deliveries if _identity(row) != _identity(deliveries[0]))

    @staticmethod
    def _event(deliveries: list[Row]) -> Row:
        same = [row for row in deliveries if _identity(row) == _identity(deliveries[0])]
        return same[-1] | {"timestamp": deliveries[0]["timestamp"]}


def _identity(row: Row) -> tuple[str, str]:
    return row["event"], row["distinct_id"]


def account_of(hours: dict[datetime, Path]) -> Account:
    """The account of the Parquet files in the folders of some hours."""
    account = Account()
    for hour, folder in hours.items():
        for row in _rows(folder):
            if is_well_formed(row):
                account.accepted[hour] += 1
                account.events.setdefault(row["uuid"], []).append(row | {_HOUR: hour})
            else:
                account.rejected[hour] += 1
    for deliveries in account.events.values():
        # The sort is stable: identical repeats keep their order, which changes nothing.
        deliveries.sort(key=lambda row: (row["_inserted_at"] or _LONG_AGO, row["timestamp"]))
    return account


def _rows(folder: Path) -> Iterator[Row]:
    for file in sorted(folder.glob("*.parquet*")):
        yield from pq.ParquetFile(file).read().to_pylist()


def is_well_formed(row: Row) -> bool:
    """Whether a delivered row is an event: with an id, a name, a user, a plausible time, and an object or null."""
    if not (row["uuid"] and row["event"] and row["distinct_id"]) or row["timestamp"] is None:
        return False
    if not datetime(2000, 1, 1, tzinfo=UTC) <= row["timestamp"] <= datetime(2100, 1, 1, tzinfo=UTC):
        return False
    try:
        return row["properties"] is None or isinstance(json.loads(row["properties"], parse_float=_double), dict)
    except json.JSONDecodeError:
        return False
    except OverflowError:
        return False


def _double(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise OverflowError(text)
    return number


def content(row: Row) -> object:
    """The properties of a delivered row as they are to be stored: with U+FFFD for half a surrogate pair."""
    text = json.dumps(json.loads(row["properties"] or "null"), ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
