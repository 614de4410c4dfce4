"""The people who use the example's app: each with a device, a place, a library and a set of feature flags.

A person's properties repeat on every event, so they are written as JSON once, as a head and a tail between which an
event's own properties go. That is what makes tens of thousands of events a second possible.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from examples.export_generator.catalogue import text

SESSION_MS = 30 * 60 * 1000
MIN_FLAGS, MAX_FLAGS = 20, 60

_LONGEST_BYTES, _SHORTEST_BYTES = 2_150, 1_470
_SHARE_ON_WEB, _SHARE_WITH_OWN_SESSION = 0.45, 0.2
_SHARE_IDENTIFIED, _SHARE_WITH_PROPERTIES = 0.7, 0.9
_SHARE_ON_NATIVE_LIBRARY, _SHARE_ON_WIFI = 0.7, 0.6
_COUNTRIES = [
    # city, continent, country, time zone, language, start of the IP address
    ("Berlin", "Europe", "Germany", "Europe/Berlin", "de-DE", "91.12"),
    ("Zürich", "Europe", "Switzerland", "Europe/Zurich", "de-CH", "178.83"),
    ("São Paulo", "South America", "Brazil", "America/Sao_Paulo", "pt-BR", "177.62"),
    ("Łódź", "Europe", "Poland", "Europe/Warsaw", "pl-PL", "83.25"),
    ("New York", "North America", "United States", "America/New_York", "en-US", "72.229"),
    ("Austin", "North America", "United States", "America/Chicago", "en-US", "70.112"),
    ("Bogotá", "South America", "Colombia", "America/Bogota", "es-CO", "181.49"),
    ("東京", "Asia", "Japan", "Asia/Tokyo", "ja-JP", "126.15"),
    ("Lagos", "Africa", "Nigeria", "Africa/Lagos", "en-NG", "105.112"),
    ("Sydney", "Oceania", "Australia", "Australia/Sydney", "en-AU", "49.195"),
]
_APP_VERSIONS = ["5.9.2", "6.0.0", "6.0.1", "6.1.0", "6.2.0-beta.3"]
_PHONES = {
    "iOS": ("Apple", ["iPhone14,5", "iPhone15,2", "iPhone16,1", "iPad13,4"], ["17.5.1", "18.3.2", "26.3"]),
    "Android": ("samsung", ["SM-A546B", "SM-S921B", "Pixel 8", "moto g(60)"], ["13", "14", "15"]),
}
_LIBRARIES = {
    "web": ["1.205.0", "1.258.5", "1.321.2"],
    "posthog-ios": ["3.19.2", "3.38.0"],
    "posthog-android": ["3.9.3", "3.31.0"],
    "posthog-react-native": ["3.6.1", "4.17.2"],
}
_USER_AGENT = "Mozilla/5.0 (X11; {os}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
_FLAG_AREAS = ["chat", "paywall", "quiz", "home", "intro", "streak", "audio", "promo", "search", "words"]
_FLAG_IDEAS = ["v2", "v3", "ai", "new", "tab", "fast", "hint", "pro", "dark", "ads", "off", "lite"]
_FLAGS = [f"{area}-{idea}" for area in _FLAG_AREAS for idea in _FLAG_IDEAS]
_FLAG_VALUES = ["false", "true", '"control"', '"test"', '"variant-b"']
_FLAG_ODDS = [70, 18, 5, 5, 2]
_LONGEST_FLAG_BYTES = 50


@dataclass(frozen=True)
class People:
    """All people of an export, one row each; an event refers to its person by row."""

    head: pa.StringArray
    tail: pa.StringArray
    own_session: pa.StringArray
    distinct_id: pa.StringArray
    person_id: pa.StringArray
    person_properties: pa.StringArray
    is_mobile: NDArray[np.bool_]
    session_phase_ms: NDArray[np.int64]


@dataclass(frozen=True)
class _Person:
    head: str
    tail: str
    own_session: str
    distinct_id: str
    person_id: str
    person_properties: str | None
    is_mobile: bool
    session_phase_ms: int


@lru_cache(maxsize=4)
def people(seed: int, count: int) -> People:
    """The ``count`` people that ``seed`` gives."""
    rng = Random(f"people {seed}")  # noqa: S311 - example people, no secrets
    everybody = [_person(rng) for _ in range(count)]

    def column(name: str) -> pa.StringArray:
        return pa.array([getattr(person, name) for person in everybody], pa.string())

    return People(
        head=column("head"),
        tail=column("tail"),
        own_session=column("own_session"),
        distinct_id=column("distinct_id"),
        person_id=column("person_id"),
        person_properties=column("person_properties"),
        is_mobile=np.array([person.is_mobile for person in everybody]),
        session_phase_ms=np.array([person.session_phase_ms for person in everybody], np.int64),
    )


def _person(rng: Random) -> _Person:
    is_mobile = rng.random() >= _SHARE_ON_WEB
    device_id = _uuid(rng)
    distinct_id = f"user_{rng.randrange(10**7, 10**8)}" if rng.random() < _SHARE_IDENTIFIED else device_id
    city, continent, country, time_zone, locale, network = rng.choice(_COUNTRIES)
    head = {
        **(_phone(rng, locale) if is_mobile else _browser(rng, locale)),
        "distinct_id": distinct_id,
        "$device_id": device_id,
        "$ip": f"{network}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
        "$geoip_city_name": city,
        "$geoip_continent_name": continent,
        "$geoip_country_name": country,
        "$geoip_time_zone": time_zone,
    }
    head_text = "{" + text(head)[1:]
    plan = rng.choice(["free", "trial", "pro"])
    return _Person(
        head=head_text,
        tail=_tail(rng, _LONGEST_BYTES - len(head_text.encode()), locale) + "}",
        own_session=',"session_id":"app-' if rng.random() < _SHARE_WITH_OWN_SESSION else "",
        distinct_id=distinct_id,
        person_id=_uuid(rng),
        person_properties="{"
        + text({"plan": plan, "$geoip_country_name": country, "$initial_locale": locale})[1:]
        + "}"
        if rng.random() < _SHARE_WITH_PROPERTIES
        else None,
        is_mobile=is_mobile,
        session_phase_ms=rng.randrange(SESSION_MS),
    )


def _phone(rng: Random, locale: str) -> dict[str, Any]:
    system = rng.choice(list(_PHONES))
    maker, models, versions = _PHONES[system]
    model = rng.choice(models)
    library = f"posthog-{system.lower()}" if rng.random() < _SHARE_ON_NATIVE_LIBRARY else "posthog-react-native"
    return {
        "client": system.lower(),
        "$os": system,
        "$os_version": rng.choice(versions),
        "$device_type": "Tablet" if model.startswith("iPad") else "Mobile",
        "$device_manufacturer": maker,
        "$device_model": model,
        "$screen_width": rng.choice([360, 390, 412]),
        "$screen_height": rng.choice([780, 844, 915]),
        "$app_version": rng.choice(_APP_VERSIONS),
        "$app_build": str(rng.randrange(400, 999)),
        "$network_wifi": rng.random() < _SHARE_ON_WIFI,
        "$locale": locale,
        "$lib": library,
        "$lib_version": rng.choice(_LIBRARIES[library]),
    }


def _browser(rng: Random, locale: str) -> dict[str, Any]:
    return {
        "client": "web",
        "$os": rng.choice(["Mac OS X", "Windows", "Linux", "iOS", "Android"]),
        "$os_version": rng.choice(["10.15.7", "11", "6.8"]),
        "$browser": rng.choice(["Chrome", "Safari", "Firefox"]),
        "$browser_version": rng.randrange(118, 140),
        "$device_type": rng.choice(["Desktop", "Desktop", "Mobile"]),
        "$host": "app.example.com",
        "$screen_width": rng.choice([1440, 1728, 1920]),
        "$screen_height": rng.choice([900, 1080, 1117]),
        "$viewport_width": rng.randrange(900, 1440),
        "app_version": rng.choice(_APP_VERSIONS),
        "locale": locale,
        "$lib": "web",
        "$lib_version": rng.choice(_LIBRARIES["web"]),
    }


def _tail(rng: Random, room: int, locale: str) -> str:
    """Feature flags and then whatever else fits, since payloads are about equally long however many flags they hold."""
    room -= round((_LONGEST_BYTES - _SHORTEST_BYTES) * min(1.0, rng.expovariate(9)))
    tail = _flags(rng, room)
    for extra in rng.sample(_extras(locale, rng.randrange(20)), k=8):
        if len(tail) + len(extra) <= room:
            tail += extra
    return tail


def _flags(rng: Random, room: int) -> str:
    wanted = rng.sample(_FLAGS, rng.randint(MIN_FLAGS, MAX_FLAGS))
    values = rng.choices(_FLAG_VALUES, _FLAG_ODDS, k=MAX_FLAGS)
    active, features = ',"$active_feature_flags":[', ""
    for number, (flag, value) in enumerate(zip(wanted, values, strict=False)):
        if number >= MIN_FLAGS and len(active) + len(features) > room - _LONGEST_FLAG_BYTES:
            break
        features += f',"$feature/{flag}":{value}'
        active += "" if value == "false" else f'"{flag}",'
    return active.rstrip(",") + "]" + features


@cache
def _extras(locale: str, variant: int) -> list[str]:
    """Properties that some events have, as JSON; the nested ones hold names that are also at the top."""
    agent = _USER_AGENT.format(os="Linux x86_64", version=118 + variant)
    first = {"$initial_pathname": "/", "$initial_referring_domain": "$direct", "$lib": "web", "$os": "Windows"}
    return [
        text({"$raw_user_agent": agent}),
        text({"$set_once": first | {"$feature/home-v2": "nested"}}),
        text({"utm_source": "newsletter", "utm_medium": "email", "utm_campaign": f"spring-{variant}"}),
        text({"$referrer": "https://www.example.com/search?q=learn+spanish", "$referring_domain": "www.example.com"}),
        text({"$session_entry_url": f"https://app.example.com/start?ref={variant}"}),
        text({"$groups": {"school": f"school-{variant}", "class": f"{5 + variant % 8}b"}}),
        text({"$feature_flag_payloads": {"home-v2": '{"title":"Hola"}'}, "$feature_flag_evaluated_at": None}),
        text({"experiment_arms": [variant * n % 9 for n in range(30)], "$browser_language": locale}),
    ]


def _uuid(rng: Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))
