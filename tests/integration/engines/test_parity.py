"""The same files through both engines, out of order and some twice: every table is the same, row for row."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import ExportPlan, HourWritten, write_hours
from tests.integration.engines.engine import BigQueryEngine, DuckDbEngine, Engine, Row, window
from tests.integration.legacy.sites import DAY, Site, table
from tracks_assets.sources.posthog.columns import legacy_fields
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.warehouse.backfill import refresh_hours
from tracks_assets.warehouse.tables import TRACKS, UNCHANGED_REDELIVERIES

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
LEGACY = datetime(2026, 3, 1, tzinfo=UTC)
PLAN = ExportPlan(
    events_per_hour=300,
    files_per_hour=2,
    people=50,
    redelivery_share=0.1,
    repeat_share=0.1,
    edit_share=0.1,
    malformed_share=0.1,
)
EDGES = (
    "null",
    "[]",
    "{}",
    '""',
    "0",
    "-0.0",
    "true",
    '{"a": {"b": [1, 2.50, 1e3, null, true, "\\u00e9\\ud83d\\ude42", ""]}, "$x": {}}',
    '{"whole": 9007199254740993, "largest": 9223372036854775807, "small": 1e-7}',
    '{"quotes": "\\" \\\\ \' ` \\n \\t \\u0001"}',
)
"""JSON that is easily spoilt on its way."""

STEPS: tuple[tuple[int, ...], ...] = ((1,), (0,), (0, 2), (1,), (2,), (1, 2), (2, 3), (0,), (0, 3))
"""What is done, in order: one hour is loaded, or those from the first to before the second are merged."""

TABLES_BUT = {
    RAW_TRACKS: (),
    REJECTED_TRACKS: ("rejected_at",),
    BACKFILL_TRACKS: (),
    TRACKS: (),
    UNCHANGED_REDELIVERIES: (),
}
"""The tables, and what an engine may stamp in its own way."""


HELD = ("raw_tracks", "backfill_tracks", "tracks")


def legacy_rows(written: Sequence[HourWritten]) -> list[Row]:
    """Rows of the old pipeline: events that the export delivers again, and others, each twice."""
    ids = pq.read_table(written[0].files[0], columns=["uuid"])["uuid"].to_pylist()
    known = [event_id for event_id in dict.fromkeys(ids) if event_id][: len(EDGES)]
    return [
        {
            "event_id": event_id,
            "created_at": LEGACY + number * DAY / 1000,
            "event_name": "old",
            "user_id": f"user {number}",
            "event_payload": payload,
            "lib_values": None if number % 2 else payload,
            "bq_ingested_timestamp": LEGACY + DAY,
            "event_inserted_at": LEGACY if number % 3 else None,
        }
        for number, payload in enumerate(EDGES)
        for event_id in (known[number], f"old {number}", f"old {number}")
    ]


def run(engine: Engine, old: Sequence[Row]) -> dict[str, list[str]]:
    """Everything that the pipeline does with an export and rows of the old pipeline; what the tables hold then."""
    with engine.opened() as warehouse:
        refresh_hours(warehouse, Legacy(str(Site(engine.home).root), legacy_fields()), [LEGACY])
        merged = warehouse.merge_legacy(LEGACY, LEGACY + DAY)
    assert (merged.inserted, merged.repeated) == (2 * len(EDGES), len(EDGES))
    engine.put(TRACKS, *(row for row in old if row["event_id"].startswith("old")))
    stamps = count()
    for first, *end in STEPS:
        if end:
            engine.merge_by_dbt(**window(FIRST + first * HOUR, FIRST + end[0] * HOUR))
        else:
            engine.load(FIRST + first * HOUR, STAMP + next(stamps) * HOUR)
    with engine.opened() as warehouse:
        totals = warehouse.total_tracks(engine.settings.takes_from)
    (contents,) = engine.query("select count(*), count(distinct content) from posthog_ops.content_fingerprints")
    return {str(each): [text(row) for row in engine.rows(each, but)] for each, but in TABLES_BUT.items()} | {
        # The numbers are each engine's own.
        "contents": list(map(str, contents)),
        "totals": [str(totals)],
    }


def text(row: Row) -> str:
    """A row as text, numbers as JSON means them: it does not separate 1 from 1.0, but both from true."""
    return json.dumps(json.loads(json.dumps(row, default=str), parse_int=float), sort_keys=True)


@pytest.mark.thorough
def test_both_engines_make_the_same_tables_of_the_same_files(
    tmp_path: Path, on_duckdb: DuckDbEngine, on_bigquery: BigQueryEngine
) -> None:
    written = list(write_hours(tmp_path / "export", FIRST, 3, PLAN))
    assert all(hour.malformed == hour.redelivered == hour.repeats == hour.edits == 30 for hour in written)
    old = legacy_rows(written)
    Site(tmp_path).write(table(*old), LEGACY)

    on_one, on_other = run(on_duckdb, old), run(on_bigquery, old)

    for name, rows in on_one.items():
        assert [row for row in rows if row not in on_other[name]] == [], f"only on DuckDB: {name}"
        assert [row for row in on_other[name] if row not in rows] == [], f"only on BigQuery: {name}"
        assert sorted(rows) == sorted(on_other[name]), f"not equally often: {name}"
    held = {name: [json.loads(row)["event_id"] for row in on_one[f"posthog.{name}"]] for name in HELD}
    ids = set(held["tracks"])
    assert ids == {*held["raw_tracks"], *held["backfill_tracks"]}
    assert len(held["tracks"]) == len(ids) + 2 * len(EDGES), "pairs stay, and nothing else"
    assert len(on_one["posthog.rejected_tracks"]) == 90
    assert len(on_one["posthog_ops.unchanged_redeliveries"]) > 0
