"""What PostHog exported again: the evidence for PostHog's support, as figures for the page and as a CSV file."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import IO

from tracks_assets.sources.posthog.contract import EARLIEST
from tracks_assets.warehouse.base import Warehouse

AGE_LIMITS = (1, 24, 24 * 7, 24 * 30)
"""Hours that bound the groups of ages, from below."""

AGE_GROUPS = ("under 1 hour", "1 to 24 hours", "1 to 7 days", "7 to 30 days", "30 days or more")

UNKNOWN_AGE = "not known"

RESTAMPED = timedelta(minutes=1)
"""A re-delivery whose time is further than this from the event's own was stamped again. Capture itself adds
milliseconds."""

LOOKBACK = timedelta(days=30)
"""How far before the window the stored time of an event is looked for: it bounds what BigQuery bills."""

_EXAMPLES = 10


@dataclass(frozen=True)
class Window:
    """The export hours in [start, end) that are looked at, and since when stored times are looked for."""

    start: datetime
    end: datetime
    stored_since: datetime

    @property
    def parameters(self) -> dict[str, datetime]:
        """The query parameters of the statement ``redeliveries``."""
        return {
            "window_start": self.start,
            "window_end": self.end,
            "stored_since": self.stored_since,
            "earliest": EARLIEST,
        }


def window(start: datetime, end: datetime, lookback: timedelta = LOOKBACK) -> Window:
    """The window of the export hours in [start, end)."""
    return Window(start, end, start - lookback)


@dataclass(frozen=True)
class Redelivery:
    """A delivery of an event that had been exported before.

    Attributes:
        event_id: the event's id.
        lib: the library that sent it ($lib).
        lib_version: its version ($lib_version).
        id_time: the time that the id carries; None if it is no UUIDv7.
        stored_created_at: the time that tracks holds; None if it lies before the days that were looked at.
        redelivered_created_at: the time that PostHog gave this delivery.
        restamped_seconds: from the event's own time (the id's, or else the stored one) to that time.
        age_hours: from the event's own time to the export hour.
        event_inserted_at: when PostHog inserted this delivery.
        window_start: the export hour.
        source_file: the export file.
    """

    event_id: str
    lib: str | None
    lib_version: str | None
    id_time: datetime | None
    stored_created_at: datetime | None
    redelivered_created_at: datetime | None
    restamped_seconds: float | None
    age_hours: float | None
    event_inserted_at: datetime | None
    window_start: datetime
    source_file: str


@dataclass(frozen=True)
class RedeliveredGroup:
    """Events that were exported again, of one library, version and age.

    Attributes:
        lib: the library of their last re-delivery.
        lib_version: its version.
        age_group: the number of their age in ``AGE_GROUPS``; None if it is not known.
        event_ids: how many they are.
        deliveries: how often they were exported again.
        restamped_ids: those whose last re-delivery has another time than the event.
        most_restamped_seconds: the largest difference; None if no event's own time is known.
    """

    lib: str | None
    lib_version: str | None
    age_group: int | None
    event_ids: int
    deliveries: int
    restamped_ids: int
    most_restamped_seconds: float | None

    @property
    def age(self) -> str:
        """Their age in words."""
        return UNKNOWN_AGE if self.age_group is None else AGE_GROUPS[self.age_group]


@dataclass(frozen=True)
class Redeliveries:
    """What was exported again in a window.

    Attributes:
        window: the export hours.
        groups: the events by library, version and age.
        examples: some re-deliveries, those that moved furthest first.
    """

    window: Window
    groups: tuple[RedeliveredGroup, ...] = ()
    examples: tuple[Redelivery, ...] = ()

    @property
    def event_ids(self) -> int:
        """Events that were exported again."""
        return sum(group.event_ids for group in self.groups)

    @property
    def deliveries(self) -> int:
        """How often they were."""
        return sum(group.deliveries for group in self.groups)

    @property
    def restamped_ids(self) -> int:
        """Those that came with another time."""
        return sum(group.restamped_ids for group in self.groups)


def find_redeliveries(warehouse: Warehouse, looked_at: Window) -> Redeliveries:
    """What was exported again, as figures and with some examples.

    Reads the keys of the window's deliveries and, since ``stored_since``, the ids and times of tracks.
    """
    groups = warehouse.fetch(
        "redeliveries",
        looked_at.parameters,
        summed=True,
        age_limits=AGE_LIMITS,
        restamped_seconds=int(RESTAMPED.total_seconds()),
    )
    examples = warehouse.fetch("redeliveries", looked_at.parameters, summed=False, most=_EXAMPLES) if groups else []
    return Redeliveries(
        looked_at,
        tuple(
            RedeliveredGroup(
                **{**group, "deliveries": int(group["deliveries"]), "restamped_ids": int(group["restamped_ids"])}
            )
            for group in groups
        ),
        tuple(Redelivery(**row) for row in examples),
    )


def every_redelivery(warehouse: Warehouse, looked_at: Window) -> Iterator[Redelivery]:
    """Every re-delivery of the window, ordered by id."""
    return (Redelivery(**row) for row in warehouse.fetch("redeliveries", looked_at.parameters, summed=False, most=None))


def write_csv(file: IO[str], redeliveries: Iterable[Redelivery]) -> int:
    """Writes re-deliveries as CSV with a header; returns their number.

    A spreadsheet runs a cell that begins with =, +, - or @ as a formula: such a text gets an apostrophe before it.
    """
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([field.name for field in fields(Redelivery)])
    number = 0
    for number, redelivery in enumerate(redeliveries, start=1):  # noqa: B007 (returned)
        writer.writerow([_cell(value) for value in asdict(redelivery).values()])
    return number


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, float):
        return round(value, 3)
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def by_age(groups: Sequence[RedeliveredGroup]) -> list[tuple[str, int, int, int]]:
    """Events by age, the youngest first: age in words, ids, deliveries, ids that came with another time."""
    ages = [*AGE_GROUPS, UNKNOWN_AGE]
    found = {age: [group for group in groups if group.age == age] for age in ages}
    return [
        (
            age,
            sum(group.event_ids for group in those),
            sum(group.deliveries for group in those),
            sum(group.restamped_ids for group in those),
        )
        for age, those in found.items()
        if those
    ]
