"""Strict JSON: which texts both engines can hold, and the one text that a value is written as.

The tables here are what the SQL path is compared with: a line that changes here changes what reaches the warehouse.
"""

import json
import math
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracks_assets.core.strict_json import (
    MAX_DEPTH,
    InvalidJsonError,
    JsonObject,
    NumberRangeError,
    json_text,
    parse_json,
    repair_surrogates,
)


def in_array(value: str) -> str:
    return json_text(parse_json(f"[{value}]"))[1:-1]


def nested(opening: str, core: str, closing: str, levels: int) -> str:
    return opening * levels + core + closing * levels


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "nul",
        "NULL",
        "True",
        "undefined",
        "NaN",
        "-NaN",
        "nan",
        "Infinity",
        "-Infinity",
        "inf",
        '{"a":NaN}',
        '{"a":[1,-Infinity]}',
        '{"a":1,}',
        "[1,]",
        "[,1]",
        "[1,,2]",
        "{,}",
        '{"a":1 "b":2}',
        '{"a"}',
        '{"a":}',
        "{:1}",
        "{1:1}",
        "{a:1}",
        "{'a':1}",
        '{"a":1',
        '{"a":1}}',
        "[1]]",
        "[1}",
        '{"a":1}{}',
        '{"a":1}x',
        "\ufeff{}",
        "{}\ufeff",
        "{}\x00",
        "\x00",
        "\v{}",
        "\f{}",
        "\xa0{}",
        "{}\u2028",
        "[1]//c",
        "/*c*/[1]",
        "[1/*c*/]",
        "#c\n[1]",
        "01",
        "-01",
        "+1",
        "--1",
        ".5",
        "1.",
        "-",
        "1e",
        "1e+",
        "0x10",
        "1_000",
        "\uff11",
        "1\uff11",
        '"a',
        '"a\tb"',
        '"a\nb"',
        '"\x00"',
        '"\x1f"',
        '"\\v"',
        '"\\x41"',
        '"\\\'"',
        '"\\u12"',
        '"\\u12G4"',
        '"\\U00e9"',
        '"\\"',
    ],
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError):
        parse_json(text)


@pytest.mark.parametrize(
    "text",
    [
        '"\\ud800"',
        '"\\udc00"',
        '"\\ud800\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83dx"',
        '"\\ud83d\\u0041"',
        '"\\ud83d\\\\ude00"',
        '{"\\ud800":1}',
        '{"a":[{"b":"\\uDFFF"}]}',
        '{"a":1,"a":"\\ud800"}',
    ],
)
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    with pytest.raises(InvalidJsonError):
        parse_json(text)


@pytest.mark.parametrize(
    "number",
    [
        "1e400",
        "-1E+400",
        "1e0309",
        "1.7976931348623159e308",
        "1" + "0" * 299 + "e10",
        pytest.param("2" + "0" * 308, id="309-digits"),
        pytest.param("-" + "9" * 310, id="310-digits"),
        pytest.param("9" * 4000, id="4000-digits"),
        pytest.param("-" + "9" * 100_000, id="100000-digits"),
    ],
)
def test_a_number_that_no_double_holds_is_refused_by_its_own_name(number: str) -> None:
    for text in (number, f'{{"a":[1,{{"b":{number}}}]}}', f'["{number}",{number}]'):
        with pytest.raises(NumberRangeError):
            parse_json(text)


@pytest.mark.parametrize(
    "number",
    ["1e308", "1.7976931348623157e308", "1.7976931348623158e308", "1" * 309, "1e-400", "-1e-999", "0e999", "1e0000001"],
)
def test_what_a_double_holds_or_rounds_is_taken(number: str) -> None:
    parse_json(f'{{"a":{number}}}')


def test_digits_in_a_text_are_no_number() -> None:
    text = f'{{"1e400":"1e400 {"9" * 400}"}}'

    assert json_text(parse_json(text)) == text


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (r'"cut \\ud83d"', r'"cut \\ud83d"'),
        (r'"cut \ud83d"', r'"cut \ufffd"'),
        (r'"cut \\\ud83d"', r'"cut \\\ufffd"'),
        (r'"cut \\\\ud83d\ude00"', r'"cut \\\\ud83d\ufffd"'),
        (r'"\uD83D\uDE00"', r'"\uD83D\uDE00"'),
        (r'"\ud83d\ud83d\ude00"', r'"\ufffd\ud83d\ude00"'),
        (r'"\ude00\ud83d"', r'"\ufffd\ufffd"'),
        (r'"\uDC00"', r'"\ufffd"'),
        (r'{"\ud800":"\u00e9 \n \udfffx"}', r'{"\ufffd":"\u00e9 \n \ufffdx"}'),
        ('"plain 😀"', '"plain 😀"'),
    ],
)
def test_half_a_surrogate_pair_is_replaced_and_nothing_else(text: str, repaired: str) -> None:
    assert repair_surrogates(text) == repaired
    parse_json(repaired)


LEVELS = [
    pytest.param("[", "", "]", id="arrays"),
    pytest.param("[", "1", "]", id="arrays-of-a-number"),
    pytest.param('{"a":', "1", "}", id="objects"),
    pytest.param('["a",', "1", "]", id="second-members"),
]


@pytest.mark.parametrize(("opening", "core", "closing"), LEVELS)
def test_values_may_nest_as_deep_as_the_limit(opening: str, core: str, closing: str) -> None:
    text = nested(opening, core, closing, MAX_DEPTH)

    assert json_text(parse_json(text)) == text


@pytest.mark.parametrize(("opening", "core", "closing"), LEVELS)
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 2 * MAX_DEPTH, 100_000])
def test_values_that_nest_deeper_are_refused(opening: str, core: str, closing: str, levels: int) -> None:
    with pytest.raises(InvalidJsonError, match="nests too deep"):
        parse_json(nested(opening, core, closing, levels))


def test_the_depth_that_is_taken_does_not_depend_on_the_caller() -> None:
    def from_below(frames: int) -> str:
        return from_below(frames - 1) if frames else json_text(parse_json(nested("[", "", "]", MAX_DEPTH)))

    assert from_below(200) == nested("[", "", "]", MAX_DEPTH)


def test_brackets_beside_each_other_do_not_nest() -> None:
    text = "[" + ",".join(["[[]]"] * 1000) + "]"

    assert json_text(parse_json(text)) == text


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("-5", "-5"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("0.0", "0.0"),
        ("-0.0", "-0.0"),
        ("0e0", "0.0"),
        ("-0E-9", "-0.0"),
        ("1.0", "1.0"),
        ("1.10", "1.1"),
        ("100.0", "100.0"),
        ("1e2", "100.0"),
        ("1E+2", "100.0"),
        ("123e-2", "1.23"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.00000000000000000001", "1.0"),
        ("1e16", "10000000000000000.0"),
        ("123456789012345678.0", "123456789012345680.0"),
        ("1e20", "100000000000000000000.0"),
        ("1e21", "1e21"),
        ("12345678901234567000000.0", "1.2345678901234568e22"),
        ("1.5e300", "1.5e300"),
        ("-2.5E+300", "-2.5e300"),
        ("1e-5", "0.00001"),
        ("1e-6", "0.000001"),
        ("1.5e-6", "0.0000015"),
        ("1e-7", "1e-7"),
        ("1.234e-7", "1.234e-7"),
        ("5e-324", "5e-324"),
        ("1e-400", "0.0"),
        ("-1e-400", "-0.0"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("true", "true"),
        ("false", "false"),
        ("null", "null"),
    ],
)
def test_a_scalar_has_one_text(written: str, canonical: str) -> None:
    assert in_array(written) == canonical


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ('""', '""'),
        ('"\\/"', '"/"'),
        ('"\\u002f"', '"/"'),
        ('"\\u0041"', '"A"'),
        ('"\\""', '"\\""'),
        ('"\\u0022"', '"\\""'),
        ('"\\\\"', '"\\\\"'),
        ('"\\u005C"', '"\\\\"'),
        ('"\\b\\f\\n\\r\\t"', '"\\b\\f\\n\\r\\t"'),
        ('"\\u0008\\u000c\\u000a\\u000d\\u0009"', '"\\b\\f\\n\\r\\t"'),
        ('"\\u0000"', '"\\u0000"'),
        ('"\\u001f\\u000b"', '"\\u001F\\u000B"'),
        ('"\\u007f"', '"\x7f"'),
        ('"\x7f\x80\u2028\ufeff"', '"\x7f\x80\u2028\ufeff"'),
        ('"\\u00e9\\u2028\\uFFFF"', '"é\u2028\uffff"'),
        ('"\\ud83d\\ude00"', '"😀"'),
        ('"\\\\ud800"', '"\\\\ud800"'),
        ('"é😀"', '"é😀"'),
        ('"it\'s"', '"it\'s"'),
    ],
)
def test_a_string_has_one_text(written: str, canonical: str) -> None:
    assert in_array(written) == canonical
    assert json_text(parse_json(f"{{{written}:1}}")) == f"{{{canonical}:1}}"


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (" [ ] ", "[]"),
        ("\t{\r\n}\n", "{}"),
        ("[ 1 , [ ] , { } , null ]", "[1,[],{},null]"),
        ('{ "b" : 1 , "a" : [ { "c" : "d" } ] }', '{"b":1,"a":[{"c":"d"}]}'),
        ('{"":{"":""}}', '{"":{"":""}}'),
        ('{"a":1,"a":2,"\\u0061":3}', '{"a":1,"a":2,"a":3}'),
        ('"x"', '"x"'),
        ("1", "1"),
    ],
)
def test_a_value_is_written_without_spaces_in_the_order_it_came(written: str, canonical: str) -> None:
    assert json_text(parse_json(written)) == canonical


def test_of_equal_keys_the_first_is_read() -> None:
    value = parse_json('{"a":1,"b":2,"\\u0061":3,"a":null}')

    assert isinstance(value, JsonObject)
    assert value.first_of_each_key() == {"a": 1, "b": 2}


@given(st.integers(0, 2**64 - 1))
@example(struct.unpack("<Q", struct.pack("<d", 1e21))[0])
@example(struct.unpack("<Q", struct.pack("<d", 9007199254740993.0))[0])
@example(1)
def test_a_float_reads_back_as_it_was(bits: int) -> None:
    (value,) = struct.unpack("<d", struct.pack("<Q", bits))
    if not math.isfinite(value):
        return

    back = json.loads(json_text(value))

    assert isinstance(back, float)
    assert struct.pack("<d", back) == struct.pack("<d", value)
