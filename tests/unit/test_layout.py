"""Hours, folders and file names, to the letter, as PostHog writes them."""

from datetime import UTC, datetime

import pytest

from tracks_assets.export.layout import (
    FileName,
    Interval,
    file_name,
    hour_folder,
    hour_interval,
    manifest_name,
    parse_file_name,
)

MIDNIGHT = datetime(2026, 3, 12, tzinfo=UTC)
INTERVAL = hour_interval(MIDNIGHT)


def test_the_folder_names_the_end_of_the_hour() -> None:
    assert hour_folder(MIDNIGHT) == "events/2026-03-12/01"


def test_the_last_hour_lies_under_the_next_day() -> None:
    assert hour_folder(MIDNIGHT.replace(hour=23)) == "events/2026-03-13/00"


def test_the_folder_may_name_the_start() -> None:
    assert hour_folder(MIDNIGHT.replace(hour=23), "start") == "events/2026-03-12/23"


def test_names() -> None:
    assert file_name(INTERVAL) == "2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00.parquet.sz"
    assert file_name(INTERVAL, 3) == "2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00-3.parquet.sz"
    assert manifest_name(INTERVAL) == "2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00_manifest.json"


@pytest.mark.parametrize("ending", [".parquet", ".parquet.sz", "-0.parquet.zst", "-12.parquet.gz", ".parquet.br"])
def test_a_name_gives_its_interval_back(ending: str) -> None:
    name = parse_file_name(f"{INTERVAL}{ending}")
    assert name is not None
    assert name.interval == INTERVAL


def test_an_export_from_the_beginning_has_no_start() -> None:
    assert parse_file_name(f"None-{INTERVAL.end.isoformat()}.parquet") == FileName(Interval(None, INTERVAL.end))


@pytest.mark.parametrize("name", ["part-0.parquet", f"{INTERVAL}_manifest.json", f"{INTERVAL}.unfinished", ""])
def test_other_names_carry_no_interval(name: str) -> None:
    assert parse_file_name(name) is None
