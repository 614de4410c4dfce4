"""What the dedup says, to the letter: refusals, differences, pages."""

from datetime import UTC, datetime, timedelta

import pytest

from tracks_assets.quality.census import Census
from tracks_assets.quality.message import Message
from tracks_assets.quality.pages import Statement, cost_refusal, size_text, space_refusal
from tracks_assets.repairs.dedup.dedup import (
    DedupPlan,
    differences,
    refusal,
)
from tracks_assets.repairs.dedup.pages import plan_page, report_page, rollback_page
from tracks_assets.repairs.dedup.rollback import DedupRollback, rollback_differences
from tracks_assets.repairs.repair import Fingerprint, Repair, RepairError, State, choose, new_repair_id
from tracks_assets.warehouse.tables import DUPLICATE_CENSUS, TRACKS_REPAIRS

NOW = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
CENSUS = Census(
    measured_at=NOW,
    rows=7_000,
    distinct_event_ids=5_000,
    duplicate_event_ids=1_000,
    excess_rows=2_000,
    null_event_ids=0,
    colliding_event_ids=0,
    moved_rows=12,
    oldest_ingested_timestamp=NOW,
    newest_ingested_timestamp=NOW,
)
REPAIR = Repair(
    repair_id="dedup_20260612_093000_000000",
    job="dedup_tracks",
    state=State.PUBLISHED,
    started_at=NOW,
    expires_at=NOW + timedelta(days=14),
    snapshot="posthog_ops.tracks_snapshot_dedup_20260612_093000_000000",
    rows_before=7_000,
    content_before="100",
    ids_before=5_000,
    rows_after=5_000,
    rows_archived=2_000,
)


def _census(**changed: int) -> Census:
    return Census(**{**{name: getattr(CENSUS, name) for name in CENSUS.__dataclass_fields__}, **changed})


def test_records_have_the_columns_of_their_tables() -> None:
    assert [column.name for column in DUPLICATE_CENSUS.columns] == list(Census.__dataclass_fields__)
    assert [column.name for column in TRACKS_REPAIRS.columns] == list(Repair.__dataclass_fields__)


def test_refusals() -> None:
    assert refusal(CENSUS) is None
    assert str(refusal(_census(null_event_ids=1_234))) == (
        "dedup_tracks refuses, because 1,234 rows of posthog.tracks have no event_id. Which of them are the same event "
        "is unknown. Give them ids or move them away, then run it again."
    )
    assert str(refusal(_census(colliding_event_ids=3))) == (
        "dedup_tracks refuses, because 3 event ids of posthog.tracks have several (event_name, user_id). One of two "
        "different events would be lost. Look at them with python -m tracks_assets.trace EVENT_ID, separate them, "
        "then run it again."
    )


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 MB"),
        (999_900_000, "999.9 MB"),
        (1_000_000_000, "1.0 GB"),
        (43_200_000_000_000, "43.2 TB"),
        (2_000_000_000_000_000, "2,000.0 TB"),
    ],
)
def test_sizes(size: int, text: str) -> None:
    assert size_text(size) == text


def test_a_dedup_without_room_is_refused() -> None:
    needs = "its snapshot and archive need"
    assert space_refusal("dedup_tracks", needs, 10, None) is None
    assert space_refusal("dedup_tracks", needs, 10, 10) is None
    assert space_refusal("dedup_tracks", needs, 2_500_000_000, 400_000_000) == Message(
        "dedup_tracks refuses, because its snapshot and archive need about 2,500 MB.",
        "Where the warehouse lies, 400 MB are free.",
        "Make room, then run it again.",
    )


def test_a_dedup_that_would_be_stopped_for_what_it_reads_is_refused() -> None:
    statements = [Statement("first", "", None), Statement("dear", "", 7_200_000_000_000), Statement("last", "", 5)]
    assert cost_refusal("dedup_tracks", statements, None) is None
    assert cost_refusal("dedup_tracks", statements, 7_200_000_000_000) is None
    assert cost_refusal("dedup_tracks", statements, 2_000_000_000_000) == Message(
        "dedup_tracks refuses, because its statement dear reads 7.2 TB.",
        "TRACKS_BQ_MAXIMUM_BYTES_BILLED allows a statement 2.0 TB.",
        "Raise it for this job, then run it again.",
    )


def test_nothing_differs_in_a_lossless_dedup() -> None:
    assert differences(REPAIR, Fingerprint(5_000, 5_000, 60), 5_000, Fingerprint(2_000, 2_000, 40)) == []


def test_every_difference_is_named() -> None:
    assert differences(REPAIR, Fingerprint(5_001, 4_999, 61), 4_998, Fingerprint(2_000, 2_000, 40)) == [
        "5,001 rows for 4,998 different ids",
        "4,998 different ids, 5,000 before",
        "2 rows without an id",
        "5,001 rows and 2,000 archived, 7,000 before",
        "the hash sum of rows and archived rows is another one",
    ]


def test_every_difference_of_a_rollback_is_named() -> None:
    planned = DedupRollback(REPAIR, rows_now=5_000, rows_to_restore=2_000, merged_since=1)

    assert rollback_differences(planned, 2_000, 7_000, 1) == []
    assert rollback_differences(planned, 1_999, 6_999, 2) == [
        "1,999 rows given back, 2,000 archived",
        "6,999 rows, 7,000 expected",
        "2 events differ from the snapshot, 1 were merged since",
    ]


def test_ids_sort_by_time() -> None:
    assert new_repair_id("dedup_tracks", NOW) == "dedup_20260612_093000_000000"
    assert new_repair_id("restore_created_at", NOW) == "restore_20260612_093000_000000"
    assert new_repair_id("dedup_tracks", NOW) < new_repair_id("dedup_tracks", NOW + timedelta(microseconds=1))


def test_an_unpublished_dedup_is_not_rolled_back() -> None:
    unpublished = Repair(**{**REPAIR.__dict__, "state": State.ARCHIVED})

    with pytest.raises(RepairError, match=r"was never published\. The table tracks is as it was"):
        choose([unpublished], "dedup_tracks", REPAIR.repair_id)
    with pytest.raises(RepairError, match="There is nothing to roll back"):
        choose([unpublished], "dedup_tracks", "newest")


def test_the_plan_as_a_page() -> None:
    row = {
        "event_id": "a",
        "result": "stays",
        "created_at": NOW,
        "bq_ingested_timestamp": NOW,
        "event_inserted_at": None,
        "event_name": "open",
        "user_id": "u",
    }
    plan = DedupPlan(
        repair_id=REPAIR.repair_id,
        census=CENSUS,
        snapshot_days=14,
        statements=(Statement("find", "select 1\n", 1_500_000), Statement("keep", "select 2", None)),
        needed_bytes=2_000_000,
        free_bytes=3_000_000_000,
        sample=(row,),
    )

    assert plan_page(plan, is_dry=True) == "\n".join(
        [
            "# dedup_20260612_093000_000000: a dry run, nothing was changed",
            "",
            "- rows in posthog.tracks: 7,000, of 5,000 different events",
            "- duplicated events: 1,000",
            "- rows to remove, each in full into posthog_ops.archived_duplicates: 2,000",
            "- rows afterwards: 5,000",
            "- rows without an id: 0; ids of several events: 0",
            "- to be read of tracks: 1.5 MB",
            "- space needed for snapshot and archive: about 2.0 MB; free: 3.0 GB",
            "- the snapshot is kept for 14 days",
            "",
            "## A sample of up to 20 events, the row to keep beside those to remove",
            "",
            "| event_id | result | created_at | bq_ingested_timestamp | event_inserted_at | event_name | user_id |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            "| a | stays | 2026-06-12 09:30:00+00:00 | 2026-06-12 09:30:00+00:00 | None | open | u |",
            "",
            "## The statements, in order",
            "",
            "find (reads 1.5 MB of tracks):",
            "```sql",
            "select 1",
            "```",
            "",
            "keep:",
            "```sql",
            "select 2",
            "```",
            "",
            "To do it, run dedup_tracks with dry_run: false in the config of its op preflight.",
        ]
    )
    assert "what is being done" in plan_page(plan, is_dry=False)


def test_the_report_as_a_page() -> None:
    assert report_page(REPAIR, NOW + timedelta(seconds=12.34)) == "\n".join(
        [
            "# dedup_20260612_093000_000000: done",
            "",
            "- rows in posthog.tracks before: 7,000; now: 5,000",
            "- different events before and now: 5,000",
            "- rows removed, in full in posthog_ops.archived_duplicates: 2,000",
            "- seconds from snapshot to here: 12.3",
            "- snapshot: posthog_ops.tracks_snapshot_dedup_20260612_093000_000000, kept until 2026-06-26 09:30 UTC",
            "- to roll back: run rollback_dedup with snapshot: dedup_20260612_093000_000000 in the config of its op "
            "preflight, first as a dry run, then with dry_run: false",
        ]
    )


def test_the_rollback_as_a_page() -> None:
    planned = DedupRollback(REPAIR, rows_now=5_003, rows_to_restore=2_000, merged_since=1)

    assert rollback_page(planned, is_dry=True) == "\n".join(
        [
            "# Rollback of dedup_20260612_093000_000000: a dry run, nothing was changed",
            "",
            "- rows in posthog.tracks before the rollback: 5,003",
            "- rows given back from posthog_ops.archived_duplicates: 2,000",
            "- rows afterwards: 7,003",
            "- rows before the dedup: 7,000",
            "- deduplicated events that were merged since, and keep what was merged: 1",
        ]
    )
