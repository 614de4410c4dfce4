"""Ticks of the real sensor on a real Dagster instance, with local folders."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from tests.integration.automation.conftest import START, Watch, write
from tracks_assets.core.errors import ExportError
from tracks_assets.defs.posthog.export_sensor import JOB
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.quality.uploads.cursor import CursorError
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval, manifest_name

MINUTE = timedelta(minutes=1)
KEY = "2026-03-12-{:02}:00"


def put(watch: Watch, number: int, moment: datetime | None = None, part: int | None = None) -> Path:
    """A file of an hour, written at a moment, or just now."""
    hour = START + HOUR * number
    path = Path(watch.settings.export_uri) / hour_folder(hour) / file_name(hour_interval(hour), part)
    write(path, moment or watch.now)
    return path


def put_manifest(watch: Watch, number: int, parts: list[str]) -> None:
    hour = START + HOUR * number
    path = Path(watch.settings.export_uri) / hour_folder(hour) / manifest_name(hour_interval(hour))
    write(path, watch.now, json.dumps({"files": parts}))


def test_an_hour_is_requested_once_when_its_files_have_been_quiet(watch: Watch) -> None:
    watch.now = START + HOUR + 5 * MINUTE
    put(watch, 0)
    assert watch.look() == []
    assert watch.text == f"Waiting for the uploads of {KEY.format(0)}."
    watch.now += 29 * MINUTE
    assert watch.look() == []
    watch.now += MINUTE
    (run,) = watch.look()
    assert watch.ranges == [(KEY.format(0), KEY.format(0))]
    for _ in range(3):
        watch.now += MINUTE
        assert watch.look() == [], "its run is queued"
        assert watch.text == "1 hour is being loaded."
    watch.end(run)
    for _ in range(3):
        watch.now += 10 * MINUTE
        assert watch.look() == []


def test_a_manifest_completes_an_hour_at_once_when_its_parts_are_there(watch: Watch) -> None:
    watch.now = START + HOUR + 2 * MINUTE
    first = put(watch, 0, part=0)
    watch.now += 60 * MINUTE
    assert watch.look() == [], "parts without a manifest are not finished, however quiet"
    put_manifest(watch, 0, [first.name, first.name.replace("-0.parquet", "-1.parquet")])
    watch.now += 50 * MINUTE
    assert watch.look() == [], "a part is missing"
    put(watch, 0, part=1)
    assert len(watch.look()) == 1


def test_an_outage_is_one_run_and_an_hour_without_files_is_part_of_it(watch: Watch) -> None:
    watch.now = START + 40 * HOUR
    for number in (*range(12), *range(13, 39)):
        put(watch, number, START + HOUR * (number + 1))
    watch.look()
    assert watch.ranges == [(KEY.format(0), "2026-03-13-14:00")]


def test_what_dagster_has_materialized_is_not_loaded_again(watch: Watch) -> None:
    for number in range(3):
        put(watch, number, START + HOUR * (number + 1))
        if number < 2:
            event = dg.AssetMaterialization(TRACKS_KEY, partition=KEY.format(number))
            watch.instance.report_runless_asset_event(event)
    watch.now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    watch.look()
    assert watch.ranges == [(KEY.format(2), KEY.format(2))]


def test_files_that_change_after_the_load_cause_one_more(watch: Watch) -> None:
    watch.now = START + HOUR + 40 * MINUTE
    put(watch, 0, watch.now - 35 * MINUTE)
    (run,) = watch.look()
    watch.end(run)
    watch.look()
    watch.now += HOUR
    put(watch, 0)
    assert watch.look() == []
    watch.now += 31 * MINUTE
    (again,) = watch.look()
    watch.end(again)
    watch.now += HOUR
    assert watch.look() == []
    assert len(watch.asked) == 2


def test_a_deleted_file_starts_nothing(watch: Watch) -> None:
    watch.now = START + HOUR + 40 * MINUTE
    path = put(watch, 0, watch.now - 35 * MINUTE)
    (run,) = watch.look()
    watch.end(run)
    watch.look()
    path.unlink()
    for _ in range(5):
        watch.now += HOUR
        assert watch.look() == []


def test_a_late_upload_is_reported_once_and_its_end_once(watch: Watch) -> None:
    watch.now = START + HOUR + 64 * MINUTE
    watch.look()
    assert watch.evaluated == []
    watch.now += MINUTE
    for _ in range(3):
        watch.look()
        watch.now += 10 * MINUTE
    assert watch.evaluated == [False]
    put(watch, 0, watch.now - 31 * MINUTE)
    (run,) = watch.look()
    assert watch.evaluated == [False, True]
    assert "tracks/late_uploads" not in run.tags
    watch.end(run)
    watch.look()
    assert watch.evaluated == [False, True]


def test_an_hour_of_a_run_by_hand_is_left_alone(watch: Watch) -> None:
    watch.now = START + HOUR + 40 * MINUTE
    put(watch, 0, watch.now - 35 * MINUTE)
    by_hand = watch.add_run({"dagster/partition": KEY.format(0)})
    assert watch.look() == []
    watch.instance.run_storage.delete_run(by_hand.run_id)
    assert len(watch.look()) == 1


def test_a_run_without_a_cause_is_repeated_after_growing_pauses(watch: Watch) -> None:
    """A run that was killed has no failed step."""
    watch.now = datetime.now(UTC).replace(microsecond=0)
    hour = (watch.now - HOUR).replace(minute=0, second=0)
    watch.settings = watch.settings.model_copy(update={"export_start": hour})
    put(watch, (hour - START) // HOUR, watch.now - 2 * HOUR)
    for pause in (5, 15, 60, 60):
        (run,) = watch.look()
        watch.end(run, dg.DagsterEventType.RUN_FAILURE)
        assert watch.look() == []
        watch.now += (pause - 1) * MINUTE
        assert watch.look() == []
        watch.now += 2 * MINUTE
    assert len({tags["tracks/request"] for tags in watch.asked}) == 4


@pytest.mark.parametrize(("failed", "is_repeated"), [([], True), (["batch_checks"], False)])
def test_a_run_that_ends_after_the_merge_is_repeated_only_if_it_was_killed(
    watch: Watch, failed: list[str], is_repeated: bool
) -> None:
    """A check that failed has loaded its hours; without one, nothing has checked them."""
    watch.now = datetime.now(UTC).replace(microsecond=0)
    hour = (watch.now - HOUR).replace(minute=0, second=0)
    watch.settings = watch.settings.model_copy(update={"export_start": hour})
    put(watch, (hour - START) // HOUR, watch.now - 2 * HOUR)
    (run,) = watch.look()
    watch.end_steps(run, succeeded=["tracks"], failed=failed)
    watch.end(run, dg.DagsterEventType.RUN_FAILURE)
    watch.now += 4 * MINUTE
    assert watch.look() == [], "not before the pause"
    watch.now += 2 * MINUTE
    assert bool(watch.look()) == is_repeated


def test_the_state_survives_a_lost_cursor(watch: Watch) -> None:
    watch.now = START + HOUR + 40 * MINUTE
    put(watch, 0, watch.now - 35 * MINUTE)
    watch.look()
    watch.cursor = None
    assert watch.look() == [], "the run of its first request is still queued"


def test_an_unreadable_cursor_says_what_to_do(watch: Watch) -> None:
    watch.cursor = "{}"
    with pytest.raises(Exception, match="Reset it on the sensor's page") as caught:
        watch.look()
    assert CursorError.__name__ in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_root_that_is_not_there_fails_the_tick(watch: Watch) -> None:
    Path(watch.settings.export_uri).rmdir()
    with pytest.raises(Exception, match="does not exist") as caught:
        watch.look()
    assert ExportError.__name__ in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_backlog_of_months_stays_within_a_look(watch: Watch) -> None:
    """Every look lists a month at most, and the cursor holds no more."""
    for number in range(2_000):
        put(watch, number, START + HOUR * (number + 1))
    watch.now = START + 2_001 * HOUR
    (run,) = watch.look()
    assert len(watch.cursor or "") < 100_000
    watch.end(run)
    for _ in range(8):
        for later in watch.look():
            watch.end(later)
    assert [JOB for _ in watch.asked] == [JOB] * 3
    assert watch.ranges[0][1] == "2026-04-11-23:00"
    assert watch.ranges[-1][1] == "2026-06-03-07:00"
    assert len(watch.cursor or "") < 6_000


def test_a_run_whose_status_is_canceled_is_not_requested_again(watch: Watch) -> None:
    watch.now = START + HOUR + 40 * MINUTE
    put(watch, 0, watch.now - 35 * MINUTE)
    (run,) = watch.look()
    watch.end(run, dg.DagsterEventType.RUN_CANCELED)
    assert watch.instance.get_runs()[0].status is DagsterRunStatus.CANCELED
    watch.now += 10 * HOUR
    assert watch.look() == []
