"""The old pipeline's rows on every engine: loaded hour by hour, and each event inserted into tracks once."""

from datetime import datetime
from typing import Any

import pytest

from examples.incident import plan_incident, write_legacy
from tests.integration.engines.engine import Engine
from tests.integration.legacy.sites import DAY, FIRST, MINUTE, SECOND, Row, Site, table
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.sources.posthog.columns import legacy_fields
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.warehouse.backfill import LegacyHour, Treatment, refresh_hours
from tracks_assets.warehouse.results import LegacyMerge
from tracks_assets.warehouse.tables import TRACKS

STAMP = FIRST + DAY
ROWS: list[Row] = [
    {"event_id": "a", "created_at": FIRST, "event_payload": '{"n": 1}', "event_name": "open"},
    {"event_id": "b", "created_at": FIRST + 59 * MINUTE, "active_feature_flags": '["x"]'},
    {"event_id": "b", "created_at": FIRST + 59 * MINUTE, "active_feature_flags": '["x"]'},
    {"event_id": None, "created_at": FIRST + MINUTE},
]


def load(engine: Engine, *hours: datetime, allow_emptying: bool = False) -> list[LegacyHour]:
    """Loads hours of the old pipeline as the asset backfill_tracks does."""
    legacy = Legacy(str(Site(engine.home).root), legacy_fields())
    with engine.opened() as warehouse:
        return refresh_hours(warehouse, legacy, hours, allow_emptying=allow_emptying)


def insert_missing(engine: Engine, end: datetime = FIRST + 10 * DAY) -> LegacyMerge:
    """Inserts what tracks lacks, as the asset tracks_legacy does."""
    with engine.opened() as warehouse:
        return warehouse.merge_legacy(FIRST, end)


def test_hours_are_loaded_again_the_same_and_replaced_one_by_one(engine: Engine) -> None:
    site = Site(engine.home)
    site.write(table(*ROWS))
    site.write(table({"event_id": "c", "created_at": SECOND}), SECOND)
    reported = [
        LegacyHour(FIRST, Treatment.LOADED, 1, 4, 2, FIRST, FIRST + 59 * MINUTE),
        LegacyHour(SECOND, Treatment.LOADED, 1, 1, 1, SECOND, SECOND),
    ]
    assert load(engine, FIRST, SECOND) == reported
    before = engine.rows(BACKFILL_TRACKS)
    assert len(before) == 5
    assert [row["active_feature_flags"] for row in before if row["event_id"] == "b"] == [["x"], ["x"]]

    assert load(engine, FIRST, SECOND) == reported
    assert engine.rows(BACKFILL_TRACKS) == before

    site.write(table({"event_id": "d", "created_at": FIRST}))
    site.write(table({"event_id": "e", "created_at": FIRST}), name="part-1.parquet")
    assert load(engine, FIRST) == [LegacyHour(FIRST, Treatment.LOADED, 2, 2, 2, FIRST, FIRST)]
    assert [row["event_id"] for row in engine.rows(BACKFILL_TRACKS)] == ["c", "d", "e"]

    file = site.write(table({"event_id": "z", "created_at": FIRST, "lib_values": "{open"}), name="part-1.parquet")
    with pytest.raises(ExportError, match=r"part-1\.parquet holds text that is no JSON"):
        load(engine, FIRST)
    file.unlink()
    assert [row["event_id"] for row in engine.rows(BACKFILL_TRACKS)] == ["c", "d", "e"]


def test_an_hour_with_rows_is_emptied_only_if_the_run_allows_it(engine: Engine) -> None:
    site = Site(engine.home)
    file = site.write(table(*ROWS))
    site.write(table({"event_id": "c", "created_at": SECOND}), SECOND)
    load(engine, FIRST, SECOND)
    before = engine.rows(BACKFILL_TRACKS)

    site.write(table())
    with pytest.raises(WarehouseError) as caught:
        load(engine, FIRST)
    assert "(4 in posthog.backfill_tracks), but 2026-02-01/00 holds only files without rows." in str(caught.value)
    assert engine.rows(BACKFILL_TRACKS) == before
    assert load(engine, FIRST, allow_emptying=True) == [LegacyHour(FIRST, Treatment.LOADED, 1)]
    assert [row["event_id"] for row in engine.rows(BACKFILL_TRACKS)] == ["c"]
    assert load(engine, FIRST) == [LegacyHour(FIRST, Treatment.LOADED, 1)], "an hour without rows has nothing to lose"

    file.unlink()
    site.file(SECOND).unlink()
    assert load(engine, SECOND) == [LegacyHour(SECOND, Treatment.NO_FILES, 0, 1, 1, SECOND, SECOND)]
    assert load(engine, SECOND, allow_emptying=True) == [LegacyHour(SECOND, Treatment.EMPTIED)]
    assert engine.rows(BACKFILL_TRACKS) == []


def event(event_id: str | None, created_at: datetime = FIRST, **columns: Any) -> Row:
    """A row of the old pipeline."""
    return {"event_id": event_id, "created_at": created_at, "bq_ingested_timestamp": STAMP, **columns}


def test_every_row_is_counted_once_and_the_next_time_nothing_is_missing(engine: Engine) -> None:
    engine.put(TRACKS, event("stored", FIRST - 300 * DAY), event("pair"), event("pair"), event(None))
    engine.put(
        BACKFILL_TRACKS,
        *(event("new", event_payload='{"n": 1}'), event("stored"), event("stored", FIRST + MINUTE), event("pair")),
        event("twice", FIRST + 3 * DAY, client="late", bq_ingested_timestamp=STAMP + HOUR),
        *(event("twice", client="early"), event("twice", bq_ingested_timestamp=None)),
        *(event("tie", locale="de", lib_values='{"n": 2}'), event("tie", locale="de", lib_values='{"n": 1}')),
        *(event("times", FIRST + DAY, locale="de"), event("times", FIRST, locale="en")),
        *(event(None), event(None, FIRST + DAY), event("outside", FIRST + 10 * DAY)),
    )
    before = engine.rows(TRACKS)

    assert insert_missing(engine) == LegacyMerge(rows=13, inserted=4, already_stored=3, repeated=4, null_ids=2)

    rows = engine.rows(TRACKS)
    found = {row["event_id"]: row for row in rows}
    assert len(rows) == len(before) + 4
    assert [row for row in rows if row["event_id"] not in ("new", "twice", "tie", "times")] == before
    assert found["new"]["event_payload"] == {"n": 1}
    assert (found["twice"]["client"], found["twice"]["created_at"]) == ("late", FIRST + 3 * DAY)
    assert found["tie"]["lib_values"] == {"n": 1}, "of the rows of one stamp, one is kept"
    assert (found["times"]["created_at"], found["times"]["locale"]) == (FIRST, "en"), "of one stamp, the earliest"

    assert insert_missing(engine) == LegacyMerge(rows=13, inserted=0, already_stored=11, repeated=0, null_ids=2)
    assert engine.rows(TRACKS) == rows
    assert insert_missing(engine, FIRST) == LegacyMerge(rows=0, inserted=0, already_stored=0, repeated=0, null_ids=0)


def test_what_the_old_pipeline_left_comes_over_once_from_end_to_end(engine: Engine) -> None:
    plan = plan_incident(110, days=2, start=FIRST)
    assert write_legacy(Site(engine.home).root, plan) == 110
    hours = [FIRST + number * HOUR for number in range((plan.end - FIRST) // HOUR)]
    files = {file.parent for file in Site(engine.home).root.rglob("*.parquet")}
    with_files = [hour for hour in hours if Site(engine.home).file(hour).parent in files][:12]
    reported = [hour for each in with_files for hour in load(engine, each)]
    rows = sum(hour.rows for hour in reported)
    assert rows == len(engine.rows(BACKFILL_TRACKS)) > 12

    merged = insert_missing(engine, plan.end)

    ids = {row["event_id"] for row in engine.rows(BACKFILL_TRACKS)}
    assert (merged.rows, merged.inserted, merged.already_stored) == (rows, len(ids), 0)
    assert sorted(row["event_id"] for row in engine.rows(TRACKS)) == sorted(ids)
    originals = engine.rows(BACKFILL_TRACKS)
    assert all(row in originals for row in engine.rows(TRACKS)), "they come over whole"


NO_JSON = [
    '{"a":NaN}',
    '{"a":1,}',
    "[Infinity]",
    '{"a":1e400}',
    "9" * 310,
    "1e999",
    "NaN",
    "[" * 501 + "]" * 501,
    "{",
    "",
]


@pytest.mark.parametrize("text", NO_JSON, ids=lambda text: text[:12])
def test_text_that_is_no_json_for_both_engines_is_named_and_nothing_changes(engine: Engine, text: str) -> None:
    site = Site(engine.home)
    file = site.write(table(*ROWS))
    load(engine, FIRST)
    before = engine.rows(BACKFILL_TRACKS)
    site.write(table(*ROWS, {"event_id": "c", "created_at": FIRST, "lib_values": text}))

    with pytest.raises(ExportError) as caught:
        load(engine, FIRST)

    assert f"The file {file} holds text that is no JSON in the column lib_values of row 4 (" in str(caught.value)
    assert engine.rows(BACKFILL_TRACKS) == before


def test_half_a_surrogate_pair_is_replaced_in_a_legacy_row(engine: Engine) -> None:
    text = '{"n":"cut \\ud83d","e":"\\ud83d\\ude00","b":"\\\\ud83d"}'
    whole = {"event_id": "a", "created_at": FIRST, "lib_values": '{"n":"\\\\ud83d"}'}
    site = Site(engine.home)
    site.write(table(whole, whole | {"event_payload": text, "lib_values": text}), name="part-0.parquet")
    site.write(table(whole | {"event_payload": '{"n":"\\udc00"}'}), name="part-1.parquet")

    (hour,) = load(engine, FIRST)

    assert (hour.rows, hour.repaired) == (3, 2)
    assert load(engine, FIRST) == [hour]
    (row,) = (each for each in engine.rows(BACKFILL_TRACKS) if (each["event_payload"] or {}).get("e"))
    assert row["event_payload"] == {"n": "cut \ufffd", "e": "\U0001f600", "b": "\\ud83d"}
