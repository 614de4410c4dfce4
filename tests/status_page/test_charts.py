"""Charts are plain SVG in the page's own colours, and the same for the same facts."""

import re
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from tests.quality.checks.counted_rows import DAY, NOW
from tests.status_page.samples import HALF_A_DAY, counted
from tracks_assets.status_page.charts import Chart, duplicate_history, embedded, load_delays
from tracks_assets.status_page.facts import LoadDelay

HOUR = timedelta(hours=1)
SVG = "{http://www.w3.org/2000/svg}"


def late(*hours: float) -> list[LoadDelay]:
    """Export hours, one after another, that were loaded so many hours after their end."""
    starts = [NOW + number * HOUR for number in range(len(hours))]
    return [LoadDelay(start, start + HOUR + delay * HOUR) for start, delay in zip(starts, hours, strict=True)]


def delays(*hours: float) -> Chart:
    chart = load_delays(late(*hours), 2 * HOUR, 4 * HOUR)
    assert chart
    return chart


def history(*excess: int) -> Chart:
    ages = range(len(excess) - 1, -1, -1)
    chart = duplicate_history(
        [counted(excess_rows=n, age=age * HALF_A_DAY) for n, age in zip(excess, ages, strict=True)]
    )
    assert chart
    return chart


@pytest.mark.parametrize("chart", [history(0), history(0, 5, 460), delays(0.1), delays(0.1, 3, 30)])
def test_it_is_an_element_without_a_size_or_a_colour_of_its_own(chart: Chart) -> None:
    root = ET.fromstring(chart.svg)
    assert root.tag == f"{SVG}svg"
    assert "viewBox" in root.attrib
    assert {"width", "height"}.isdisjoint(root.attrib)
    assert re.findall(r"#[0-9a-f]{6}\b", chart.svg) == []
    assert "var(--muted)" in chart.svg
    assert "<text" in chart.svg, "text stays text"


def test_the_same_facts_draw_the_same() -> None:
    assert history(0, 3).svg == history(0, 3).svg
    assert history(0, 3).svg != history(0, 4).svg


def test_without_facts_there_is_no_chart() -> None:
    assert duplicate_history([]) is None
    assert load_delays([], HOUR, HOUR) is None


def test_what_is_late_has_its_colour() -> None:
    assert points(delays(0.1)) == ["line"]
    assert points(delays(2, 2.1, 4, 4.1)) == ["line", "warn", "warn", "bad"]


def points(chart: Chart) -> list[str]:
    """The colours of the points of a chart of delays, in order."""
    (group,) = [element for element in ET.fromstring(chart.svg).iter() if element.get("id") == "delays-points"]
    return re.findall(r"fill: var\(--(\w+)\)", " ".join(each.get("style", "") for each in group.iter(f"{SVG}use")))


def test_the_words() -> None:
    assert history(0, 7, 3).alt == (
        "Excess rows of posthog.tracks at 3 censuses, from 0 on 2026-06-11 to 3 on 2026-06-12; at most 7."
    )
    assert delays(0.1, 3, 700).alt == (
        "Delay of 3 export hours, from the end of the hour to its first load: 2 later than 2 hours, the latest "
        "700.0 hours (2026-06-12 08:00)."
    )


def test_the_history_goes_a_year_back() -> None:
    chart = duplicate_history([counted(excess_rows=9, age=400 * DAY), counted(age=300 * DAY), counted()])
    assert chart
    assert chart.alt.startswith("Excess rows of posthog.tracks at 2 censuses, from 0 on 2025-08-16")


def test_references_follow_their_ids() -> None:
    head = '<?xml version="1.0"?>\n<svg width="5pt" height="3pt"><defs><style>*{}</style></defs>'
    assert embedded(f'{head}<g id="a"/><use xlink:href="#a" clip-path="url(#b)"/></svg>', "x") == (
        '<svg><g id="x-a"/><use xlink:href="#x-a" clip-path="url(#x-b)"/></svg>'
    )
