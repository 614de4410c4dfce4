"""The consumers: growth and marketing, built of tracks and Mixpanel's events once their checks have passed."""

from collections.abc import Iterator, Mapping

from rich.table import Table

from examples.demo.home import Demo
from examples.demo.launch import launch, look_up
from tracks_assets.core.tables import GROWTH_SCHEMA, MARKETING_SCHEMA
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS


def consumer_steps(demo: Demo, figures: dict[str, int]) -> Iterator[str]:
    """Builds both models, and fills in what they hold. It comes after the checks, which they wait for."""
    yield "Every check has passed, so the models of growth and marketing are built ..."
    yield from launch(demo.settings, "--assets", f"group:{GROWTH_SCHEMA} or group:{MARKETING_SCHEMA}")
    figures.update(look_up(demo.settings, "consumer_figures"))


def consumers_table(figures: Mapping[str, int]) -> Table:
    """What each model holds."""
    table = Table(title="The consumers, which wait for the checks", title_justify="left")
    table.add_column("model", overflow="fold")
    table.add_column("holds")
    events = f"{figures['of_posthog']:,} events of PostHog, {figures['of_mixpanel']:,} of Mixpanel"
    table.add_row(str(GROWTH_EVENTS), events)
    counted = f"{figures['installs']:,} installs, {figures['subscribers']:,} subscribers"
    table.add_row(str(INSTALLS_SUBSCRIBERS), f"{counted} in {figures['marketing_rows']:,} rows")
    return table
