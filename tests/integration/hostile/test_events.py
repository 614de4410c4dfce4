"""Ids, names, users and payloads come out of every table as they were delivered, on every engine."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from examples.export_generator.properties import SCHEMA
from tests.integration.engines.engine import Engine
from tests.integration.hostile.text import TEXTS
from tracks_assets.sources.posthog.feeds import RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval
from tracks_assets.trace.facts import fetch_trace
from tracks_assets.trace.page import page
from tracks_assets.warehouse.tables import TRACKS, TRACKS_COLLISIONS

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)


def event(text: str, at: datetime, **values: Any) -> dict[str, Any]:
    """A delivery that holds a text wherever it can."""
    payload = {text: text, f"$feature/{text}": text, f"$lib{text}": text, "$os": text, "$session_id": text}
    return {
        "uuid": text,
        "event": text,
        "distinct_id": text,
        "person_id": text,
        "properties": json.dumps(payload),
        "timestamp": at,
        "created_at": at,
        "_inserted_at": at,
    } | values


def write(export: Path, hour: datetime, rows: list[dict[str, Any]]) -> None:
    """Writes an export hour; it has a field that PostHog does not know, whose name is hostile too."""
    folder = export / hour_folder(hour)
    folder.mkdir(parents=True)
    schema = SCHEMA.append(pa.field("\"'; drop table posthog.tracks; --", pa.string()))
    pq.write_table(pa.Table.from_pylist(rows, schema), folder / file_name(hour_interval(hour)))


def test_text_of_events_is_data_and_nothing_else(engine: Engine) -> None:
    export = engine.home / "export"
    later = FIRST + HOUR + timedelta(minutes=10)
    write(export, FIRST, [event(text, FIRST + timedelta(minutes=5)) for text in TEXTS])
    again = [event(text, later, timestamp=later, properties=json.dumps({"again": text})) for text in TEXTS]
    others = [event(text, later + timedelta(minutes=1), event=f"{text} another") for text in TEXTS]
    refused = [event(text, later, timestamp=None) for text in TEXTS]
    write(export, FIRST + HOUR, [*again, *others, *refused])

    for number in range(2):
        engine.load(FIRST + number * HOUR, STAMP + number * HOUR)
        engine.merge(FIRST + number * HOUR, FIRST + (number + 1) * HOUR)

    tracks = {row["event_id"]: row for row in engine.rows(TRACKS)}
    assert set(tracks) == set(TEXTS)
    for text, row in tracks.items():
        assert (row["event_name"], row["user_id"], row["person_id"]) == (text, text, text)
        assert row["event_payload"] == {"again": text}
        assert row["created_at"] == FIRST + timedelta(minutes=5)
    first = [row for row in engine.rows(RAW_TRACKS) if row["window_start"] == FIRST]
    assert [(row["device_os"], row["session_id"]) for row in first] == [(row["event_id"],) * 2 for row in first]
    assert [row["feature_flags_values"] for row in first] == [{row["event_id"]: row["event_id"]} for row in first]
    assert sorted(row["event_name"] for row in engine.rows(TRACKS_COLLISIONS)) == sorted(
        f"{text} another" for text in TEXTS
    )
    assert sorted(row["raw"]["uuid"] for row in engine.rows(REJECTED_TRACKS)) == sorted(TEXTS)


def test_an_id_is_looked_for_as_it_is(engine: Engine) -> None:
    write(engine.home / "export", FIRST, [event(text, FIRST + timedelta(minutes=5)) for text in TEXTS])
    engine.load(FIRST, STAMP)
    engine.merge(FIRST, FIRST + HOUR)
    with engine.opened() as warehouse:
        for text in TEXTS:
            trace = fetch_trace(warehouse, text, engine.settings.takes_from)
            assert len(trace.stored) == 1
            assert page(trace)
