"""An evaluation as a message, and a table of what is wrong.

Names of events and clients come from outside. They are only in the message's values and in the table, so that the other
parts can leave the house without them.
"""

import re
from collections.abc import Sequence

from tracks_assets.quality.anomalies.evaluation import Check, EvaluatedDay, Evaluation, Result
from tracks_assets.quality.anomalies.series import Dimension, Metric
from tracks_assets.quality.message import Message, Runbook, is_or_are

_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_LONGEST_NAME = 60
_ROWS_SHOWN = 20

_IN_CODE = str.maketrans({"`": "'", "|": "\u00a6"})
_IN_QUOTES = str.maketrans({'"': "'"})

_GROUPS = {
    Dimension.OTHER_EVENT_NAMES: "all other event names",
    Dimension.OTHER_CLIENTS: "all other clients",
}


def message(evaluation: Evaluation, hours_missing: int = 0) -> Message:
    """An evaluation in words.

    Args:
        evaluation: what a check found.
        hours_missing: export hours of the day shown that are not loaded.
    """
    check, shown = evaluation.check, evaluation.shown
    if evaluation.result is Result.NOT_ENOUGH_HISTORY or shown is None:
        needed = check.rules.min_training_set_size
        return Message("There is not enough history.", f"A result needs {needed} settled days before the newest one.")
    has_groups = check.dimensions != (Dimension.NONE,)
    comparison = [_comparison(shown)]
    if evaluation.without_history:
        comparison.append(
            f"{evaluation.without_history:,} more {_have(evaluation.without_history)} not enough history."
        )
    if hours_missing:
        comparison.append(f"{hours_missing} of the day's 24 export hours {is_or_are(hours_missing)} not loaded.")
    next_step, runbook = _next_step(shown, hours_missing) if shown.is_anomaly else ("", None)
    name = series_name(shown).translate(_IN_QUOTES)
    named = f'Furthest from expected: "{name}", {_figure(check, shown)}.' if has_groups else ""
    finding = _finding(evaluation, shown, has_groups=has_groups)
    return Message(finding, " ".join(comparison), next_step, runbook, named)


def _finding(evaluation: Evaluation, shown: EvaluatedDay, *, has_groups: bool) -> str:
    check = evaluation.check
    if not has_groups:
        return f"{check.table}: {_figure(check, shown)}."
    evaluated = evaluation.series - evaluation.without_history
    anomalous = len({each.series.key for each in evaluation.anomalies})
    if not anomalous:
        return f"All {check.things} are in their expected range ({evaluated:,} evaluated)."
    return f"{anomalous:,} of {evaluated:,} {check.things} {is_or_are(anomalous)} out of the expected range."


def _have(number: int) -> str:
    return "has" if number == 1 else "have"


def _figure(check: Check, day: EvaluatedDay) -> str:
    on = f"on {day.day:%A, %Y-%m-%d}"
    if check.metric is Metric.UPDATE_DELAY:
        return f"loaded after {amount(check, day.value)} {on}"
    return f"{amount(check, day.value)} {on}"


def _comparison(day: EvaluatedDay) -> str:
    expected = day.expectation
    days = f"by the {expected.training_days} days before"
    if day.series.key.metric is Metric.UPDATE_DELAY:
        usual = f"at most {duration(expected.high)}, usually {duration(expected.expected)}"
        return f"This is the mean from an hour's end to its load. Expected {days}: {usual}."
    return f"Expected {days}: {expected.low:,.0f} to {expected.high:,.0f}, usually {expected.expected:,.0f}."


def _next_step(day: EvaluatedDay, hours_missing: int) -> tuple[str, Runbook]:
    if day.series.key.metric is Metric.UPDATE_DELAY:
        return "See whether PostHog uploads late or the runs start late.", Runbook.LATE_LOADS
    if hours_missing:
        return "Load the missing hours of that day, then count again.", Runbook.DROP
    if day.value < day.expectation.expected:
        return "Ask the owners of the senders what changed on that day.", Runbook.DROP
    return "Look for a launch, a loop or re-deliveries on that day.", Runbook.SPIKE


def anomaly_table(days: Sequence[EvaluatedDay]) -> str:
    """Days out of their range as a Markdown table, which no name can break."""
    lines = ["| series | day | value | expected |", "| --- | --- | ---: | ---: |"]
    for day in days[:_ROWS_SHOWN]:
        low, high = day.expectation.low, day.expectation.high
        lines.append(
            f"| {_code(series_name(day))} | {day.day:%a %Y-%m-%d} | {day.value:,} | {low:,.0f} to {high:,.0f} |"
        )
    if len(days) > _ROWS_SHOWN:
        lines.append(f"| and {len(days) - _ROWS_SHOWN:,} more | | | |")
    return "\n".join(lines)


def results_table(evaluations: Sequence[Evaluation]) -> str:
    """How each check ended, as a Markdown table."""
    lines = ["| check | result | series | without enough history |", "| --- | --- | ---: | ---: |"]
    lines += [
        f"| {each.check.name} | {each.result.value} | {each.series:,} | {each.without_history:,} |"
        for each in evaluations
    ]
    return "\n".join(lines)


def series_name(day: EvaluatedDay) -> str:
    """The series of a day as one short line of visible characters."""
    key = day.series.key
    if key.dimension is Dimension.NONE:
        return key.table
    if key.dimension in _GROUPS:
        return _GROUPS[key.dimension]
    return "(no value)" if key.value is None else _visible(key.value)


def _visible(name: str) -> str:
    line = _INVISIBLE.sub(" ", name).strip() or "(empty)"
    return line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}\u2026"


def _code(text: str) -> str:
    """Text as inline code, in which nothing else is Markdown, inside a table, whose cells end at a bar."""
    return f"`{text.translate(_IN_CODE)}`"


def amount(check: Check, value: float) -> str:
    """A value with its unit."""
    if check.metric is Metric.UPDATE_DELAY:
        return duration(value)
    return "1 row" if value == 1 else f"{value:,.0f} rows"


def duration(seconds: float) -> str:
    """Seconds as hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"  # noqa: PLR2004 (an hour)
