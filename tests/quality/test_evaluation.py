"""How a check ends, what it says, and what its plot shows."""

from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tracks_assets.quality.anomalies.charts import markdown_image, training_window
from tracks_assets.quality.anomalies.checks import anomaly_checks, days_needed
from tracks_assets.quality.anomalies.evaluation import Check, Evaluation, Result, evaluate, hours_missing
from tracks_assets.quality.anomalies.series import Dimension, Metric, Series, SeriesKey
from tracks_assets.quality.anomalies.text import anomaly_table, duration, message, results_table
from tracks_assets.quality.message import Runbook
from tracks_assets.settings import read_settings

START = datetime(2026, 6, 1, tzinfo=UTC)
WEEK = (500, 600, 550, 450, 480, 200, 150)
CHECKS = {check.name: check for check in anomaly_checks(read_settings({"TRACKS_PURCHASE_FLOW_EVENTS": "purchase"}))}
TRACKS = CHECKS["tracks_volume"]
NAMES = CHECKS["event_name_volume"]
RED, BLUE = (209, 55, 44), (79, 91, 213)


def days(*last: int, number: int = 40) -> tuple[int, ...]:
    return (*(WEEK[day % 7] for day in range(number - len(last))), *last)


def series(
    values: tuple[int, ...],
    value: str | None = None,
    dimension: Dimension = Dimension.NONE,
    metric: Metric = Metric.ROW_COUNT,
    table: str = "tracks",
) -> Series:
    return Series(SeriesKey(table, metric, dimension, value), START, values)


def named(name: str | None, *last: int, number: int = 40) -> Series:
    return series(days(*last, number=number), name, Dimension.EVENT_NAME)


@pytest.mark.parametrize(
    ("last", "anomalies"),
    [((), []), ((0,), [39]), ((0, 480), [38]), ((0, 0), [39, 38]), ((0, 450, 480), []), ((5000,), [39])],
)
def test_the_two_newest_days_are_evaluated(last: tuple[int, ...], anomalies: list[int]) -> None:
    found = evaluate(TRACKS, [series(days(*last)), named("of another check", 0)])
    assert sorted((each.index for each in found.anomalies), reverse=True) == anomalies
    assert found.result is (Result.FAILED if anomalies else Result.PASSED)
    assert found.shown is not None
    assert found.shown.index == (anomalies[0] if anomalies else 39)
    assert (found.series, found.without_history) == (1, 0)


def test_a_check_ends_by_the_series_that_have_enough_history() -> None:
    young, old = series((0,) * 32 + days(number=7)), series(days())
    assert evaluate(TRACKS, []).result is Result.NOT_ENOUGH_HISTORY
    assert evaluate(TRACKS, [young]).result is Result.NOT_ENOUGH_HISTORY
    assert evaluate(TRACKS, [series((0,) * 40)]).result is Result.NOT_ENOUGH_HISTORY
    both = evaluate(TRACKS, [young, old])
    assert (both.result, both.series, both.without_history) == (Result.PASSED, 2, 1)
    assert evaluate(TRACKS, [series((0,) * 32 + days(number=8))]).result is Result.PASSED


def test_many_series_ask_more_of_each() -> None:
    history = days(400)
    alone = evaluate(NAMES, [series(history, "a", Dimension.EVENT_NAME)])
    among = evaluate(NAMES, [series(history, name, Dimension.EVENT_NAME) for name in "abcdefghijklmnopqrstu"])
    assert alone.shown is not None
    assert among.shown is not None
    assert among.shown.expectation.low < alone.shown.expectation.low


def test_a_message_has_the_figure_what_it_was_compared_with_and_the_next_step() -> None:
    found = message(evaluate(TRACKS, [series(days(0))]))
    assert found.finding == "tracks: 0 rows on Friday, 2026-07-10."
    assert found.comparison == "Expected by the 28 days before: 419 to 551, usually 480."
    assert found.next_step == "Ask the owners of the senders what changed on that day."
    assert (found.runbook, found.values) == (Runbook.DROP, "")
    assert message(evaluate(TRACKS, [series(days(5000))])).runbook is Runbook.SPIKE
    passed = message(evaluate(TRACKS, [series(days())]))
    assert (passed.next_step, passed.runbook) == ("", None)
    assert "needs 7 settled days" in message(evaluate(TRACKS, [])).comparison
    missing = message(evaluate(TRACKS, [series(days(0))]), hours_missing=1)
    assert missing.finding == found.finding
    assert missing.comparison.endswith(" 1 of the day's 24 export hours is not loaded.")
    assert missing.next_step.startswith("Load the missing hours")


def test_names_are_in_the_values_only() -> None:
    found = message(evaluate(NAMES, [named("open"), named('a "quoted" name', 0), named(None), named("new", number=3)]))
    assert found.finding == "1 of 3 event names is out of the expected range."
    assert found.comparison.endswith(" 1 more has not enough history.")
    assert """Furthest from expected: "a 'quoted' name", 0 rows on Friday""" in found.values
    assert "quoted" not in found.finding + found.comparison + found.next_step


def test_a_late_load_is_reported_in_hours() -> None:
    late = series((4200,) * 39 + (11_000,), metric=Metric.UPDATE_DELAY, table="raw_tracks")
    found = evaluate(CHECKS["update_delay"], [late])
    assert found.result is Result.FAILED
    assert message(found).finding == "raw_tracks: loaded after 3 h 03 min on Friday, 2026-07-10."
    assert "mean from an hour's end to its load" in message(found).comparison
    assert message(found).runbook is Runbook.LATE_LOADS
    early = replace(late, values=(*late.values[:-1], 60))
    assert evaluate(CHECKS["update_delay"], [early]).result is Result.PASSED
    assert (duration(59 * 60), duration(3600)) == ("59 min", "1 h 00 min")


def test_missing_hours_are_those_of_the_day_shown() -> None:
    found = evaluate(TRACKS, [series(days(0))]).shown
    assert found is not None
    loaded = series((24,) * 39 + (17,), metric=Metric.HOURS_LOADED, table="raw_tracks")
    assert hours_missing(found, [series(days()), loaded]) == 7
    assert hours_missing(found, [replace(loaded, values=loaded.values[:-1])]) == 0, "not measured"
    assert hours_missing(found, []) == 0


def test_a_table_of_anomalies_ends() -> None:
    found = evaluate(NAMES, [named(f"name {number:02}", 0, 0) for number in range(15)])
    lines = anomaly_table(found.anomalies).splitlines()
    assert len(lines) == 2 + 20 + 1
    assert lines[-1] == "| and 10 more | | | |"
    assert "| event_name_volume | failed | 15 | 0 |" in results_table([found])


def shown_colors(found: Evaluation) -> set[tuple[int, int, int]]:
    """Which of the two colours of the line and of an anomaly the plot has."""
    assert found.shown is not None
    pixels = np.asarray(Image.open(BytesIO(training_window(found.shown))).convert("RGB"), dtype=int)
    assert pixels.shape == (152, 448, 3)
    return {color for color in (RED, BLUE) if (np.abs(pixels - color).sum(axis=2) < 40).sum() > 10}


def test_the_plot_has_a_red_point_only_where_there_is_an_anomaly() -> None:
    assert shown_colors(evaluate(TRACKS, [series(days(0))])) == {RED, BLUE}
    assert shown_colors(evaluate(TRACKS, [series(days())])) == {BLUE}
    assert markdown_image(b"\x89PNG", "a day") == "![a day](data:image/png;base64,iVBORw==)"


def test_a_check_of_every_series_reads_its_training_days() -> None:
    assert days_needed(tuple(CHECKS.values())) == 28 + 7 + 2
    owners = {
        check.name: check
        for check in CHECKS.values()
        if check.looks_at(SeriesKey("tracks", Metric.ROW_COUNT, Dimension.OTHER_EVENT_NAMES))
    }
    assert set(owners) == {"event_name_volume"}
    assert isinstance(owners["event_name_volume"], Check)
