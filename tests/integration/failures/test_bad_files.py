"""Files, manifests and folders that are not as PostHog writes them: one sentence each, and no row changes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import write_hour
from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import file_name, hour_interval, manifest_name
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

from .sites import FIRST, PLAN, SECOND, STAMP, Site, cut_off_the_footer

FOLDER = "events/2026-03-12/01"
INTERVAL = "2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00"
NEXT_INTERVAL = "2026-03-12T01:00:00+00:00-2026-03-12T02:00:00+00:00"
FILE = f"{FOLDER}/{INTERVAL}.parquet.sz"
MANIFEST = f"{FOLDER}/{INTERVAL}_manifest.json"
AGAIN = "Let PostHog export the hour again."
DEFAULT_FIELDS = "Export PostHog's 'events' model with all its default fields."


def unreadable(cause: str) -> str:
    return f"The file {FILE} cannot be read as Parquet ({cause}). {AGAIN}"


def wrong_type(field: str, is_type: str, expected: str) -> str:
    advice = "Export PostHog's 'events' model with its own types."
    return f"The field {field} of the file {FILE} is {is_type}. PostHog exports {expected}. {advice}"


def column(site: Site, name: str) -> "pa.ChunkedArray[Any]":
    return pq.ParquetFile(site.file).read()[name]


def damage_the_middle(site: Site) -> None:
    content = bytearray(site.file.read_bytes())
    start = len(content) // 4
    content[start : start + 4_000] = bytes(byte ^ 0xFF for byte in content[start : start + 4_000])
    site.file.write_bytes(content)


def write_text(site: Site) -> None:
    site.file.write_text("uuid,event,distinct_id\n" * 50)


def empty(site: Site) -> None:
    site.file.write_bytes(b"")


def drop_column(site: Site) -> None:
    pq.write_table(pq.ParquetFile(site.file).read().drop_columns(["distinct_id"]), site.file)


def rename(site: Site, old: str, new: str) -> None:
    content = pq.ParquetFile(site.file).read()
    pq.write_table(content.rename_columns([new if name == old else name for name in content.column_names]), site.file)


def spell_id_in_capitals(site: Site) -> None:
    rename(site, "uuid", "UUID")


def spell_insert_time_in_capitals(site: Site) -> None:
    rename(site, "_inserted_at", "_Inserted_At")


def add(site: Site, *names: str) -> None:
    content = pq.ParquetFile(site.file).read()
    for name in names:
        content = content.append_column(name, content["event"])
    pq.write_table(content, site.file)


def add_event_in_capitals(site: Site) -> None:
    add(site, "Event")


def add_event_twice(site: Site) -> None:
    add(site, "event")


def add_unknown_fields_that_differ_in_case(site: Site) -> None:
    add(site, "team", "TEAM")


def make_time_text(site: Site) -> None:
    site.rewrite("timestamp", column(site, "timestamp").cast(pa.string()).combine_chunks())


def make_time_nanoseconds(site: Site) -> None:
    site.rewrite("timestamp", pa.array([0] * rows_in_file(site), pa.timestamp("ns", "UTC")))


def make_id_a_number(site: Site) -> None:
    site.rewrite("uuid", pa.array(range(rows_in_file(site)), pa.int64()))


def rows_in_file(site: Site) -> int:
    return int(pq.ParquetFile(site.file).metadata.num_rows)


def break_utf8(site: Site) -> None:
    texts = pa.array([b"\xff\xfe", *column(site, "event").cast(pa.binary()).to_pylist()[1:]], pa.binary())
    site.rewrite("event", pa.Array.from_buffers(pa.string(), len(texts), texts.buffers()))


def link_to_nothing(site: Site) -> None:
    site.file.unlink()
    site.file.symlink_to("nowhere")


BAD_FILES: list[tuple[Callable[[Site], None], str]] = [
    (cut_off_the_footer, unreadable("Parquet magic bytes not found in footer")),
    (damage_the_middle, unreadable("Corrupt snappy compressed data")),
    (write_text, unreadable("Parquet magic bytes not found in footer")),
    (empty, f"The file {FILE} is empty (0 bytes). {AGAIN}"),
    (
        drop_column,
        f"The file {FILE} has no field distinct_id. {DEFAULT_FIELDS}",
    ),
    (
        spell_id_in_capitals,
        f"The file {FILE} has the field 'UUID'. PostHog's name is 'uuid'. {DEFAULT_FIELDS}",
    ),
    (
        spell_insert_time_in_capitals,
        f"The file {FILE} has the field '_Inserted_At'. PostHog's name is '_inserted_at'. {DEFAULT_FIELDS}",
    ),
    (
        add_event_in_capitals,
        f"The fields 'event' and 'Event' of the file {FILE} differ only in case. {AGAIN}",
    ),
    (
        add_unknown_fields_that_differ_in_case,
        f"The fields 'team' and 'TEAM' of the file {FILE} differ only in case. {AGAIN}",
    ),
    (add_event_twice, f"The file {FILE} has the field 'event' twice. {AGAIN}"),
    (make_time_text, wrong_type("timestamp", "string", "a UTC timestamp in microseconds")),
    (
        make_time_nanoseconds,
        wrong_type("timestamp", "timestamp[ns, tz=UTC]", "a UTC timestamp in microseconds"),
    ),
    (make_id_a_number, wrong_type("uuid", "int64", "text")),
    (break_utf8, unreadable("In column 1: Invalid: Invalid UTF8 sequence at string index 0")),
    (link_to_nothing, unreadable("No such file or directory")),
]


@pytest.mark.parametrize(("damage", "message"), BAD_FILES, ids=[damage.__name__ for damage, _ in BAD_FILES])
def test_a_bad_file_is_named_and_nothing_changes(site: Site, damage: Callable[[Site], None], message: str) -> None:
    before = site.contents()
    damage(site)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == message
    assert site.contents() == before


def test_a_file_without_an_insert_time_is_loaded(site: Site) -> None:
    pq.write_table(pq.ParquetFile(site.file).read().drop_columns(["_inserted_at"]), site.file)
    assert site.load().accepted == len([row for row in site.contents()["posthog.raw_tracks"] if FIRST in row]) > 0
    with duckdb.connect(str(site.warehouse)) as connection:
        times = connection.sql("select window_start, count(event_inserted_at) > 0 from posthog.raw_tracks group by all")
        assert dict(times.fetchall()) == {FIRST: False, SECOND: True}


def test_the_middle_of_a_file_breaks_after_its_footer_was_fine(site: Site) -> None:
    damage_the_middle(site)
    assert Export(str(site.export)).inventory(FIRST).rows == rows_in_file(site)


def test_a_file_of_another_hour_stops_the_load_and_both_hours_are_named(site: Site) -> None:
    before = site.contents()
    shutil.copy(site.file, site.hour_folder / file_name(hour_interval(SECOND)))
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == other_hour()
    assert site.contents() == before


def other_hour() -> str:
    return (
        f"The file {FOLDER}/{NEXT_INTERVAL}.parquet.sz carries the interval {NEXT_INTERVAL}. The hour being loaded "
        f"is {INTERVAL}. Move the file to its own folder, or set TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour "
        f"names (the interval's end or its start)."
    )


def test_a_manifest_of_another_hour_stops_the_load(site: Site) -> None:
    before = site.contents()
    (site.hour_folder / manifest_name(hour_interval(SECOND))).write_text('{"files": []}')
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The manifest {FOLDER}/{NEXT_INTERVAL}_manifest.json is of another hour. This folder belongs to {INTERVAL}. "
        f"Move the manifest away, or set TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour names."
    )
    assert site.contents() == before


def test_a_manifest_that_names_a_file_of_another_hour_does_not_bring_it_in(site: Site) -> None:
    before = site.contents()
    stray = site.hour_folder / file_name(hour_interval(SECOND))
    shutil.copy(site.file, stray)
    site.manifest.write_text(json.dumps({"files": [stray.name]}))
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == other_hour()
    assert site.contents() == before


SHAPE = 'it is not {"files": [names]}'


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (b'{"files": [', "cannot be read (Expecting value: line 1 column 12 (char 11))"),
        (b"", "cannot be read (Expecting value: line 1 column 1 (char 0))"),
        (b"\xff", "cannot be read ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)"),
        (b"[]", f"cannot be read ({SHAPE})"),
        (b"{}", f"cannot be read ({SHAPE})"),
        (b'{"files": "abc"}', f"cannot be read ({SHAPE})"),
        (b'{"files": [3]}', f"cannot be read ({SHAPE})"),
        (b'{"files": ["gone.parquet"]}', "names 'gone.parquet', which is not there"),
        (b'{"files": []}', f"names no file, but '{INTERVAL}.parquet.sz' is there"),
    ],
)
def test_a_bad_manifest_is_named_and_nothing_changes(site: Site, text: bytes, reported: str) -> None:
    before = site.contents()
    site.manifest.write_bytes(text)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == f"The manifest {MANIFEST} {reported}. {AGAIN}"
    assert site.contents() == before


def test_parts_beside_a_manifest_are_not_read_and_one_named_twice_is_read_once(site: Site) -> None:
    before = site.contents()
    shutil.copy(site.file, site.hour_folder / file_name(hour_interval(FIRST), 1))
    (site.hour_folder / "events.jsonl").write_text("{}")
    (site.hour_folder / "deeper").mkdir()
    site.manifest.write_text(json.dumps({"files": [site.file.name, site.file.name]}))
    site.load()
    assert site.contents() == before


def test_an_export_root_that_is_missing_is_an_error_not_an_empty_hour(site: Site) -> None:
    before = site.contents()
    site.export.rename(site.folder / "elsewhere")
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The export root {site.export} does not exist. Set TRACKS_EXPORT_URI to the folder or bucket prefix that "
        f"holds the export's 'events' folder."
    )
    assert site.contents() == before


def put_a_file(folder: Path) -> None:
    folder.write_text("not a folder")


def put_a_loop(folder: Path) -> None:
    folder.symlink_to(folder.name)


@pytest.mark.parametrize(
    ("put", "cause"),
    [(put_a_file, "Not a directory"), (put_a_loop, "Too many levels of symbolic links")],
)
@pytest.mark.parametrize("day", [False, True], ids=["hour", "day"])
def test_a_folder_that_cannot_be_listed_is_no_empty_hour(
    site: Site, put: Callable[[Path], None], cause: str, day: bool
) -> None:
    before = site.contents()
    folder = site.hour_folder.parent if day else site.hour_folder
    shutil.rmtree(folder)
    put(folder)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == cannot_list(site, cause)
    assert site.contents() == before


def cannot_list(site: Site, cause: str) -> str:
    return (
        f"The folder {site.hour_folder} cannot be read ({cause}). Make it a folder that this user may list, then run "
        f"the hour again."
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_without_permission_is_no_empty_hour(site: Site) -> None:
    before = site.contents()
    site.hour_folder.chmod(0)
    try:
        with pytest.raises(ExportError) as caught:
            site.load()
    finally:
        site.hour_folder.chmod(0o755)
    assert str(caught.value) == cannot_list(site, "Permission denied")
    assert site.contents() == before


@pytest.mark.parametrize("name", ["a[b]c", "a*c", "a?c", "[!x]", "it's"])
def test_a_path_with_wildcards_is_a_path(site: Site, name: str) -> None:
    before = site.contents()
    odd, lookalike = site.folder / name, site.folder / "abc"
    shutil.copytree(site.export, odd)
    shutil.copytree(site.export, lookalike)
    write_hour(lookalike, FIRST, PLAN.model_copy(update={"seed": 9}))
    with DuckDbWarehouse(site.warehouse).opened() as opened:
        opened.load_slice(EVENTS, Export(str(odd)).inventory(FIRST), STAMP)
    assert site.contents() == before


def test_a_linked_file_is_a_file(site: Site) -> None:
    before = site.contents()
    site.file.rename(site.folder / "kept.parquet")
    site.file.symlink_to(site.folder / "kept.parquet")
    site.load()
    assert site.contents() == before
