"""Read-time dedup: what tracks_live shows between an hour's load and its merge."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from examples.demo.home import Demo
from examples.demo.launch import keys_of, look_up, materialize
from examples.export_generator.generate import redeliver, write_hour
from tracks_assets.defs.posthog.hourly import RAW_TRACKS_KEY
from tracks_assets.defs.posthog.live import LIVE_KEY
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.posthog.upload_check import EVENTS_PARQUET_KEY
from tracks_assets.settings import PARTITION_FORMAT


@dataclass(frozen=True)
class Seen:
    """The rows of tracks and of tracks_live at one moment, each with a fingerprint of their content."""

    moment: str
    stored_rows: int
    live_rows: int
    stored_content: int
    live_content: int


def live_steps(demo: Demo, seen: list[Seen]) -> Iterator[str]:
    """Loads two hours and merges them later; adds what both tables showed before and after the merge."""
    settings, (again, new), plan = demo.settings, demo.hours[-2:], demo.events
    redeliver(demo.export, again, demo.loaded_hours, demo.plan.redelivered, plan)
    write_hour(demo.export, new, plan)
    first, last = keys_of([again, new], PARTITION_FORMAT)
    yield f"{first} delivers {demo.plan.redelivered} old events again, with new times; {last} delivers new ones ..."
    loaded = (EVENTS_PARQUET_KEY, RAW_TRACKS_KEY, LIVE_KEY)
    yield from materialize(settings, " or ".join(f'key:"{key.to_user_string()}"' for key in loaded), first, last)
    seen.append(Seen("loaded, not merged yet", **look_up(settings, "content")))
    yield f"posthog.tracks_live shows {seen[0].live_rows - seen[0].stored_rows:,} events more; now they are merged ..."
    yield from materialize(settings, f'key:"{TRACKS_KEY.to_user_string()}"', first, last)
    seen.append(Seen("merged", **look_up(settings, "content")))


def live_table(seen: list[Seen]) -> Table:
    """Rows and content; what tracks_live showed first is green if the merge gave tracks the same."""
    table = Table(title="Read before the merge: posthog.tracks_live", title_justify="left")
    for heading in ("the two newest hours are", "table", "rows", "fingerprint"):
        table.add_column(heading, justify="right" if heading == "rows" else "left")
    expected = seen[-1].stored_content
    for each in seen:
        table.add_row(each.moment, "tracks", f"{each.stored_rows:,}", _content(each.stored_content))
        style = "bold green" if each.live_content == expected else "bold red"
        table.add_row("", "tracks_live", f"{each.live_rows:,}", Text(_content(each.live_content), style=style))
    return table


def _content(number: int) -> str:
    return f"{number:016x}"
