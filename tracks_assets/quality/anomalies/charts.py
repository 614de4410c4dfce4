"""Small charts for the results of checks, drawn without a display and without any text from outside."""

import base64
from io import BytesIO

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from PIL import Image

from tracks_assets.quality.anomalies.evaluation import EvaluatedDay
from tracks_assets.quality.anomalies.series import Metric

_INCHES = (5.6, 1.9)
_DOTS_PER_INCH = 80
_LINE, _RANGE, _ANOMALY = "#4f5bd5", "#c9cdf2", "#d1372c"
_INK, _GRID = "#555555", "#dddddd"
_WEEK = 7
_COLOURS = 64


def training_window(evaluated: EvaluatedDay) -> bytes:
    """The days before an evaluated day and the day itself, with the range that was expected, as a PNG.

    Args:
        evaluated: the day.
    """
    expected = evaluated.expectation
    first = evaluated.index - expected.training_days
    days = range(first, evaluated.index + 1)
    in_hours = evaluated.series.key.metric is Metric.UPDATE_DELAY
    unit = 3600 if in_hours else 1
    values = [evaluated.series.values[day] / unit for day in days]
    fitted = [value / unit for value in (*expected.fitted, expected.expected)]
    below, above = (expected.low + 1) / (expected.expected + 1), (expected.high + 1) / (expected.expected + 1)

    figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
    axes = figure.add_subplot()
    axes.fill_between(
        days, [below * value for value in fitted], [above * value for value in fitted], color=_RANGE, linewidth=0
    )
    axes.plot(days, values, color=_LINE, linewidth=1.2)
    color = _ANOMALY if evaluated.is_anomaly else _LINE
    axes.plot(days[-1:], values[-1:], marker="o", markersize=6, color=color, clip_on=False)
    axes.set_ylim(bottom=0)
    weeks = days[::-_WEEK]
    axes.set_xticks(weeks, [f"{evaluated.series.day(day):%d %b}" for day in weeks])
    axes.yaxis.set_major_formatter(EngFormatter(unit="h" if in_hours else "", sep=" " if in_hours else ""))
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.tick_params(labelsize=8, colors=_INK, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    drawn, written = BytesIO(), BytesIO()
    figure.savefig(drawn, format="png")
    # Dagster keeps every one in its event log: few colours make it three times smaller.
    few = Image.open(drawn).convert("RGB").quantize(_COLOURS, Image.Quantize.FASTOCTREE)
    few.save(written, format="png", optimize=True)
    return written.getvalue()


def markdown_image(png: bytes, description: str) -> str:
    """A PNG inside Markdown.

    Args:
        png: the image.
        description: what it shows; letters, digits and spaces only.
    """
    return f"![{description}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"
