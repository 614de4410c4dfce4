"""The demo from its start to its tables: the steps of each system in order, and then a table of each.

It leaves a home that shows in ``make ui`` what it printed.
"""

import time
from collections.abc import Iterator
from itertools import chain

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from examples.demo import persons
from examples.demo.consumers import consumer_steps, consumers_table
from examples.demo.home import Demo, claim_home, release_home
from examples.demo.live import Seen, live_steps, live_table
from examples.demo.mixpanel import DayRow, mixpanel_steps, mixpanel_table
from examples.demo.tracks import (
    Totals,
    check_steps,
    checks_table,
    hour_rows,
    hourly_steps,
    incident_steps,
    planned_incident,
    report,
)
from tracks_assets.warehouse.connect import warehouse_of


def run(demo: Demo, console: Console) -> None:
    """Runs the demo and prints its tables."""
    started = time.monotonic()
    settings = demo.settings
    claim_home(settings)
    settings.dagster_home.mkdir(exist_ok=True)
    found: dict[str, bool] = {}
    passed: dict[str, bool] = {}
    seen: list[Seen] = []
    planned: persons.Figures = {}
    squashed: persons.Figures = {}
    days: list[DayRow] = []
    built: dict[str, int] = {}
    # A system is its steps here, and its table below.
    steps = chain(
        incident_steps(demo, found),
        persons.export_steps(demo),
        hourly_steps(demo),
        live_steps(demo, seen),
        persons.squash_steps(demo, planned, squashed),
        mixpanel_steps(demo, days),
        check_steps(demo, passed),
        consumer_steps(demo, built),
    )
    _show(steps, console)
    with warehouse_of(settings).opened() as warehouse:
        totals = warehouse.total_tracks(settings.takes_from)
    release_home(settings)
    old_events = planned_incident(demo).counts.distinct_ids
    console.print(checks_table(found, passed))
    console.print(report(hour_rows(demo), Totals(totals, old_events, time.monotonic() - started)))
    tables = (live_table(seen), persons.persons_table(planned, squashed), mixpanel_table(days), consumers_table(built))
    for table in tables:
        console.print(table)
    console.print("[bold]make ui[/] opens the same data in the Dagster UI at http://127.0.0.1:3000", highlight=False)


def _show(steps: Iterator[str], console: Console) -> None:
    """Takes the steps one after another, and prints each."""
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("")
        for step in steps:
            progress.update(task, description=step)
            progress.console.print(f"  {step}", highlight=False, style="dim")
