"""An export hour comes in whole, again the same, and not at all where a file of it cannot be read."""

import re
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import ExportPlan, write_hour
from tests.integration.engines.conftest import ALL_ENGINES
from tests.integration.engines.engine import Engine
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.quality.fewer_rows import FewerRows, slices_with_fewer_rows
from tracks_assets.quality.freshness import newest_load
from tracks_assets.quality.hours import count_hours
from tracks_assets.sources.posthog.contract import Reason
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.results import HourLoad

pytestmark = ALL_ENGINES

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
PLAN = ExportPlan(events_per_hour=200, files_per_hour=2, people=30, malformed_share=0.1)
STAMPS = {RAW_TRACKS: ("bq_ingested_timestamp",), REJECTED_TRACKS: ("rejected_at",)}


def test_an_hour_comes_in_whole_and_again_the_same(engine: Engine) -> None:
    written = write_hour(engine.home / "export", FIRST, PLAN)
    assert written.malformed == 20

    loaded = engine.load(FIRST, STAMP)

    assert loaded == HourLoad(FIRST, read=written.rows, accepted=written.rows - 20, rejected=20)
    refused = engine.rows(REJECTED_TRACKS)
    assert len(engine.rows(RAW_TRACKS)) == written.rows - 20
    assert len({(row["source_file"], row["row_number"]) for row in refused}) == 20
    assert {row["reason"] for row in refused} <= {reason.value for reason in Reason}
    assert {row["rejected_at"] for row in refused} == {STAMP}
    assert all(row["raw"].keys() >= {"uuid", "event", "properties"} for row in refused), "they are kept whole"

    before = {table: engine.rows(table, but=stamps) for table, stamps in STAMPS.items()}
    assert engine.load(FIRST, STAMP + HOUR) == loaded
    assert {table: engine.rows(table, but=stamps) for table, stamps in STAMPS.items()} == before
    assert engine.query("select distinct bq_ingested_timestamp from posthog.raw_tracks") == [(STAMP + HOUR,)]
    with engine.opened() as warehouse:
        assert newest_load(warehouse) == STAMP + HOUR


def test_an_hour_that_shrank_loses_rows_and_one_without_files_only_if_the_run_allows_it(engine: Engine) -> None:
    export = engine.home / "export"
    write_hour(export, FIRST, PLAN)
    write_hour(export, FIRST + HOUR, PLAN)
    others = engine.load(FIRST, STAMP).accepted
    assert engine.load(FIRST + HOUR, STAMP).accepted > 100 < others

    shrunk = write_hour(export, FIRST + HOUR, PLAN.model_copy(update={"events_per_hour": 50}))
    loaded = engine.load(FIRST + HOUR, STAMP)
    assert loaded.read == shrunk.rows < 100
    assert engine.value("select count(*) from posthog.raw_tracks") == others + loaded.accepted
    assert engine.value("select count(*) from posthog.rejected_tracks") == 20 + loaded.rejected

    for file in shrunk.files[0].parent.iterdir():
        file.unlink()
    before = engine.contents()
    with pytest.raises(WarehouseError) as caught:
        engine.load(FIRST + HOUR, STAMP)
    assert (
        f"has stored rows ({loaded.accepted} in posthog.raw_tracks and {loaded.rejected} in posthog.rejected_tracks), "
        f"but events/2026-03-12/02 holds no files."
    ) in str(caught.value)
    assert engine.contents() == before

    nothing = HourLoad(FIRST + HOUR, read=0, accepted=0, rejected=0)
    assert engine.load(FIRST + HOUR, STAMP, allow_emptying=True) == nothing
    assert engine.load(FIRST + HOUR, STAMP) == nothing
    assert engine.value("select count(*) from posthog.raw_tracks") == others
    with engine.opened() as warehouse:
        (first, second) = count_hours(warehouse, {FIRST: others + 20, FIRST + HOUR: 0})
    assert (first.missing, first.accepted, first.rejected) == (0, others, 20)
    assert (second.missing, second.accepted, second.rejected) == (0, 0, 0)


def test_an_hour_with_fewer_rows_than_before_is_reported_until_they_are_back(engine: Engine) -> None:
    export, fewer = engine.home / "export", PLAN.model_copy(update={"events_per_hour": 50})

    def findings(plan: ExportPlan, stamp: datetime) -> list[FewerRows]:
        write_hour(export, FIRST, plan)
        engine.load(FIRST, stamp)
        with engine.opened() as warehouse:
            return slices_with_fewer_rows(warehouse, EVENTS, FIRST, FIRST + 2 * HOUR)

    assert findings(PLAN, STAMP) == []
    rows = engine.value("select max(rows_read) from posthog_ops.load_log")
    for again in range(2):
        (found,) = findings(fewer, STAMP + (again + 1) * HOUR)
        assert (found.start, found.most) == (FIRST, rows)
        assert 50 <= found.rows < 100 < rows
    assert findings(PLAN, STAMP + 3 * HOUR) == []
    with engine.opened() as warehouse:
        assert slices_with_fewer_rows(warehouse, EVENTS, FIRST + HOUR, FIRST + 2 * HOUR) == []


def test_a_torn_file_leaves_the_hour_as_it_was(engine: Engine) -> None:
    written = write_hour(engine.home / "export", FIRST, PLAN)
    engine.load(FIRST, STAMP)
    before = engine.contents()
    torn = written.files[1]
    content = bytearray(torn.read_bytes())
    # The footer stays: what cannot be read is only found on the way.
    content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
    torn.write_bytes(content)

    with pytest.raises(ExportError, match=re.escape(torn.name)):
        engine.load(FIRST, STAMP + timedelta(days=1))

    assert engine.contents() == before


def test_an_hour_with_rows_is_not_emptied_by_files_without_rows(engine: Engine) -> None:
    written = write_hour(engine.home / "export", FIRST, PLAN.model_copy(update={"files_per_hour": 1}))
    engine.load(FIRST, STAMP)
    before = engine.contents()
    (file,) = written.files
    pq.write_table(pq.ParquetFile(file).read().slice(0, 0), file)

    with pytest.raises(WarehouseError, match=re.escape("events/2026-03-12/01 holds only files without rows")):
        engine.load(FIRST, STAMP)

    assert engine.contents() == before
    assert engine.load(FIRST, STAMP, allow_emptying=True) == HourLoad(FIRST, read=0, accepted=0, rejected=0)
    assert (engine.rows(RAW_TRACKS), engine.rows(REJECTED_TRACKS)) == ([], [])


def test_an_hour_without_an_insert_time_is_loaded(engine: Engine) -> None:
    written = write_hour(engine.home / "export", FIRST, PLAN)
    for file in written.files:
        pq.write_table(pq.ParquetFile(file).read().drop_columns(["_inserted_at"]), file)

    assert engine.load(FIRST, STAMP).accepted == written.rows - 20

    assert engine.query("select count(event_inserted_at), min(event_inserted_at) from posthog.raw_tracks") == [
        (0, None)
    ]
