"""What happens in the example's app: event names with a long tail, and where and how each event happens.

The app is a language course on web, iOS and Android. Its names and details are fixed; only chance picks among them.
"""

import json
from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

DETAILS_PER_NAME = 8

_WEB_NAMES = ["$pageview", "$autocapture", "$pageleave", "$feature_flag_called", "$web_vitals", "$set", "$rageclick"]
_MOBILE_NAMES = [
    "$screen",
    "Application Opened",
    "Application Backgrounded",
    "Application Became Active",
    "Deep Link Opened",
    "Application Updated",
    "Application Installed",
]
_SUBJECTS = [
    *("lesson", "exercise", "paywall", "word card", "dialogue", "review", "streak", "course", "video", "quiz"),
    *("subscription", "reminder", "level test", "profile", "friend invite", "leaderboard", "download", "search"),
    *("onboarding step", "survey"),
]
_VERBS = ["viewed", "started", "completed", "abandoned", "shared", "retried", "failed"]
# The outer loop runs over the verbs, so that the head of the long tail holds many subjects, not one subject's verbs.
_APP_NAMES = [f"{subject} {verb}" for verb, subject in product(_VERBS, _SUBJECTS)]

EVENT_NAMES = [*_WEB_NAMES, *_MOBILE_NAMES, *_APP_NAMES]

_TITLES = [
    "Learn Spanish",
    "Grüße aus Köln",
    'The \\"ñ\\" explained',
    "日本語 入門",
    "Café, thé ou chocolat ?",
    "Lesson 12: At the market",
    "Past tense, made simple",
    "Ваши слова на сегодня",
]
_BUTTONS = ["Continue", "Start \\u0026 learn", 'Say \\"hola\\"', "Überspringen", "Next", "Try free", "Buy", "Répéter"]
_PATHS = [f"/{section}/{page}" for section, page in product(("course", "learn", "shop", "me", "help"), range(1, 9))]

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def text(fragment: dict[str, Any]) -> str:
    """Properties as a piece of JSON that continues an object: ``,"key":value,...``."""
    return "," + _JSON.encode(fragment)[1:-1]


@cache
def name_odds(mobile: bool) -> NDArray[np.float64]:
    """The running probability of ``EVENT_NAMES`` on one kind of client: Zipf's law over the names it can send."""
    sent = [*(_MOBILE_NAMES if mobile else _WEB_NAMES), *_APP_NAMES]
    odds = {name: 1 / rank for rank, name in enumerate(sent, start=1)}
    weights = np.cumsum([odds.get(name, 0.0) for name in EVENT_NAMES])
    return np.asarray(weights / weights[-1])


@cache
def names() -> pa.StringArray:
    """``EVENT_NAMES`` as a column to take from."""
    return pa.array(EVENT_NAMES, pa.string())


@cache
def details() -> pa.StringArray:
    """What each event says about itself: ``DETAILS_PER_NAME`` pieces of JSON for each of ``EVENT_NAMES``, in order."""
    return pa.array([_detail(name, n) for name, n in product(EVENT_NAMES, range(DETAILS_PER_NAME))], pa.string())


@cache
def elements_chains() -> pa.StringArray:
    """The clicked elements that belong to ``details``: empty but for captured clicks."""
    clicks = ("$autocapture", "$rageclick")
    return pa.array(
        [_chain(n) if name in clicks else "" for name, n in product(EVENT_NAMES, range(DETAILS_PER_NAME))], pa.string()
    )


@cache
def places(mobile: bool) -> pa.StringArray:
    """Where in the app an event can happen: addresses on web, screens on mobile."""
    if mobile:
        return pa.array([text({"$screen_name": path[1:].replace("/", " ").title()}) for path in _PATHS], pa.string())
    host = "https://app.example.com"
    return pa.array([text({"$current_url": host + path, "$pathname": path}) for path in _PATHS], pa.string())


def _detail(name: str, variant: int) -> str:
    match name:
        case "$autocapture" | "$rageclick":
            return f',"$event_type":"click","$ce_version":1,"$el_text":"{_BUTTONS[variant]}"'
        case "$pageview" | "$pageleave" | "$screen":
            return f',"title":"{_TITLES[variant]}","$prev_pageview_duration":{variant * 7.31:.3f}'
        case "$feature_flag_called":
            return text({"$feature_flag": f"flag-{variant}", "$feature_flag_response": variant % 2 == 0})
        case "$web_vitals":
            return text({"$web_vitals_LCP_value": 811.5 + 97.25 * variant, "$web_vitals_CLS_value": variant / 100})
        case "$set":
            return text({"$set": {"plan": "free", "$os": "unknown", "lessons": variant}})
    return text({"source": ("home", "push", "search", "email")[variant % 4], "step": variant, "unit": "A1 greetings"})


def _chain(variant: int) -> str:
    button = f'button.btn.btn-primary:attr__class="btn btn-primary"nth-child="{variant + 1}"nth-of-type="1"'
    return f'{button}text="{_BUTTONS[variant]}";div.card:nth-child="2"nth-of-type="2";body:nth-child="1"'
