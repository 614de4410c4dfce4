"""The models of growth and marketing on both engines: one shape for two systems, and each user counted once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.engines.engine import Engine, Row
from tests.support.cases import first_in_make_test
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.warehouse.dbt_properties import PLATFORMS
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS, TRACKS

DAY = datetime(2026, 3, 12, tzinfo=UTC)
BUILD = ("build", "--select", f"{GROWTH_EVENTS.name} {INSTALLS_SUBSCRIBERS.name}", "--exclude", "test_type:unit")

INSTALL, SUBSCRIBE = "Application Installed", "Subscription Started"

LIBRARIES = {
    ("web", "Mac OS X"): "web",
    ("posthog-ios", "iOS"): "ios",
    ("Swift", None): "ios",
    ("posthog-android", "Android"): "android",
    ("posthog-react-native", "iOS"): "ios",
    ("posthog-react-native", "Android"): "android",
    ("posthog-flutter", "Windows"): "other",
    ("posthog-python", "Linux"): "server",
    ("a library of our own", "iOS"): "other",
    (None, "iOS"): "other",
}
"""What each library and system is."""


def track(
    number: int, name: str, user: str | None, hours: int, utm: str | None = None, lib: str = "posthog-ios"
) -> Row:
    """An event of PostHog's."""
    payload = {"$geoip_country_code": "CH", **({"utm_source": utm} if utm is not None else {})}
    return {
        "event_id": f"event {number}",
        "event_name": name,
        "user_id": user,
        "created_at": DAY + timedelta(hours=hours),
        "lib_values": json.dumps({"$lib": lib}),
        "event_payload": json.dumps(payload),
    }


def mixpanel(number: int, name: str, user: str, hours: int, utm: str | None = None, lib: str = "android") -> Row:
    """An event of Mixpanel's."""
    return {
        "dedup_id": f"event {number}",
        "event_name": name,
        "customer_id": user,
        "time": DAY + timedelta(hours=hours),
        "mp_lib": lib,
        "country": "DE",
        "utm_source": utm,
    }


def build(engine: Engine) -> None:
    """Builds both models, and runs their tests."""
    results = engine.run_dbt(*BUILD)
    failed = {result["unique_id"]: result["message"] for result in results if result["status"] in ("error", "fail")}
    assert not failed


def cells(engine: Engine) -> set[tuple[Any, ...]]:
    """Day (from the first), channel, platform, installs and subscribers of each row."""
    rows = engine.rows(INSTALLS_SUBSCRIBERS)
    names = ("channel", "platform", "installs", "subscribers")
    found = {((row["day"] - DAY).days, *(row[name] for name in names)) for row in rows}
    assert len(found) == len(rows)
    return found


def test_the_platform_follows_from_the_library(engine: Engine) -> None:
    assert set(LIBRARIES.values()) == set(PLATFORMS)
    for number, (library, system) in enumerate(LIBRARIES):
        values = None if library is None else json.dumps({"$lib": library, "$lib_version": "1"})
        engine.put(TRACKS, {**track(number, "e", "u", 0), "lib_values": values, "device_os": system})
        engine.put(MP_EVENTS, {**mixpanel(number, "e", "u", 0), "mp_lib": library, "device_os": system})
    build(engine)

    expected = {f"event {number}": platform for number, platform in enumerate(LIBRARIES.values())}
    for source in ("posthog", "mixpanel"):
        rows = [row for row in engine.rows(GROWTH_EVENTS) if row["source"] == source]
        assert {row["event_id"]: row["platform"] for row in rows} == expected


def test_events_of_both_systems_have_one_shape(engine: Engine) -> None:
    engine.put(TRACKS, track(1, "e", "ann", 0, "News"))
    engine.put(MP_EVENTS, {**mixpanel(1, "e", "bob", 1), "utm_medium": "email", "app_version": "5.1"})
    build(engine)

    of_posthog, of_mixpanel = sorted(engine.rows(GROWTH_EVENTS), key=lambda row: row["source"], reverse=True)
    none = dict.fromkeys(column.name for column in GROWTH_EVENTS.columns)
    assert of_posthog == {
        **none,
        **{"source": "posthog", "event_id": "event 1", "event_name": "e", "time": DAY, "user_id": "ann"},
        **{"platform": "ios", "country": "CH", "utm_source": "News"},
    }
    assert of_mixpanel == {
        **none,
        **{"source": "mixpanel", "event_id": "event 1", "event_name": "e", "user_id": "bob"},
        **{"time": DAY + timedelta(hours=1), "platform": "android", "country": "DE"},
        **{"utm_medium": "email", "app_version": "5.1"},
    }


def test_each_user_counts_once_on_the_first_day(engine: Engine) -> None:
    build(engine)
    assert cells(engine) == set(), "nothing is there yet"

    engine.put(
        TRACKS,
        track(1, INSTALL, "ann", 30, "Newsletter "),
        track(2, INSTALL, "ann", 50),
        track(3, SUBSCRIBE, "ann", 52),
        track(4, "another event", "ann", 1),
        track(5, INSTALL, None, 30, ""),
        track(6, INSTALL, None, 30),
        track(7, INSTALL, "", 30),
    )
    engine.put(
        MP_EVENTS,
        mixpanel(1, SUBSCRIBE, "bob", 53, "partner"),
        mixpanel(2, INSTALL, "ann", 40),
        mixpanel(3, INSTALL, "bob", 54),
        *(mixpanel(number, INSTALL, "", 55) for number in (4, 5)),
    )
    build(engine)
    assert cells(engine) == {
        (1, "newsletter", "ios", 1, 0),
        (1, "direct", "ios", 3, 0),
        (2, "direct", "ios", 0, 1),
        (2, "partner", "android", 0, 1),
        (2, "direct", "android", 3, 0),
    }

    # An older event that arrives late moves the user to its day.
    engine.put(MP_EVENTS, mixpanel(4, INSTALL, "ann", 2, "search", lib="web"))
    build(engine)
    assert (0, "search", "web", 1, 0) in cells(engine)
    assert not any(channel == "newsletter" for _, channel, *_ in cells(engine))


def test_an_event_that_the_union_loses_is_seen_by_its_test(engine: Engine) -> None:
    engine.put(TRACKS, track(1, INSTALL, "ann", 0))
    build(engine)
    engine.put(TRACKS, track(2, INSTALL, "bob", 0))
    (result,) = engine.run_dbt("test", "--select", "marketing_totals_agree")
    assert result["status"] == "fail"


@pytest.mark.parametrize("names", first_in_make_test(['["it\'s"]', "[]", "Application Installed"]))
def test_names_that_are_no_list_of_names_stop_dbt(on_duckdb: Engine, names: str) -> None:
    with pytest.raises(AssertionError, match="The var install_events"):
        on_duckdb.run_dbt("build", "--select", INSTALLS_SUBSCRIBERS.name, "--vars", f"install_events: {names}")
