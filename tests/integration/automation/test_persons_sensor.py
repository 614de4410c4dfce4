"""Ticks of the sensor of persons on a real Dagster instance: it is off where none are exported, and never alarms."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from tests.integration.automation.conftest import START, Watch, write
from tracks_assets.core.feed import Feed
from tracks_assets.defs.posthog.export_runs import PERSON_RUNS, REQUEST_TAG, results
from tracks_assets.quality.uploads.state import Outcome
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval
from tracks_assets.sources.posthog.persons import PERSONS

KEY = "2026-03-12-{:02}:00"


@pytest.fixture
def persons(watch: Watch) -> Watch:
    """The sensor of persons, on an export of events."""
    return replace(watch, of=PERSON_RUNS)


def put(watch: Watch, number: int, feed: Feed = PERSONS) -> Path:
    """A file of an hour, written when the hour ended."""
    hour = START + HOUR * number
    path = Path(watch.settings.export_uri) / hour_folder(hour, folder=feed.folder) / file_name(hour_interval(hour))
    write(path, hour + HOUR)
    return path


def test_an_export_without_persons_starts_nothing(persons: Watch) -> None:
    for number in range(3):
        put(persons, number, EVENTS)
    for hours in (4, 50, 900):
        persons.now = START + hours * HOUR
        assert persons.look() == []
        assert (persons.text, persons.cursor) == ("The export has no hours of persons.", None)
    assert not persons.evaluated


def test_persons_are_loaded_from_their_first_hour_on_and_no_missing_hour_alarms(persons: Watch) -> None:
    persons.now = START + 11 * HOUR
    for number in (4, 5, 8):
        put(persons, number)
    (run,) = persons.look()
    assert persons.ranges == [(KEY.format(4), KEY.format(8))], "hours between without changes are empty"
    assert not any("late" in tag for tag in persons.asked[0])
    persons.end(run)
    persons.now += 100 * HOUR
    assert persons.look() == []
    assert not persons.evaluated, "hours without persons are no late uploads"


def test_an_hour_of_persons_that_arrives_late_is_loaded(persons: Watch) -> None:
    persons.now = START + 11 * HOUR
    for number in (4, 8):
        put(persons, number)
    (run,) = persons.look()
    persons.end(run)
    persons.now += timedelta(minutes=1)
    write(put(persons, 6), persons.now)
    assert persons.look() == [], "it may still be written"
    persons.now += timedelta(minutes=30)
    assert len(persons.look()) == 1
    assert persons.ranges[1:] == [(KEY.format(6), KEY.format(6))]


def test_runs_of_events_are_no_runs_of_persons(persons: Watch) -> None:
    """An unfinished run of the same hour of events does not block persons, nor does a merge of it count for them."""
    put(persons, 0)
    persons.now = START + 2 * HOUR
    persons.add_run({"dagster/partition": KEY.format(0)}, dg.DagsterRunStatus.STARTED, "load_hours")
    (run,) = persons.look()
    persons.end_steps(run, ["tracks"], ["person_checks"])
    persons.end(run, dg.DagsterEventType.RUN_FAILURE)
    assert outcome(persons, run) is Outcome.FAILED
    persons.end_steps(run, ["person_distinct_ids"], [])
    assert outcome(persons, run) is Outcome.LOADED, "only a check failed"


def outcome(watch: Watch, run: dg.DagsterRun) -> Outcome:
    """How far a requested run came."""
    key = run.tags[REQUEST_TAG]
    return results(watch.instance, PERSON_RUNS, [key])[key].outcome
