"""What each dialect macro gives, value by value: both engines are held to the same list."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tracks_assets.warehouse.statements import dialect


@dataclass(frozen=True)
class Json:
    """A JSON value, by its text."""

    text: str


@dataclass(frozen=True)
class Absent:
    """No value, of a type that both engines know."""

    type: str


@dataclass(frozen=True)
class Key:
    """A key of a JSON object; macros quote it themselves."""

    name: str


@dataclass(frozen=True)
class Case:
    """A macro, its arguments, and the value that it is to have on both engines."""

    macro: str
    arguments: tuple[Any, ...]
    value: Any

    def __str__(self) -> str:
        return f"{self.macro}({', '.join(map(str, self.arguments))})"

    def sql(self, engine: str) -> str:
        """The macro's text on an engine."""
        return str(getattr(dialect(engine), self.macro)(*(literal(engine, argument) for argument in self.arguments)))


def literal(engine: str, value: Any) -> str:
    """A value as an engine writes it."""
    of_type: dict[type, Callable[[Any], str]] = {
        str: lambda text: google_text(text) if engine == "bigquery" else "'" + text.replace("'", "''") + "'",
        datetime: lambda moment: f"{'timestamp' if engine == 'bigquery' else 'timestamptz'} '{moment.isoformat()}'",
        Json: lambda document: (
            f"parse_json({google_text(document.text)})" if engine == "bigquery" else f"'{document.text}'::json"
        ),
        float: lambda number: f"{number:.6f}e0",
        Key: lambda key: str(key.name),
        Absent: lambda absent: f"cast(null as {absent.type})",
    }
    return of_type.get(type(value), str)(value)


def google_text(text: str) -> str:
    """A text as Google's SQL writes it; its escapes are JSON's."""
    return json.dumps(text, ensure_ascii=False)


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = at("2026-03-12 12:34:56.789012")
UUID7 = "019ce10f-4400-7abc-8def-0123456789ab"
"""Made at 2026-03-12 08:00:00 UTC."""

IDS: dict[str, datetime | None] = {
    UUID7: at("2026-03-12 08:00:00"),
    UUID7.upper(): at("2026-03-12 08:00:00"),
    "019Ce10f-4401-7aBc-Bdef-0123456789AB": at("2026-03-12 08:00:00.001"),
    "00000000-0000-7000-8000-000000000000": at("1970-01-01"),
    "dfffffff-ffff-7fff-bfff-ffffffffffff": at("9774-08-21 16:50:21.823"),
    # Times near the end of what BigQuery has (the second is its last) and beyond it.
    "e0000000-0000-7000-8000-000000000000": None,
    "e677d21f-dbff-7000-8000-000000000000": None,
    "e677d21f-dc00-7000-8000-000000000000": None,
    "ffffffff-ffff-7fff-bfff-ffffffffffff": None,
    # Versions and variants that carry no such time.
    "019ce10f-4400-4abc-8def-0123456789ab": None,
    "019ce10f-4400-6abc-8def-0123456789ab": None,
    "019ce10f-4400-7abc-7def-0123456789ab": None,
    "019ce10f-4400-7abc-cdef-0123456789ab": None,
    "019ce10f-4400-7abc-0def-0123456789ab": None,
    # No UUIDs.
    "": None,
    UUID7[:-1]: None,
    UUID7 + "0": None,
    UUID7 + "\n": None,
    "\n" + UUID7: None,
    f" {UUID7}": None,
    f"{UUID7} ": None,
    f"{{{UUID7}}}": None,
    UUID7.replace("-", ""): None,
    UUID7.replace("a", "g"): None,
    UUID7.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"): None,
    "019ce10f-4400_7abc-8def-0123456789ab": None,
    "it's no id \\ at all": None,
    "\N{SNOWMAN}" * 36: None,
}
"""Event ids, and the time that each carries."""

CASES = (
    *(Case("is_uuid7", (event_id,), minted_at is not None) for event_id, minted_at in IDS.items()),
    Case("is_uuid7", (Absent("string"),), False),
    *(Case("uuid7_time", (event_id,), minted_at) for event_id, minted_at in IDS.items() if minted_at is not None),
    Case("uuid7_time", (Absent("string"),), None),
    # Asked of what is no UUID, against the rule: an engine that looks at a branch too early must not stop a scan.
    Case("uuid7_time", ("",), None),
    Case("uuid7_time", ("no id at all",), None),
    Case("hours_after", (NOON, 1), at("2026-03-12 13:34:56.789012")),
    Case("hours_after", (NOON, -504), at("2026-02-19 12:34:56.789012")),
    Case("hours_after", (at("2026-03-29 00:30"), 2), at("2026-03-29 02:30")),
    Case("hours_after", (Absent("timestamp"), 24), None),
    Case("hour_of", (NOON,), at("2026-03-12 12:00")),
    Case("hour_of", (at("1969-12-31 23:59:59.999999"),), at("1969-12-31 23:00")),
    Case("hour_of", (Absent("timestamp"),), None),
    Case("day_of", (NOON,), at("2026-03-12")),
    Case("day_of", (at("2026-03-12 00:00"),), at("2026-03-12")),
    Case("day_of", (at("2026-03-12 23:59:59.999999"),), at("2026-03-12")),
    Case("day_of", (Absent("timestamp"),), None),
    Case("month_of", (NOON,), at("2026-03-01")),
    Case("month_of", (at("2026-02-28 23:59:59.999999"),), at("2026-02-01")),
    Case("month_of", (at("2025-01-01 00:00"),), at("2025-01-01")),
    Case("month_of", (Absent("timestamp"),), None),
    Case("seconds_between", (NOON, at("2026-03-12 12:34:56.789011")), 1e-6),
    Case("seconds_between", (at("2026-03-12"), at("2026-03-13")), -86400.0),
    Case("seconds_between", (at("9774-08-02"), at("2000-01-01")), 245342217600.0),
    Case("seconds_between", (NOON, NOON), 0.0),
    Case("seconds_between", (NOON, Absent("timestamp")), None),
    Case("seconds_time", (0,), at("1970-01-01")),
    Case("seconds_time", (1773318896.789012,), NOON),
    Case("seconds_time", (-0.000001,), at("1969-12-31 23:59:59.999999")),
    Case("seconds_time", (Absent("numeric"),), None),
    Case("json_text", (Json('{"a":1}'),), '{"a":1}'),
    Case("json_text", (Json('"text"'),), '"text"'),
    Case("json_text", (Json("null"),), "null"),
    Case("json_text", (Absent("json"),), None),
    *(
        Case("json_member", (Json(document), Key("$time")), value)
        for document, value in {
            '{"$time": "noon"}': "noon",
            '{"$time": ""}': "",
            '{"$time": 1}': "1",
            '{"$time": true}': "true",
            '{"$time": null}': None,
            '{"$time": {"$time": "noon"}}': None,
            '{"$time": ["noon"]}': None,
            '{"a": {"$time": "noon"}}': None,
            '["$time"]': None,
            '"$time"': None,
            "null": None,
            "{}": None,
        }.items()
    ),
    Case("json_member", (Json('{"a.b": 1, "a": {"b": 2}}'), Key("a.b")), "1"),
    Case("json_member", (Absent("json"), Key("$time")), None),
    *(
        Case("json_number", (Json(document), Key("$time")), value)
        for document, value in {
            '{"$time": 1773318896.789}': 1773318896.789,
            '{"$time": 1773318896}': 1773318896.0,
            '{"$time": 1.5e3}': 1500.0,
            '{"$time": -0.25}': -0.25,
            '{"$time": "1773318896.789"}': 1773318896.789,
            '{"$time": "noon"}': None,
            '{"$time": ""}': None,
            '{"$time": true}': None,
            '{"$time": null}': None,
            '{"$time": [1]}': None,
            '{"$time": {"a": 1}}': None,
            "[1]": None,
            "1": None,
            "null": None,
        }.items()
    ),
    Case("json_number", (Absent("json"), Key("$time")), None),
)
