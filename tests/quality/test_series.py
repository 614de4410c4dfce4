"""Which days are settled, and how rows become series without gaps."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tracks_assets.quality.anomalies.series import (
    DAY,
    Dimension,
    Metric,
    Series,
    SeriesKey,
    Window,
    learned_delay,
    series_of,
    window,
)

START = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_day_is_settled_when_nearly_all_of_earlier_days_had_come() -> None:
    assert learned_delay({-23: 500, 0: 480, 1: 10, 2: 9, 30: 1}) == 1
    assert learned_delay({-23: 500, 0: 500}) == 0
    assert learned_delay({0: 900, 12: 100}) == 12
    assert learned_delay({0: 900, 12: 80, 48: 20, 49: 10_000}) == 48, "re-deliveries of old days are left out"
    assert learned_delay({}) == 0


def test_days_are_measured_up_to_the_newest_settled_one() -> None:
    found = window(START + 30 * HOUR, START + 30 * HOUR, 6, 10)
    assert found == Window(START - 9 * DAY, START + DAY, START + DAY, 6)
    assert window(START + 30 * HOUR, START + 30 * HOUR, 7, 10).tracks_end == START
    behind = window(START + 72 * HOUR, START + 30 * HOUR, 0, 10)
    assert (behind.start, behind.loads_end, behind.tracks_end) == (START - 9 * DAY, START + 3 * DAY, START + DAY)


def row(day: int, value: int, **others: Any) -> dict[str, Any]:
    return {
        "bucket_start": START + day * DAY,
        "table_name": "tracks",
        "metric_name": "row_count",
        "dimension": "",
        "dimension_value": None,
        "metric_value": value,
    } | others


def test_a_day_without_a_row_counts_nothing() -> None:
    rows = [row(0, 7), row(3, 5), row(1, 2, dimension="client", dimension_value=None)]
    days = Window(START, START + 4 * DAY, START + 5 * DAY, 0)
    found = series_of(rows, days, {"tracks": days.tracks_end})
    assert found == [
        Series(SeriesKey("tracks", Metric.ROW_COUNT), START, (7, 0, 0, 5, 0)),
        Series(SeriesKey("tracks", Metric.ROW_COUNT, Dimension.CLIENT), START, (0, 2, 0, 0, 0)),
    ]
    assert found[0].day(4) == START + 4 * DAY
