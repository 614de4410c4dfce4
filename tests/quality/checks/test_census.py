"""The census counts what tracks holds, whatever it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.quality.checks.counted_rows import DAY, MINTED, NOW, fill, row
from tests.repairs.restore_times.moved_rows import uuid7
from tracks_assets.quality import census


def test_an_empty_table(tmp_path: Path) -> None:
    with fill(tmp_path, []).opened() as warehouse:
        counted = census.count(warehouse, NOW)
        assert census.duplicates_by_month(warehouse) == []
        assert census.migrated_by_day(warehouse) == []
    assert counted == census.Census(NOW, 0, 0, 0, 0, 0, 0, 0, None, None)


def test_everything_is_counted(tmp_path: Path) -> None:
    moved, early, late = uuid7(MINTED, 1), uuid7(MINTED, 2), uuid7(MINTED, 3)
    rows = [
        row("once"),
        row("thrice"),
        row("thrice"),
        row("thrice", created_at=MINTED + DAY),
        row(None),
        row(None, bq_ingested_timestamp=None),
        row("collides", user_id="u"),
        row("collides", user_id=None),
        row(moved, created_at=MINTED + DAY + timedelta(milliseconds=1)),
        row(early, created_at=MINTED - DAY - timedelta(milliseconds=1), bq_ingested_timestamp=NOW - 9 * DAY),
        row(late, created_at=MINTED + DAY),
        row(moved.replace("-7000-", "-4000-"), created_at=MINTED + 9 * DAY),
    ]
    with fill(tmp_path, rows).opened() as warehouse:
        counted = census.count(warehouse, NOW)
        assert census.duplicate_examples(warehouse) == ["collides", "thrice"]
        assert census.colliding_examples(warehouse) == ["collides"]
        assert sorted(census.moved_row_examples(warehouse)) == [moved, early]
    assert counted == census.Census(
        measured_at=NOW,
        rows=12,
        distinct_event_ids=7,
        duplicate_event_ids=2,
        excess_rows=3,
        null_event_ids=2,
        colliding_event_ids=1,
        moved_rows=2,
        oldest_ingested_timestamp=NOW - 9 * DAY,
        newest_ingested_timestamp=NOW,
    )


def test_where_duplicates_come_from_and_where_they_went(tmp_path: Path) -> None:
    pair = uuid7(MINTED, 1)
    rows = [
        row(pair, bq_ingested_timestamp=MINTED),
        row(pair, created_at=MINTED + 40 * DAY, bq_ingested_timestamp=MINTED + 40 * DAY),
        row("other"),
        row("other", bq_ingested_timestamp=MINTED),
        row("once", created_at=MINTED + 41 * DAY + timedelta(hours=13)),
        row("other", created_at=MINTED + 11 * DAY),
        row("other", created_at=MINTED + 11 * DAY - timedelta(microseconds=1)),
    ]
    with fill(tmp_path, rows).opened() as warehouse:
        census.count(warehouse, NOW)
        assert [tuple(month.values()) for month in census.duplicates_by_month(warehouse)] == [
            (datetime(2026, 3, 1, tzinfo=UTC), 2, 2),
            (datetime(2026, 4, 1, tzinfo=UTC), 1, 0),
            (datetime(2026, 6, 1, tzinfo=UTC), 3, 2),
        ]
        assert [tuple(day.values()) for day in census.migrated_by_day(warehouse)] == [
            (MINTED + 11 * DAY, 1, 0),
            (MINTED + 40 * DAY, 1, 1),
        ], "the newest day and 30 whole days before it"


def test_the_record_is_read_back_by_age(tmp_path: Path) -> None:
    with fill(tmp_path, [row("a"), row("a")]).opened() as warehouse:
        assert census.newest(warehouse) is None
        for age in (9, 7, 6, 0):
            census.append(warehouse, census.count(warehouse, NOW - age * DAY))
        newest, baseline = census.newest(warehouse), census.baseline(warehouse, NOW)
    assert newest is not None
    assert newest == census.Census(NOW, 2, 1, 1, 1, 0, 0, 0, NOW, NOW)
    assert baseline is not None
    assert baseline.measured_at == NOW - 7 * DAY
