"""Hours and days that have fewer rows than an earlier load of them."""

from datetime import UTC, datetime, timedelta

from tracks_assets.quality.fewer_rows import FewerRows, no_fewer_rows
from tracks_assets.sources.mixpanel.feed import MIXPANEL

HOUR = datetime(2026, 3, 12, 4, tzinfo=UTC)


def test_without_any_the_check_passes() -> None:
    result = no_fewer_rows([])
    assert result.passed
    assert result.figures == {"slices_with_fewer_rows": 0, "missing_rows": 0}


def test_the_hour_that_lost_most_is_named() -> None:
    result = no_fewer_rows([FewerRows(HOUR, 10, 12), FewerRows(HOUR + timedelta(hours=1), 1, 1_200)])
    assert (result.passed, result.severity) == (False, "WARN")
    assert result.message.finding == "2 hours have fewer rows than before."
    assert result.message.comparison == "2026-03-12-05:00 has 1 row; an earlier load had 1,200."
    assert result.figures == {"slices_with_fewer_rows": 2, "missing_rows": 1_201}


def test_a_day_of_another_feed_is_called_a_day() -> None:
    message = no_fewer_rows([FewerRows(HOUR.replace(hour=0), 0, 12)], MIXPANEL).message
    assert message.finding == "1 day has fewer rows than before."
    assert message.comparison.startswith("2026-03-12 has 0 rows")
    assert "run the day again" in message.next_step
