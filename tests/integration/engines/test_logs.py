"""The logs of loads and merges, on every engine: one row for each hour, written with the data."""

from datetime import UTC, datetime, timedelta

from examples.export_generator.generate import ExportPlan, write_hour
from tests.dbt_project.deliveries import FIRST_HOUR, Delivery, Exported, raw_rows
from tests.integration.engines.engine import Engine, Row, window
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.results import HourCost
from tracks_assets.warehouse.tables import MERGE_LOG

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
PLAN = ExportPlan(events_per_hour=200, files_per_hour=2, people=30, malformed_share=0.1)


def logged(engine: Engine, log: Table, *columns: str) -> list[tuple[object, ...]]:
    """Some columns of a log, by hour."""
    rows = sorted(engine.rows(log), key=lambda row: (row["window_start"], row.get("bq_ingested_timestamp")))
    return [tuple(row[column] for column in columns) for row in rows]


def test_each_load_is_logged(engine: Engine) -> None:
    written = write_hour(engine.home / "export", FIRST, PLAN)

    engine.load(FIRST, STAMP, run_id="run")
    engine.load(FIRST, STAMP + HOUR)
    engine.load(FIRST + HOUR, STAMP)

    size = sum(file.stat().st_size for file in written.files)
    counts = (2, size, written.rows, written.rows - 20, 20, 0, 0)
    assert logged(engine, LOAD_LOG, *(column.name for column in LOAD_LOG.columns)) == [
        (FIRST, STAMP, "run", *counts, None, None, None),
        (FIRST, STAMP + HOUR, None, *counts, None, None, None),
        (FIRST + HOUR, STAMP, None, 0, 0, 0, 0, 0, 0, 0, None, None, None),
    ]


def test_the_cost_of_a_run_is_added_to_its_own_rows(engine: Engine) -> None:
    def row(run_id: str, hour: int, milliseconds: int | None = None) -> Row:
        return {"run_id": run_id, "window_start": FIRST + hour * HOUR, "milliseconds": milliseconds}

    engine.put(LOAD_LOG, row("mine", 0), row("mine", 1), row("mine", 2), row("mine", 3, 7), row("other", 0))

    costs = [HourCost(FIRST, 10, 20, 30), HourCost(FIRST + HOUR, 11), HourCost(FIRST + 3 * HOUR, 12)]
    with engine.opened() as warehouse:
        warehouse.record_costs(LOAD_LOG, "mine", costs)
        warehouse.record_costs(LOAD_LOG, "mine", [])

    found = logged(engine, LOAD_LOG, "run_id", "window_start", "milliseconds", "bytes_billed", "slot_ms")
    assert sorted(found, key=str) == sorted(
        [
            ("mine", FIRST, 10, 20, 30),
            ("mine", FIRST + HOUR, 11, None, None),
            ("mine", FIRST + 2 * HOUR, None, None, None),
            ("mine", FIRST + 3 * HOUR, 7, None, None),
            ("other", FIRST, None, None, None),
        ],
        key=str,
    )


def test_each_hour_of_a_merge_is_logged(engine: Engine) -> None:
    created = FIRST_HOUR - timedelta(days=1)
    first = Delivery("one", created, FIRST_HOUR, 0)
    again = Delivery("one", created, FIRST_HOUR + 2 * HOUR, 1)
    other = Delivery("one", created, FIRST_HOUR + 2 * HOUR, 2, identity=1)
    engine.put(RAW_TRACKS, *raw_rows([Exported(0, first), Exported(2, again), Exported(2, other)]))

    before = datetime.now(UTC)
    for start, end, run_id in ((0, 1, "r1'; drop table posthog.tracks; --\\"), (1, 3, "r2")):
        engine.merge_by_dbt(**window(FIRST_HOUR + start * HOUR, FIRST_HOUR + end * HOUR, run_id))
    after = datetime.now(UTC)

    counts = [f"rows_{name}" for name in ("inserted", "updated", "unchanged", "collided", "before_cutover")]
    assert logged(engine, MERGE_LOG, "window_start", "run_id", *counts) == [
        (FIRST_HOUR, "r1droptableposthogtracks--", 1, 0, 0, 0, 0),
        (FIRST_HOUR + HOUR, "r2", 0, 0, 0, 0, 0),
        (FIRST_HOUR + 2 * HOUR, "r2", 0, 1, 0, 1, 0),
    ]
    assert all(before <= row["merged_at"] <= after for row in engine.rows(MERGE_LOG))
