"""The charts of the status page: matplotlib draws them, as SVG that goes into the page and follows its colours.

matplotlib knows no CSS. So each colour of a chart is a marker, and in the drawn SVG it is replaced by a CSS variable,
which the page sets for light and for dark mode. Equal facts give equal SVG: ids are derived from the chart's name.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tracks_assets.quality.census import Census
from tracks_assets.status_page.facts import LoadDelay

INK, MUTED, GRID, LINE, WARN, BAD = (
    f"#{number:06x}" for number in (0x010203, 0x020304, 0x030405, 0x040506, 0x050607, 0x060708)
)

_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", LINE: "line", WARN: "warn", BAD: "bad"}
"""The CSS variable of each marker."""

_WIDTH, _HEIGHT = 5.0, 2.6
"""Inches; a chart is as wide as a phone, so that its text stays readable there."""

_STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
}

HISTORY_DAYS = 365
"""Days of censuses that the history shows."""

MOST_DELAY = timedelta(hours=24)
"""An hour that was loaded later than this, as in a backfill, is drawn at the upper edge."""


_LEAST_MARGIN = 1 / 48
"""Days left empty at both ends of a time axis: half an hour, so that a single point has an axis, too."""


@dataclass(frozen=True)
class Chart:
    """A chart: its SVG, and what it shows in words, for who cannot see it."""

    svg: str
    alt: str


def duplicate_history(censuses: Sequence[Census]) -> Chart | None:
    """Excess rows over time; None without a census."""
    if not censuses:
        return None
    newest = censuses[-1]
    shown = [census for census in censuses if census.measured_at >= newest.measured_at - timedelta(days=HISTORY_DAYS)]
    times = [_days(census.measured_at) for census in shown]
    excess = [census.excess_rows for census in shown]

    def draw(axes: Axes) -> None:
        colour = BAD if excess[-1] else LINE
        axes.plot(times, excess, drawstyle="steps-post", color=LINE, linewidth=1.8)
        axes.fill_between(times, excess, step="post", color=LINE, alpha=0.15, linewidth=0)
        axes.plot(times[-1:], excess[-1:], marker="o", markersize=6, color=colour, linestyle="none")
        axes.set_ylim(0, max(*excess, 1) * 1.15)
        _count_axis(axes)
        _time_axis(axes, times[0], times[-1])

    first, last = shown[0], shown[-1]
    alt = (
        f"Excess rows of posthog.tracks at {len(shown)} censuses, from {first.excess_rows:,} on "
        f"{first.measured_at:%Y-%m-%d} to {last.excess_rows:,} on {last.measured_at:%Y-%m-%d}; "
        f"at most {max(excess):,}."
    )
    return Chart(_svg("duplicates", draw), alt)


def load_delays(delays: Sequence[LoadDelay], warn: timedelta, error: timedelta) -> Chart | None:
    """How late each export hour was loaded first, with the limits of freshness; None without a load.

    Args:
        delays: the hours, the oldest first.
        warn: above this delay, freshness warns.
        error: above this, it is an error.
    """
    if not delays:
        return None
    times = [_days(delay.window_start) for delay in delays]
    hours = [min(delay.delay, MOST_DELAY) / timedelta(hours=1) for delay in delays]
    colours = [_colour(delay.delay, warn, error) for delay in delays]
    top = max(*hours, error / timedelta(hours=1)) * 1.15

    def draw(axes: Axes) -> None:
        axes.scatter(times, hours, s=14, color=colours, linewidths=0, gid="points")
        for limit, name, colour in ((warn, "warn", WARN), (error, "error", BAD)):
            height = limit / timedelta(hours=1)
            axes.axhline(height, color=colour, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                name,
                (1, height),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                color=colour,
                fontsize=10,
            )
        axes.set_ylim(0, top)
        axes.set_ylabel("hours")
        _time_axis(axes, times[0], times[-1])

    late = sum(delay.delay > warn for delay in delays)
    worst = max(delays, key=lambda delay: delay.delay)
    alt = (
        f"Delay of {len(delays)} export hours, from the end of the hour to its first load: {late} later than "
        f"{warn / timedelta(hours=1):g} hours, the latest {worst.delay / timedelta(hours=1):,.1f} hours "
        f"({worst.window_start:%Y-%m-%d %H:%M})."
    )
    return Chart(_svg("delays", draw), alt)


def _colour(delay: timedelta, warn: timedelta, error: timedelta) -> str:
    return BAD if delay > error else WARN if delay > warn else LINE


def _count_axis(axes: Axes) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:,.0f}"))


def _days(moment: datetime) -> float:
    """A moment as matplotlib counts them: days since 1970."""
    return moment.timestamp() / 86400


def _time_axis(axes: Axes, first: float, last: float) -> None:
    margin = max((last - first) * 0.03, _LEAST_MARGIN)
    axes.set_xlim(first - margin, last + margin)
    locator = AutoDateLocator(tz=UTC, minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))


def _svg(name: str, draw: Callable[[Axes], None]) -> str:
    """What ``draw`` draws, as an SVG element whose ids and colours fit into a page with others."""
    file = StringIO()
    with mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(
            file, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return embedded(file.getvalue(), name)


def embedded(svg: str, name: str) -> str:
    """An SVG document of matplotlib's as an element of a page.

    Its ids begin with ``name``, its colours are variables, its size is the page's to choose, and its style sheet, which
    would be the whole page's, is left out.
    """
    element = svg[svg.index("<svg") :]
    head, rest = element.split(">", 1)
    head = re.sub(r' (width|height)="[^"]*"', "", head)
    rest = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", rest, count=1, flags=re.DOTALL)
    element = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", f"{head}>{rest}")
    for marker, variable in _VARIABLES.items():
        element = element.replace(marker, f"var(--{variable})")
    return element
