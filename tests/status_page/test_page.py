"""The page shows its facts, loads nothing, runs nothing, and takes no text for markup."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.quality.checks.counted_rows import NOW
from tests.status_page.html import Parsed, parsed
from tests.status_page.samples import HALF_A_DAY, counted, facts, logged, redelivery
from tracks_assets.quality.message import Message, Runbook
from tracks_assets.quality.state import Condition, Reason, State, state_of
from tracks_assets.status_page.facts import LoggedHour, RefusedReason
from tracks_assets.status_page.incidents import Alerts, Incident, RefusedReceiver
from tracks_assets.status_page.page import page, shift_text, span_text
from tracks_assets.status_page.redeliveries import RedeliveredGroup, Redeliveries, window

HOUR = timedelta(hours=1)

HOSTILE = (
    "<script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; <b>",
    "]]> --> <!-- ",
    "$\\frac{a}{b}$",
    "\u202e evil \x00",
)


def shown(**others: Any) -> Parsed:
    """The page of some facts, without the chart of the delays: most of a page's time."""
    return parsed(page(facts(**({"delays": ()} | others))))


def test_the_state_comes_first() -> None:
    words = shown().words
    assert words.startswith("Healthy: posthog.tracks posthog.tracks Healthy Each of the 1,000 events of")


@pytest.mark.parametrize(
    ("condition", "tone"),
    [
        (Condition.UNKNOWN, "unknown"),
        (Condition.HEALTHY, "good"),
        (Condition.DEGRADED, "warn"),
        (Condition.BROKEN, "bad"),
    ],
)
def test_each_state_has_its_tone(condition: Condition, tone: str) -> None:
    message = Message("It is so.", "1 before.", "Do this.", Runbook.DEDUP)
    found = shown(state=State((Reason(condition, message),)))
    assert ("div", {"class": f"state {tone}"}) in found.tags
    assert f"{condition} It is so. 1 before. Do this. {Runbook.DEDUP}" in found.words


def test_every_reason_is_shown() -> None:
    censuses = (counted(age=HALF_A_DAY), counted(excess_rows=3))
    words = shown(censuses=censuses, state=state_of(censuses, (), 2, NOW)).words
    assert "3 rows of posthog.tracks are duplicates. 3 more than before" in words
    assert words.count(Runbook.DEDUP) == words.count(Runbook.COLLISIONS) == 1
    assert "2 event ids were delivered for several events" in words


def test_it_is_one_file_that_loads_and_runs_nothing() -> None:
    html = page(full())
    found = parsed(html)
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "img", "iframe", "object", "form", "a", "base"})
    attributes = [(name, value or "") for _, given in found.tags for name, value in given.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]
    assert all(value.startswith("#") for name, value in attributes if name in ("href", "xlink:href"))
    namespaces = [value for name, value in attributes if name.startswith("xmlns")]
    assert html.count("http:") + html.count("https:") == sum(value.count("http:") for value in namespaces), (
        "the only addresses are names"
    )
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    policies = [given["content"] for tag, given in found.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_it_fits_a_phone_and_a_dark_room() -> None:
    html = page(facts())
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in html
    assert "@media (prefers-color-scheme: dark)" in html
    variables = set(re.findall(r"var\((--[\w-]+)\)", html))
    light, dark = (set(re.findall(r"(--[\w-]+):", part)) for part in re.findall(r":root \{([^}]*)\}", html))
    assert dark <= light
    assert variables - {"--tone", "--soft"} <= dark, "each colour has one for the dark"


def test_ids_are_not_given_twice(full_page: Parsed) -> None:
    ids = [given["id"] for _, given in full_page.tags if "id" in given]
    assert len(ids) > 20
    assert len(ids) == len(set(ids))


def test_equal_facts_make_an_equal_page() -> None:
    assert page(full()) == page(full())


def test_charts_say_in_words_what_they_show() -> None:
    labels = [given["aria-label"] for tag, given in parsed(page(facts())).tags if tag == "figure"]
    assert labels == [
        "Excess rows of posthog.tracks at 4 censuses, from 0 on 2026-06-10 to 0 on 2026-06-12; at most 0.",
        "Delay of 48 export hours, from the end of the hour to its first load: 0 later than 2 hours, "
        "the latest 0.1 hours (2026-06-10 06:00).",
    ]


def test_the_hours_are_a_table_the_newest_first() -> None:
    hours = (
        logged(NOW - 3 * HOUR, load_bytes_billed=1_000_000, merge_bytes_billed=2_500_000),
        LoggedHour(NOW - 2 * HOUR),
        replace(logged(NOW - HOUR), merged_at=None, rows_inserted=None, merge_milliseconds=None),
    )
    found = shown(hours=hours)
    first = [row[0] for row in found.rows]
    assert first.index("06-12 05:00") < first.index("06-12 04:00") < first.index("06-12 03:00")
    assert found.row("06-12 03:00")[1:] == ["2", "1,000", "2", "4", "3.5", "3.5 MB", "5 min"]
    assert found.row("06-12 04:00")[1:] == ["–"] * 6 + ["not loaded"]  # noqa: RUF001
    assert found.row("06-12 05:00")[4:] == ["–", "1.5", "–", "5 min, not merged"]  # noqa: RUF001
    assert "2 of 3 export hours are loaded." in found.words


def test_an_hour_with_more_refused_rows_than_the_settings_allow_is_marked() -> None:
    hours = (
        logged(NOW - 2 * HOUR, rows_read=1_000, rows_rejected=1),
        logged(NOW - HOUR, rows_read=999, rows_rejected=1),
    )
    marked = [given for tag, given in shown(hours=hours).tags if tag == "td" and given.get("class") == "flag"]
    assert len(marked) == 1


@pytest.mark.parametrize(("age", "tone"), [(2 * HOUR, "good"), (3 * HOUR, "warn"), (5 * HOUR, "bad")])
def test_freshness_has_its_tone(age: timedelta, tone: str) -> None:
    found = shown(hours=(logged(NOW - HOUR, loaded_at=NOW - age),), delays=())
    assert ("span", {"class": f"{tone} tone"}) in found.tags


def test_a_table_without_logs_is_as_fresh_as_its_census_says() -> None:
    found = shown(hours=(), delays=(), censuses=(counted(newest_ingested_timestamp=NOW - 3 * HOUR),))
    assert "Newest load 3.0 h ago 2026-06-12 03:00 UTC" in found.words
    assert "No load in the last 14 days." in found.words


def test_a_new_table_has_a_page() -> None:
    words = shown(hours=(), delays=(), censuses=(), state=state_of([], (), 0, NOW)).words
    assert "Unknown No census has counted posthog.tracks yet. Take a census" in words
    assert "Newest load none" in words
    assert "No census yet." in words
    assert "No export hour has ended since TRACKS_EXPORT_START." in words
    assert "What PostHog exported again" in words


def test_without_receivers_it_says_how_to_set_them() -> None:
    assert "Alerts are not configured: set TRACKS_ALERT_URLS" in shown().words
    assert "None." in shown(alerts=Alerts(is_configured=True)).words


def test_incidents_receivers_and_the_sensor_are_shown() -> None:
    words = shown(alerts=full().alerts).words
    assert "posthog/tracks:unique_event_id ERROR 2026-06-12 04:00 3 of 400 events are duplicated" in words
    assert "slack://**** refuses messages since 2026-06-12 03:00 UTC: 404 Not Found" in words
    assert "The alert sensor looked last at 2026-06-12 05:50 UTC, 10 min before this page." in words


@pytest.mark.parametrize(("minutes", "is_marked"), [(15, False), (16, True)])
def test_a_sensor_that_does_not_look_any_more_is_marked(minutes: int, is_marked: bool) -> None:
    found = shown(alerts=Alerts(is_configured=True, last_look=NOW - timedelta(minutes=minutes)))
    assert (("span", {"class": "warn tone"}) in found.tags) is is_marked


def test_a_sensor_that_never_ran_is_a_warning() -> None:
    assert "The alert sensor never ran." in shown(alerts=Alerts(is_configured=True)).words
    assert "The alert sensor never ran." not in shown().words


def test_alerts_that_cannot_be_read_are_not_shown_as_none() -> None:
    words = shown(alerts=Alerts(is_configured=True, problem="The alert database failed.")).words
    assert "Not readable: The alert database failed." in words
    assert "Open incidents unknown" in words
    assert "None." not in words


def test_redeliveries_by_age_and_library(full_page: Parsed) -> None:
    assert "6 event ids were exported again, in 9 deliveries; 3 were re-stamped" in full_page.words
    assert full_page.row("7 to 30 days") == ["7 to 30 days", "4", "6", "3"]
    assert full_page.row("not known") == ["not known", "2", "3", "0"]
    assert full_page.row("posthog-ios") == ["posthog-ios", "3.1", "7 to 30 days", "4", "6", "3", "10 d"]
    assert full_page.row("none") == ["none", "none", "not known", "2", "3", "0", "–"]  # noqa: RUF001
    example = full_page.row(redelivery().event_id)
    assert example[1:] == [
        "2026-06-02 06:00:00",
        "2026-06-12 06:00:00",
        "10 d",
        "2026-06-12 05:00",
        "web 1.78.0",
    ]


def test_the_other_evidence(full_page: Parsed) -> None:
    assert full_page.row("null event") == ["null event", "12", "2026-06-12 04:00", "2026-06-12 05:00"]
    assert "5 event ids came for several events" in full_page.words


def test_more_groups_than_the_page_takes_are_counted() -> None:
    groups = tuple(
        RedeliveredGroup("web", f"1.{n}", 0, event_ids=1, deliveries=1, restamped_ids=0, most_restamped_seconds=0.0)
        for n in range(25)
    )
    words = shown(redeliveries=Redeliveries(window(NOW - HOUR, NOW), groups)).words
    assert "25 event ids were exported again" in words
    assert "And 5 more." in words


@pytest.fixture(scope="module")
def full_page() -> Parsed:
    return parsed(page(full()))


@pytest.fixture(scope="module")
def harmless() -> Parsed:
    return parsed(page(named("harmless")))


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_taken_for_markup(harmless: Parsed, text: str) -> None:
    """Each text of the facts, one by one as hostile as it can be: the page has the same tags, and the text is read."""
    hostile = parsed(page(named(text)))
    assert hostile.tags == harmless.tags
    assert hostile.text == harmless.text.replace("harmless", text)


def named(text: str) -> Any:
    """Facts in which every text that comes from outside is this one."""
    plain = full()
    return replace(
        plain,
        censuses=(),
        delays=(),
        engine=text,
        state=State((Reason(Condition.BROKEN, Message(text, text, text)),)),
        alerts=Alerts(
            is_configured=True,
            incidents=(Incident(text, text, NOW, "ERROR", text, text),),
            refused=(RefusedReceiver(text, text, NOW),),
            last_look=NOW,
            problem=text,
        ),
        refused=(RefusedReason(text, 1, NOW, NOW),),
        redeliveries=Redeliveries(
            plain.redeliveries.window,
            (RedeliveredGroup(text, text, 0, 1, 1, 1, 1.0),),
            (redelivery(event_id=text, lib=text, lib_version=text, source_file=text),),
        ),
    )


def full() -> Any:
    """Facts that fill every part of the page."""
    return facts(
        collided_ids=5,
        refused=(RefusedReason("null event", 12, NOW - 2 * HOUR, NOW - HOUR),),
        redeliveries=Redeliveries(
            window(NOW - 48 * HOUR, NOW),
            (
                RedeliveredGroup("posthog-ios", "3.1", 3, 4, 6, 3, 864_000.0),
                RedeliveredGroup(None, None, None, 2, 3, 0, None),
            ),
            (redelivery(),),
        ),
        alerts=Alerts(
            is_configured=True,
            incidents=(
                Incident(
                    "posthog/tracks:unique_event_id",
                    "3 of 400 events are duplicated",
                    NOW - 2 * HOUR,
                    "ERROR",
                    "Stop it.",
                ),
            ),
            refused=(RefusedReceiver("slack://****", "404 Not Found", NOW - 3 * HOUR),),
            last_look=NOW - timedelta(minutes=10),
        ),
    )


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (None, "–"),  # noqa: RUF001
        (timedelta(seconds=59), "under 1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=47.9), "47.9 h"),
        (timedelta(days=2), "2 d"),
        (timedelta(minutes=-5), "-5 min"),
    ],
)
def test_spans(span: timedelta | None, text: str) -> None:
    assert span_text(span) == text


def test_shifts() -> None:
    assert [shift_text(seconds) for seconds in (None, -0.5, 59.94, 60.0, 864_000.0)] == [
        "–",  # noqa: RUF001
        "-0.5 s",
        "59.9 s",
        "1 min",
        "10 d",
    ]
