"""Text that leaves the house: no event value, no markup, whatever an error or a file name holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracks_assets.alerts.text import cause_text, fingerprint, hide_values, plain

HOSTILE = [
    ("two\r\nlines\x00\x1b[31m", "two lines [31m"),
    ("<script>alert(1)</script>", "\u2039script\u203aalert(1)\u2039/script\u203a"),
    ("<!channel> and @everyone", "\u2039!channel\u203a and @\u2060everyone"),
    ("[pay here](https://evil.example)", "[pay here] (https ://evil.example)"),
    ("JAVASCRIPT:alert(1)", "JAVASCRIPT :alert(1)"),
    ("**bold** ~~gone~~ ||spoiler|| ## title", "*bold* ~gone~ |spoiler| # title"),
    ("```code```", "'''code'''"),
    ("abc\u202egnp.exe", "abc gnp.exe"),
    ("a\u200bb", "a b"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_nothing_works_as_markup(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(max_size=2000))
def test_it_is_one_short_line(text: str) -> None:
    shown = plain(text, 100)
    assert len(shown) <= 100
    assert not set(shown) & set("<>`\n\r\x00\x1b")


VALUES = [
    "The hour's files are wrong (Conversion Error: could not convert bob to INT64). Run again.",
    "The value 'bob' is wrong. Run again.",
    'The value "bob" is wrong.',
    "The value `bob` is wrong.",
    "The value 'bob is never closed",
    'The value "bob is never closed',
    "Open (bob, and (bob) bob) and (bob",
    "Write to bob@example.com now.",
    "It's (bob) the hour's 'bob' file",
    "x='bob'",
]


@pytest.mark.parametrize("text", VALUES)
def test_values_are_hidden(text: str) -> None:
    assert "bob" not in hide_values(text)
    assert "bob" not in cause_text("tracks_assets.core.errors.WarehouseError", text, show_values=False)


def test_the_sentence_stays() -> None:
    assert hide_values(VALUES[0]) == "The hour's files are wrong (hidden). Run again."
    assert hide_values("It's the hour's 'bob' file, isn't it?") == "It's the hour's (hidden) file, isn't it?"
    assert hide_values("Open (a (b) c) and go on.") == "Open (hidden) and go on."


def test_another_error_is_its_class_only() -> None:
    text = "Bad int64 value: bob"
    shown = cause_text("google.api_core.exceptions.BadRequest", text, show_values=False)
    assert shown == "BadRequest (the run's page has the text)"
    assert cause_text("", text, show_values=False) == "an error (the run's page has the text)"


def test_values_are_shown_on_demand() -> None:
    shown = cause_text("duckdb.ConversionException", "could not convert 'bob'", show_values=True)
    assert shown == "ConversionException: could not convert 'bob'"


def test_causes_are_the_same_but_for_numbers_and_ids() -> None:
    one = fingerprint("WarehouseError", "held by process 17 (python) since 2026-03-12-05:00, run 0f3a-99")
    other = fingerprint("WarehouseError", "held by process 1234 (python) since 2026-03-13-11:00, run 7bb1-00")
    assert one == other
    assert one != fingerprint("WarehouseError", "is not a database")
    assert one != fingerprint("ExportError", "held by process 17 (python) since 2026-03-12-05:00, run 0f3a-99")
