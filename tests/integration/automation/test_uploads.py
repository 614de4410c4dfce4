"""What a listing shows of an upload, on local folders: only what the load would read, and every change of it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.automation.conftest import write
from tracks_assets.quality.uploads.look import Look
from tracks_assets.quality.uploads.state import Progress
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval, manifest_name
from tracks_assets.sources.posthog.upload import Upload

FIRST = datetime(2026, 3, 12, 22, tzinfo=UTC)
THEN = datetime(2026, 3, 13, 1, tzinfo=UTC)


def uploads(root: Path, day: str = "2026-03-12") -> dict[datetime, Upload]:
    return Export(str(root)).uploads(day)


def test_hidden_files_and_folders_are_not_there(tmp_path: Path) -> None:
    folder = tmp_path / hour_folder(FIRST)
    write(folder / "a.parquet", THEN)
    for name in ("_SUCCESS", ".a.crc"):
        write(folder / name, THEN)
    write(tmp_path / "events" / "2026-03-12" / "notes" / "a", THEN)
    write(tmp_path / "events" / "notes" / "a", THEN)
    (tmp_path / "events" / "2026-03-12" / "05").mkdir()
    (upload,) = uploads(tmp_path).values()
    assert [file.name for file in upload.files] == ["a.parquet"]
    assert upload.newest == THEN
    assert Export(str(tmp_path)).upload_days() == ["2026-03-12"]
    assert uploads(tmp_path, "2026-03-14") == {}


def test_an_hour_lies_in_the_folder_of_its_end_or_start(tmp_path: Path) -> None:
    write(tmp_path / "events" / "2026-03-13" / "00" / "a", THEN)
    export = Export(str(tmp_path))
    assert list(export.uploads("2026-03-13")) == [FIRST + HOUR]
    assert export.upload_day(FIRST + HOUR) == "2026-03-13"
    export = Export(str(tmp_path), "start")
    assert list(export.uploads("2026-03-13")) == [FIRST + 2 * HOUR]
    assert export.upload_day(FIRST + HOUR) == "2026-03-12"


def test_links_are_followed(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "a", THEN)
    folder = tmp_path / hour_folder(FIRST)
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tmp_path / "elsewhere")
    assert [file.name for file in uploads(tmp_path)[FIRST].files] == ["a"]


def test_the_digest_knows_names_sizes_and_times(tmp_path: Path) -> None:
    path = tmp_path / hour_folder(FIRST) / "a"
    digests = set()
    for text, moment in (("x", THEN), ("xy", THEN), ("xy", THEN + HOUR)):
        write(path, moment, text)
        digests.add(uploads(tmp_path)[FIRST].digest)
    path.rename(path.with_name("b"))
    digests.add(uploads(tmp_path)[FIRST].digest)
    os.utime(path.with_name("b"), ((THEN + HOUR).timestamp(), (THEN + HOUR).timestamp()))
    digests.add(uploads(tmp_path)[FIRST].digest)
    assert len(digests) == 4


def progress(root: Path, hour: datetime = FIRST) -> Progress:
    return Look(Export(str(root))).listings([hour], {})[hour].progress


def test_progress(tmp_path: Path) -> None:
    folder, interval = tmp_path / hour_folder(FIRST), hour_interval(FIRST)
    write(folder / file_name(interval), THEN)
    assert progress(tmp_path) is Progress.UNKNOWN
    write(folder / file_name(interval, 0), THEN)
    assert progress(tmp_path) is Progress.UNFINISHED
    manifest = folder / manifest_name(interval)
    write(manifest, THEN, json.dumps({"files": [f"x/{file_name(interval, number)}" for number in range(2)]}))
    assert progress(tmp_path) is Progress.UNFINISHED
    # A name may have lost its ":" and "+" on the way.
    write(folder / file_name(interval, 1).replace(":", "_").replace("+", " "), THEN)
    assert progress(tmp_path) is Progress.FINISHED
    for text in ("{", "[]", '{"files": 3}'):
        write(manifest, THEN, text)
        assert progress(tmp_path) is Progress.UNKNOWN, "the load says what is wrong with it"
    manifest.rename(folder / manifest_name(hour_interval(FIRST + HOUR)))
    assert progress(tmp_path) is Progress.UNKNOWN
