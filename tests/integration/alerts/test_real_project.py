"""The real graph and the real sensor: what a person reads about a damaged table and a broken hour."""

from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import pytest

from examples.export_generator.generate import ExportPlan, write_hours
from tests.alerts.receiver import HttpReceiver
from tests.integration.alerts.test_dagster_dev import dagster_dev, wait_until
from tests.integration.graph.conftest import Home
from tests.quality.checks.test_check_runs import damage
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.alerts.sensor import alert_sensor

pytestmark = pytest.mark.slow

START = datetime(2026, 3, 12, tzinfo=UTC)
FIRST, SECOND = "2026-03-12-00:00", "2026-03-12-01:00"
VALUE = "bob@example.com pays"


def _tick(place: Home, **variables: str) -> None:
    settings = Home(place.path, place.variables | variables).settings
    definitions = build_definitions(settings)
    with (
        dg.DagsterInstance.from_config(str(place.path / "dagster")) as instance,
        dg.build_sensor_context(instance, definitions=definitions) as context,
    ):
        alert_sensor(settings)(context)


def _collide(place: Home) -> None:
    """An id of the first hour is delivered as another event, whose name is an address."""
    with place.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            "insert into posthog.raw_tracks from (select * replace (? as event_name, "
            "event_inserted_at + interval 1 minute as event_inserted_at) from posthog.raw_tracks "
            "where window_start = ? order by event_id limit 1)",
            [VALUE, START],
        )


@pytest.mark.nightly
def test_what_a_person_reads_of_a_damaged_table(new_home: Callable[..., Home], receiver: HttpReceiver) -> None:
    place = new_home(TRACKS_ALERT_URLS=receiver.url)
    list(write_hours(place.path / "export", START, 2, ExportPlan(events_per_hour=200, malformed_share=0)))
    assert place.run_hours(FIRST, SECOND).success
    assert place.run_job("tracks_checks").success
    _tick(place)
    assert receiver.titles == [], "passing runs send nothing"

    _collide(place)
    assert place.run_hours(FIRST, assets=("tracks",)).success
    _tick(place)
    (message,) = receiver.messages
    assert message["title"] == "[ERROR] Check no_collisions failed on posthog/tracks"
    lines = message["message"].splitlines()
    assert lines[0] == f"1 event id of {FIRST} was delivered as several events."
    assert lines[1] == "Figures: batch_ids 200, collided_ids 1"
    assert lines[2].startswith("Compared with: The first event is in posthog.tracks, ")
    assert f"Partitions: {FIRST}" in lines
    (downstream,) = (line for line in lines if line.startswith("Downstream: "))
    assert "posthog/duplicate_census" in downstream
    assert "Runbook: docs/runbooks.md#one-id-two-events-no_collisions-no_collisions_all" in lines
    assert VALUE not in str(message)

    damage(place)
    place.run_job("tracks_checks")
    _tick(place)
    assert receiver.titles[1:] == ["[ERROR] 6 checks failed"]
    assert VALUE not in str(receiver.messages)
    assert "bob" not in (place.path / "alerts.db").read_bytes().decode("latin-1")

    assert place.run_hours(SECOND).success
    _tick(place)
    assert len(receiver.messages) == 2, "another hour that passes ends no incident of the first"


@pytest.mark.nightly
def test_values_are_shown_on_demand(new_home: Callable[..., Home], receiver: HttpReceiver) -> None:
    place = new_home(TRACKS_ALERT_URLS=receiver.url)
    list(write_hours(place.path / "export", START, 1, ExportPlan(events_per_hour=200, malformed_share=0)))
    place.run_hours(FIRST)
    _collide(place)
    place.run_hours(FIRST, assets=("tracks",))
    _tick(place, TRACKS_SHOW_VALUES="on")
    assert "bob@\u2060example.com pays" in receiver.messages[0]["message"]


@pytest.mark.thorough
def test_a_broken_hour_is_one_message_and_ends_when_it_is_loaded(
    new_home: Callable[..., Home],
    receiver: HttpReceiver,
) -> None:
    place = new_home(TRACKS_ALERT_URLS=receiver.url)
    list(write_hours(place.path / "export", START, 1, ExportPlan(events_per_hour=200, malformed_share=0)))
    (file,) = sorted((place.path / "export").rglob("*.parquet*"))[:1]
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        assert not place.run_hours(FIRST).success
        _tick(place)
    (message,) = receiver.messages
    assert message["title"] == "[ERROR] Run failed: posthog__events_parquet"
    assert f"Partitions: {FIRST}\n" in message["message"]
    assert "Runbook: docs/alerts.md#a-run-failed\n" in message["message"]

    file.write_bytes(whole)
    assert place.run_hours(FIRST).success
    _tick(place)
    assert receiver.titles[1:] == ["[RECOVERED] Over: Run failed: posthog__events_parquet"]


@pytest.mark.thorough
def test_the_daemon_of_the_real_project_reports_a_failed_check(
    new_home: Callable[..., Home],
    receiver: HttpReceiver,
) -> None:
    place = new_home(TRACKS_ALERT_URLS=receiver.url, TRACKS_AUTOMATION="on")
    list(write_hours(place.path / "export", START, 1, ExportPlan(events_per_hour=200, malformed_share=0)))
    place.run_hours(FIRST)
    _collide(place)
    place.run_hours(FIRST, assets=("tracks",))
    with dagster_dev(place.environment, place.path / "dev.log", "-w", "workspace.yaml"):
        # The sensor of the export finds these hours late, too: both may come as one message.
        wait_until(lambda: "no_collisions failed on posthog/tracks" in str(receiver.messages), "the message is there")
