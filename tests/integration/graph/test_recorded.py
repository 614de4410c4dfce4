"""Events that PostHog's own libraries really sent, through the real graph."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.graph.conftest import Home
from tracks_assets.sources.posthog.feeds import RAW_TRACKS, REJECTED_TRACKS

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "posthog_recorded"
HOURS = ("2023-09-15-09:00", "2024-04-17-14:00", "2024-04-29-14:00")


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded events do not lie beside the project")
def test_recorded_events_exist_once(new_home: Callable[..., Home]) -> None:
    home = new_home(
        TRACKS_EXPORT_URI=str(RECORDED),
        TRACKS_EXPORT_START="2023-09-01-00:00",
        TRACKS_CUTOVER="2023-01-01",
    )

    for hour in HOURS:
        assert home.run_hours(hour).success

    with home.warehouse().opened() as warehouse:
        assert warehouse.count_rows(RAW_TRACKS) == 88
        assert warehouse.count_rows(REJECTED_TRACKS) == 0
        totals = warehouse.total_tracks(home.settings.takes_from)
    assert (totals.rows, totals.distinct_ids, totals.moved) == (82, 82, 0)
