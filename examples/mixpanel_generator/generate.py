"""Writes days of Mixpanel's export as Mixpanel would: for the demo, the tests and the benchmark.

A day follows from its plan and its number alone, so any day can be written again, alone and in any order. Of the events
of a day, some arrive late, on one of the next days, as from devices that were offline. Some deliveries come twice: on
their own day or on a later one, processed again, with the same insert id and time.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tracks_assets.sources.mixpanel.layout import day_folder

_DAY = timedelta(days=1)
_SECONDS = 86_400
_NAMES = ("App Open", "Track Played", "Search", "Subscription Started", "Paywall Viewed")
_PLATFORMS = (("swift", "iOS"), ("android", "Android"), ("web", "Mac OS X"))
_PLACES = (("Bern", "CH"), ("Berlin", "DE"), ("Paris", "FR"), ("Oslo", "NO"))
_SOURCES = ("newsletter", "search", "partner")


@dataclass(frozen=True)
class MixpanelPlan:
    """What the days of an export hold.

    Attributes:
        first: the first day that happened; nothing is delivered before it.
        events_per_day: events that happen on a day.
        duplicate_share: the share of deliveries that come a second time.
        late_share: the share of events that arrive on a later day.
        most_days_late: how many days later at most, for late events and for duplicates.
        without_insert_id_share: the share of events that have no insert id.
        people: how many people there are.
        seed: what makes one export different from another.
    """

    first: datetime
    events_per_day: int = 2_000
    duplicate_share: float = 0.0011
    late_share: float = 0.01
    most_days_late: int = 20
    without_insert_id_share: float = 0.0005
    people: int = 500
    seed: int = 0


@dataclass(frozen=True)
class DayWritten:
    """What a day's file holds: deliveries, those of them that are duplicates, and those that arrived late."""

    day: datetime
    file: Path
    deliveries: int
    duplicates: int
    late: int


@dataclass(frozen=True)
class _Happened:
    """The events of one day, drawn: the day of each one's arrival, and that of its second one (or -1)."""

    number: int
    seconds: NDArray[np.int64]
    people: NDArray[np.int64]
    kinds: NDArray[np.int64]
    has_id: NDArray[np.bool_]
    ids: str
    arrives: NDArray[np.int64]
    repeats: NDArray[np.int64]


def _happened(plan: MixpanelPlan, number: int) -> _Happened:
    random = np.random.default_rng((plan.seed, number))
    count, latest = plan.events_per_day, plan.most_days_late + 1
    has_id = random.random(count) >= plan.without_insert_id_share
    arrives = number + np.where(random.random(count) < plan.late_share, random.integers(1, latest, count), 0)
    # Without an insert id nobody could know a second delivery for one. Every other one comes on the day of the first.
    again = (random.random(count) < plan.duplicate_share) & has_id
    repeats = arrives + random.integers(0, 2, count) * random.integers(1, latest, count)
    return _Happened(
        number,
        seconds=np.sort(random.integers(0, _SECONDS, count)),
        people=random.integers(0, plan.people, count),
        kinds=random.integers(0, len(_NAMES), count),
        has_id=has_id,
        ids=random.bytes(8 * count).hex(),
        arrives=arrives,
        repeats=np.where(again, repeats, -1),
    )


def _line(plan: MixpanelPlan, happened: _Happened, number: int) -> dict[str, Any]:
    """The line of an event, by its number among those of its day."""
    time = int((plan.first + happened.number * _DAY).timestamp()) + int(happened.seconds[number])
    insert_id = happened.ids[16 * number : 16 * number + 16] if happened.has_id[number] else None
    person, name = int(happened.people[number]), _NAMES[happened.kinds[number]]
    library, system = _PLATFORMS[person % len(_PLATFORMS)]
    city, country = _PLACES[person % len(_PLACES)]
    properties: dict[str, Any] = {
        "time": time,
        "distinct_id": f"device-{plan.seed}-{person}",
        "$insert_id": insert_id,
        "$user_id": f"customer-{person}" if person % 3 else None,
        "$os": system,
        "$city": city,
        "mp_country_code": country,
        "mp_lib": library,
        "$app_version_string": f"5.{person % 9}.{number % 4}",
        "utm_source": _SOURCES[person % len(_SOURCES)] if person % 5 == 0 else None,
        "utm_medium": "email" if person % 5 == 0 else None,
        "utm_campaign": "spring" if person % 5 == 0 else None,
        "screen": f"screen-{number % 40}",
        "plan": "premium" if person % 4 == 0 else "free",
    }
    return {"event": name, "properties": {key: value for key, value in properties.items() if value is not None}}


@dataclass(frozen=True)
class _Delivery:
    """A delivery of a day."""

    line: dict[str, Any]
    is_duplicate: bool
    is_late: bool


def _delivered(plan: MixpanelPlan, number: int) -> Iterator[_Delivery]:
    for day in range(max(0, number - 2 * plan.most_days_late), number + 1):
        happened, days = _happened(plan, day), number - day
        for attempt, arrives in enumerate((happened.arrives, happened.repeats)):
            for event in np.flatnonzero(arrives == number).tolist():
                line = _processed(_line(plan, happened, event), days, attempt)
                yield _Delivery(line, is_duplicate=attempt == 1, is_late=days > 0)


def _processed(event: dict[str, Any], days: int, attempt: int) -> dict[str, Any]:
    properties = event["properties"]
    moment = 1000 * (properties["time"] + days * _SECONDS) + 1500 + 700 * attempt
    return {"event": event["event"], "properties": properties | {"mp_processing_time_ms": moment}}


def write_day(root: Path, plan: MixpanelPlan, number: int, form: Literal["lines", "parquet"] = "lines") -> DayWritten:
    """Writes the file of a day, by its number from the plan's first day.

    Args:
        root: the export's root.
        plan: what the days hold.
        number: which day.
        form: JSON lines, compressed by gzip, or the schematized pipeline's Parquet.
    """
    day = plan.first + number * _DAY
    delivered = list(_delivered(plan, number))
    folder = root / day_folder(day)
    folder.mkdir(parents=True, exist_ok=True)
    lines = [each.line for each in delivered]
    file = folder / ("events.json.gz" if form == "lines" else "events.parquet")
    (_write_lines if form == "lines" else _write_parquet)(file, lines)
    duplicates, late = sum(each.is_duplicate for each in delivered), sum(each.is_late for each in delivered)
    return DayWritten(day, file, len(lines), duplicates, late)


def write_days(root: Path, plan: MixpanelPlan, days: int) -> list[DayWritten]:
    """Writes the first days of a plan; every second one in the schematized form."""
    return [write_day(root, plan, number, "parquet" if number % 2 else "lines") for number in range(days)]


def _write_lines(file: Path, lines: Sequence[dict[str, Any]]) -> None:
    text = "".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines)
    file.write_bytes(gzip.compress(text.encode(), compresslevel=1, mtime=0))


def _write_parquet(file: Path, lines: Sequence[dict[str, Any]]) -> None:
    rows = [
        {"mp_event_name": line["event"]}
        | {f"mp_{name[1:]}" if name.startswith("$") else name: value for name, value in line["properties"].items()}
        for line in lines
    ]
    names = {"mp_event_name": None, "time": None, "distinct_id": None, "mp_insert_id": None}
    names |= dict.fromkeys(name for row in rows for name in row)
    pq.write_table(pa.table({name: [row.get(name) for row in rows] for name in names}), file, compression="zstd")
