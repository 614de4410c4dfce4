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
    without_days_before_the_loads,
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


def counted(tracks: tuple[int, ...], hours: tuple[int, ...]) -> list[Series]:
    """The events of days, and the hours that are loaded of them."""
    return [
        Series(SeriesKey("tracks", Metric.ROW_COUNT), START, tracks),
        Series(SeriesKey("tracks", Metric.ROW_COUNT, Dimension.CLIENT, "web"), START, tracks),
        Series(SeriesKey("raw_tracks", Metric.HOURS_LOADED), START, hours),
    ]


def test_days_with_late_events_only_are_left_out() -> None:
    found = counted((0, 3, 5, 40, 100, 110, 90), (0, 0, 0, 4, 24, 24, 23))
    total, client, hours = without_days_before_the_loads(found, "tracks")
    assert (total.first_day, total.values) == (START + 4 * DAY, (100, 110, 90))
    assert (client.first_day, client.values) == (START + 4 * DAY, (100, 110, 90))
    assert hours == found[2]


def test_days_that_are_history_stay() -> None:
    old_pipeline = counted((30, 40, 50, 40, 100, 110, 90), (0, 0, 0, 4, 24, 24, 24))
    every_day_loaded = counted((1, 1, 1, 100, 100), (24, 24, 24, 24, 24))
    no_full_day = counted((1, 1, 100), (0, 0, 3))
    not_settled = counted((1, 1), (0, 0, 24))
    for found in (old_pipeline, every_day_loaded, no_full_day, not_settled, []):
        assert without_days_before_the_loads(found, "tracks") == found
