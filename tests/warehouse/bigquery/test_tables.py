"""The tables as BigQuery is asked to make them; the emulator keeps less of it than BigQuery does."""

import pytest
from google.cloud import bigquery

from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.warehouse.bigquery.tables import PIPELINE_LABELS, new_table, table_like
from tracks_assets.warehouse.tables import EVERY_TABLE, TRACKS

CUT = {
    TRACKS: ("created_at", ["event_name", "user_id"]),
    BACKFILL_TRACKS: ("created_at", ["event_name", "user_id"]),
    RAW_TRACKS: ("window_start", ["window_start"]),
    REJECTED_TRACKS: ("window_start", None),
}


@pytest.mark.parametrize("table", EVERY_TABLE, ids=str)
def test_a_table_is_described_and_labelled(table: Table) -> None:
    asked = new_table(table, f"p.posthog.{table.name}").to_api_repr()
    assert (asked["description"], asked["labels"]) == (table.description, dict(PIPELINE_LABELS))
    assert [(field["name"], field["type"], field["description"]) for field in asked["schema"]["fields"]] == [
        (column.name, column.type.value, column.description) for column in table.columns
    ]


@pytest.mark.parametrize(("table", "cut"), CUT.items(), ids=str)
def test_a_table_is_partitioned_by_day_and_clustered(table: Table, cut: tuple[str, list[str] | None]) -> None:
    made = new_table(table, f"p.posthog.{table.name}")
    assert made.time_partitioning is not None
    assert (made.time_partitioning.type_, made.time_partitioning.field, made.clustering_fields) == ("DAY", *cut)


def test_what_is_copied_into_a_table_is_like_it_and_not_like_the_pipelines_own() -> None:
    found = new_table(TRACKS, "p.posthog.tracks")
    found.clustering_fields = ["user_id"]
    found.labels = {"team": "growth"}
    found.schema = [bigquery.SchemaField("event_id", "STRING", mode="REQUIRED"), *found.schema[1:]]
    found.encryption_configuration = bigquery.EncryptionConfiguration("projects/p/locations/us/keyRings/r/cryptoKeys/k")

    made = table_like(found, "p.posthog.tracks_rewritten_x")

    assert made.table_id == "tracks_rewritten_x"
    assert (made.clustering_fields, made.time_partitioning) == (["user_id"], found.time_partitioning)
    assert (made.schema[0].mode, made.labels) == ("REQUIRED", {"team": "growth", "pipeline": "tracks"})
    assert made.encryption_configuration == found.encryption_configuration
