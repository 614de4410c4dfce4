"""The error text where BigQuery cannot be used at all, and that nothing is made or changed then."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.cloud import bigquery

from tests.outages.conftest import Outages
from tests.outages.test_load import DENIED, refusal
from tests.support.emulators.proxy import Answer
from tests.support.emulators.servers import PROJECT
from tracks_assets.core.errors import WarehouseError
from tracks_assets.transform.duckdb_errors import BUG
from tracks_assets.warehouse.bigquery.tables import difference, new_table
from tracks_assets.warehouse.tables import TRACKS


@pytest.fixture
def client(outages: Outages) -> Iterator[bigquery.Client]:
    """A client that is nobody's."""
    client = bigquery.Client(PROJECT)
    yield client
    client.close()  # type: ignore[no-untyped-call]


def error_text(outages: Outages, **options: object) -> str:
    """The sentence with which opening ends."""
    with pytest.raises(WarehouseError) as reported, outages.warehouse(**options).opened():
        raise AssertionError("it opened")
    return str(reported.value)


def test_no_credentials(outages: Outages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))

    assert error_text(outages) == (
        f"BigQuery in tracks-tests failed at the log-in (File {tmp_path}/nowhere.json was not found). Log in with "
        "'gcloud auth application-default login', or set GOOGLE_APPLICATION_CREDENTIALS to a service account's key, "
        "then run again."
    )


def test_credentials_that_are_refused(outages: Outages) -> None:
    outages.proxy.fault = lambda _: DENIED

    assert error_text(outages) == (
        f"BigQuery in tracks-tests failed at the dataset tracks-tests.{outages.prefix}posthog (Access Denied: Project "
        "tracks-tests: User does not have bigquery.jobs.create). Give the account roles/bigquery.jobUser on the "
        "project and roles/bigquery.dataOwner on the datasets, then run again."
    )


def test_a_storm_without_an_end(outages: Outages) -> None:
    outages.proxy.fault = lambda _: refusal(503, "backendError", "The service is currently unavailable.")

    sentence = error_text(outages)

    assert sentence.startswith(f"BigQuery in tracks-tests failed at the dataset tracks-tests.{outages.prefix}posthog (")
    assert sentence.endswith("BigQuery could not be reached, or not in time: look at its status, then run again.")


def test_a_dataset_in_another_location(outages: Outages, client: bigquery.Client) -> None:
    dataset = bigquery.Dataset(f"{PROJECT}.{outages.prefix}posthog")
    dataset.location = "EU"
    client.create_dataset(dataset)

    assert error_text(outages) == (
        f"The dataset tracks-tests.{outages.prefix}posthog lies in EU. TRACKS_BQ_LOCATION is US. Set it to EU, or "
        "choose other datasets with TRACKS_BQ_DATASET_PREFIX."
    )
    assert list(client.list_tables(dataset)) == []
    assert [found.dataset_id for found in client.list_datasets() if found.dataset_id.startswith(outages.prefix)] == [
        f"{outages.prefix}posthog"
    ]
    with outages.warehouse(location="EU").opened() as opened:
        assert opened.count_rows(TRACKS) == 0


@pytest.mark.parametrize(
    ("schema", "differs"),
    [
        ([("event_id", "STRING")], "It has no column created_at."),
        ([("event_id", "INT64")], "Its column event_id is INT64 and not STRING."),
        (
            [*((column.name, column.type.value) for column in TRACKS.columns), ("our_own", "STRING")],
            "It has a column our_own that the pipeline would lose.",
        ),
    ],
)
def test_a_table_with_another_schema(
    outages: Outages, client: bigquery.Client, schema: list[tuple[str, str]], differs: str
) -> None:
    name = f"{PROJECT}.{outages.prefix}posthog.tracks"
    client.create_dataset(f"{PROJECT}.{outages.prefix}posthog")
    client.create_table(bigquery.Table(name, [bigquery.SchemaField(*field) for field in schema]))

    assert error_text(outages) == (
        f"The table {name} is not as the pipeline needs it. {differs} Change it by ALTER TABLE or a copy, or "
        "choose other datasets with TRACKS_BQ_DATASET_PREFIX."
    )
    assert len(client.get_table(name).schema) == len(schema)


@pytest.mark.parametrize(
    ("cut", "differs"),
    [
        (None, "It is not partitioned by time and not partitioned by day of created_at."),
        (
            bigquery.TimePartitioning("HOUR", "created_at"),
            "It is partitioned by hour of created_at and not partitioned by day of created_at.",
        ),
        (
            bigquery.TimePartitioning("DAY"),
            "It is partitioned by day of ingestion and not partitioned by day of created_at.",
        ),
    ],
    ids=["not", "by the hour", "by ingestion"],
)
def test_a_table_that_is_cut_in_another_way(
    outages: Outages, client: bigquery.Client, cut: bigquery.TimePartitioning | None, differs: str
) -> None:
    """Its updates would be billed for all of it, hour by hour, and nobody would know why."""
    client.create_dataset(f"{PROJECT}.{outages.prefix}posthog")
    table = new_table(TRACKS, f"{PROJECT}.{outages.prefix}posthog.tracks")
    table.time_partitioning = cut
    client.create_table(table)

    assert error_text(outages).startswith(f"The table {table} is not as the pipeline needs it. {differs} Change it")


def test_a_table_is_checked_once_and_again_when_it_is_created_again(outages: Outages, client: bigquery.Client) -> None:
    name = f"{PROJECT}.{outages.prefix}posthog.tracks"
    checked: list[str] = []
    outages.proxy.fault = lambda request: checked.append(request.path) if "/tables/tracks?" in request.path else None
    for _ in range(2):
        with outages.warehouse().opened():
            pass
    assert len(checked) == 1

    client.delete_table(name)
    client.create_table(bigquery.Table(name, [bigquery.SchemaField("event_id", "INT64")]))

    assert error_text(outages).startswith(f"The table {name} is not as the pipeline needs it. Its column event_id is")


def test_a_table_that_no_id_can_be_looked_for_in() -> None:
    """The emulator does not keep what the client library is asked for here."""
    table = new_table(TRACKS, f"{PROJECT}.posthog.tracks")
    assert difference(table, TRACKS) is None
    table.require_partition_filter = True
    assert difference(table, TRACKS) == "it requires a partition filter, and ids are looked for in all of it"


def test_a_project_that_is_not_there(outages: Outages) -> None:
    outages.proxy.fault = lambda request: (
        Answer(404, b'{"error": {"code": 404, "message": "Not found: Project nowhere"}}')
        if request.method == "POST"
        else None
    )

    assert error_text(outages).endswith(
        "(Not found: Project nowhere). Check TRACKS_BQ_PROJECT, TRACKS_BQ_LOCATION and TRACKS_BQ_DATASET_PREFIX."
    )


@pytest.mark.parametrize("text", ["selec 1", "select nope from (select 1 as one)", "select no_function(1)"])
def test_a_statement_that_is_wrong_is_called_a_bug(
    outages: Outages, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with outages.warehouse().opened() as opened:
        monkeypatch.setattr(type(opened.statements), "text", lambda *_, **__: text)
        with pytest.raises(WarehouseError) as reported:
            opened.fetch("fingerprint", table="tracks")

    assert str(reported.value).startswith("BigQuery in tracks-tests failed at the statement fingerprint (")
    assert str(reported.value).endswith(f"). {BUG}")
