"""Growth that no census saw: on an engine that travels in time, the table is compared with itself."""

import time
from datetime import UTC, datetime, timedelta
from unittest.mock import create_autospec

import pytest

from tests.integration.engines.engine import BigQueryEngine, DuckDbEngine
from tracks_assets.quality import census, checks
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import TRACKS

LOADED = datetime(2026, 3, 12, 1, tzinfo=UTC)
EVENT = {
    "event_id": "one",
    "created_at": LOADED,
    "event_name": "opened",
    "user_id": "u",
    "bq_ingested_timestamp": LOADED,
}


def test_duplicates_since_a_while_ago_are_growth(on_bigquery: BigQueryEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The while is seconds here, and a week elsewhere."""
    on_bigquery.put(TRACKS, EVENT)
    time.sleep(1)
    whole = datetime.now(UTC)
    time.sleep(1)
    on_bigquery.put(TRACKS, EVENT | {"bq_ingested_timestamp": LOADED + timedelta(hours=1)})

    now = datetime.now(UTC)
    monkeypatch.setattr(census, "BASELINE_AGE", now - whole)
    monkeypatch.setattr(census, "_TRAVEL_MARGIN", timedelta(0))
    with on_bigquery.opened() as warehouse:
        counted, earlier = census.count(warehouse, now), census.earlier(warehouse, now)
        assert warehouse.tracks_as_of(now - timedelta(days=400)) is None

    assert earlier is not None
    assert (counted.excess_rows, earlier.excess_rows) == (1, 0)
    assert not checks.flat_duplicate_count(counted, None, earlier).passed


def test_a_week_ago_is_asked_for_while_it_is_still_in_reach() -> None:
    """Time travel ends after seven days to the second, and the question takes a while to arrive."""
    now, warehouse = datetime.now(UTC), create_autospec(Warehouse, instance=True)
    warehouse.tracks_as_of.return_value = None
    assert census.earlier(warehouse, now) is None
    (moment,) = warehouse.tracks_as_of.call_args.args
    assert timedelta(days=6, hours=12) < now - moment <= timedelta(days=7) - timedelta(minutes=10)


def test_duckdb_does_not_travel(on_duckdb: DuckDbEngine) -> None:
    with on_duckdb.opened() as warehouse:
        assert census.earlier(warehouse, datetime.now(UTC)) is None
