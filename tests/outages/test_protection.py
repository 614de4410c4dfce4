"""Repairs of a table whose protection they would drop: refused before a row is read, with what was found.

The emulator keeps row access policies, the expirations of a dataset and those of partitions. It keeps no key, no
constraint, no expiration of a table and no row count: there the proxy answers with its description of the table and
these fields added, as BigQuery does.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.cloud import bigquery

from tests.outages.conftest import Outages
from tests.outages.test_dedup import LATER, NOW, archived, damaged, seen  # noqa: F401 (a fixture)
from tests.outages.test_load import DENIED
from tests.support.emulators.proxy import Answer, Fate, Request
from tests.support.emulators.servers import PROJECT
from tracks_assets.repairs import repair as repairs
from tracks_assets.repairs.dedup import dedup
from tracks_assets.repairs.dedup import rollback as dedup_rollback
from tracks_assets.repairs.repair import RepairError
from tracks_assets.repairs.restore_times import restore
from tracks_assets.repairs.restore_times import rollback as restore_rollback
from tracks_assets.repairs.squash import rollback as squash_rollback
from tracks_assets.repairs.squash import squash
from tracks_assets.warehouse.base import Warehouse

KEY = "projects/p/locations/us/keyRings/r/cryptoKeys/k"
POLICY = "create row access policy eu_only on `{}` grant to ('allAuthenticatedUsers') filter using (locale = 'de')"

START: dict[str, Callable[[Warehouse], object]] = {
    "dedup_tracks": lambda tables: dedup.plan(tables, NOW, 14),
    "rollback_dedup": lambda tables: dedup_rollback.plan_rollback(tables, "newest"),
    "restore_created_at": lambda tables: restore.plan(tables, NOW, 24),
    "rollback_restore_created_at": lambda tables: restore_rollback.plan_rollback(tables, "newest"),
    "squash_person_overrides": lambda tables: squash.plan(tables, NOW, None, 1),
    "rollback_squash_person_overrides": lambda tables: squash_rollback.plan_rollback(tables, "newest"),
}

DEDUP_AND_NIGHTLY_OTHERS = [
    pytest.param(job, marks=[] if job == "dedup_tracks" else [pytest.mark.nightly]) for job in START
]
"""All jobs look at a table's properties by the same function, so a push shows each property for one job."""


@pytest.fixture
def client(outages: Outages) -> Iterator[bigquery.Client]:
    """A client past the proxy's faults of a test, with the tables in place."""
    with outages.warehouse().opened():
        pass
    client = bigquery.Client(PROJECT)
    yield client
    client.close()  # type: ignore[no-untyped-call]


def tracks(outages: Outages) -> str:
    """The table's whole name."""
    return f"{PROJECT}.{outages.prefix}posthog.tracks"


def statements(outages: Outages, fate: Callable[[Request], Fate] = lambda _: None) -> list[str]:
    """The statements that are sent from here on; each request has the fate that is given."""
    sent: list[str] = []

    def fault(request: Request) -> Fate:
        if request.method == "POST" and request.path.split("?")[0].endswith("/jobs"):
            sent.append(json.loads(request.body)["configuration"]["query"]["query"])
        return fate(request)

    outages.proxy.fault = fault
    return sent


def refused(outages: Outages, job: str, fate: Callable[[Request], Fate] = lambda _: None) -> str:
    """The refusal of a job's plan, which has sent no statement that reads a row."""
    with outages.warehouse().opened() as opened:
        sent = statements(outages, fate)
        with pytest.raises(RepairError) as reported:
            START[job](opened)
        count = opened.statements.text("count_rows", table=f"`{tracks(outages)}`")
        assert set(sent) <= {count}
    return str(reported.value)


def sentence(job: str, *found: str) -> str:
    return (
        f"{job} refuses, because {'; '.join(found)}. Nothing was read or changed. "
        "Run python -m tracks_assets.doctor, which shows the fix for each."
    )


@pytest.mark.parametrize("job", START)
def test_row_access_policies(outages: Outages, client: bigquery.Client, job: str) -> None:
    client.query(POLICY.format(tracks(outages))).result()

    assert refused(outages, job) == sentence(job, "posthog.tracks has row access policies (eu_only)")


@pytest.mark.parametrize("job", DEDUP_AND_NIGHTLY_OTHERS)
def test_policies_that_cannot_be_listed(outages: Outages, client: bigquery.Client, job: str) -> None:
    """The emulator has no accounts: the proxy refuses, as BigQuery does without the role."""
    text = refused(outages, job, lambda request: DENIED if "/tables/tracks/rowAccessPolicies" in request.path else None)

    assert text == sentence(
        job, "posthog.tracks may have row access policies, which this account is not allowed to list"
    )


def test_policies_on_several_pages_are_all_named(outages: Outages, client: bigquery.Client) -> None:
    """The emulator answers with one page: the proxy answers with two."""

    def page(name: str, **values: str) -> Answer:
        policy = {"rowAccessPolicyReference": {"policyId": name}}
        return Answer(200, json.dumps({"rowAccessPolicies": [policy], **values}).encode())

    def fate(request: Request) -> Fate:
        if "/tables/tracks/rowAccessPolicies" not in request.path:
            return None
        return page("second") if "pageToken=next" in request.path else page("first", nextPageToken="next")

    assert "has row access policies (first, second)." in refused(outages, "dedup_tracks", fate)


@pytest.mark.parametrize("job", DEDUP_AND_NIGHTLY_OTHERS)
@pytest.mark.parametrize(
    ("field", "obstacle"),
    [
        ({"encryptionConfiguration": {"kmsKeyName": KEY}}, f"is encrypted with a customer-managed key ({KEY})"),
        ({"tableConstraints": {"primaryKey": {"columns": ["event_id"]}}}, "has a primary key"),
        ({"expirationTime": "4070908800000"}, "expires on 2099-01-01 00:00 UTC"),
        ({"numRows": "7"}, "shows this account 0 of 7 rows"),
    ],
    ids=["key", "primary key", "expiration", "hidden rows"],
)
def test_fields_that_the_proxy_adds(
    outages: Outages, client: bigquery.Client, job: str, field: dict[str, Any], obstacle: str
) -> None:
    described = json.dumps({**client.get_table(tracks(outages)).to_api_repr(), **field}).encode()

    text = refused(outages, job, lambda request: Answer(200, described) if "/tables/tracks?" in request.path else None)

    assert text == sentence(job, f"posthog.tracks {obstacle}")


@pytest.mark.parametrize("job", DEDUP_AND_NIGHTLY_OTHERS)
def test_expirations_of_a_dataset_and_of_an_archives_partitions(
    outages: Outages, client: bigquery.Client, job: str
) -> None:
    dataset = client.get_dataset(f"{PROJECT}.{outages.prefix}posthog")
    dataset.default_partition_expiration_ms = 5 * 86_400_000
    client.update_dataset(dataset, ["default_partition_expiration_ms"])
    archive = client.get_table(f"{PROJECT}.{outages.prefix}posthog_ops.archived_duplicates")
    assert archive.time_partitioning is not None
    archive.time_partitioning.expiration_ms = 86_400_000
    client.delete_table(archive)
    client.create_table(archive)

    assert refused(outages, job) == sentence(
        job,
        "The dataset posthog deletes partitions of new tables 5 days after they are created",
        "posthog_ops.archived_duplicates deletes its partitions after 1 days",
    )


def test_a_dedup_whose_steps_are_started_again_is_refused_too(damaged: Outages) -> None:  # noqa: F811
    """The policy came after the plan; the rows that it hides would be missing from the result."""
    before = seen(damaged)[0]
    with damaged.warehouse().opened() as opened:
        repair_id = archived(opened)
    client = bigquery.Client(PROJECT)
    client.query(POLICY.format(tracks(damaged))).result()

    with damaged.warehouse().opened() as opened, pytest.raises(RepairError, match="has row access policies"):
        dedup.rewrite(opened, repair_id)
    with damaged.warehouse().opened() as opened, pytest.raises(RepairError, match="has row access policies"):
        dedup.take_snapshot(opened, repairs.new_repair_id(dedup.JOB, LATER), LATER, 14)

    client.query(f"drop row access policy eu_only on `{tracks(damaged)}`").result()
    client.close()  # type: ignore[no-untyped-call]
    assert seen(damaged)[0] == before
    with damaged.warehouse().opened() as opened:
        assert dedup.rewrite(opened, repair_id).rows_after == before.rows // 2
