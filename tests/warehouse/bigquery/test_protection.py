"""The obstacles to a repair, over descriptions of tables and datasets as BigQuery's REST API gives them."""

from typing import Any

import pytest

from tracks_assets.warehouse.bigquery.protection import TableState, dataset_obstacles, table_obstacles

TABLE: dict[str, Any] = {
    "kind": "bigquery#table",
    "id": "acme:posthog.tracks",
    "selfLink": "https://bigquery.googleapis.com/bigquery/v2/projects/acme/datasets/posthog/tables/tracks",
    "tableReference": {"projectId": "acme", "datasetId": "posthog", "tableId": "tracks"},
    "labels": {"pipeline": "tracks"},
    "schema": {
        "fields": [
            {"name": "event_id", "type": "STRING"},
            {"name": "created_at", "type": "TIMESTAMP"},
            {"name": "user_id", "type": "STRING", "policyTags": {"names": []}},
        ]
    },
    "numBytes": "2170",
    "numRows": "19976",
    "creationTime": "1773273600000",
    "lastModifiedTime": "1773273600000",
    "type": "TABLE",
    "location": "US",
    "timePartitioning": {"type": "DAY", "field": "created_at"},
    "clustering": {"fields": ["event_name", "user_id"]},
}
DATASET: dict[str, Any] = {
    "kind": "bigquery#dataset",
    "datasetReference": {"projectId": "acme", "datasetId": "posthog"},
    "location": "US",
    "maxTimeTravelHours": "168",
}
KEY = "projects/acme/locations/us/keyRings/r/cryptoKeys/k"


def found(is_copied: bool = True, policies: list[str] | None = None, rows: int = 19_976, **values: Any) -> list[str]:
    """The obstacles of a table whose description has these values."""
    state = TableState("posthog.tracks", {**TABLE, **values}, policies or [], rows, is_copied)
    return [str(each) for each in table_obstacles(state)]


def test_a_table_as_the_pipeline_makes_it_has_none() -> None:
    assert found() == []
    assert dataset_obstacles("The dataset posthog", DATASET) == []


def test_more_rows_than_the_description_counts_are_no_obstacle() -> None:
    """Streamed rows are counted later."""
    assert found(rows=20_000) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"encryptionConfiguration": {"kmsKeyName": KEY}}, f"is encrypted with a customer-managed key ({KEY})"),
        ({"tableConstraints": {"primaryKey": {"columns": ["event_id"]}}}, "has a primary key"),
        (
            {"tableConstraints": {"primaryKey": {"columns": ["event_id"]}, "foreignKeys": [{"name": "f"}]}},
            "has a primary key and a foreign key",
        ),
        ({"maxStaleness": "0-0 0 0:15:0"}, "has a maximum staleness (0-0 0 0:15:0)"),
        ({"defaultCollation": "und:ci"}, "has a default collation (und:ci)"),
        ({"type": "EXTERNAL"}, "is no native table (EXTERNAL)"),
        ({"type": "VIEW"}, "is no native table (VIEW)"),
        ({"biglakeConfiguration": {"tableFormat": "ICEBERG"}}, "is no native table (Iceberg table)"),
        (
            {"schema": {"fields": [{"name": "user_id", "policyTags": {"names": ["projects/p/taxonomies/1"]}}]}},
            "has columns with policy tags or masks (user_id)",
        ),
        (
            {"schema": {"fields": [{"name": "ip_address", "dataPolicies": [{"name": "mask"}]}]}},
            "has columns with policy tags or masks (ip_address)",
        ),
        (
            {"schema": {"fields": [{"name": "event_id", "collation": "und:ci"}]}},
            "has columns with a collation (event_id)",
        ),
    ],
)
def test_what_a_copy_drops_or_cannot_keep(values: dict[str, Any], text: str) -> None:
    assert found(**values) == [f"posthog.tracks {text}"]
    assert found(is_copied=False, **values) == []


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"expirationTime": "1780000000000"}, "expires on 2026-05-28 20:26 UTC"),
        (
            {"timePartitioning": {"type": "DAY", "field": "created_at", "expirationMs": "7776000000"}},
            "deletes its partitions after 90 days",
        ),
    ],
)
@pytest.mark.parametrize("is_copied", [True, False])
def test_what_expires(values: dict[str, Any], text: str, is_copied: bool) -> None:
    assert found(is_copied, **values) == [f"posthog.tracks {text}"]


def test_row_access_policies_are_named_with_what_they_hide() -> None:
    assert found(policies=["eu_only", "us_only"], rows=7) == [
        "posthog.tracks has row access policies (eu_only, us_only)",
        "posthog.tracks shows this account 7 of 19,976 rows",
    ]


def test_policies_that_cannot_be_listed_are_no_clean_bill() -> None:
    (obstacle,) = table_obstacles(TableState("posthog.tracks", TABLE, None))
    assert str(obstacle) == "posthog.tracks may have row access policies, which this account is not allowed to list"
    assert "roles/bigquery.dataOwner" in obstacle.fix


def test_a_dataset_that_lets_its_tables_expire() -> None:
    values = {"defaultTableExpirationMs": "5184000000", "defaultPartitionExpirationMs": "43200000"}
    obstacles = dataset_obstacles("The dataset posthog", {**DATASET, **values})
    assert [str(each) for each in obstacles] == [
        "The dataset posthog deletes new tables 60 days after they are created",
        "The dataset posthog deletes partitions of new tables 0.5 days after they are created",
    ]
    assert obstacles[0].fix == "Run: alter schema `acme.posthog` set options (default_table_expiration_days = null)."
    assert all(each.loses_rows for each in obstacles)
    assert dataset_obstacles("d", {**DATASET, "defaultTableExpirationMs": "0"}) == []
