"""The example generator's persons: those of its events, with merges, deletions and distinct_ids that are used again."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from examples.export_generator.generate import ExportPlan, main, write_hour, write_persons
from tests import ROOT
from tests.examples.test_generate import contents, read
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.persons import PERSON_FIELDS

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 12, tzinfo=UTC)
PLAN = ExportPlan(seed=7, events_per_hour=2_000, files_per_hour=1, people=1_000, export_start=START)
HOURS = 14

Row = dict[str, Any]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of persons."""
    folder = tmp_path_factory.mktemp("export")
    for number in range(HOURS):
        write_persons(folder, START + number * HOUR, PLAN)
    return folder


@pytest.fixture(scope="module")
def hours(root: Path) -> list[list[Row]]:
    """The rows of each hour."""
    written = [write_persons(root, START + number * HOUR, PLAN) for number in range(HOURS)]
    return [read((hour.file,)) if hour.file else [] for hour in written]


def version(row: Row) -> tuple[int, int]:
    """What says which of two mappings is newer."""
    return row["person_distinct_id_version"], row["person_version"]


def test_files_are_named_and_filled_as_posthog_does(hours: list[list[Row]], root: Path) -> None:
    files = sorted(contents(root))
    assert files[0] == "persons/2026-03-12/01/2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00.parquet.sz"
    assert len(files) == sum(map(bool, hours)) < HOURS, "an hour without changes has no file"
    for number, rows in enumerate(hours):
        for row in rows:
            assert set(row) == PERSON_FIELDS.read - {"inserted_at"}
            assert None not in row.values()
            assert START + number * HOUR <= row["_inserted_at"] < START + (number + 1) * HOUR


def test_the_persons_are_those_of_the_events(hours: list[list[Row]], tmp_path: Path) -> None:
    """Everybody with a profile is in the first hour; a person of an event without one is exported nowhere."""
    events = read(write_hour(tmp_path, START, PLAN).files)
    known = {row["distinct_id"]: row for row in hours[0]}
    assert len(known) == len(hours[0])
    of_events = {event["distinct_id"]: event for event in events if event["distinct_id"] and event["uuid"]}
    with_profile = {name for name, event in of_events.items() if event["person_properties"]}
    assert with_profile == of_events.keys() & known.keys() != of_events.keys()
    for name in with_profile:
        assert known[name]["person_id"] == of_events[name]["person_id"]
        assert known[name]["properties"] == of_events[name]["person_properties"]


def test_persons_are_merged_edited_deleted_and_created_again(hours: list[list[Row]]) -> None:
    """Each with a larger version, so that the hours may be loaded in any order."""
    newest = {row["distinct_id"]: row for row in hours[0]}
    persons = {row["person_id"] for row in hours[0]}
    merged = edited = deleted = reused = 0
    for row in (row for rows in hours[1:] for row in rows):
        before = newest[row["distinct_id"]]
        assert version(row) > version(before)
        is_other = row["person_id"] != before["person_id"]
        deleted += row["is_deleted"]
        reused += before["is_deleted"] and row["person_id"] not in persons
        merged += not before["is_deleted"] and is_other and row["person_id"] in persons
        edited += not is_other and row["properties"] != before["properties"]
        newest[row["distinct_id"]] = row
    assert min(merged, edited, deleted, reused) > 3
    assert merged + edited + deleted + reused == sum(map(len, hours[1:]))
    current = [row for row in newest.values() if not row["is_deleted"]]
    assert len({row["person_id"] for row in current}) == len(current) - merged, "merged into persons that remain"


def test_the_command_writes_the_same_bytes_in_another_process(
    root: Path, hours: list[list[Row]], tmp_path: Path
) -> None:
    """Two hours in the middle, alone; without the option no person is written."""
    options = ["--seed=7", "--events-per-hour=10", "--files-per-hour=1", "--people=1000", "--hours=2"]
    options += ["--out", str(tmp_path), "--start=2026-03-12-02:00", "--export-start=2026-03-12-00:00"]
    module = [sys.executable, "-m", "examples.export_generator.generate"]
    subprocess.run([*module, *options, "--persons"], check=True, cwd=ROOT, env=os.environ, capture_output=True)
    alone = {name: data for name, data in contents(tmp_path).items() if name.startswith("persons/")}
    assert len(alone) == len(list(filter(None, hours[2:4]))) == 2
    assert alone.items() <= contents(root).items()
    main(["--out", str(tmp_path / "other"), "--hours=1", "--events-per-hour=10", "--people=10"])
    assert not [name for name in contents(tmp_path / "other") if name.startswith("persons/")]


def test_another_seed_gives_other_persons_and_replaces_the_hour(tmp_path: Path) -> None:
    first = write_persons(tmp_path, START, PLAN)
    before = contents(tmp_path)
    again = write_persons(tmp_path, START, PLAN.model_copy(update={"seed": 8}))
    assert (again.file, list(contents(tmp_path))) == (first.file, list(before))
    assert contents(tmp_path) != before
    assert write_persons(tmp_path, START, PLAN.model_copy(update={"export_start": START + HOUR})).file is None
    assert contents(tmp_path) == {}
