"""Files of the old pipeline in backfill_tracks: idempotent, by name, of the right hour; and frozen without them."""

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.incident import IncidentPlan, fill_backfill_tracks, plan_incident, write_legacy
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.warehouse.backfill import LegacyHour, Treatment

from .sites import DAY, FIRST, MINUTE, SECOND, Row, Site, table

AGAIN = "Write it again from the old pipeline's table, or take it out of the folder, and run the hour again."
ROWS: list[Row] = [
    {"event_id": "a", "created_at": FIRST, "event_payload": '{"n": 1}', "event_name": "open"},
    {"event_id": "b", "created_at": FIRST + 59 * MINUTE, "active_feature_flags": '["x"]'},
    {"event_id": "b", "created_at": FIRST + 59 * MINUTE, "active_feature_flags": '["x"]'},
    {"event_id": None, "created_at": FIRST + MINUTE},
]


def test_an_hour_is_loaded_and_reported(site: Site) -> None:
    site.write(table(*ROWS))

    assert site.load() == [LegacyHour(FIRST, Treatment.LOADED, 1, 4, 2, FIRST, FIRST + 59 * MINUTE)]
    assert site.query(
        "select event_id, event_payload::varchar, active_feature_flags::varchar, event_name "
        "from posthog.backfill_tracks order by all"
    ) == [("a", '{"n": 1}', None, "open"), ("b", None, '["x"]', None), ("b", None, '["x"]', None), (None,) * 4]


@pytest.mark.thorough
@pytest.mark.slow
def test_large_rows_load_within_the_memory_limit(site: Site) -> None:
    sizes = [*[2_300] * 5_000, 8_000_000, *[900_000] * 200, *[60_000] * 500]
    texts = {size: json.dumps({"text": "e" * (size // 2), "list": [12345.5] * (size // 18)}) for size in set(sizes)}
    rows = [
        {"event_id": f"id-{number}", "created_at": FIRST, "event_payload": texts[size], "lib_values": texts[size]}
        for number, size in enumerate(sizes)
    ]
    site.write(table(*rows))

    (hour,) = site.load(memory_limit="512MB")

    assert hour.rows == len(rows)
    assert site.query(
        "select length(event_payload::varchar), md5(event_payload::varchar), md5(lib_values::varchar), count(*) "
        "from posthog.backfill_tracks group by all order by all"
    ) == [
        (len(text), digest := md5(text.encode()).hexdigest(), digest, sizes.count(size))
        for size, text in sorted(texts.items())
    ]


def test_an_hour_loaded_again_is_the_same(site: Site) -> None:
    site.write(table(*ROWS))
    site.write(table({"event_id": "c", "created_at": SECOND}), SECOND)
    site.load(FIRST, SECOND)
    before = site.rows("backfill_tracks")

    site.load(FIRST, SECOND)
    site.load(SECOND)

    assert site.rows("backfill_tracks") == before
    assert len(before) == 5


def test_a_file_that_changed_replaces_its_hour_and_no_other(site: Site) -> None:
    site.write(table(*ROWS))
    site.write(table({"event_id": "c", "created_at": SECOND}), SECOND)
    site.load(FIRST, SECOND)

    site.write(table({"event_id": "d", "created_at": FIRST}))
    site.write(table({"event_id": "e", "created_at": FIRST}), name="part-1.parquet")
    reported = site.load(FIRST)

    assert reported == [LegacyHour(FIRST, Treatment.LOADED, 2, 2, 2, FIRST, FIRST)]
    assert site.query("select event_id from posthog.backfill_tracks order by all") == [("c",), ("d",), ("e",)]


def test_columns_are_read_by_name(site: Site) -> None:
    shuffled = table(*ROWS).select(sorted(table().column_names, reverse=True))
    site.write(shuffled.append_column("team_id", pa.array([1] * 4)))
    site.load()
    before = site.rows("backfill_tracks")

    site.write(table(*ROWS))
    site.load()

    assert site.rows("backfill_tracks") == before


def test_an_hour_without_files_is_left_as_it_is(site: Site) -> None:
    site.root.mkdir()
    site.freeze(*ROWS)
    before = site.rows("backfill_tracks")

    assert site.load(FIRST, SECOND) == [
        LegacyHour(FIRST, Treatment.NO_FILES, 0, 4, 2, FIRST, FIRST + 59 * MINUTE),
        LegacyHour(SECOND, Treatment.NO_FILES),
    ]
    assert site.rows("backfill_tracks") == before


def test_without_a_root_the_table_is_frozen(site: Site) -> None:
    site.freeze(*ROWS)
    before = site.rows("backfill_tracks")

    assert site.load(FIRST, SECOND) == [
        LegacyHour(FIRST, Treatment.FROZEN, 0, 4, 2, FIRST, FIRST + 59 * MINUTE),
        LegacyHour(SECOND, Treatment.FROZEN),
    ]
    assert site.rows("backfill_tracks") == before


def test_neither_root_nor_rows_is_a_failure(site: Site) -> None:
    with pytest.raises(WarehouseError) as caught:
        site.load()

    assert str(caught.value) == (
        f"The legacy root {site.root} does not exist and posthog.backfill_tracks is empty. Set TRACKS_LEGACY_URI to "
        f"the folder or bucket prefix that holds the old pipeline's rows."
    )


@pytest.mark.slow
def test_what_the_demo_writes_is_what_it_would_have_put_there(site: Site) -> None:
    plan = plan_incident(600, days=2, start=FIRST)
    written = write_legacy(site.root, plan)

    reported = site.load(*(FIRST + number * HOUR for number in range((plan.end - FIRST) // HOUR)))

    assert sum(hour.rows for hour in reported) == written == 600
    assert site.rows("backfill_tracks") == _directly(site.home / "direct", plan)


def _directly(home: Path, plan: IncidentPlan) -> list[tuple[object, ...]]:
    with Site(home).warehouse().opened() as warehouse:
        fill_backfill_tracks(warehouse, plan)
    return Site(home).rows("backfill_tracks")


def drop_column(file: Path) -> None:
    pq.write_table(table(*ROWS).drop_columns(["locale"]), file)


def number_ids(file: Path) -> None:
    content = table(*ROWS)
    pq.write_table(content.set_column(0, "event_id", pa.array(range(4), pa.int64())), file)


def forget_time_zone(file: Path) -> None:
    content = table(*ROWS)
    times = content["created_at"].cast(pa.timestamp("us"))
    pq.write_table(content.set_column(1, "created_at", times), file)


def row_of_the_next_hour(file: Path) -> None:
    pq.write_table(table(*ROWS, {"event_id": "z", "created_at": SECOND}), file)


def row_of_the_hour_before(file: Path) -> None:
    late = [{"event_id": "z", "created_at": FIRST - MINUTE * number} for number in (1, 2)]
    pq.write_table(table(*ROWS, *late), file)


def row_without_time(file: Path) -> None:
    pq.write_table(table(*ROWS, {"event_id": "z"}), file)


def break_json(file: Path) -> None:
    pq.write_table(table(*ROWS, {"event_id": "z", "created_at": FIRST, "lib_values": "{open"}), file)


def cut_off_the_footer(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-10])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def damage_the_middle(file: Path) -> None:
    rows = [{"event_id": f"{number}", "created_at": FIRST, "event_name": f"{number**9}"} for number in range(20_000)]
    pq.write_table(table(*rows), file)
    content = bytearray(file.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 4_000] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4_000])
    file.write_bytes(content)


def add_a_column_in_capitals(file: Path) -> None:
    content = table(*ROWS)
    pq.write_table(content.append_column("EVENT_ID", content["event_id"]), file)


def add_a_column_twice(file: Path) -> None:
    content = table(*ROWS)
    pq.write_table(content.append_column("event_id", content["locale"]), file)


def spell_a_column_in_capitals(file: Path) -> None:
    content = table(*ROWS)
    pq.write_table(
        content.rename_columns(["Locale" if name == "locale" else name for name in content.column_names]), file
    )


STRAYS = "Move them to the folders of their own hours, then run the hour again."
BAD_FILES: list[tuple[Callable[[Path], None], str]] = [
    (drop_column, f"The file {{file}} has no column locale. {AGAIN}"),
    (spell_a_column_in_capitals, f"The file {{file}} has no column locale. {AGAIN}"),
    (
        add_a_column_in_capitals,
        f"The fields 'event_id' and 'EVENT_ID' of the file {{file}} differ only in case. {AGAIN}",
    ),
    (add_a_column_twice, f"The file {{file}} has the field 'event_id' twice. {AGAIN}"),
    (number_ids, f"The column event_id of the file {{file}} is int64. It must be text. {AGAIN}"),
    (
        forget_time_zone,
        f"The column created_at of the file {{file}} is timestamp[us]. It must be a timestamp with a time zone, in "
        f"microseconds. {AGAIN}",
    ),
    (
        row_of_the_next_hour,
        f"The file {{file}} holds rows of other hours (1 of 5). Its folder's hour is 2026-02-01-00:00, and the "
        f"first of them has the created_at 2026-02-01 01:00:00+00:00. {STRAYS}",
    ),
    (
        row_of_the_hour_before,
        f"The file {{file}} holds rows of other hours (2 of 6). Its folder's hour is 2026-02-01-00:00, and the "
        f"first of them has the created_at 2026-01-31 23:59:00+00:00. {STRAYS}",
    ),
    (
        row_without_time,
        f"The file {{file}} holds rows of other hours (1 of 5). Its folder's hour is 2026-02-01-00:00, and the "
        f"first of them has the created_at null. {STRAYS}",
    ),
    (
        break_json,
        f"The file {{file}} holds text that is no JSON in the column lib_values of row 4 (Expecting property name "
        f"enclosed in double quotes: line 1 column 2 (char 1)). Rows are counted from 0. {AGAIN}",
    ),
    (
        cut_off_the_footer,
        f"The file {{file}} cannot be read as Parquet (Parquet magic bytes not found in footer). {AGAIN}",
    ),
    (empty, f"The file {{file}} is empty (0 bytes). {AGAIN}"),
    (damage_the_middle, f"The file {{file}} cannot be read as Parquet (Corrupt snappy compressed data). {AGAIN}"),
]


@pytest.mark.parametrize(("damage", "message"), BAD_FILES, ids=[damage.__name__ for damage, _ in BAD_FILES])
def test_a_bad_file_is_named_and_the_old_rows_stay(site: Site, damage: Callable[[Path], None], message: str) -> None:
    site.write(table({"event_id": "good", "created_at": FIRST}))
    file = site.write(table(*ROWS), name="part-1.parquet")
    site.load()
    before = site.rows("backfill_tracks")
    damage(file)

    with pytest.raises(ExportError) as caught:
        site.load()

    assert str(caught.value) == message.format(file=file)
    assert site.rows("backfill_tracks") == before


HIDDEN = ("._part-0.parquet", ".part-0.parquet.crc", "_SUCCESS", "_temporary/0/part-0.parquet")


def put(site: Site, *names: str) -> None:
    """Puts files into the hour's folder, below folders that are missing."""
    for name in names:
        site.file(name=name).parent.mkdir(parents=True, exist_ok=True)
        site.file(name=name).write_text("{}")


AS_PARQUET = "Write the rows of the hour into this folder as Parquet."
BAD_FOLDERS: dict[str, tuple[str, bool, str]] = {
    "JSON Lines only": ("rows.jsonl", False, f"holds 'rows.jsonl', but no Parquet file. {AS_PARQUET}"),
    "CSV only": ("rows.csv.gz", False, f"holds 'rows.csv.gz', but no Parquet file. {AS_PARQUET}"),
    "JSON Lines beside": (
        "rows.jsonl",
        True,
        f"holds 'rows.jsonl' beside its Parquet files. Rows could be missing. {AS_PARQUET} If the Parquet files "
        f"hold all rows of the hour, take 'rows.jsonl' out of the folder instead.",
    ),
    "a deeper folder": (
        "deeper/part-0.parquet",
        True,
        "holds the folder 'deeper/'. The files of an hour lie directly in the hour's folder. Move its files to the "
        "folders of their hours, or take it out of the folder.",
    ),
}


@pytest.mark.parametrize(("name", "is_beside", "message"), BAD_FOLDERS.values(), ids=BAD_FOLDERS)
def test_a_bad_folder_is_named_and_the_old_rows_stay(site: Site, name: str, is_beside: bool, message: str) -> None:
    file = site.write(table(*ROWS))
    site.load()
    before = site.rows("backfill_tracks")
    put(site, name)
    if not is_beside:
        file.unlink()

    with pytest.raises(ExportError) as caught:
        site.load()

    assert str(caught.value) == f"The folder {file.parent} {message}"
    assert site.rows("backfill_tracks") == before


def test_hidden_companions_are_ignored(site: Site) -> None:
    file = site.write(table(*ROWS))
    put(site, *HIDDEN)
    reported = [LegacyHour(FIRST, Treatment.LOADED, 1, 4, 2, FIRST, FIRST + 59 * MINUTE)]
    assert site.load() == reported
    file.unlink()
    assert site.load() == [replace(reported[0], treatment=Treatment.NO_FILES, files=0)]


MOVE = "Move the files to {date}/{hour}/ below TRACKS_LEGACY_URI, such as 2026-03-01/00/, or set it to where they lie."


@pytest.mark.parametrize(
    "file", ["2026/02/01/00/part-0.parquet", "legacy/2026-02-01/00/part-0.parquet", "rows.parquet"]
)
def test_another_layout_is_shown(site: Site, file: str) -> None:
    site.freeze(*ROWS)
    (site.root / file).parent.mkdir(parents=True, exist_ok=True)
    (site.root / file).touch()

    with pytest.raises(ExportError) as caught:
        site.load(SECOND)

    assert str(caught.value) == f"The legacy root {site.root} has no folder {{date}}/{{hour}}, but '{file}'. {MOVE}"


def test_a_day_with_something_else_than_hours_is_no_hour_without_files(site: Site) -> None:
    site.write(table({"event_id": "c", "created_at": SECOND}), SECOND)
    stray = site.root / "2026-02-01" / "0" / "part-0.parquet"
    stray.parent.mkdir()
    stray.touch()

    with pytest.raises(ExportError) as caught:
        site.load(FIRST)

    assert str(caught.value) == (
        f"The folder 2026-02-01 holds '0/part-0.parquet', which is in no folder of an hour. An hour could look "
        f"empty. {MOVE}"
    )


def test_without_a_root_no_hour_is_emptied(site: Site) -> None:
    site.freeze(*ROWS)
    before = site.rows("backfill_tracks")

    (hour,) = site.load(allow_emptying=True)

    assert hour.treatment is Treatment.FROZEN
    assert site.rows("backfill_tracks") == before


def test_a_root_that_is_a_file_is_no_root_without_files(site: Site) -> None:
    site.freeze(*ROWS)
    site.root.write_text("rows")

    with pytest.raises(ExportError) as caught:
        site.load()

    assert str(caught.value) == (
        f"The folder {site.root}/2026-02-01/00 cannot be read (Not a directory). Make it a folder that this user may "
        f"list, then run the hour again."
    )


def test_the_root_may_lie_in_a_bucket() -> None:
    """The same listing serves gs://; here another remote filesystem of fsspec's represents it."""
    bucket = fsspec.filesystem("memory")
    assert not Legacy("memory://bucket/legacy", {}).exists()
    with bucket.open("/bucket/legacy/2026-02-01/00/part-0.parquet", "wb") as stream:
        pq.write_table(table(*ROWS), stream)
    legacy = Legacy("memory://bucket/legacy", {"event_id": "text", "created_at": "time"})

    assert legacy.exists()
    assert [file.rows for file in legacy.inventory(FIRST).files] == [4]
    assert legacy.inventory(FIRST + DAY).files == ()
    with bucket.open("/bucket/legacy/2026-02-01/01/part-0.parquet", "wb") as stream:
        pq.write_table(table(*ROWS), stream)
    with pytest.raises(ExportError, match="2026-02-01-01:00"):
        legacy.inventory(SECOND)


@pytest.mark.parametrize("folder", ["event_id=x", "created_at=2020-01-01", "event_name=y", "filename=z"])
def test_a_path_changes_no_value(folder: str, tmp_path: Path) -> None:
    site = Site(tmp_path / folder)
    site.write(table(*ROWS))

    site.load()

    assert site.query("select event_id, event_name from posthog.backfill_tracks order by all") == [
        ("a", "open"),
        ("b", None),
        ("b", None),
        (None, None),
    ]
