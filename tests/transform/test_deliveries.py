"""Files as they lie on disk: what their path, their other fields and their size may not change.

Each hour is loaded by the warehouse, or transformed as the BigQuery engine does it, and compared with the contract.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tracks_assets.core.columns import Column, ColumnType, FileField, Property
from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.sources.posthog.contract import RawPostHogEvent, validate
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import file_name, hour_folder, hour_interval, manifest_name
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.transform.deliveries import validated
from tracks_assets.transform.reading import json_safe
from tracks_assets.transform.session import transforming
from tracks_assets.warehouse.bigquery.staging import write_rows
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import HourLoad

from .test_transform_agrees import HOUR, STAMP, read_back, row

Row = dict[str, Any]


def written(root: Path, rows: Sequence[Row], part: int = 0, **types: pa.DataType) -> HourInventory:
    """The hour with one more file of these rows."""
    folder = root / hour_folder(HOUR)
    folder.mkdir(parents=True, exist_ok=True)
    times = pa.timestamp("us", tz="UTC")
    guessed = {name: times if isinstance(value, datetime) else pa.string() for name, value in rows[0].items()}
    schema = pa.schema(guessed | types)
    with pq.ParquetWriter(folder / file_name(hour_interval(HOUR), part), schema) as file:
        file.write_table(pa.Table.from_pylist(list(rows), schema))
    parts = sorted(each.name for each in folder.glob("*.parquet*"))
    (folder / manifest_name(hour_interval(HOUR))).write_text(json.dumps({"files": parts}))
    return Export(str(root)).inventory(HOUR)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDbWarehouse]:
    """A warehouse for all hours of this module: each load replaces the rows of the one before."""
    with DuckDbWarehouse(tmp_path_factory.mktemp("deliveries") / "warehouse.duckdb").opened() as opened:
        yield opened


def loaded(warehouse: DuckDbWarehouse, inventory: HourInventory) -> tuple[HourLoad, list[Row], list[Row]]:
    """Loads the hour; returns the load, raw_tracks and rejected_tracks."""
    load = warehouse.load_slice(EVENTS, inventory, STAMP)
    tables = [
        warehouse.connection.sql(f"select * from posthog.{name}").to_arrow_table().to_pylist()
        for name in ("raw_tracks", "rejected_tracks")
    ]
    return load, tables[0], tables[1]


def expected(inventory: HourInventory, rows: Sequence[Row], columns: Sequence[Column] = TRACK_COLUMNS) -> list[Row]:
    stamps = {"bq_ingested_timestamp": STAMP, "window_start": HOUR, "source_file": inventory.files[0].name}
    events = [validate(each) for each in rows]
    return [event.track(columns) | stamps for event in events if isinstance(event, RawPostHogEvent)]


def by_id(rows: Sequence[Row]) -> dict[str, Row]:
    assert len({each["event_id"] for each in rows}) == len(rows)
    return {each["event_id"]: each for each in rows}


PARTITION_LIKE = [
    "event=web",
    "timestamp=2026-01-01",
    "distinct_id=all",
    "person_id=x",
    "env=prod",
    "uuid=1",
    "filename=x",
    "properties=1/source_file=y",
    "[a]*?",
]


@pytest.mark.parametrize("folder", PARTITION_LIKE)
def test_a_path_changes_no_value_and_adds_no_field(folder: str, tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    rows = [row(uuid="good"), row(uuid="refused", properties="[]")]
    inventory = written(tmp_path / folder / "export", rows)

    _, tracks, rejected = loaded(warehouse, inventory)

    assert tracks == expected(inventory, rows)
    assert [read_back(each["raw"]) for each in rejected] == [rows[1]]
    assert {each["source_file"] for each in tracks + rejected} == {inventory.files[0].name}


OWN_NAMES = ["filename", "file_row_number", "source_file", "row_number", "inserted_at", "texts", "keys", "members"]
OWN_NAMES += ["reason", "doubtful", "delivered", "deliveries", "unfitting", "raw", "file_index", "i", "key"]


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_delivered_field_clashes_with_no_name_of_the_readers_own(
    name: str, tmp_path: Path, warehouse: DuckDbWarehouse
) -> None:
    extra = {} if name == "inserted_at" else {name: "delivered"}
    rows = [row(uuid=uuid, properties=text) | extra for uuid, text in [("good", '{"$os":"x"}'), ("refused", "[]")]]
    inventory = written(tmp_path / "export", rows)

    _, tracks, rejected = loaded(warehouse, inventory)

    assert tracks == expected(inventory, rows)
    assert [read_back(each["raw"]) for each in rejected] == [rows[1]]


def test_a_refused_row_is_json_although_a_field_is_no_number(tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    """JSON has no NaN and no infinity: DuckDB writes them, and BigQuery would refuse the hour every time."""
    numbers = [float("nan"), float("inf"), 0.5, None]
    nested = pa.list_(pa.struct([("score", pa.float64())]))
    rows = [
        row(uuid=f"refused {number}", properties="[]") | {"score": number, "nested": [{"score": number}]}
        for number in numbers
    ]
    inventory = written(tmp_path / "export", rows, score=pa.float64(), nested=nested)

    _, _, rejected = loaded(warehouse, inventory)

    raws = [json.loads(each["raw"], parse_constant=pytest.fail) for each in rejected]
    assert sorted(str(raw["score"]) for raw in raws) == ["0.5", "None", "inf", "nan"]
    assert [raw["nested"][0]["score"] for raw in raws] == [raw["score"] for raw in raws]


def test_files_with_and_without_an_insert_time_may_be_of_one_hour(tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    old = [name for name in row() if name not in ("_inserted_at", "inserted_at")]
    written(tmp_path / "export", [row(old, uuid="old"), row(old, uuid="refused", event="")])
    inventory = written(tmp_path / "export", [row(uuid="new")], part=1)

    load, tracks, rejected = loaded(warehouse, inventory)

    assert {each["event_id"]: each["event_inserted_at"] for each in tracks} == {
        "old": None,
        "new": row()["_inserted_at"],
    }
    assert (load.accepted, len(rejected)) == (2, 1)


def text_of(size: int) -> str:
    return '{"$lib":"web","$feature/a":"' + "é" * (size // 2) + '","$os":"x"}'


def members_of(size: int) -> str:
    return '{"$lib":"web","$feature/a":[' + ",".join(["12345.5"] * (size // 8)) + "]}"


LARGE: dict[str, list[int]] = {
    "60 of 0.9 MB": [900_000] * 60,
    "200 of 300 KB": [300_000] * 200,
    "2,048 of 60 KB": [60_000] * 2_048,
    "one of 8 MB": [8_000_000],
    "a mix": [*[900_000] * 20, *[2_300] * 9_000, 8_000_000, *[60_000] * 500, *[300_000] * 30],
}

MEMORY_LIMITS = [("a mix", "512MB"), *((name, "1GB") for name in LARGE if name != "a mix")]


def large_rows(sizes: Sequence[int]) -> list[Row]:
    made = {size: (text_of(size), members_of(size)) for size in set(sizes)}
    return [row(uuid=f"id-{number}", properties=made[size][number % 2]) for number, size in enumerate(sizes)]


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.parametrize(("name", "limit"), MEMORY_LIMITS)
def test_large_events_load_within_the_memory_limit(name: str, limit: str, tmp_path: Path) -> None:
    rows = large_rows(LARGE[name])
    inventory = written(tmp_path / "export", rows)

    with DuckDbWarehouse(tmp_path / "warehouse.duckdb", memory_limit=limit).opened() as small:
        load, tracks, _ = loaded(small, inventory)

    assert (load.accepted, load.rejected) == (len(rows), 0)
    assert by_id(tracks) == by_id(Reference(rows).tracks(inventory))


@pytest.mark.thorough
@pytest.mark.slow
def test_large_events_reach_the_staging_files_within_the_memory_limit(tmp_path: Path) -> None:
    rows = large_rows(LARGE["a mix"])
    inventory, file = written(tmp_path / "export", rows), tmp_path / "staged.parquet"

    with transforming(inventory, "512MB") as connection, validated(connection, inventory, "512MB") as deliveries:
        assert write_rows(connection, deliveries.accepted_rows(STAMP), RAW_TRACKS, file) == len(rows)

    staged = [each for batch in pq.ParquetFile(file).iter_batches(64) for each in batch.to_pylist()]
    assert by_id(staged) == by_id(Reference(rows).tracks(inventory))


class Reference:
    """The contract's rows, each different payload extracted once."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def tracks(self, inventory: HourInventory) -> list[Row]:
        made: dict[str, Row] = {}
        for each in self._rows:
            if each["properties"] not in made:
                made[each["properties"]] = expected(inventory, [each])[0]
        return [made[each["properties"]] | {"event_id": each["uuid"]} for each in self._rows]


EXTENDED: tuple[Column, ...] = (
    *TRACK_COLUMNS,
    Column("elements", ColumnType.STRING, FileField(("elements_chain",)), "Elements."),
    Column("stored_at", ColumnType.TIMESTAMP, FileField(("created_at",)), "PostHog's own time."),
    Column("person", ColumnType.JSON, FileField(("person_properties",)), "The person."),
    Column("keys", ColumnType.INT64, FileField(("count",)), "A delivered number."),
    Column("width", ColumnType.INT64, Property(("$width", "width")), "A whole number."),
    Column("ratio", ColumnType.FLOAT64, Property(("ratio",)), "A number."),
    Column("is_on", ColumnType.BOOL, Property(("on",)), "Yes or no."),
    Column("sent_at", ColumnType.TIMESTAMP, Property(("$sent_at",)), "A time."),
)

VALUES = [
    *["0", "-0", "12", "12.0", "1e2", '"12"', '""', "null", "true", "false", "[1]", "{}", "9223372036854775807"],
    *["9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1" * 300, "0.1", "-1.5e-7", "1e308"],
    *['"true"', '"2026-03-12T00:30:00Z"', '"2026-03-12T00:30:00.25+05:30"', '"2026-02-30T00:00:00Z"'],
    *['"2026-03-12"', '"2026-03-12T00:30:00"', '"2026-03-12T24:00:00Z"', '"2026-03-12T00:30:00.1234567Z"'],
    *[
        '"\\u0032026-03-12T00:30:00Z"',
        '"0000-03-12T00:30:00Z"',
        '"1000-01-01T00:00:00+14:00"',
        '"2026-03-12t00:30:00z"',
    ],
]
PERSONS = [None, "{}", '{"a":1}', "1", "", "x", '{"a":NaN}', '{"a":1,}', '{"a":1e400}', '"\\ud83d"', '{"\\udc00":1} ']


def typed_rows() -> list[Row]:
    texts = [
        "{" + ",".join(f'"{key}":{value}' for key in ("$width", "ratio", "on", "$sent_at")) + "}" for value in VALUES
    ]
    texts += [
        '{"$width":null,"width":3}',
        '{"$width":"x","width":3}',
        '{"width":7,"width":"x"}',
        '{"a":"\\ud83d","on":1}',
    ]
    rows = [row(uuid=f"id-{number}", properties=text) for number, text in enumerate(texts)]
    rows += [row(uuid=f"person-{number}", person_properties=text) for number, text in enumerate(PERSONS)]
    return [each | {"count": number} for number, each in enumerate(rows)]


@pytest.mark.parametrize("size", [None, 40])
def test_one_line_adds_a_column_of_any_field_and_any_type(
    size: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if size:
        monkeypatch.setattr("tracks_assets.transform.deliveries.batch_bytes", lambda *_: size)
    rows = typed_rows()
    inventory = written(tmp_path / "export", rows, count=pa.int32())

    with transforming(inventory, "1GB") as connection, validated(connection, inventory, "1GB", EXTENDED) as deliveries:
        tracks = connection.sql(deliveries.accepted_rows(STAMP)).to_arrow_table().to_pylist()

    events = [event for event in map(validate, rows) if isinstance(event, RawPostHogEvent)]
    extracted = [event.extract(EXTENDED) for event in events]
    assert len(tracks) == len(rows)
    assert by_id(tracks) == by_id(expected(inventory, rows, EXTENDED))
    assert deliveries.unfitting == sum(track.unfitting for track in extracted) > len(VALUES)
    assert deliveries.repaired == sum(track.repaired for track in extracted) == 3


def test_what_fits_a_typed_column_is_kept_and_nothing_else() -> None:
    def value(name: str, text: str) -> Any:
        event = validate(row(properties=text))
        assert isinstance(event, RawPostHogEvent)
        return event.track(EXTENDED)[name]

    assert [value("width", f'{{"$width":{text}}}') for text in ("12", "12.0", '"12"', "true", "1e2")] == [
        12,
        *[None] * 4,
    ]
    assert [value("ratio", f'{{"ratio":{text}}}') for text in ("12", "0.5", '"1"', "true")] == [12.0, 0.5, None, None]
    assert value("sent_at", '{"$sent_at":"2026-03-12T01:30:00.5+01:00"}') == datetime(
        2026, 3, 12, 0, 30, 0, 500_000, UTC
    )


def test_a_field_that_the_file_lacks_is_null(tmp_path: Path) -> None:
    fields = [name for name in row() if name not in ("elements_chain", "created_at", "person_properties")]
    inventory = written(tmp_path / "export", [row(fields)])

    with transforming(inventory, "1GB") as connection, validated(connection, inventory, "1GB", EXTENDED) as deliveries:
        (track,) = connection.sql(deliveries.accepted_rows(STAMP)).to_arrow_table().to_pylist()

    assert [track[name] for name in ("elements", "stored_at", "person", "keys")] == [None] * 4


def test_a_field_whose_name_differs_in_case_from_the_column_lists_is_not_taken_for_absent(tmp_path: Path) -> None:
    fields = [name for name in row() if name != "elements_chain"]
    inventory = written(tmp_path / "export", [row(fields) | {"Elements_Chain": "a;b"}])

    with (
        pytest.raises(ExportError) as caught,
        transforming(inventory, "1GB") as connection,
        validated(connection, inventory, "1GB", EXTENDED),
    ):
        pass

    assert str(caught.value) == (
        f"The file {inventory.files[0].name} has the field 'Elements_Chain'. The column list reads "
        f"'elements_chain'. Change the column's field, or export the field with that name."
    )


def test_a_field_of_another_type_than_its_column_is_named_with_its_file(tmp_path: Path) -> None:
    inventory = written(tmp_path / "export", [row() | {"count": "three"}])

    with (
        pytest.raises(ExportError) as caught,
        transforming(inventory, "1GB") as connection,
        validated(connection, inventory, "1GB", EXTENDED),
    ):
        pass

    assert str(caught.value) == (
        f"The field count of the file {inventory.files[0].name} is string. The column list reads it as int64. "
        f"Change the column's type, or export the field with that type."
    )


def test_repaired_rows_are_counted_and_refused_ones_are_kept_as_delivered(
    tmp_path: Path, warehouse: DuckDbWarehouse
) -> None:
    texts = [
        '{"client":"cut \\ud83d","$feature/\\udc00":1}',
        '{"client":"\\ud83d\\ude00"}',
        '["\\ud83d"]',
        '{"a":1e400}',
    ]
    rows = [row(uuid=f"id-{number}", properties=text) for number, text in enumerate(texts)]

    load, tracks, rejected = loaded(warehouse, written(tmp_path / "export", rows))

    assert (load.accepted, load.rejected, load.repaired) == (2, 2, 1)
    first = by_id(tracks)["id-0"]
    assert first["event_payload"] == '{"client":"cut \\ufffd","$feature/\\ufffd":1}'
    assert (first["client"], first["feature_flags_values"]) == ("cut \ufffd", '{"\ufffd":1}')
    assert {each["reason"] for each in rejected} == {
        "properties is not a JSON object",
        "properties holds a number outside the range of a double",
    }
    assert [
        read_back(each["raw"])["properties"] for each in sorted(rejected, key=lambda each: int(each["row_number"]))
    ] == (texts[2:])


def test_a_load_keeps_no_relation_of_its_own(tmp_path: Path) -> None:
    inventory = written(tmp_path / "export", [row(), row(event="")])
    with duckdb.connect() as connection:
        with validated(connection, inventory, "1GB") as deliveries:
            connection.execute(f"select count(*) from ({deliveries.accepted_rows(STAMP)})").fetchall()
            connection.execute(deliveries.rejected_rows(STAMP)).fetchall()
        assert connection.execute("select view_name from duckdb_views() where not internal").fetchall() == []


@pytest.mark.parametrize(
    ("type_", "value", "stored"),
    [
        (pa.list_(pa.float32()), [math.nan], ["nan"]),
        (pa.large_list(pa.float64()), [math.inf], ["inf"]),
        (pa.list_(pa.float64(), 1), [math.nan], ["nan"]),
        (pa.map_(pa.string(), pa.float64()), [("a", math.nan)], [("a", "nan")]),
        (pa.struct([("a", pa.list_(pa.float64()))]), {"a": [-math.inf]}, {"a": ["-inf"]}),
        (pa.dictionary(pa.int8(), pa.float64()), math.nan, "nan"),
        (pa.list_(pa.string()), ["nan"], ["nan"]),
    ],
    ids=str,
)
def test_no_floating_point_value_is_left_wherever_it_lies(type_: pa.DataType, value: object, stored: object) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([value, None], type_)], names=["score"])
    assert json_safe(batch).column(0).to_pylist() == [stored, None]


def test_a_file_torn_after_it_was_listed_names_the_next_step_of_its_source(
    tmp_path: Path, warehouse: DuckDbWarehouse
) -> None:
    inventory = replace(written(tmp_path, [row()]), remedy="Send the hour again.")
    path = Path(inventory.files[0].path)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ExportError) as reported:
        loaded(warehouse, inventory)
    assert reported.value.finding.startswith(f"The file {inventory.files[0].name} cannot be read as Parquet")
    assert reported.value.next_step == "Send the hour again."


def test_a_file_without_a_required_field_is_refused_whatever_its_inventory_took(
    tmp_path: Path, warehouse: DuckDbWarehouse
) -> None:
    inventory = written(tmp_path, [row()])
    (file,) = inventory.files
    table = pq.read_table(file.path).drop_columns(["distinct_id"])
    pq.write_table(table, file.path)
    lacking = replace(file, fields=file.fields - {"distinct_id"}, size=Path(file.path).stat().st_size)
    with pytest.raises(ExportError) as reported:
        loaded(warehouse, replace(inventory, files=(lacking,)))
    assert reported.value.finding == f"The file {file.name} has no field distinct_id."


def test_files_whose_rows_nobody_counted_are_no_empty_hour(tmp_path: Path, warehouse: DuckDbWarehouse) -> None:
    inventory = written(tmp_path, [row()])
    uncounted = replace(inventory, files=tuple(replace(file, rows=None) for file in inventory.files))
    with pytest.raises(ValueError, match="are not counted"):
        loaded(warehouse, uncounted)
