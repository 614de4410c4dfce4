"""The page on an event says the same on every engine; one that travels in time also shows how tracks held it before."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.engines.engine import BigQueryEngine, Engine
from tests.trace.life import EVENT, LOADED, NEVER_SEEN, TIME, WHOLE_LIFE, delivered, row, whole_life
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.trace.facts import EventTrace, Sighting, fetch_trace
from tracks_assets.trace.page import page
from tracks_assets.trace.result import result
from tracks_assets.warehouse.tables import TRACKS, UNCHANGED_REDELIVERIES

ODD_IDS = ["' or true --", '"; drop table posthog.tracks; --', "ffffffff-ffff-7fff-bfff-ffffffffffff", "01\\'", "🙂"]


def traced(engine: Engine, event_id: str = EVENT) -> EventTrace:
    """What the engine knows of an event."""
    with engine.opened() as warehouse:
        return fetch_trace(warehouse, event_id, engine.settings.takes_from)


def test_a_whole_life_is_on_the_page(engine: Engine) -> None:
    for table, rows in whole_life().items():
        engine.put(table, *rows)
    assert page(traced(engine)) == WHOLE_LIFE
    assert page(traced(engine, "nobody")) == NEVER_SEEN
    with engine.opened() as warehouse:
        for event_id in ODD_IDS:
            trace = fetch_trace(warehouse, event_id, engine.settings.takes_from)
            assert (trace.is_known, trace.minted_at) == (False, None), "an id is a value and nothing else"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({}, "twice (exact copies); its time agrees with its id."),
        ({"locale": "de"}, "twice (at one time, with different contents); its time agrees with its id."),
        ({"lib_values": "null"}, "twice (at one time, with different contents); its time agrees with its id."),
        ({"created_at": TIME + timedelta(days=30)}, "twice (30 days apart); 1 of its 2 copies has its own time."),
    ],
)
def test_duplicate_rows_are_distinguished(engine: Engine, values: dict[str, Any], text: str) -> None:
    engine.put(TRACKS, row(), row(**values))
    assert result(traced(engine)).partition("is stored ")[2] == text


def test_a_delivery_that_changed_nothing_is_merged(engine: Engine) -> None:
    """The row keeps its own stamps; the delivery's are shown beside it."""
    engine.put(TRACKS, row())
    engine.put(RAW_TRACKS, delivered(), delivered(1), delivered(2))
    assert len(traced(engine).waiting) == 2

    of = {"stored_inserted_at": row()["event_inserted_at"], "stored_ingested_timestamp": LOADED}
    repeats = [
        {name: each[name] for name in ("event_id", "event_inserted_at", "bq_ingested_timestamp", "window_start")} | of
        for each in (delivered(1), delivered(9, event_id="another"))
    ]
    engine.put(UNCHANGED_REDELIVERIES, *repeats)
    (waiting,) = traced(engine).waiting
    assert waiting.window_start == delivered(2)["window_start"]


def test_an_event_is_shown_as_it_was_before(on_bigquery: BigQueryEngine) -> None:
    """DuckDB keeps nothing of how a table was."""
    before = row()
    on_bigquery.put(TRACKS, before)
    time.sleep(0.1)
    stamp = datetime.now(UTC) + timedelta(seconds=1)
    on_bigquery.query(
        f"update posthog.tracks set user_id = 'another', bq_ingested_timestamp = timestamp '{stamp.isoformat()}' "
        f"where event_id = '{EVENT}'"
    )
    trace = traced(on_bigquery)

    assert trace.before is not None
    assert trace.before.moment == stamp - timedelta(seconds=1)
    (copy,) = trace.before.stored
    assert copy == Sighting(
        **{name: before[name] for name in ("created_at", "event_name", "user_id")},
        **{name: before[name] for name in ("bq_ingested_timestamp", "event_inserted_at")},
    )
    assert trace.stored[0].user_id == "another"
