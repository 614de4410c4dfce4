"""Mixpanel: a few days of its export, with duplicates and late events."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table

from examples.demo.home import Demo
from examples.demo.launch import keys_of, look_up, materialize, recorded
from examples.mixpanel_generator.generate import write_day
from tracks_assets.defs.mixpanel.events import GROUP
from tracks_assets.settings import DAY_FORMAT
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_REJECTED_EVENTS


@dataclass(frozen=True)
class DayRow:
    """One line of the table: what a day delivered, and what became of it."""

    day: str
    delivered: int
    events: int
    duplicates: int
    late: int
    rejected: Mapping[str, int]


def mixpanel_steps(demo: Demo, rows: list[DayRow]) -> Iterator[str]:
    """Writes the days, takes them through the graph, and adds a row for each."""
    root, settings = demo.settings.mixpanel_uri, demo.settings
    for number, day in enumerate(demo.days):
        # A day keeps its form whichever demo writes it, so that no folder holds a day in both.
        write_day(Path(root), demo.mixpanel, number, "parquet" if day.toordinal() % 2 else "lines")
    first, last = keys_of(demo.days, DAY_FORMAT)
    yield f"Mixpanel's days {first} to {last} are written to {root}; one run takes them to mixpanel.mp_events ..."
    yield from materialize(settings, f"group:{GROUP}", first, last)
    rows.extend(_row(demo, day) for day in demo.days)


def _row(demo: Demo, day: datetime) -> DayRow:
    key = f"{day:{DAY_FORMAT}}"
    merged, rejected = (recorded(demo.settings, table, key) for table in (MP_EVENTS, MP_REJECTED_EVENTS))
    late = look_up(demo.settings, "late_deliveries", {"day": day})["late"]
    # A run of several days counts an event as inserted on the day of its last delivery; here it counts on its first.
    events = merged["deliveries"] - rejected["rows_rejected"]
    return DayRow(key, merged["deliveries"], events, merged["duplicates"], late, rejected["by_reason"])


def mixpanel_table(rows: Sequence[DayRow]) -> Table:
    """The days and their sum."""
    delivered, events, duplicates, late = (sum(getattr(row, name) for row in rows) for name in _SUMMED)
    total = DayRow("all", delivered, events, duplicates, late, _added(rows))
    table = Table(title="Mixpanel: the days of mixpanel.mp_events", title_justify="left", show_footer=True)
    for heading, footer in zip(_HEADINGS, _cells(total), strict=True):
        table.add_column(heading, footer=footer, justify="left" if heading in _TEXTS else "right")
    for row in rows:
        table.add_row(*_cells(row))
    return table


_HEADINGS = ("day (UTC)", "delivered", "events", "duplicates", "rate", "late", "rejected")
_TEXTS = ("day (UTC)", "rejected")
_SUMMED = ("delivered", "events", "duplicates", "late")


def _added(rows: Sequence[DayRow]) -> dict[str, int]:
    reasons = sorted({reason for row in rows for reason in row.rejected})
    return {reason: sum(row.rejected.get(reason, 0) for row in rows) for reason in reasons}


def _cells(row: DayRow) -> tuple[str, ...]:
    rate = row.duplicates / row.delivered if row.delivered else 0.0
    reasons = ", ".join(f"{count} {reason}" for reason, count in row.rejected.items())
    numbers = (row.delivered, row.events, row.duplicates)
    return (row.day, *(f"{number:,}" for number in numbers), f"{rate:.2%}", f"{row.late:,}", reasons)
