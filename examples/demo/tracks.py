"""Events: a table that an old pipeline damaged is repaired, and hours of an export are merged into it.

The checks of the damaged table are red; the dedup runs; then hours are merged into it, and its checks are green.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from examples.demo.home import Demo
from examples.demo.launch import check_results, execute, keys_of, materialize, recorded
from examples.export_generator.generate import write_hours
from examples.incident import IncidentPlan, build_incident, plan_incident
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.results import TrackTotals
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS

CHECKS = "tracks_checks"

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


def planned_incident(demo: Demo) -> IncidentPlan:
    """The table that the old pipeline left."""
    return plan_incident(demo.plan.incident_rows, days=10, merge_days=10)


def incident_steps(demo: Demo, before: dict[str, bool]) -> Iterator[str]:
    """Makes the incident, checks it and dedups it; fills in the results of the checks."""
    settings = demo.settings
    state = build_incident(settings.duckdb_path, planned_incident(demo))
    yield (
        f"A table as the old pipeline left it: {state.rows:,} rows, {state.excess_rows:,} of them duplicates; "
        f"{CHECKS} takes a census ..."
    )
    yield from execute(settings, CHECKS)
    before.update(check_results(settings, CHECKS))
    yield f"{CHECKS}: {', '.join(name for name, passed in before.items() if not passed)} failed; dedup_tracks ..."
    yield from execute(settings, "dedup_tracks", dry_run=False)


def hourly_steps(demo: Demo) -> Iterator[str]:
    """Writes the hours of the export and takes them through the graph, with their persons, in one run."""
    hours = demo.loaded_hours
    yield f"An example export is written to {demo.export} ..."
    for written in write_hours(demo.export, hours[0], len(hours), demo.events):
        yield f"{written.hour:{PARTITION_FORMAT}} exported: {written.rows:,} rows in {len(written.files)} files"
    first, last = keys_of(hours, PARTITION_FORMAT)
    yield f"One run takes the hours {first} to {last} to {TRACKS} and {PERSON_DISTINCT_IDS} ..."
    yield from materialize(demo.settings, "group:hourly or group:persons", first, last)


def check_steps(demo: Demo, after: dict[str, bool]) -> Iterator[str]:
    """Checks the table again; fills in the results."""
    yield f"{CHECKS} takes another census ..."
    yield from execute(demo.settings, CHECKS)
    after.update(check_results(demo.settings, CHECKS))


def hour_rows(demo: Demo) -> list[HourRow]:
    """The counts of the hours, from the metadata of their newest materializations."""
    keys = [f"{hour:{PARTITION_FORMAT}}" for hour in demo.hours]
    return [HourRow(key, _counts(demo, key)) for key in keys]


def _counts(demo: Demo, key: str) -> dict[str, int]:
    metadata = recorded(demo.settings, RAW_TRACKS, key) | recorded(demo.settings, TRACKS, key)
    return {name: int(value) for name, value in metadata.items() if name.startswith("rows_")}


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
