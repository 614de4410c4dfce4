"""The vectorised transform and the contract say the same of every row: accepted or refused, why, and every column.

Each example is an hour of real Parquet files, loaded by the warehouse as the pipeline does it. JSON is generated as
text, since it is the spelling of keys, escapes and numbers, and the damage to them, that two readers differ on.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.random_examples import some
from tracks_assets.core.columns import Property
from tracks_assets.core.strict_json import MAX_DEPTH
from tracks_assets.sources.posthog.columns import RAW_TRACK_COLUMNS, TRACK_COLUMNS
from tracks_assets.sources.posthog.contract import EARLIEST, LATEST, RawPostHogEvent, Reason, validate
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.fields import INSERT_TIME_FIELDS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import file_name, hour_folder, hour_interval, manifest_name
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import HourLoad

HOUR = datetime(2026, 3, 12, 0, tzinfo=UTC)
STAMP = datetime(2026, 3, 12, 1, 5, tzinfo=UTC)
WHEN = HOUR + timedelta(minutes=30, microseconds=7)
TICK = timedelta(microseconds=1)

TIMES_IN_FILES = {"timestamp", *INSERT_TIME_FIELDS, "created_at"}
BOTH_INSERT_TIMES = ("_inserted_at", "inserted_at")
ORDINARY = {
    "uuid": "019ce000-0000-7000-8000-000000000001",
    "event": "$pageview",
    "distinct_id": "user-1",
    "person_id": "person-1",
    "properties": '{"$lib":"web","$feature/a":true}',
    "person_properties": "{}",
    "elements_chain": "",
    "timestamp": WHEN,
    "created_at": WHEN,
    "_inserted_at": WHEN + timedelta(minutes=2),
    "inserted_at": WHEN + timedelta(minutes=3),
}

Row = dict[str, Any]


@dataclass(frozen=True)
class Loader:
    """An export's root and a warehouse that loads hours of it."""

    root: Path
    warehouse: DuckDbWarehouse

    def check(self, *files: Sequence[Row]) -> HourLoad:
        """Loads the files as one hour and holds every row in the tables against the contract's word on it."""
        names = self._write(files)
        load = self.warehouse.load_slice(EVENTS, Export(str(self.root)).inventory(HOUR), STAMP)
        delivered = {(name, number): row for name, rows in names.items() for number, row in enumerate(rows)}
        results = {place: validate(row) for place, row in delivered.items()}

        refused = {place: result for place, result in results.items() if isinstance(result, Reason)}
        rejected = {(row["source_file"], row["row_number"]): row for row in self._table("posthog.rejected_tracks")}
        assert {place: row["reason"] for place, row in rejected.items()} == refused
        for place, row in rejected.items():
            assert (row["window_start"], row["rejected_at"]) == (HOUR, STAMP)
            assert read_back(row["raw"]) == delivered[place]

        tracks = Counter(map(whole, self._table("posthog.raw_tracks")))
        extracted = {
            place: result.extract() for place, result in results.items() if isinstance(result, RawPostHogEvent)
        }
        expected = Counter(whole(stamped(track.values, place[0])) for place, track in extracted.items())
        repaired = sum(track.repaired for track in extracted.values())
        assert (list(expected - tracks), list(tracks - expected)) == ([], [])
        assert load == HourLoad(HOUR, len(delivered), expected.total(), len(refused), repaired)
        return load

    def _write(self, files: Sequence[Sequence[Row]]) -> dict[str, Sequence[Row]]:
        folder = self.root / hour_folder(HOUR)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        written = {}
        for part, rows in enumerate(files):
            name = file_name(hour_interval(HOUR), part)
            schema = pa.schema([(field, arrow_type(field)) for field in rows[0]])
            pq.write_table(pa.Table.from_pylist(list(rows), schema), folder / name)
            written[f"{hour_folder(HOUR)}/{name}"] = rows
        (folder / manifest_name(hour_interval(HOUR))).write_text(json.dumps({"files": list(written)}))
        return written

    def _table(self, table: str) -> list[Row]:
        rows: list[Row] = self.warehouse.connection.sql(f"select * from {table}").to_arrow_table().to_pylist()
        return rows


def arrow_type(field: str) -> pa.DataType:
    return pa.timestamp("us", tz="UTC") if field in TIMES_IN_FILES else pa.string()


def stamped(track: Row, source_file: str) -> Row:
    return track | {"bq_ingested_timestamp": STAMP, "window_start": HOUR, "source_file": source_file}


def whole(row: Row) -> tuple[Any, ...]:
    assert set(row) == {column.name for column in RAW_TRACK_COLUMNS}
    return tuple(row[column.name] for column in RAW_TRACK_COLUMNS)


def read_back(raw: str) -> Row:
    fields: Row = json.loads(raw)
    times = {name: datetime.fromisoformat(fields[name]) for name in TIMES_IN_FILES if fields.get(name)}
    return fields | times


def row(fields: Sequence[str] = tuple(ORDINARY), /, **changes: Any) -> Row:
    return {name: changes.get(name, ORDINARY[name]) for name in fields}


def with_payloads(payloads: Sequence[str | None]) -> list[Row]:
    return [row(properties=payload, uuid=f"id-{number}") for number, payload in enumerate(payloads)]


SIZES = [
    pytest.param(None, id="default sizes"),
    pytest.param(60, id="60 bytes", marks=pytest.mark.slow),
    pytest.param(400_000, id="400 kB", marks=pytest.mark.slow),
]
"""Bytes of a batch; the default takes SQL for almost every row, 60 bytes the contract."""


@pytest.fixture(scope="module", params=SIZES)
def loader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loader]:
    """A loader as it is, and with batches so small that many rows go through the contract."""
    home = tmp_path_factory.mktemp("agreement")
    (home / "export").mkdir()
    with pytest.MonkeyPatch.context() as patch, DuckDbWarehouse(home / "warehouse.duckdb").opened() as warehouse:
        if request.param:
            patch.setattr("tracks_assets.transform.deliveries.batch_bytes", lambda *_: request.param)
        yield Loader(home / "export", warehouse)


KEYS = [key for column in TRACK_COLUMNS if isinstance(column.source, Property) for key in column.source.keys]

ODD_KEYS = [
    '""',
    '" "',
    '"$"',
    '"*"',
    '"$.*"',
    '"$.client"',
    '"a.b"',
    '"client.x"',
    '"Client"',
    '"client "',
    '"client\\u0000"',
    '"\\u0063lient"',
    '"\\u0024os"',
    '"\\u0024session_id"',
    '"$li"',
    '"$lib"',
    '"$lib_version"',
    '"$library"',
    '"\\u0024lib"',
    '"$lib\\u005fversion"',
    '"$lib\\u0000"',
    '"$LIB"',
    '"$feature"',
    '"$feature/"',
    '"$feature/a"',
    '"$feature\\/a"',
    '"\\u0024feature\\u002Fa"',
    '"$feature/\\u0061"',
    '"$Feature/a"',
    '" $feature/a"',
    '"$feature/$feature/a"',
    '"$feature/a.b"',
    '"$feature/a/b"',
    '"$feature/a\\/b"',
    '"$feature/\\"a\\""',
    '"$feature/\\\\"',
    '"$feature/\\\\u0061"',
    '"$feature/é"',
    '"$feature/\\u00e9"',
    '"$feature/😀"',
    '"$feature/\\ud83d\\ude00"',
    '"$feature/\\n\\u001f\\u0000"',
    '"$feature/it\'s"',
    '"$feature/\u2028\x7f"',
]

SCALARS = [
    "null",
    "true",
    "false",
    '""',
    '"null"',
    '"text"',
    '"$feature/a"',
    '"a\\"b\\\\c\\/d"',
    '"\\"$feature/b\\":1"',
    '"Z\\u00fcrich Zürich"',
    '"\\ud83d\\ude00 😀"',
    '"\\u0000\\u001F\\b\\f\\n\\r\\t\x7f\u2028"',
    '",}"',
    '",]"',
    '"[1,]:NaN"',
    '":1e400,"',
    '"1 : 1e400"',
    '"' + "9" * 400 + '"',
    '"cut \\ud83d"',
    '"\\uDC00"',
    '"\\uD83D\\uD83D\\uDE00"',
    '"\\uDE00\\uD83D"',
    '"\\\\ud83d"',
    '"\\\\\\ud83d"',
    '"\\\\\\\\ud83d\\ude00"',
    '"\\\\ud83d\\ude00"',
    '"\\"\\\\\\ud83d\\\\"',
    '"\\ud83d\\n\\ude00"',
    '{"\\ud83d":1,"\\ud83e":2,"\\ufffd":3}',
    '"' + "[{" * MAX_DEPTH + '"',
    "{}",
    "[]",
    '{"$feature/b":{"$lib":1}}',
    '[ 1 , "a" , [ ] , { "b" : null } ]',
    '{"a":1,"a":2}',
]

NUMBERS = [
    "0",
    "-0",
    "-0.0",
    "0e0",
    "1",
    "-5",
    "1.0",
    "1.10",
    "100.0",
    "99.99",
    "1e2",
    "1E+2",
    "123e-2",
    "0.1",
    "0.30000000000000004",
    "1e15",
    "1e16",
    "1e17",
    "123456789012345678.0",
    "1e20",
    "1e21",
    "12345678901234567890.5",
    "1.5e300",
    "1e-5",
    "1e-6",
    "1e-7",
    "1.234e-7",
    "5e-324",
    "2e-324",
    "1e-400",
    "-1e-400",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1e400",
    "-1E400",
    "1e+0400",
    "1.7976931348623157e+308",
    "1.79769313486231581e308",
    "1.7976931348623158e308",
    "1" * 308,
    "1" * 309,
    "1" * 310,
    "2" + "0" * 308,
    "1" + "0" * 299 + "e9",
    "1" + "0" * 299 + "e8",
    "0." + "0" * 300 + "1e600",
    "0." + "0" * 300 + "1e609",
    "9007199254740993",
    "9223372036854775807",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775808",
    "-9223372036854775809",
    "1" * 30,
    "9" * 4000,
    "-" + "9" * 4001,
    "0." + "0" * 400 + "1",
    "1." + "0" * 5000 + "1",
]

BROKEN_VALUES = [
    "",
    "NaN",
    "-NaN",
    "nan",
    "nAn",
    "Infinity",
    "-Infinity",
    "inf",
    "-iNF",
    "[NaN]",
    "[1,Infinity]",
    "[ -inf ]",
    "[1,]",
    "[1 , ]",
    "[,]",
    "[1,,2]",
    '{"b":1,}',
    '{"b":NaN}',
    '{"b":1 "c":2}',
    "1/*c*/",
    "//c\n1",
    "1 2",
    "01",
    "+1",
    ".5",
    "1.",
    "1e",
    "0x10",
    "1_0",
    "\uff11",
    "tru",
    "True",
    "NULL",
    "undefined",
    "'b'",
    "b",
    '"b',
    '"b"c"',
    '"a\tb"',
    '"a\nb"',
    '"a\x00b"',
    '"a\x1fb"',
    '"\\v"',
    '"\\x41"',
    '"\\u12"',
    '"\\u12G4"',
    '"\\ud800"',
    '"\\udc00"',
    '"\\ud800\\ud800"',
    '"\\udc00\\ud800"',
    '"\\ud83dx"',
    '"\\ud83d\\u0041"',
    '"\\ud83d\\\\ude00"',
    "]",
    "[",
    "{",
    "[1}",
]

WHOLE_PAYLOADS = [
    None,
    "",
    " ",
    "null",
    "true",
    "1",
    "NaN",
    '"x"',
    '"{}"',
    "[]",
    "[{}]",
    '[{"client":1}]',
    "{}",
    " { } ",
    "\n\t\r {}\r\n\t ",
    "\v{}",
    "\f{}",
    "\xa0{}",
    "\u3000{}",
    "{}\xa0",
    "\ufeff{}",
    "{}\ufeff",
    "{}\x00",
    "\x00{}",
    "{\x00}",
    '{"client":"x"}\x00{',
    "{}{}",
    "{}x",
    "{,}",
    '{,"a":1}',
    '{"a":1,,"b":2}',
    '{"a"}',
    '{"a":1}}',
    "{a:1}",
    "{'a':1}",
    "{1:1}",
    "{null:1}",
    '{"a":1}//c',
    "/*c*/{}",
    "#c\n{}",
    '{"\\ud800":1}',
    '{"$feature/\\udc00":1}',
    '{"$feature/\\ud83d":1,"$feature/\\ud83e":2,"$feature/\ufffd":3}',
    '{"$lib\\udfff":"\\udfff"}',
    "1e400",
    "[1e400]",
    '"1e400"',
    '{"a":1e400',
    '{"a":1e400,}',
    '{"a":1e400,"b":"\\ud83d"}',
    '{"a":NaN,"b":"\\ud83d"}',
    '\\ud83d{"a":1}',
    '{"a":1}\u2028',
    '{"$os":"a","$os":"b","$os":null}',
    '{"$os":null,"$os":"b"}',
    '{"$session_id":"b","session_id":null,"session_id":"a"}',
    '{"$active_feature_flags":null,"$active_feature_flags":["a"]}',
    '{"$feature/a":1,"$feature/a":2,"$feature/b":3,"$feature\\/a":4}',
    '{"$feature/a":null,"\\u0024feature/a":2}',
    '{"$lib":1,"$lib":2,"$lib_version":"3","$lib":4}',
    '{"$lib":1,"a":0,"a":0,"$feature/x":1}',
    '{"":1,"":2,"$feature/":3,"$feature/":4}',
    '{"$feature/é":1,"$feature/\\u00e9":2,"$feature/e\u0301":3}',
    '{"$feature/\\u0000":1,"$feature/\\u0000a":2,"$feature/":3}',
]


def deep(levels: int) -> list[str]:
    return [
        '{"$feature/a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}",
        '{"client":' + "[" * (levels - 1) + "1" + "]" * (levels - 1) + "}",
        '{"$lib":' * levels + "1" + "}" * levels,
    ]


CUT = '{"$lib":"é\\u00e9\\\\","$feature/a":[1.5,{"b":null}]}'


FALLING = ["null", '""', "false", "0"]


def object_of(names: Sequence[str]) -> str:
    return "{" + ",".join(f'"{name}":"value {number}"' for number, name in enumerate(names)) + "}"


def under_every_kind_of_key(value: str) -> str:
    return f'{{"client":{value},"x":{value},"$feature/a":{value},"$lib":{value},"$active_feature_flags":{value}}}'


NASTY: Mapping[str, Sequence[str | None]] = {
    "whole payloads": WHOLE_PAYLOADS,
    "every key alone": [f'{{"{key}":"x"}}' for key in KEYS],
    "every key at once": [object_of(KEYS), object_of(KEYS[::-1]), object_of(KEYS * 2)],
    "every pair of keys": [f'{{"{one}":{value},"{two}":1}}' for one in KEYS for two in KEYS for value in FALLING],
    "odd keys": [f"{{{key}:1}}" for key in ODD_KEYS],
    "odd keys inside a value": [f'{{"a":{{{key}:1}},"client":[{{{key}:1}}]}}' for key in ODD_KEYS],
    "all odd keys, each twice": ["{" + ",".join(f"{key}:{n}" for n, key in enumerate(ODD_KEYS * 2)) + "}"],
    "scalars and nested values": [under_every_kind_of_key(value) for value in SCALARS],
    "scalars for every column": ["{" + ",".join(f'"{key}":{value}' for key in KEYS) + "}" for value in SCALARS],
    "numbers": [under_every_kind_of_key(value) for value in NUMBERS],
    "broken values": [f'{{"a":{value}}}' for value in BROKEN_VALUES],
    "broken values in an array": [f'{{"$feature/a": [ 1 , {value} ] , "b" : 2}}' for value in BROKEN_VALUES],
    "control characters in a value": [f'{{"client":"a{chr(code)}b"}}' for code in range(0x21)],
    "control characters between": [f'{{"client":{chr(code)}1}}' for code in range(0x21)],
    "control characters, escaped": [f'{{"$feature/\\u{code:04x}":"\\u{code:04x}"}}' for code in range(0x80)],
    "every cut of a payload": [CUT[:end] for end in range(len(CUT) + 1)],
    "trailing commas": ['{"a":1,}', '{"a":1 ,\n}', '{"a":[1,],"b":",}"}', '{"$feature/a":{"b":[],},"c":1}'],
    "deep": [text for levels in (MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 3_000, 50_000) for text in deep(levels)],
    "many brackets, not deep": ['{"$feature/a":[' + ",".join(["[{}]"] * 1_000) + "]}"],
    "a megabyte of text": ['{"$feature/a":"' + "é😀\\n" * 130_000 + '","client":"x"}'],
    "a megabyte of numbers": ['{"client":[' + ",".join(["-12345678.90e0"] * 70_000) + "]}"],
    "a megabyte, torn": ['{"client":"' + "x" * 1_000_000],
    "a megabyte, doubtful": ['{"client":"' + ",}" * 500_000 + '"}', '{"client":"' + "x" * 1_000_000 + '","a":NaN}'],
    "thousands of keys": ["{" + ",".join(f'"$feature/{n % 2_500}":{n}' for n in range(5_000)) + "}"],
}


@pytest.mark.parametrize("name", NASTY)
def test_they_agree_on_every_nasty_payload(name: str, loader: Loader) -> None:
    loader.check(with_payloads(NASTY[name]))


TEXTS = [None, "", " ", "\x00", "x", "NULL", "019CE000-0000-7000-8000-00000000ABCD", 'it\'s "é😀"\n\x1f\x7f', "\u200b"]

TIMES = [
    None,
    WHEN,
    EARLIEST - TICK,
    EARLIEST,
    EARLIEST + TICK,
    LATEST - TICK,
    LATEST,
    LATEST + TICK,
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


@pytest.mark.parametrize("field", ["uuid", "event", "distinct_id", "person_id", "person_properties", "elements_chain"])
def test_they_agree_on_every_text(field: str, loader: Loader) -> None:
    loader.check([row(**{field: text}) for text in TEXTS] + [row(**{field: text}, properties="[") for text in TEXTS])


@pytest.mark.parametrize("field", ["timestamp", "created_at", "_inserted_at", "inserted_at"])
def test_they_agree_on_every_time(field: str, loader: Loader) -> None:
    loader.check([row(**{field: when}) for when in TIMES] + [row(**{field: when}, properties="[") for when in TIMES])


def test_they_agree_on_the_first_of_several_reasons(loader: Loader) -> None:
    faults: Row = {"uuid": None, "event": "", "distinct_id": None, "timestamp": None, "properties": '{"a":NaN}'}
    names = list(faults)

    load = loader.check([row(**{name: faults[name] for name in names[start:]}) for start in range(len(names))])

    assert load.rejected == len(names)


INSERT_TIMES: Sequence[tuple[str, ...]] = [("_inserted_at",), ("inserted_at",), BOTH_INSERT_TIMES, ()]


def fields_with(insert_times: Sequence[str]) -> list[str]:
    return [name for name in ORDINARY if name not in BOTH_INSERT_TIMES or name in insert_times]


@pytest.mark.parametrize("present", INSERT_TIMES, ids=lambda names: "+".join(names) or "none")
def test_they_agree_whichever_insert_time_a_file_has(present: tuple[str, ...], loader: Loader) -> None:
    fields = fields_with(present)

    loader.check([
        row(fields),
        row(fields, _inserted_at=None),
        row(fields, inserted_at=None),
        row(fields, _inserted_at=None, inserted_at=None),
        row(fields, uuid=None),
    ])  # fmt: skip


def test_they_agree_where_the_files_of_an_hour_have_other_fields_in_other_orders(loader: Loader) -> None:
    files = [[row(fields_with(present)), row(fields_with(present), event=None)] for present in INSERT_TIMES]
    backwards = [{name: fields[name] for name in reversed(fields)} | {"new_field": "new"} for fields in files[0]]

    loader.check(*files, backwards)


spaces = st.sampled_from(["", "", "", " ", "\n", "\t \r"])
pieces = st.sampled_from(
    [
        *"aé😀.$/'{}[]:, \x7f",
        ",}",
        ":NaN",
        '\\"',
        "\\\\",
        "\\/",
        "\\n",
        "\\u0000",
        "\\u0061",
        "\\ud83d\\ude00",
        "\\ud83d",
        "\\uDE00",
        ":1e999,",
    ]
)
texts = st.lists(pieces, max_size=4).map(lambda parts: '"' + "".join(parts) + '"')
keys = st.one_of(
    st.sampled_from([f'"{key}"' for key in KEYS]),
    st.sampled_from(ODD_KEYS),
    texts,
    texts.map(lambda text: f'"$feature/{text[1:]}'),
    texts.map(lambda text: f'"$lib{text[1:]}'),
)
numbers = st.one_of(
    st.sampled_from([number for number in NUMBERS if len(number) < 1_000]),
    st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
scalars = st.one_of(st.sampled_from(SCALARS), texts, numbers)


@st.composite
def arrays(draw: st.DrawFn, members: st.SearchStrategy[str]) -> str:
    space = draw(spaces)
    return f"[{space}" + f"{space},{space}".join(draw(st.lists(members, max_size=3))) + f"{space}]"


@st.composite
def objects(draw: st.DrawFn, members: st.SearchStrategy[str], most: int = 3) -> str:
    space = draw(spaces)
    entries = draw(st.lists(st.tuples(keys, members), max_size=most))
    repeated = draw(st.integers(0, 3)) == 0
    written = [f"{key}{space}:{value}" for key, value in (entries + entries[:2] if repeated else entries)]
    return space + "{" + f"{space},".join(written) + space + "}" + space


members = st.one_of(scalars, arrays(scalars), objects(scalars))
values = st.one_of(scalars, scalars, arrays(members), objects(members))
payloads = objects(values, most=6)
damage = st.sampled_from(
    [*BROKEN_VALUES, *",:{}[]\"'\\/#x0-.e \t\n\x00\x1f\x7f\xa0\ufeffé", "NaN", "/**/", "\\u", "\\ud83d", ",,"]
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(payloads)
    start = draw(st.integers(0, len(text)))
    end = draw(st.sampled_from([start, start, start + 1, start + 3, len(text)]))
    return f"{text[:start]}{draw(damage)}{text[end:]}"


rows = st.fixed_dictionaries(
    {"properties": st.one_of(payloads, payloads, payloads, damaged(), damaged(), st.sampled_from(WHOLE_PAYLOADS))},
    optional={
        "uuid": st.sampled_from(TEXTS),
        "person_id": st.sampled_from(TEXTS),
        "timestamp": st.sampled_from(TIMES),
        "_inserted_at": st.sampled_from(TIMES),
    },
)


@some
@given(delivered=st.lists(rows, min_size=20, max_size=40), insert_times=st.sampled_from(INSERT_TIMES))
def test_they_agree_on_whatever_is_delivered(
    delivered: Sequence[Row], insert_times: tuple[str, ...], loader: Loader
) -> None:
    loader.check([row(fields_with(insert_times), **changes) for changes in delivered])
