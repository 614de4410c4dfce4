"""An export in a bucket is read as one on disk is, and what goes wrong there is reported in one sentence."""

import json
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import gcsfs
import pytest
from aiohttp import ClientTimeout

from examples.export_generator.generate import write_hour, write_hours
from examples.export_generator.plan import ExportPlan
from tests.integration.legacy.sites import Site, table
from tests.storage.conftest import Bucket
from tests.support.emulators.proxy import Answer, Fate, Request
from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.columns import legacy_fields
from tracks_assets.sources.posthog.feeds import EVENTS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval, manifest_name
from tracks_assets.sources.posthog.legacy import Legacy
from tracks_assets.storage import filesystem as storage
from tracks_assets.storage.fetch import fetched
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
STAMP = datetime(2026, 3, 12, 3, tzinfo=UTC)
PLAN = ExportPlan(events_per_hour=300, people=20, malformed_share=0.02)
PASSING = "It was tried again and again. Look at the network and at Cloud Storage's status, then run the hour again."
LOGIN = (
    "Log in with 'gcloud auth application-default login', or let GOOGLE_APPLICATION_CREDENTIALS name a service "
    "account's key, then run the hour again."
)
ROLE = "Give the account roles/storage.objectViewer on the bucket, then run the hour again."
STORM = Answer(503, b'{"error": {"code": 503, "message": "We encountered an internal error. Please try again."}}')


@pytest.fixture
def written(bucket: Bucket, tmp_path: Path) -> Path:
    """Two hours on disk, and the same in the bucket."""
    list(write_hours(tmp_path / "export", FIRST, 2, PLAN))
    bucket.put(tmp_path / "export")
    return tmp_path / "export"


def error_text(inventory: HourInventory) -> str:
    """The error with which fetching ends."""
    with pytest.raises(ExportError) as reported, fetched(inventory):
        raise AssertionError("it was fetched")
    return str(reported.value)


def not_listed(bucket: Bucket) -> str:
    """The error with which listing an hour ends."""
    with pytest.raises(ExportError) as reported:
        Export(bucket.uri).inventory(FIRST)
    return str(reported.value)


@contextmanager
def no_file_over(size: int) -> Iterator[None]:
    """Files of this process take no more bytes than these for a ``with`` block, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def rows_of(warehouse: DuckDbWarehouse) -> list[list[tuple[object, ...]]]:
    return [
        sorted(warehouse.connection.execute(f"select * from {table}").fetchall(), key=str)
        for table in (RAW_TRACKS, REJECTED_TRACKS)
    ]


def test_an_hour_from_a_bucket_is_the_hour_on_disk(bucket: Bucket, written: Path, tmp_path: Path) -> None:
    held = []
    for name, uri in (("disk", str(written)), ("bucket", bucket.uri)):
        inventory = Export(uri).inventory(FIRST)
        with DuckDbWarehouse(tmp_path / f"{name}.duckdb").opened() as warehouse:
            load = warehouse.load_slice(EVENTS, inventory, STAMP)
            held.append((load, rows_of(warehouse)))
        assert inventory.manifest
        assert len(inventory.files) == PLAN.files_per_hour
    assert held[0] == held[1]
    assert held[0][0].rejected > 0


def test_a_folder_that_is_not_there_is_an_empty_hour(bucket: Bucket, written: Path) -> None:
    assert Export(bucket.uri).inventory(FIRST + 9 * HOUR).files == ()


def test_hidden_companions_and_placeholders_are_ignored(bucket: Bucket, written: Path) -> None:
    folder = f"posthog/{hour_folder(FIRST)}"
    for name in ("._x.parquet.sz", ".x.crc", "_SUCCESS", "._x_manifest.json", "_temporary/0/x.parquet"):
        bucket.handle.blob(f"{folder}/{name}").upload_from_string("x")
    assert len(Export(bucket.uri).inventory(FIRST).files) == PLAN.files_per_hour
    assert Export(bucket.uri).check_layout() == FIRST + HOUR


def test_a_name_that_lost_its_colons_is_read(bucket: Bucket, written: Path) -> None:
    for file in (written / hour_folder(FIRST)).iterdir():
        blob = bucket.handle.blob(f"posthog/{hour_folder(FIRST)}/{file.name}")
        bucket.handle.blob(f"posthog/{hour_folder(FIRST)}/{file.name.replace(':', '%3A')}").upload_from_filename(file)
        blob.delete()
    inventory = Export(bucket.uri).inventory(FIRST)
    with fetched(inventory) as local:
        assert local.rows == Export(str(written)).inventory(FIRST).rows
        assert all("T00%3A00" in file.name and Path(file.path).exists() for file in local.files)


BAD_BUCKETS: dict[str, tuple[str, list[str], str]] = {
    "JSON Lines": (
        "",
        ["events/2026-03-12/01/x.jsonl"],
        "The folder events/2026-03-12/01 holds 'x.jsonl', but no Parquet file. Set the format of PostHog's export to "
        "Parquet and export the hour again.",
    ),
    "a deeper folder": (
        "",
        ["events/2026-03-12/01/deeper/x.parquet"],
        "The folder events/2026-03-12/01 holds the folder 'deeper/'. The files of an hour lie directly in the "
        "hour's folder. Move its files to the folders of their hours, or take it out of the folder.",
    ),
    "a part without a manifest": (
        "",
        [f"events/2026-03-12/01/{file_name(hour_interval(FIRST), 1)}"],
        f"The file events/2026-03-12/01/{file_name(hour_interval(FIRST), 1)} is one of several parts without a "
        f"manifest. The export is not finished. Wait for {manifest_name(hour_interval(FIRST))}, or let "
        f"PostHog export the hour again.",
    ),
    "the events folder as the root": (
        "/events",
        ["events/2026-03-13/01/x.parquet"],
        "The export root {uri}/events has no folder 'events'. It holds '2026-03-13/01' itself. Set TRACKS_EXPORT_URI "
        "to its parent {uri}.",
    ),
    "no events folder": (
        "",
        ["people/x.parquet"],
        "The export root {uri} has no folder 'events'. It holds 'people/'. Set TRACKS_EXPORT_URI to the folder or "
        "bucket prefix that holds the export's 'events' folder, or wait for the first hour of a new export.",
    ),
    "another layout": (
        "",
        ["events/2026/03/12/01/x.parquet"],
        "The export root {uri} has no folder events/{{date}}/{{hour}}. It holds 'events/2026/03/12/01/x.parquet' "
        "instead of, for instance, events/2026-03-12/01. Set the key prefix of PostHog's export to "
        "'events/{{year}}-{{month}}-{{day}}/{{hour}}', or move the files.",
    ),
    "hours of one digit": (
        "",
        ["events/2026-03-12/1/x.parquet", "events/2026-03-12/11/x.parquet"],
        "The folder events/2026-03-12 holds '1/x.parquet', which is in no folder of an hour. An hour could look "
        "empty. Set the key prefix of PostHog's export to "
        "'events/{{year}}-{{month}}-{{day}}/{{hour}}', or move the files.",
    ),
}


@pytest.mark.parametrize(("below", "names", "message"), BAD_BUCKETS.values(), ids=BAD_BUCKETS)
def test_what_is_no_export_is_shown(bucket: Bucket, below: str, names: list[str], message: str) -> None:
    for name in names:
        bucket.handle.blob(f"posthog/{name}").upload_from_string("x")
    with pytest.raises(ExportError) as reported:
        Export(f"{bucket.uri}{below}").inventory(FIRST)
    assert str(reported.value) == message.format(uri=bucket.uri)


def test_the_layout_is_looked_at_once_in_a_run(bucket: Bucket, written: Path) -> None:
    asked: list[str] = []

    def listed(request: Request) -> Fate:
        asked.append(unquote(request.path))
        return None

    def looks() -> list[int]:
        """Listings of the folder of all days, and of the day's."""
        folders = ("posthog/events/", f"posthog/{hour_folder(FIRST)[:-3]}/")
        found = [sum(f"prefix={folder}&" in path for path in asked) for folder in folders]
        asked.clear()
        return found

    bucket.proxy.fault = listed
    export = Export(bucket.uri)
    export.inventory(FIRST)
    assert looks() == [0, 0], "an hour with files"
    export.inventory(FIRST + 3 * HOUR)
    assert looks() == [1, 2], "the first hour without files"
    export.inventory(FIRST + 4 * HOUR)
    assert looks() == [0, 0]


def test_a_placeholder_object_is_no_file(bucket: Bucket, written: Path) -> None:
    """Consoles make a "folder" by an empty object whose name ends with a slash; the emulator cannot store one."""
    folder = f"posthog/{hour_folder(FIRST + 5 * HOUR)}/"
    item = {"kind": "storage#object", "name": folder, "bucket": bucket.name, "size": "0", "contentType": "text/plain"}
    answer = Answer(200, json.dumps({"kind": "storage#objects", "items": [item]}).encode())
    bucket.proxy.fault = lambda request: answer if f"prefix={folder}&" in unquote(request.path) else None
    assert Export(bucket.uri).inventory(FIRST + 5 * HOUR).files == ()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("2026-03-12/00/x.jsonl", "The folder {uri}/2026-03-12/00 holds 'x.jsonl', but no Parquet file"),
        ("2026/03/12/00/x.parquet", "The legacy root {uri} has no folder {{date}}/{{hour}}, but '2026/03/12/00/x.parq"),
    ],
)
def test_what_is_no_legacy_root_is_shown(bucket: Bucket, file: str, message: str) -> None:
    bucket.handle.blob(f"posthog/{file}").upload_from_string("x")
    with pytest.raises(ExportError) as reported:
        Legacy(bucket.uri, legacy_fields()).inventory(FIRST)
    assert str(reported.value).startswith(message.format(uri=bucket.uri))


def test_a_bucket_that_is_not_there(bucket: Bucket) -> None:
    with pytest.raises(ExportError) as reported:
        Export("gs://bucket-of-nobody/posthog").inventory(FIRST)
    assert str(reported.value) == (
        "The export root gs://bucket-of-nobody/posthog does not exist. Set TRACKS_EXPORT_URI to the folder or bucket "
        "prefix that holds the export's 'events' folder."
    )


def test_an_hour_that_got_more_files_is_listed_afresh(bucket: Bucket, tmp_path: Path) -> None:
    for files in (1, 2):
        write_hour(tmp_path / str(files), FIRST, PLAN.model_copy(update={"files_per_hour": files}))
        bucket.put(tmp_path / str(files))
        assert len(Export(bucket.uri).inventory(FIRST).files) == files


def test_a_torn_file_is_named(bucket: Bucket, written: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    file = inventory.files[1]
    blob = bucket.blob(file)
    blob.upload_from_string(blob.download_as_bytes()[:-100])

    assert error_text(inventory) == (
        f"The file gs://{file.path} has changed since it was listed. It had {file.size:,} bytes then, and has "
        f"{file.size - 100:,} now. Run the hour again."
    )
    with pytest.raises(ExportError, match="cannot be read as Parquet"):
        Export(bucket.uri).inventory(FIRST)


def test_a_file_that_is_replaced_while_it_is_read(bucket: Bucket, written: Path) -> None:
    """As long as it was, so that its size shows nothing."""
    inventory = Export(bucket.uri).inventory(FIRST)
    blob = bucket.blob(inventory.files[0])
    other = bytes(reversed(blob.download_as_bytes()))

    def fault(request: Request) -> Fate:
        if unquote(request.path).endswith(f"{inventory.files[0].name}?alt=media"):
            blob.upload_from_string(other)
        return None

    bucket.proxy.fault = fault
    assert error_text(inventory) == (
        f"The file gs://{inventory.files[0].path} has changed while it was read. Its checksum is another one. "
        "Run the hour again."
    )


def test_a_legacy_file_is_named_by_its_address(bucket: Bucket, tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write(table({"created_at": FIRST}).drop_columns(["event_id"]), FIRST)
    bucket.put(site.root)
    with pytest.raises(ExportError) as reported:
        Legacy(bucket.uri, legacy_fields()).inventory(FIRST)
    assert str(reported.value) == (
        f"The file {bucket.uri}/2026-03-12/00/part-0.parquet has no column event_id. Write it again from the old "
        "pipeline's table, or take it out of the folder, and run the hour again."
    )


def test_a_file_that_is_gone_since_it_was_listed(bucket: Bucket, written: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    file = inventory.files[0]
    bucket.blob(file).delete()

    assert error_text(inventory) == (
        f"The file gs://{file.path} is gone since it was listed. Run the hour again. If the file stays away, let "
        "PostHog export the hour again."
    )


def test_a_disk_without_room_for_the_files(bucket: Bucket, written: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    with no_file_over(1_000):
        sentence = error_text(inventory)
    assert sentence.startswith(f"The file gs://{inventory.files[0].path} cannot be copied into ")
    assert sentence.endswith(
        " (File too large). Raise the limit on the size of files (ulimit -f), then run the hour again."
    )
    with fetched(inventory) as local:
        folder = Path(local.root)
        assert sum(Path(file.path).stat().st_size for file in local.files) == inventory.size
    assert not folder.exists()


def test_a_storm_that_ends_is_survived(bucket: Bucket, written: Path) -> None:
    fates: list[Fate] = ["cut", STORM, "cut within", STORM, "cut", STORM, "cut within", STORM]
    refusals = iter(fates)
    bucket.proxy.fault = lambda _: next(refusals, None)
    with fetched(Export(bucket.uri).inventory(FIRST)) as local:
        assert local.rows == Export(str(written)).inventory(FIRST).rows
        assert all(Path(file.path).read_bytes() == (written / file.name).read_bytes() for file in local.files)
    assert next(refusals, None) is None


def test_a_storm_without_an_end_leaves_the_hour(bucket: Bucket, written: Path, tmp_path: Path) -> None:
    inventory = Export(bucket.uri).inventory(FIRST)
    with DuckDbWarehouse(tmp_path / "warehouse.duckdb").opened() as warehouse:
        warehouse.load_slice(EVENTS, inventory, STAMP)
        before = rows_of(warehouse)
        bucket.proxy.fault = lambda _: STORM
        with pytest.raises(ExportError) as reported:
            warehouse.load_slice(EVENTS, inventory, STAMP)
        assert rows_of(warehouse) == before
        bucket.proxy.fault = lambda _: None
        warehouse.load_slice(EVENTS, inventory, STAMP)
        assert rows_of(warehouse) == before

    assert str(reported.value) == (
        f"Cloud Storage failed at gs://{inventory.files[0].path} (We encountered an internal error. Please try again., "
        f"503). {PASSING}"
    )


def test_a_storage_that_says_nothing(bucket: Bucket, written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that stays open and silent would hold the run for ever."""
    monkeypatch.setitem(storage._CLOUD_STORAGE, "requests_timeout", ClientTimeout(sock_read=0.1))
    bucket.proxy.fault = lambda _: "hang"
    assert not_listed(bucket).startswith(f"Cloud Storage failed at {bucket.uri} (")
    assert not_listed(bucket).endswith(PASSING)


def test_silence_has_its_bound(bucket: Bucket, written: Path) -> None:
    Export(bucket.uri).inventory(FIRST)
    (filesystem,) = gcsfs.GCSFileSystem._cache.values()
    assert filesystem.requests_timeout == storage.SILENCE
    assert storage.SILENCE.sock_read == 15


REFUSALS = [
    (401, "Anonymous caller does not have storage.objects.list access", "", LOGIN),
    (403, "tests@x does not have storage.objects.list access to the bucket.", "", ROLE),
    (502, "<html><style>p {}</style><p><b>502.</b> An error</p></html>", "502 ProxyError", PASSING),
    (500, "<html><style>p {}</style><p><b>500.</b> An error</p></html>", "500. An error, 500", PASSING),
    (429, "The rate of requests is too high.", "The rate of requests is too high., 429", PASSING),
    (
        400,
        "invalid argument",
        "invalid argument",
        "It does not take such a request. Look at the bucket's settings and at the variable that names it, then run "
        "the hour again.",
    ),
]


@pytest.mark.parametrize(("status", "message", "cause", "remedy"), REFUSALS, ids=[str(each[0]) for each in REFUSALS])
def test_a_refusal_has_its_remedy(
    bucket: Bucket, written: Path, status: int, message: str, cause: str, remedy: str
) -> None:
    body = message if message.startswith("<") else json.dumps({"error": {"code": status, "message": message}})
    asked = []

    def fault(request: Request) -> Fate:
        asked.append(request)
        return Answer(status, body.encode())

    bucket.proxy.fault = fault
    sentence = not_listed(bucket)
    assert sentence.startswith(f"Cloud Storage failed at {bucket.uri} ({(cause or message).strip('.')}")
    assert sentence.endswith(f"). {remedy}")
    assert remedy == PASSING or len(asked) <= 2, "reported at once"


def test_nobody_is_logged_in(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    assert not_listed(bucket) == (
        f"Cloud Storage failed at {bucket.uri} (File {tmp_path / 'nothing.json'} was not found). {LOGIN}"
    )


def with_tokens_from(monkeypatch: pytest.MonkeyPatch, folder: Path, token_uri: str) -> None:
    """Lets a service account log in whose tokens come from there."""
    account = json.loads(Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"]).read_text(encoding="utf-8"))
    key = folder / "key.json"
    key.write_text(json.dumps(account | {"token_uri": token_uri}), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))


def test_a_login_that_is_refused(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tokens_from(monkeypatch, tmp_path, f"{bucket.proxy.address}/token")
    bucket.proxy.fault = lambda _: Answer(400, b'{"error": "invalid_grant", "error_description": "Account disabled."}')
    assert not_listed(bucket) == (f"Cloud Storage failed at {bucket.uri} (invalid_grant: Account disabled). {LOGIN}")


def test_a_login_without_a_connection(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_tokens_from(monkeypatch, tmp_path, f"{bucket.proxy.address}/token")
    fates: list[Fate] = ["cut", "cut"]
    refusals = iter(fates)
    bucket.proxy.fault = lambda request: (
        next(refusals, Answer(200, b'{"access_token": "of-nobody", "expires_in": 3600}'))
        if request.path == "/token"
        else None
    )
    assert "does not exist" in not_listed(bucket), "the login was tried again, and the empty bucket reached"
    assert next(refusals, None) is None

    gcsfs.GCSFileSystem.clear_instance_cache()
    monkeypatch.setattr(storage, "LOGIN_SECONDS", 0.1)
    bucket.proxy.fault = lambda _: "cut"
    assert not_listed(bucket).startswith(f"Cloud Storage failed at {bucket.uri} (")
    assert not_listed(bucket).endswith(PASSING)
