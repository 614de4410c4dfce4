"""The count by day on every engine: what is a series of its own, which days are settled, and what is recorded."""

from datetime import UTC, datetime, timedelta

from tests.integration.engines.engine import Engine, Row
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.quality.anomalies.daily_metrics import LARGEST, Counting, Measurement, measure
from tracks_assets.quality.anomalies.series import Dimension, Metric
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import DAILY_METRICS, MERGE_LOG, TRACKS

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
START = datetime(2026, 6, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 6, 6, tzinfo=UTC)
QUOTED = 'it\'s a "name" \\ with `ticks`'
FLOW = ("purchase", QUOTED, "never sent")


def event(day: int, name: str | None, client: str | None, hour: float = 12) -> Row:
    return {"event_id": "any", "created_at": START + day * DAY + hour * HOUR, "event_name": name, "client": client}


def load(hour: datetime, rows: int, delay: timedelta = HOUR) -> Row:
    return {"window_start": hour, "bq_ingested_timestamp": hour + HOUR + delay, "rows_accepted": rows}


def measured(engine: Engine, now: datetime, counting: Counting) -> Measurement | None:
    with engine.opened() as warehouse:
        return measure(warehouse, now, counting)


def counts(found: Measurement, metric: Metric = Metric.ROW_COUNT) -> dict[tuple[str, str, str | None], tuple[int, ...]]:
    return {
        (each.key.table, each.key.dimension.value, each.key.value): each.values
        for each in found.series
        if each.key.metric is metric
    }


def test_days_are_counted_by_event_name_and_client(engine: Engine) -> None:
    assert measured(engine, NOW, Counting(days=4)) is None, "nothing was loaded yet"

    small = [f"small {number:02}" for number in range(LARGEST + 1)]
    engine.put(
        TRACKS,
        *(event(day, "open", "web") for day in (1, 2, 2, 3, 3, 3)),
        *(event(2, None, None) for _ in range(3)),
        *(event(1, name, name) for name in small),
        *(event(3, name, "ios") for name in ("purchase", QUOTED, QUOTED)),
        event(0, "open", "web", hour=-0.001),
        event(4, "open", "web", hour=0),
        event(9, "open", "web"),
    )
    engine.put(
        LOAD_LOG,
        *(load(START + hour * HOUR, 10) for hour in range(0, 4 * 24 + 2)),
        load(START + 26 * HOUR, 7, 50 * HOUR),
    )
    engine.put(MERGE_LOG, {"window_start": START + (4 * 24 + 1) * HOUR, "merged_at": NOW})

    found = measured(engine, NOW, Counting(days=4, purchase_flow=FLOW, delay_hours=2))
    assert found is not None
    assert (found.window.start, found.window.loads_end, found.window.tracks_end) == (
        START,
        START + 4 * DAY,
        START + 4 * DAY,
    )
    rows = counts(found)
    assert rows.pop(("tracks", "", None)) == (0, 22, 5, 6)
    assert rows.pop(("raw_tracks", "", None)) == (240, 237, 240, 240), "the newest load of an hour counts"
    assert rows.pop(("tracks", "purchase_flow", "purchase")) == (0, 0, 0, 1)
    assert rows.pop(("tracks", "purchase_flow", QUOTED)) == (0, 0, 0, 2)
    assert rows.pop(("tracks", "purchase_flow", "never sent")) == (0, 0, 0, 0)
    assert rows.pop(("tracks", "event_name", "open")) == (0, 1, 2, 3)
    assert rows.pop(("tracks", "event_name", None)) == (0, 0, 3, 0), "rows without a name"
    assert rows.pop(("tracks", "other_event_names", None)) == (0, 3, 0, 0)
    assert rows.pop(("tracks", "client", "web")) == (0, 1, 2, 3)
    assert rows.pop(("tracks", "client", "ios")) == (0, 0, 0, 3)
    assert rows.pop(("tracks", "client", None)) == (0, 0, 3, 0)
    assert rows.pop(("tracks", "other_clients", None)) == (0, 4, 0, 0)
    assert {key[1:]: values for key, values in rows.items()} == {
        **{("event_name", name): (0, 1, 0, 0) for name in small[: LARGEST - 2]},
        **{("client", name): (0, 1, 0, 0) for name in small[: LARGEST - 3]},
    }
    assert counts(found, Metric.HOURS_LOADED) == {("raw_tracks", "", None): (24, 24, 24, 24)}
    assert counts(found, Metric.UPDATE_DELAY) == {("raw_tracks", "", None): (3600,) * 4}, "the first load counts"
    assert {each.key.dimension for each in found.series} == set(Dimension)


def test_counting_again_replaces_the_days_and_keeps_the_older_ones(engine: Engine) -> None:
    engine.put(TRACKS, event(0, "open", "web"), event(3, "open", "web"))
    engine.put(LOAD_LOG, *(load(START + hour * HOUR, 10) for hour in range(4 * 24)))
    engine.put(MERGE_LOG, {"window_start": START + (4 * 24 - 1) * HOUR, "merged_at": NOW})
    assert measured(engine, NOW, Counting(days=4)) is not None
    engine.put(TRACKS, event(3, "open", "web"))
    assert measured(engine, NOW + HOUR, Counting(days=2)) is not None
    totals = {
        (row["bucket_start"], row["measured_at"]): row["metric_value"]
        for row in engine.rows(DAILY_METRICS)
        if (row["table_name"], row["dimension"]) == ("tracks", "")
    }
    assert totals == {(START, NOW): 1, (START + 3 * DAY, NOW + HOUR): 2}


def test_the_delay_is_learned_from_the_deliveries(engine: Engine) -> None:
    """Every fiftieth event comes five hours after its day, and every thousandth much later."""
    deliveries = [
        {
            "event_id": "any",
            "created_at": START + day * DAY + 20 * HOUR,
            "window_start": START + day * DAY + hour * HOUR,
        }
        for day in range(9)
        for hour, rows in ((20, 48), (28, 2))
        for _ in range(rows)
    ]
    late = {"event_id": "any", "created_at": START + 3 * DAY, "window_start": START + 6 * DAY + 9 * HOUR}
    engine.put(RAW_TRACKS, *deliveries, late)
    engine.put(LOAD_LOG, load(START + 9 * DAY + 3 * HOUR, 1))
    engine.put(MERGE_LOG, {"window_start": START + 9 * DAY + 3 * HOUR, "merged_at": NOW})
    found = measured(engine, NOW, Counting(days=3))
    assert found is not None
    assert (found.window.delay_hours, found.window.tracks_end, found.window.loads_end) == (
        5,
        START + 8 * DAY,
        START + 9 * DAY,
    ), "four hours after the newest day are loaded, and five are needed"
