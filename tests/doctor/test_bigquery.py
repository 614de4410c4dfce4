"""The doctor of a home on BigQuery: login, location, tables, roles and protection; nothing is created or changed.

The emulator has no accounts and answers no question about permissions, and keeps no key of a table: there the proxy
answers as BigQuery does.
"""

import json
from pathlib import Path

import pytest
from google.cloud import bigquery

from tests.outages.conftest import Outages
from tests.outages.test_load import DENIED
from tests.support.emulators.proxy import Answer, Fate, Request
from tests.support.emulators.servers import PROJECT
from tracks_assets.core.tables import SCHEMA
from tracks_assets.doctor.__main__ import main
from tracks_assets.doctor.bigquery_checks import check_bigquery
from tracks_assets.doctor.findings import Finding, Status, exit_code
from tracks_assets.warehouse.bigquery.inspection import PERMISSIONS
from tracks_assets.warehouse.bigquery.tables import new_table
from tracks_assets.warehouse.tables import TRACKS

ROLES_PATH = "/tables/tracks:testIamPermissions"


def permitting(*permissions: str) -> Answer:
    """BigQuery's answer to the question which permissions an account has."""
    return Answer(200, json.dumps({"permissions": permissions}).encode())


def diagnosed(outages: Outages, permissions: Answer | None = None, **options: object) -> dict[str, list[Finding]]:
    """The findings by their checks, and that nothing but dry runs and questions was sent."""
    sent: list[Request] = []

    def fault(request: Request) -> Fate:
        sent.append(request)
        return permissions if ROLES_PATH in request.path else None

    outages.proxy.fault = fault
    findings: dict[str, list[Finding]] = {}
    for finding in check_bigquery(outages.target(**options)):
        findings.setdefault(finding.check, []).append(finding)
    for request in sent:
        asks = request.method == "GET" or ROLES_PATH in request.path
        counts = b"count(*)" in request.body
        assert asks or b'"dryRun": true' in request.body or counts, request
    return findings


@pytest.fixture
def made(outages: Outages) -> Outages:
    """BigQuery with all datasets and tables in place."""
    with outages.warehouse().opened():
        pass
    return outages


def test_a_healthy_project(made: Outages) -> None:
    findings = diagnosed(made, permitting(*PERMISSIONS))
    assert list(findings) == ["login", "location", "tables", "roles", "protection"]
    every = [finding for each in findings.values() for finding in each]
    assert {finding.status for finding in every} == {Status.OK}
    assert f"{made.prefix}{SCHEMA}_ops in US" in findings["location"][0].found


def test_a_project_before_the_first_load_gets_no_dataset(outages: Outages) -> None:
    findings = diagnosed(outages)
    assert {finding.status for each in findings.values() for finding in each} == {Status.OK}
    assert "the first load creates it in US" in findings["location"][-1].found
    client = bigquery.Client(PROJECT)
    assert not [each for each in client.list_datasets() if str(each.dataset_id).startswith(outages.prefix)]
    client.close()  # type: ignore[no-untyped-call]


def test_permissions_that_are_lacking_or_unknown(made: Outages) -> None:
    (lacking,) = diagnosed(made, permitting(*PERMISSIONS[:-1]))["roles"]
    assert (lacking.status, lacking.found) == (
        Status.FAIL,
        "the account lacks bigquery.tables.createSnapshot on posthog.tracks",
    )
    (unknown,) = diagnosed(made, DENIED)["roles"]
    assert unknown.status is Status.WARN
    assert unknown.found.startswith("not checked, because BigQuery did not answer (Access Denied")


def test_a_dataset_in_another_location(outages: Outages) -> None:
    client = bigquery.Client(PROJECT)
    dataset = bigquery.Dataset(f"{PROJECT}.{outages.prefix}{SCHEMA}")
    dataset.location = "EU"
    client.create_dataset(dataset)
    client.close()  # type: ignore[no-untyped-call]
    found = diagnosed(outages)["location"][0]
    assert found.status is Status.FAIL
    assert found.found == (f"the dataset {PROJECT}.{outages.prefix}{SCHEMA} is in EU, but TRACKS_BQ_LOCATION is US")
    assert found.fix.startswith("Set TRACKS_BQ_LOCATION to EU")


def test_a_table_with_other_columns(outages: Outages) -> None:
    client = bigquery.Client(PROJECT)
    client.create_dataset(f"{PROJECT}.{outages.prefix}{SCHEMA}")
    table = new_table(TRACKS, f"{PROJECT}.{outages.prefix}{SCHEMA}.tracks")
    table.schema = table.schema[1:]
    client.create_table(table)
    client.close()  # type: ignore[no-untyped-call]
    found = diagnosed(outages)["tables"]
    assert [(each.status, each.found) for each in found] == [
        (Status.FAIL, "posthog.tracks does not fit: it has no column event_id")
    ]


def test_what_expires_fails_and_what_a_repair_would_drop_warns(made: Outages) -> None:
    client = bigquery.Client(PROJECT)
    dataset = client.get_dataset(f"{PROJECT}.{made.prefix}{SCHEMA}")
    dataset.default_table_expiration_ms = 60 * 86_400_000
    client.update_dataset(dataset, ["default_table_expiration_ms"])
    tracks = client.get_table(f"{PROJECT}.{made.prefix}{SCHEMA}.tracks").to_api_repr()
    client.close()  # type: ignore[no-untyped-call]
    described = {**tracks, "encryptionConfiguration": {"kmsKeyName": "k"}}

    made.proxy.fault = lambda request: (
        Answer(200, json.dumps(described).encode()) if "/tables/tracks?" in request.path else None
    )
    found = [each for each in check_bigquery(made.target()) if each.check == "protection"]

    assert [(each.status, each.found) for each in found] == [
        (Status.FAIL, "The dataset posthog deletes new tables 60 days after they are created"),
        (Status.WARN, "posthog.tracks is encrypted with a customer-managed key (k)"),
    ]
    assert all(each.fix for each in found)


def test_a_bigquery_that_cannot_be_asked(outages: Outages) -> None:
    outages.proxy.fault = lambda _: DENIED
    findings = list(check_bigquery(outages.target()))
    assert [each.status for each in findings] == [Status.FAIL, *[Status.WARN] * 4]
    assert findings[0].found.endswith("roles/bigquery.dataOwner on the datasets, then run again.")
    assert exit_code(findings) == 1


def test_the_command(
    made: Outages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {
        "TRACKS_HOME": str(tmp_path),
        "TRACKS_ENGINE": "bigquery",
        "TRACKS_BQ_PROJECT": PROJECT,
        "TRACKS_BQ_DATASET_PREFIX": made.prefix,
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "export" / "events").mkdir(parents=True)
    made.proxy.fault = lambda request: permitting(*PERMISSIONS) if ROLES_PATH in request.path else None
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines] == [
        "settings",
        "export",
        "hour",
        "login",
        "location",
        "tables",
        "roles",
        "protection",
    ]
