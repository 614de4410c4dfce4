"""Persons: merges and deletions of persons reach tracks_by_person at once, and tracks with a squash."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from examples.demo.home import Demo
from examples.demo.launch import execute, look_up
from examples.export_generator.generate import write_persons
from tracks_assets.repairs.squash.squash import JOB

Figures = dict[str, int]


def export_steps(demo: Demo) -> Iterator[str]:
    """Writes the persons of the hours, which the run of the hours takes along."""
    written = [write_persons(demo.export, hour, demo.persons) for hour in demo.loaded_hours]
    kinds = ("merged", "deleted", "reused")
    merged, deleted, reused = (sum(getattr(hour, kind) for hour in written) for kind in kinds)
    yield (
        f"Persons exported: {sum(hour.rows for hour in written):,} rows, with {merged:,} merged persons, {deleted:,} "
        f"deleted ones and {reused:,} that use a deleted id again"
    )


def squash_steps(demo: Demo, before: Figures, after: Figures) -> Iterator[str]:
    """Squashes the persons, first as a dry run; fills in the figures after each."""
    settings = demo.settings
    yield f"{JOB}, as a dry run, and then for good ..."
    yield from execute(settings, JOB)
    before.update(look_up(settings, "person_figures"))
    yield from execute(settings, JOB, dry_run=False)
    after.update(look_up(settings, "person_figures"))


def persons_table(before: Figures, after: Figures) -> Table:
    """The figures; the last of the events with another person must be zero."""
    table = Table(title="Persons: posthog.person_distinct_ids", title_justify="left")
    for heading in ("", "dry run", "squashed"):
        table.add_column(heading, justify="right" if heading else "left")
    left = Text(f"{after['another_person']:,}", style="bold red" if after["another_person"] else "bold green")
    table.add_row("mappings of a distinct_id", f"{before['mappings']:,}", f"{after['mappings']:,}")
    table.add_row("of these, deleted", f"{before['deleted']:,}", f"{after['deleted']:,}")
    table.add_row("events with another person in tracks_by_person", f"{before['another_person']:,}", left)
    table.add_row("events that a squash gave another person", f"{before['squashed']:,}", f"{after['squashed']:,}")
    return table
