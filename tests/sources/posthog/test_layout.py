"""Hours, folders and file names, to the letter, as PostHog writes them."""

from datetime import UTC, datetime

import pytest

from tracks_assets.sources.posthog.layout import (
    HOUR,
    FileName,
    Interval,
    file_name,
    hour_folder,
    hour_interval,
    is_day,
    is_hour,
    is_parquet,
    manifest_name,
    parse_file_name,
    parse_manifest_name,
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


LOST = {
    "spaces": "2026-03-12T00 00 00+00 00-2026-03-12T01 00 00+00 00",
    "percent": "2026-03-12T00%3A00%3A00%2B00%3A00-2026-03-12T01%3A00%3A00%2B00%3A00",
    "percent twice": "2026-03-12T00%253A00%253A00%252B00%253A00-2026-03-12T01%253A00%253A00%252B00%253A00",
    "plus as space": "2026-03-12T00:00:00 00:00-2026-03-12T01:00:00 00:00",
    "underscores": "2026-03-12T00_00_00_00_00-2026-03-12T01_00_00_00_00",
    "underscores only": "2026_03_12T00_00_00_00_00_2026_03_12T01_00_00_00_00",
    "dashes": "2026-03-12T00-00-00-00-00-2026-03-12T01-00-00-00-00",
    "dots": "2026-03-12T00.00.00+00.00-2026-03-12T01.00.00+00.00",
    "wide colons": "2026-03-12T00：00：00+00：00-2026-03-12T01：00：00+00：00",  # noqa: RUF001 (as rclone encodes)
    "nothing": "2026-03-12T000000+0000-2026-03-12T010000+0000",
    "digits only": "2026-03-12T0000000000-2026-03-12T0100000000",
    "Z": "2026-03-12T00:00:00Z-2026-03-12T01:00:00Z",
}


@pytest.mark.parametrize("name", LOST.values(), ids=LOST)
def test_a_name_that_lost_its_colons_has_the_same_meaning(name: str) -> None:
    assert parse_file_name(f"{name}.parquet.sz") == FileName(INTERVAL)
    assert parse_file_name(f"{name}-12.parquet") == FileName(INTERVAL, 12)
    assert parse_manifest_name(f"{name}_manifest.json") == INTERVAL
    assert parse_file_name(f"{name.replace('T01', 'T02')}.parquet") == FileName(Interval(MIDNIGHT, MIDNIGHT + 2 * HOUR))


def test_a_fraction_of_a_second_counts() -> None:
    name = parse_file_name("2026-03-12T00:00:00.5+00:00-2026-03-12T01:00:00+00:00.parquet")
    assert name is not None
    assert name.interval.start == MIDNIGHT.replace(microsecond=500_000)


def test_an_export_from_the_beginning_has_no_start() -> None:
    assert parse_file_name(f"None-{INTERVAL.end.isoformat()}.parquet") == FileName(Interval(None, INTERVAL.end))


@pytest.mark.parametrize(
    "name",
    [
        *("part-0.parquet", f"{INTERVAL}_manifest.json", f"{INTERVAL}.unfinished", ""),
        *(f"{INTERVAL}.parquet.tmp", f"{INTERVAL} (1).parquet", f"copy-{INTERVAL}.parquet", f"{INTERVAL}12.parquet"),
        "2026-13-12T00:00:00+00:00-2026-03-12T01:00:00+00:00.parquet",
        "2026-03-12T00:00:00+02:00-2026-03-12T01:00:00+02:00.parquet",
    ],
)
def test_other_names_carry_no_interval(name: str) -> None:
    assert parse_file_name(name) is None


@pytest.mark.parametrize("suffix", ["", ".sz", ".gz", ".br", ".zst", ".lz4"])
def test_parquet_is_known_by_its_suffix(suffix: str) -> None:
    assert is_parquet(f"any name.parquet{suffix}")
    assert not is_parquet(f"any name.parquet{suffix}.tmp")
    assert not is_parquet(f"any name.jsonl{suffix}")


def test_days_and_hours() -> None:
    assert [
        name for name in ("2026-03-12", "2026-02-30", "2026-13-01", "20260312", "2026-3-1", "2026") if is_day(name)
    ] == ["2026-03-12"]
    assert [name for name in ("00", "23", "24", "1", "1a") if is_hour(name)] == ["00", "23"]
