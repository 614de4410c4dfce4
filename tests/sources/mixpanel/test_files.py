"""Files of Mixpanel's export: what is read of each form, and the sentence for what is not as it should be."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracks_assets.core.errors import ExportError
from tracks_assets.sources.mixpanel import read
from tracks_assets.sources.mixpanel.columns import READ_FIELDS
from tracks_assets.sources.mixpanel.inventory import REMEDY, MixpanelExport
from tracks_assets.sources.mixpanel.read import SCHEMA, as_parquet, read_file
from tracks_assets.sources.mixpanel.times import REASONS

DAY = datetime(2026, 3, 12, tzinfo=UTC)
FOLDER = "mp_master_event/2026/03/12"
TIME = 1773302400
LINE: dict[str, Any] = {"event": "a", "properties": {"time": TIME, "distinct_id": "u", "$insert_id": "i"}}


def text(*lines: object) -> bytes:
    """Lines of JSON."""
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def put(root: Path, name: str, content: bytes) -> None:
    """Writes a file below the root."""
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def rows(root: Path) -> list[dict[str, Any]]:
    """What the reader makes of the day's files, in their order."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        files = MixpanelExport(str(root)).inventory(DAY).files
        return [row for file in files for batch in read_file(connection, file, REMEDY) for row in batch.to_pylist()]


def refusal(root: Path) -> ExportError:
    """The error with which the day is refused."""
    with pytest.raises(ExportError) as caught, as_parquet(MixpanelExport(str(root)).inventory(DAY)):
        pass
    return caught.value


def test_the_reader_writes_the_fields_of_the_feed() -> None:
    assert READ_FIELDS.read <= set(SCHEMA.names)
    assert READ_FIELDS.refusal in SCHEMA.names


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz", "a.jsonl.gz"])
def test_lines_are_read_whatever_their_file_is_called(tmp_path: Path, name: str) -> None:
    content = text(LINE, {"event": "b", "properties": {**LINE["properties"], "x": 1.50, "mp_processing_time_ms": 1}})
    # An empty line, and a last one without its end.
    content = b"\n" + content + json.dumps(LINE).encode()
    put(tmp_path, f"{FOLDER}/{name}", gzip.compress(content) if name.endswith(".gz") else content)
    first, second, third = rows(tmp_path)
    assert first == third
    assert first == {
        "event": "a",
        "time": datetime(2026, 3, 12, 8, tzinfo=UTC),
        "distinct_id": "u",
        "insert_id": "i",
        "processed_at": None,
        "properties": f'{{"time":{TIME},"distinct_id":"u","$insert_id":"i"}}',
        "refusal": None,
        "line": None,
    }
    assert json.loads(second["properties"])["x"] == 1.5
    assert second["processed_at"] is None, "the year 1970 is no time of processing"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"event": "a"}, "no_properties"),
        ({"event": "a", "properties": [1]}, "no_properties"),
        ({"event": "", "properties": LINE["properties"]}, "no_event"),
        ({"event": 7, "properties": LINE["properties"]}, "no_event"),
        ({"event": "a", "properties": {"distinct_id": "u"}}, "no_time"),
        ({"event": "a", "properties": {"time": None}}, "no_time"),
        ({"event": "a", "properties": {"time": "2026-03-12"}}, "not_a_time"),
        ({"event": "a", "properties": {"time": True}}, "not_a_time"),
        ({"event": "a", "properties": {"time": TIME * 1000}}, "out_of_range"),
        ({"event": "a", "properties": {"time": -1}}, "out_of_range"),
        ({"event": "a", "properties": {"time": 1e300}}, "out_of_range"),
    ],
)
def test_a_row_that_is_no_event_is_kept_with_its_reason(tmp_path: Path, line: object, reason: str) -> None:
    put(tmp_path, f"{FOLDER}/a.json", text(LINE, line))
    good, refused = rows(tmp_path)
    assert (good["refusal"], refused["refusal"]) == (None, REASONS[reason])
    assert json.loads(refused["line"]) == line
    assert refused["time"] is None


def test_a_schematized_row_has_the_properties_that_it_has(tmp_path: Path) -> None:
    """Null is left out, a name that differs in case only is another property, and JSON has no NaN."""
    columns = {
        "time": [TIME, None],
        "distinct_id": ["u", "v"],
        "mp_event_name": ["a", "b"],
        "mp_insert_id": ["i", ""],
        "mp_processing_time_ms": [TIME * 1000, None],
        'pri"ce': [float("nan"), 1.5],
        'Pri"ce': [None, True],
        "tags": [["x"], None],
    }
    put(tmp_path, f"{FOLDER}/a.parquet", b"")
    pq.write_table(pa.table(columns), tmp_path / FOLDER / "a.parquet")
    first, second = rows(tmp_path)
    assert json.loads(first["properties"]) == {
        "time": TIME,
        "distinct_id": "u",
        "mp_insert_id": "i",
        "mp_processing_time_ms": TIME * 1000,
        'pri"ce': "nan",
        "tags": ["x"],
    }
    assert first["processed_at"] == first["time"] == datetime(2026, 3, 12, 8, tzinfo=UTC)
    assert (second["refusal"], second["insert_id"]) == (REASONS["no_time"], None)
    assert json.loads(second["properties"]) == {"distinct_id": "v", "mp_insert_id": "", 'pri"ce': 1.5, 'Pri"ce': True}


def test_a_time_of_the_schematized_form_may_be_a_timestamp(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 12, 8, tzinfo=UTC)
    time = pa.array([moment], pa.timestamp("us", "UTC"))
    put(tmp_path, f"{FOLDER}/a.parquet", b"")
    table = pa.table({"time": time, "distinct_id": ["u"], "mp_event_name": ["a"], "mp_insert_id": ["i"]})
    pq.write_table(table, tmp_path / FOLDER / "a.parquet")
    assert [row["time"] for row in rows(tmp_path)] == [moment]


def test_a_mark_of_utf_8_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/a.json", b"\xef\xbb\xbf" + 2 * f"{json.dumps(LINE)}\n".encode())
    first, second = rows(tmp_path)
    assert first["event"] == second["event"] == LINE["event"]


def test_half_a_surrogate_pair_is_replaced(tmp_path: Path) -> None:
    """A device cuts a text within an emoji: the event is kept, and so is its day."""
    line = json.dumps({"event": "a", "properties": {**LINE["properties"], "name": "cut \ud83d", "kept": "\U0001f600"}})
    put(tmp_path, f"{FOLDER}/a.json", line.encode())
    (row,) = rows(tmp_path)
    assert json.loads(row["properties"]) == {**LINE["properties"], "name": "cut \ufffd", "kept": "\U0001f600"}


def _schematized(root: Path, **columns: Any) -> None:
    put(root, f"{FOLDER}/a.parquet", b"")
    given = {"time": [TIME], "distinct_id": ["u"], "mp_event_name": ["a"], "mp_insert_id": ["i"], **columns}
    pq.write_table(pa.table({name: each for name, each in given.items() if each}), root / FOLDER / "a.parquet")


def test_bytes_of_the_schematized_form_are_text(tmp_path: Path) -> None:
    """As a writer leaves them that does not mark text as such."""
    _schematized(
        tmp_path, distinct_id=pa.array(["Zoë".encode()], pa.binary()), name=pa.array([b"x"], pa.large_binary())
    )
    (row,) = rows(tmp_path)
    assert (row["distinct_id"], json.loads(row["properties"])["name"]) == ("Zoë", "x")


_MOMENTS: tuple[pa.DataType, ...] = (
    *(pa.timestamp("s", "UTC"), pa.timestamp("ms", "UTC")),
    *(pa.timestamp("us", "UTC"), pa.timestamp("ns", "UTC")),
)


@pytest.mark.parametrize("type_", _MOMENTS, ids=str)
def test_times_of_the_schematized_form_have_any_unit(tmp_path: Path, type_: pa.DataType) -> None:
    moment = datetime(2026, 3, 12, 8, tzinfo=UTC)
    times = pa.array([moment], type_)
    _schematized(tmp_path, time=times, mp_processing_time_ms=times)
    assert [(row["time"], row["processed_at"]) for row in rows(tmp_path)] == [(moment, moment)]


def _column_twice(root: Path) -> None:
    _schematized(root)
    file = root / FOLDER / "a.parquet"
    table = pq.read_table(file)
    for value in ("ios", "android"):
        table = table.append_column("mp_os", pa.array([value]))
    pq.write_table(table, file)


def _torn(root: Path) -> None:
    put(root, f"{FOLDER}/a.json.gz", gzip.compress(text(*[LINE] * 50))[:-12])


def _damaged(root: Path) -> None:
    whole = bytearray(gzip.compress(text(*[LINE] * 50)))
    whole[-6] ^= 0xFF
    put(root, f"{FOLDER}/a.json.gz", bytes(whole))


def _torn_parquet(root: Path) -> None:
    _schematized(root)
    file = root / FOLDER / "a.parquet"
    file.write_bytes(file.read_bytes()[:-20])


def _twice(root: Path) -> None:
    put(root, f"{FOLDER}/a.json", text(LINE))
    put(root, f"{FOLDER}/a.json.gz", gzip.compress(text(LINE)))


BROKEN: dict[str, tuple[Callable[[Path], None], str]] = {
    "a torn gzip": (_torn, f"{FOLDER}/a.json.gz cannot be read after line 4"),
    "a gzip with another checksum": (_damaged, f"{FOLDER}/a.json.gz cannot be read after line 50"),
    "a file that is cut off": (
        lambda root: put(root, f"{FOLDER}/a.json", text(LINE, LINE)[:-20]),
        f"The line 2 of the file {FOLDER}/a.json is no JSON object",
    ),
    "a broken line after an empty one": (
        lambda root: put(root, f"{FOLDER}/a.json", text(LINE) + b"\n{nope}\n" + text(LINE)),
        f"The line 3 of the file {FOLDER}/a.json is no JSON object",
    ),
    "a line that is a list": (
        lambda root: put(root, f"{FOLDER}/a.json", text([LINE])),
        f"The line 1 of the file {FOLDER}/a.json is no JSON object",
    ),
    "a text that is not UTF-8": (
        lambda root: put(root, f"{FOLDER}/a.json", text(LINE) + b'{"event":"\xff"}\n'),
        f"The line 2 of the file {FOLDER}/a.json is not UTF-8",
    ),
    "a torn Parquet file": (_torn_parquet, f"The file {FOLDER}/a.parquet cannot be read as Parquet"),
    "no insert ids": (
        lambda root: _schematized(root, mp_insert_id=[]),
        f"The file {FOLDER}/a.parquet has no column mp_insert_id",
    ),
    "a column twice": (_column_twice, f"The file {FOLDER}/a.parquet has the column 'mp_os' twice"),
    "bytes that are not UTF-8": (
        lambda root: _schematized(root, distinct_id=pa.array([b"\xff"], pa.binary())),
        f"The file {FOLDER}/a.parquet cannot be read as Parquet",
    ),
    "a number that is too wide": (
        lambda root: _schematized(root, price=pa.array([Decimal(10) ** 60], pa.decimal256(70))),
        f"The file {FOLDER}/a.parquet cannot be read as Parquet",
    ),
    "a time as text": (
        lambda root: _schematized(root, time=["noon"]),
        f"The column time of the file {FOLDER}/a.parquet is string",
    ),
    "another file": (lambda root: put(root, f"{FOLDER}/a.csv", b"x"), f"The folder {FOLDER} holds 'a.csv'"),
    "a folder": (lambda root: put(root, f"{FOLDER}/00/a.json", b"x"), f"The folder {FOLDER} holds '00/'"),
    "an empty file": (lambda root: put(root, f"{FOLDER}/a.json", b""), f"The file {FOLDER}/a.json is empty"),
    "one export twice": (
        _twice,
        f"The folder {FOLDER} holds one export twice, as 'a.json' and 'a.json.gz'",
    ),
    "a day without its zero": (
        lambda root: put(root, "mp_master_event/2026/3/12/a.json", text(LINE)),
        "The folder mp_master_event/2026 holds '3/'",
    ),
    "another root": (lambda root: put(root, "2026/03/12/a.json", text(LINE)), "has no folder 'mp_master_event'"),
}


@pytest.mark.parametrize(("break_it", "finding"), BROKEN.values(), ids=BROKEN)
def test_what_is_not_as_it_should_be_is_one_sentence_with_a_next_step(
    tmp_path: Path, break_it: Callable[[Path], None], finding: str
) -> None:
    break_it(tmp_path)
    found = refusal(tmp_path)
    assert finding in found.finding
    assert found.finding.endswith(".")
    assert found.finding.count(". ") == 0
    assert found.next_step.endswith(".")


def test_a_root_that_is_missing_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="has no folder 'mp_master_event'") as caught:
        MixpanelExport(str(tmp_path / "mixpanel")).inventory(DAY)
    assert caught.value.next_step == "Set TRACKS_MIXPANEL_URI to the folder or bucket prefix that holds it."


def test_a_line_without_an_end_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read, "LONGEST_LINE", 1_000)
    put(tmp_path, f"{FOLDER}/a.json", text(LINE) + b"x" * 5_000)
    assert f"The line 2 of the file {FOLDER}/a.json has no end" in refusal(tmp_path).finding


def test_a_day_without_a_folder_is_empty(tmp_path: Path) -> None:
    put(tmp_path, "mp_master_event/2026/03/11/a.json", text(LINE))
    assert MixpanelExport(str(tmp_path)).inventory(DAY).files == ()


def test_a_large_file_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of lines go on from part to part."""
    monkeypatch.setattr(read, "BATCH_ROWS", 100)
    put(tmp_path, f"{FOLDER}/a.json", text(*[LINE] * 1_050) + b"{nope}\n")
    assert f"The line 1,051 of the file {FOLDER}/a.json is no JSON object" in refusal(tmp_path).finding
    put(tmp_path, f"{FOLDER}/a.json", text(*[LINE] * 1_050))
    assert len(rows(tmp_path)) == 1_050
