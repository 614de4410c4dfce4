"""The demo's tables: the results of the checks, the counts of each hour, and the rows of tracks at the end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tracks_assets.warehouse.results import TrackTotals

_COUNTS = (
    "rows_read",
    "rows_rejected",
    "rows_inserted",
    "rows_updated",
    "rows_unchanged",
    "rows_collided",
    "rows_before_cutover",
)
"""What is shown of an hour: no more than a terminal of 80 columns has room for."""

_HEADINGS = {"rows_before_cutover": "before cutover"}
"""Headings that a name does not give by itself."""


@dataclass(frozen=True)
class HourRow:
    """One line of the table: an export hour and its counts, by the names they have in Dagster's metadata."""

    hour: str
    counts: dict[str, int]


def checks_table(before: Mapping[str, bool], after: Mapping[str, bool]) -> Table:
    """The results of the checks on the table as it was found, and at the end."""
    table = Table(title="The checks of posthog.tracks (tracks_checks)", title_justify="left")
    for heading in ("check", "as found", "after dedup_tracks and the hours below"):
        table.add_column(heading)
    for name in sorted(before):
        table.add_row(name, _result_text(before[name]), _result_text(after[name]))
    return table


def _result_text(passed: bool) -> Text:
    return Text("passed", style="green") if passed else Text("FAILED", style="bold red")


def hours_table(rows: Sequence[HourRow]) -> Table:
    """The table of the hours, and their sum."""
    table = Table(title="The counts of each export hour", title_justify="left", show_footer=True, padding=0)
    table.add_column("hour (UTC)", footer="all", no_wrap=True)
    for name in _COUNTS:
        total = sum(row.counts[name] for row in rows)
        table.add_column(_HEADINGS.get(name, name.removeprefix("rows_")), footer=f"{total:,}", justify="right")
    for row in rows:
        table.add_row(row.hour, *(f"{row.counts[name]:,}" for name in _COUNTS))
    return table


@dataclass(frozen=True)
class Totals:
    """The table at the end: its totals, the events of the old pipeline among them, and the seconds that it took."""

    tracks: TrackTotals
    old_events: int
    seconds: float


def totals_table(totals: Totals) -> Table:
    """The rows of tracks; what must be zero is green, or red where it is not."""
    table = Table(title="The rows of posthog.tracks", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    table.add_row("rows", f"{totals.tracks.rows:,}")
    table.add_row("of these, events of the old pipeline", f"{totals.old_events:,}")
    table.add_row("distinct event ids", f"{totals.tracks.distinct_ids:,}")
    table.add_row("excess rows", _must_be_zero(totals.tracks.excess_rows))
    table.add_row("exported events that moved in time", _must_be_zero(totals.tracks.moved))
    table.add_row("seconds in all", f"{totals.seconds:.0f}")
    return table


def _must_be_zero(count: int) -> Text:
    return Text(f"{count:,}", style="bold red" if count else "bold green")


def report(rows: Sequence[HourRow], totals: Totals) -> RenderableType:
    """Both tables."""
    return Group(hours_table(rows), totals_table(totals))
