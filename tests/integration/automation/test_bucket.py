"""The sensor on an export in a bucket: the same decisions as on local folders, and one listing for each day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest
from dagster import DagsterInstance

from tests.integration.automation.conftest import Watch
from tests.storage.conftest import Bucket
from tests.support.emulators.proxy import Answer, Fate, Request
from tracks_assets.core.errors import TransientExportError
from tracks_assets.settings import PARTITION_FORMAT, read_settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval, manifest_name

MINUTE = timedelta(minutes=1)
STORM = Answer(503, b'{"error": {"code": 503, "message": "We encountered an internal error. Please try again."}}')


@pytest.fixture
def hour() -> datetime:
    """The hour before the last one."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - 2 * HOUR


@pytest.fixture
def watch(bucket: Bucket, instance: DagsterInstance, hour: datetime, tmp_path: Path) -> Watch:
    settings = read_settings(
        {
            "TRACKS_HOME": str(tmp_path / "home"),
            "TRACKS_EXPORT_URI": bucket.uri,
            "TRACKS_EXPORT_START": hour.strftime(PARTITION_FORMAT),
        }
    )
    return Watch(instance, settings, Export(bucket.uri), datetime.now(UTC))


def put(bucket: Bucket, hour: datetime, name: str, text: str = "x") -> None:
    bucket.handle.blob(f"posthog/{hour_folder(hour)}/{name}").upload_from_string(text)


def test_an_hour_in_a_bucket_is_requested_when_it_is_quiet(bucket: Bucket, watch: Watch, hour: datetime) -> None:
    put(bucket, hour, file_name(hour_interval(hour)))
    put(bucket, hour, "_SUCCESS")
    watch.now = datetime.now(UTC) + 29 * MINUTE
    assert watch.look() == []
    watch.now += 2 * MINUTE
    (run,) = watch.look()
    watch.end(run)
    watch.now += MINUTE
    assert watch.look() == []
    put(bucket, hour, file_name(hour_interval(hour)), "another text")
    assert watch.look() == []
    watch.now += 31 * MINUTE
    (again,) = watch.look()
    watch.end(again)
    bucket.handle.blob(f"posthog/{hour_folder(hour)}/{file_name(hour_interval(hour))}").delete()
    put(bucket, hour + HOUR, "later")
    for _ in range(3):
        watch.now += 5 * MINUTE
        watch.look()
    key = hour.strftime(PARTITION_FORMAT)
    assert watch.ranges[:2] == [(key, key)] * 2
    assert key not in dict(watch.ranges[2:]), "a deleted file starts nothing"


def test_a_manifest_in_a_bucket_completes_an_hour_at_once(bucket: Bucket, watch: Watch, hour: datetime) -> None:
    names = [file_name(hour_interval(hour), part) for part in range(2)]
    keys = [f"posthog/{hour_folder(hour)}/{name}" for name in names]
    put(bucket, hour, names[0])
    put(bucket, hour, manifest_name(hour_interval(hour)), json.dumps({"files": keys}))
    assert watch.look() == []
    put(bucket, hour, names[1])
    assert len(watch.look()) == 1


def test_a_look_lists_each_day_once(bucket: Bucket, watch: Watch, hour: datetime) -> None:
    listed: list[str] = []

    def note(request: Request) -> Fate:
        if "/o?" in request.path:
            listed.append(unquote(request.path))
        return None

    for number in range(3):
        put(bucket, hour - HOUR * number, file_name(hour_interval(hour - HOUR * number)))
    watch.settings = watch.settings.model_copy(update={"export_start": hour - 2 * HOUR})
    watch.look()
    bucket.proxy.fault = note
    watch.look()
    days = {hour_folder(hour - HOUR * number).split("/")[1] for number in range(3)}
    for day in days:
        assert sum(f"posthog/events/{day}" in path for path in listed) == 1, listed
    assert sum("prefix=posthog/events/&" in path for path in listed) == 1, listed


def test_a_bucket_out_of_reach_fails_the_look_and_changes_nothing(bucket: Bucket, watch: Watch, hour: datetime) -> None:
    put(bucket, hour, file_name(hour_interval(hour)))
    watch.look()
    before = watch.cursor
    bucket.proxy.fault = lambda _: STORM
    with pytest.raises(Exception, match="Cloud Storage failed at") as caught:
        watch.look()
    assert TransientExportError.__name__ in f"{caught.value!r}{caught.value.__cause__!r}"
    bucket.proxy.fault = lambda _: None
    assert watch.cursor == before
    watch.look()
