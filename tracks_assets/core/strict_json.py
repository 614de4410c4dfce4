"""JSON as both engines take it: strict to RFC 8259, and written back the one way that the SQL path writes it.

Python's ``json`` is laxer than BigQuery (NaN, half surrogate pairs, any number) and keeps the last of two equal keys
where both engines read the first. One place evens that out, so that the contract and the transform agree exactly.
"""

import json
import math
import re
from decimal import Decimal

MAX_DEPTH = 500
"""Levels of nesting that BigQuery's JSON type takes, by its documented limits."""

_LONGEST_INTEGER = 4000
"""Digits up to which Python turns text into an integer without objecting."""

_LONGEST_WHOLE_PART, _MOST_LEADING_ZEROS = 21, 5
"""Digits before the point, and zeros after "0.", up to which ECMAScript writes a number without an exponent."""

_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_ESCAPE_TABLE = str.maketrans(_ESCAPES)


_MAYBE_WIDE = re.compile(r"[0-9]{200}|[eE]\+?[0-9]{3}")
"""A part of every number that no double holds."""

_SURROGATES = re.compile(
    r"(?P<kept>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""An escaped backslash and a whole pair, which stay, or half a pair, which no text in UTF-8 can hold."""

_REPLACEMENT = "\\ufffd"


class InvalidJsonError(ValueError):
    """The text is not JSON that both engines can hold."""


class NumberRangeError(InvalidJsonError):
    """The text is JSON with a number outside the range of a double, which BigQuery's JSON type refuses."""


class Verbatim(str):
    """JSON text to be written unchanged: a bracket, or a number that no double holds."""

    __slots__ = ()


class JsonObject(tuple[tuple[str, "Json"], ...]):
    """An object's members in order, repeated keys included."""

    __slots__ = ()

    def first_of_each_key(self) -> dict[str, "Json"]:
        """The members as the engines read them: of two equal keys, the first."""
        members: dict[str, Json] = {}
        for key, value in self:
            members.setdefault(key, value)
        return members


Json = str | int | float | bool | list["Json"] | JsonObject | None


def parse_json(text: str) -> Json:
    """The value of a JSON text.

    Raises:
        NumberRangeError: it holds a number outside the range of a double.
        InvalidJsonError: it is not RFC 8259 JSON, holds half a surrogate pair, or nests deeper than ``MAX_DEPTH``.
    """
    try:
        value: Json = _DECODER.decode(text)
        if text.count("[") + text.count("{") > MAX_DEPTH:
            _check_depth(value)
        if "\\u" in text:
            # Half a surrogate pair can only be spelled out, and cannot be encoded.
            json_text(value).encode()
        if _MAYBE_WIDE.search(text):
            _check_numbers(value)
    except NumberRangeError:
        raise
    except RecursionError:
        raise InvalidJsonError("nests too deep") from None
    except ValueError as error:
        raise InvalidJsonError(str(error)) from None
    return value


def repair_surrogates(text: str) -> str:
    """The text with U+FFFD for every escape of half a surrogate pair; the rest of it is unchanged."""
    if "\\u" not in text:
        return text
    return _SURROGATES.sub(lambda found: found["kept"] or _REPLACEMENT, text)


def json_text(value: Json) -> str:
    """A value's JSON text: no spaces, members in order, numbers as ECMAScript writes them (1.0 keeps its point)."""
    written: list[str] = []
    # A stack of its own, not recursion: how deep a value may nest must not depend on the depth of the caller's stack.
    waiting: list[Json] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, JsonObject | list):
            waiting.extend(reversed(_parts(part)))
        else:
            written.append(_scalar_text(part))
    return "".join(written)


def _parts(value: "JsonObject | list[Json]") -> list[Json]:
    """What is written for an object or array, in order: brackets, commas and keys verbatim, and the members."""
    keyed = isinstance(value, JsonObject)
    prefixes = [f"{_quoted(key)}:" for key, _ in value] if isinstance(value, JsonObject) else [""] * len(value)
    parts: list[Json] = [Verbatim("{" if keyed else "[")]
    for position, (prefix, member) in enumerate(zip(prefixes, _members(value), strict=True)):
        parts += [Verbatim(f",{prefix}" if position else prefix), member]
    return [*parts, Verbatim("}" if keyed else "]")]


def _scalar_text(value: Json) -> str:
    if isinstance(value, Verbatim):
        return str(value)
    if isinstance(value, float):
        return _float_text(value)
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPE_TABLE)}"'


def _float_text(value: float) -> str:
    """The shortest digits that give the double back, laid out as in ECMA-262, Number::toString."""
    sign, digits_tuple, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits, minus = "".join(map(str, digits_tuple)), "-" if sign else ""
    if value == 0:
        return f"{minus}0.0"
    point = len(digits) + int(exponent)
    if len(digits) <= point <= _LONGEST_WHOLE_PART:
        return f"{minus}{digits}{'0' * (point - len(digits))}.0"
    if 0 < point <= _LONGEST_WHOLE_PART:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    if -_MOST_LEADING_ZEROS <= point <= 0:
        return f"{minus}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{fraction}e{point - 1}"


def _parse_float(text: str) -> float | Verbatim:
    value = float(text)
    return value if math.isfinite(value) else Verbatim(text)


def _parse_integer(text: str) -> int | Verbatim:
    return Verbatim(text) if len(text) > _LONGEST_INTEGER else int(text)


def _refuse_constant(name: str) -> Json:
    raise InvalidJsonError(f"{name} is not JSON")


def _check_numbers(value: Json) -> None:
    waiting: list[Json] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Verbatim) or (isinstance(part, int) and not _is_in_range(part)):
            raise NumberRangeError("holds a number outside the range of a double")
        waiting.extend(_members(part))


def _is_in_range(number: int) -> bool:
    try:
        float(number)
    except OverflowError:
        return False
    return True


def _check_depth(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [member for parent in level for member in _members(parent)]
    if any(isinstance(member, JsonObject | list) for member in level):
        raise InvalidJsonError("nests too deep")


def _members(value: Json) -> list[Json]:
    if isinstance(value, JsonObject):
        return [member for _, member in value]
    return value if isinstance(value, list) else []


_DECODER = json.JSONDecoder(
    object_pairs_hook=JsonObject,
    parse_float=_parse_float,
    parse_int=_parse_integer,
    parse_constant=_refuse_constant,
)
