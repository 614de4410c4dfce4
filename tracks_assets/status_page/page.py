"""The status page: frozen facts in, one self-contained HTML file out. It has no script and loads nothing.

Every value is escaped where the template writes it (autoescape); only the charts, which are drawn here from numbers
and times, go in as they are.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracks_assets.quality.freshness import Limits
from tracks_assets.quality.pages import size_text
from tracks_assets.quality.state import Condition
from tracks_assets.status_page import charts
from tracks_assets.status_page.charts import Chart
from tracks_assets.status_page.facts import StatusFacts
from tracks_assets.status_page.redeliveries import by_age

WATCH_LATE = timedelta(minutes=15)
"""An alert sensor that has not looked for so long is not running, or fails."""

_MOST_CENSUSES = 30
_MOST_GROUPS = 20
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_NOTHING = "–"  # noqa: RUF001 (an en dash, for a value that was not recorded)


def page(facts: StatusFacts) -> str:
    """The page as HTML."""
    newest = facts.newest_load
    return _ENVIRONMENT.get_template("status.html.j2").render(
        facts=facts,
        tone=_TONES[facts.state.condition],
        watch_is_late=bool(facts.alerts.last_look and facts.written_at - facts.alerts.last_look > WATCH_LATE),
        newest=newest,
        freshness=_freshness(facts.written_at - newest, facts.limits) if newest else None,
        census=facts.censuses[-1] if facts.censuses else None,
        censuses=list(reversed(facts.censuses))[:_MOST_CENSUSES],
        history=_figure(charts.duplicate_history(facts.censuses)),
        delays=_figure(charts.load_delays(facts.delays, facts.limits.warn_after, facts.limits.error_after)),
        ages=by_age(facts.redeliveries.groups),
        groups=facts.redeliveries.groups[:_MOST_GROUPS],
        more_groups=max(0, len(facts.redeliveries.groups) - _MOST_GROUPS),
    )


_TONES = {
    Condition.UNKNOWN: "unknown",
    Condition.HEALTHY: "good",
    Condition.DEGRADED: "warn",
    Condition.BROKEN: "bad",
}


def _freshness(age: timedelta, limits: Limits) -> str:
    """The tone of an age of the newest load."""
    return "bad" if age > limits.error_after else "warn" if age > limits.warn_after else "good"


def _figure(chart: Chart | None) -> dict[str, str] | None:
    # The SVG is matplotlib's, of numbers and times: no text of events or settings is in it.
    return {"svg": Markup(chart.svg), "alt": chart.alt} if chart else None  # noqa: S704


def number_text(value: float | None) -> str:
    """A count with its thousands apart; a dash where there is none."""
    return _NOTHING if value is None else f"{value:,.0f}"


def minute_text(moment: datetime | None) -> str:
    """A moment in UTC, to the minute; a dash where there is none."""
    return _NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def hour_text(moment: datetime) -> str:
    """A moment of the last days in UTC, without its year."""
    return f"{moment.astimezone(UTC):%m-%d %H:%M}"


def exact_text(moment: datetime | None) -> str:
    """A moment in UTC, to the second; a dash where there is none."""
    return _NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def seconds_text(seconds: float | None) -> str:
    """Seconds, to one decimal; a dash where there are none."""
    return _NOTHING if seconds is None else f"{seconds:,.1f}"


def bytes_text(size: int | None) -> str:
    """Bytes in a readable unit; a dash where none are known."""
    return _NOTHING if size is None else size_text(size)


def span_text(span: timedelta | None) -> str:
    """A span in one unit, for instance ``35 min``, ``3.5 h`` or ``12 d``; a dash where there is none."""
    if span is None:
        return _NOTHING
    if abs(span) < _MINUTE:
        return "under 1 min"
    if abs(span) < _HOUR:
        return f"{span / _MINUTE:.0f} min"
    return f"{span / _HOUR:.1f} h" if abs(span) < 2 * _DAY else f"{span / _DAY:,.0f} d"


def shift_text(seconds: float | None) -> str:
    """A shift in time, given in seconds; a dash where it is not known."""
    if seconds is None:
        return _NOTHING
    return f"{seconds:.1f} s" if abs(seconds) < _MINUTE.total_seconds() else span_text(timedelta(seconds=seconds))


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters |= {
    "number": number_text,
    "moment": minute_text,
    "hour": hour_text,
    "exact": exact_text,
    "seconds": seconds_text,
    "bytes": bytes_text,
    "span": span_text,
    "shift": shift_text,
}
