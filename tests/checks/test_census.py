"""The census counts what stands in tracks, whatever stands there."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tracks_assets.defs.checks import CheckError, check_computed, counted_verdicts
from tracks_assets.integrity import census
from tracks_assets.warehouse.duckdb import DuckDbWarehouse

NOW = datetime(2026, 6, 12, 6, tzinfo=UTC)
DAY = timedelta(days=1)
MINTED = datetime(2026, 3, 1, tzinfo=UTC)


def uuid7(moment: datetime, number: int) -> str:
    """An id that carries ``moment``."""
    ms = f"{int(moment.timestamp() * 1000):012x}"
    return f"{ms[:8]}-{ms[8:]}-7000-8000-{number:012x}"


def fill(path: Path, rows: list[dict[str, Any]]) -> DuckDbWarehouse:
    """A warehouse whose tracks holds ``rows``; what they do not say is null."""
    warehouse = DuckDbWarehouse(path / "warehouse.duckdb")
    with warehouse.opened():
        if rows:
            times = ("created_at", "bq_ingested_timestamp")
            named = {name: [row.get(name) for row in rows] for name in ("event_id", "event_name", "user_id", *times)}
            types = {name: pa.timestamp("us", "UTC") if name in times else pa.string() for name in named}
            warehouse.connection.register(
                "given_rows", pa.table({name: pa.array(values, types[name]) for name, values in named.items()})
            )
            warehouse.connection.execute("insert into posthog.tracks by name select * from given_rows")
    return warehouse


def row(event_id: str | None, **values: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "created_at": MINTED,
        "event_name": "open",
        "user_id": "u",
        "bq_ingested_timestamp": NOW,
    } | values


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
        assert sorted(census.redated_examples(warehouse)) == [moved, early]
    assert counted == census.Census(
        measured_at=NOW,
        rows=12,
        distinct_event_ids=7,
        duplicate_event_ids=2,
        excess_rows=3,
        null_event_ids=2,
        colliding_event_ids=1,
        redated_rows=2,
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
        row("once", created_at=MINTED + 41 * DAY),
    ]
    with fill(tmp_path, rows).opened() as warehouse:
        census.count(warehouse, NOW)
        assert [tuple(month.values()) for month in census.duplicates_by_month(warehouse)] == [
            (datetime(2026, 3, 1, tzinfo=UTC), 2, 2),
            (datetime(2026, 4, 1, tzinfo=UTC), 1, 0),
            (datetime(2026, 6, 1, tzinfo=UTC), 1, 0),
        ]
        assert [tuple(day.values()) for day in census.migrated_by_day(warehouse)] == [(MINTED + 40 * DAY, 1, 1)]


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


def test_growth_since_the_census_is_red_and_what_stays_is_green(tmp_path: Path) -> None:
    moved = uuid7(MINTED, 1)
    with fill(tmp_path, [row("a"), row("a"), row("c", user_id="1"), row("c", user_id="2")]).opened() as warehouse:
        before = counted_verdicts(warehouse, NOW)
        assert before["flat_duplicate_count"].sentence.startswith("No baseline yet")
        assert not before["no_collisions"].passed
        census.append(warehouse, census.count(warehouse, NOW - 8 * DAY))
        same = counted_verdicts(warehouse, NOW)
        assert (same["flat_duplicate_count"].passed, same["created_at_kept"].passed) == (True, True)
        warehouse.connection.execute("insert into posthog.tracks from posthog.tracks where event_id = 'a'")
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at) values ($1, $2)", [moved, MINTED + 30 * DAY]
        )
        after = counted_verdicts(warehouse, NOW)
    assert not after["flat_duplicate_count"].passed
    assert "4 excess rows now, 2 at the census of" in after["flat_duplicate_count"].sentence
    assert after["flat_duplicate_count"].examples == ("a", "c")
    assert not after["created_at_kept"].passed
    assert after["created_at_kept"].examples == (moved,)


@pytest.mark.parametrize(
    "results",
    [{}, {"unique_event_id": {"status": "error", "message": "no such table", "failures": None}}],
    ids=["dbt did not run it", "dbt failed"],
)
def test_a_test_that_dbt_did_not_finish_is_no_verdict(results: dict[str, Any]) -> None:
    with pytest.raises(CheckError, match=r"unique_event_id could not be computed .(it is locked|no such table)"):
        check_computed("unique_event_id", results, "it is locked")
