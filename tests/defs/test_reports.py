"""What people read of a run, to the letter: log lines, counts, and the demo's tables."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from examples.demo.tracks import HourRow, Totals, report
from tracks_assets.core.errors import TransientWarehouseError
from tracks_assets.defs.posthog.tracks import merge_line
from tracks_assets.defs.shared.billing import usage_line
from tracks_assets.defs.shared.dbt_results import Results, cause_of, usage_of
from tracks_assets.defs.shared.merge_report import MergeCounts, MergeError, merge_failure, shares
from tracks_assets.defs.shared.metadata import merge_metadata
from tracks_assets.defs.shared.partitions import HOURS_A_MERGE, hours_of, merge_windows
from tracks_assets.defs.shared.progress import Progress, progress_line
from tracks_assets.transform.duckdb_errors import BUG
from tracks_assets.warehouse.bigquery.errors import remedy_of
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import HourCost, HourLoad, TrackTotals, Usage
from tracks_assets.warehouse.tables import TRACKS

HOUR = datetime(2026, 3, 12, tzinfo=UTC)
LOAD = HourLoad(HOUR, read=20_000, accepted=19_997, rejected=3)


def test_progress_says_hour_share_and_rate() -> None:
    assert progress_line(LOAD, 0.5, 2, 8) == (
        "2026-03-12-00:00 loaded (2 of 8 hours, 25%): 20,000 rows, 3 rejected, 40,000 rows/s"
    )


def test_progress_counts_by_itself() -> None:
    progress = Progress(hours=2)

    assert "(1 of 2 hours, 50%)" in progress.line(LOAD, 1)
    assert "(2 of 2 hours, 100%)" in progress.line(LOAD, 1)


def test_merge_line() -> None:
    free = Usage()
    assert merge_line(MergeCounts(1_000, 20, 3), 24, 1.26, free) == (
        "24 hours merged in 1.3 s: 1,000 events inserted, 20 updated, 3 unchanged"
    )
    assert merge_line(MergeCounts(1, 2, 3, 4_000, 5), 1, 9, free).endswith(
        "3 unchanged, 4,000 deliveries kept in posthog_ops.tracks_collisions, "
        "5 deliveries before TRACKS_CUTOVER left out"
    )
    assert merge_line(MergeCounts(1), 1, 9, Usage(1, 221_000_000_000, 90_000)) == (
        "1 hour merged in 9.0 s: 1 events inserted, 0 updated, 0 unchanged; 221.0 GB billed and 90.0 slot seconds"
    )


def test_a_long_range_is_merged_in_months() -> None:
    window = dg.TimeWindow(HOUR, HOUR + timedelta(hours=2 * HOURS_A_MERGE + 5))

    pieces = list(merge_windows(window))

    assert [len(hours_of(piece)) for piece in pieces] == [744, 744, 5]
    assert [hour for piece in pieces for hour in hours_of(piece)] == hours_of(window)


def test_the_demo_shows_hours_and_totals() -> None:
    counts = {"rows_read": 400_000, "rows_accepted": 399_999, "rows_rejected": 1}
    counts |= {"rows_inserted": 8, "rows_updated": 1_000, "rows_unchanged": 398_991}
    counts |= {"rows_collided": 3, "rows_before_cutover": 4_000}
    console = Console(width=80, record=True, file=StringIO())

    console.print(report([HourRow("2026-03-12-00:00", counts)] * 2, Totals(TrackTotals(20, 18, 1), 5, 61.2)))

    text = console.export_text()
    assert "│2026-03-12-00:00│400,000│       1│       8│  1,000│  398,991│       3│   4,000│" in text
    assert "│all             │800,000│       2│      16│  2,000│  797,982│       6│   8,000│" in text
    assert "│ of these, events of the old pipeline │  5 │" in text
    assert "│ excess rows                          │  2 │" in text
    assert "│ exported events that moved in time   │  1 │" in text
    assert "│ seconds in all                       │ 61 │" in text


def test_what_a_step_was_billed_in_one_line() -> None:
    assert usage_line("dedup_tracks", Usage(jobs=1_012, bytes_billed=43_200_000_000_000, slot_ms=1_234_567)) == (
        "43.2 TB billed and 1,234.6 slot seconds for dedup_tracks, in 1,012 jobs."
    )


DBT_SAID = "Database Error in model posthog_tracks (models/marts/posthog_tracks.sql)\n  {}\n  compiled code at a/b.sql"


@pytest.mark.parametrize(
    ("results", "text", "cause"),
    [
        ({"posthog_tracks": {"message": DBT_SAID.format("Quota exceeded:\n  wait.")}}, "", "Quota exceeded: wait"),
        ({"posthog_tracks": {"message": None}}, "no such file", "no such file"),
        ({}, "Runtime Error\n  no profile.", "Runtime Error no profile"),
        ({}, "", "it says nothing"),
        ({"posthog_tracks": {"message": "long " * 1_000}}, "", ("long " * 80).strip()),
    ],
    ids=["recorded", "printed", "not begun", "neither", "long"],
)
def test_why_a_model_did_not_come_to_its_end(results: Results, text: str, cause: str) -> None:
    assert cause_of("posthog_tracks", results, text) == cause


def test_what_dbts_tests_were_billed_is_added_up_where_it_is_reported() -> None:
    results: Results = {
        "one": {"adapter_response": {"bytes_billed": 100, "slot_ms": 7}},
        "other": {"adapter_response": {"bytes_billed": 20, "slot_ms": None}},
        "untold": {"adapter_response": {"bytes_billed": None}},
        "skipped": {},
    }
    assert usage_of(results) == Usage(jobs=2, bytes_billed=120, slot_ms=7)


def test_a_merge_that_failed_is_reported_in_one_sentence() -> None:
    safe = "A merge is applied in full or not at all, so running it again is safe."
    one = merge_failure(MergeError, TRACKS, "2026-03-12-00:00", "2026-03-12-00:00", "Quota exceeded", "Wait.")
    assert one.args == (
        "The merge of the hour 2026-03-12-00:00 into posthog.tracks failed (Quota exceeded).",
        safe,
        "Wait.",
    )
    several = merge_failure(
        TransientWarehouseError, TRACKS, "2026-03-12-00:00", "2026-03-12-07:00", "no room", "Make some."
    )
    assert str(several) == (
        "The merge of the hours 2026-03-12-00:00 to 2026-03-12-07:00 into posthog.tracks failed (no room). "
        f"{safe} Make some."
    )


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        (
            "Transaction is aborted due to concurrent update against table p:posthog_ops.tracks_lock",
            "Another job changed",
        ),
        ("Access Denied: Project p: User does not have bigquery.jobs.create", "Give the account roles/"),
        ("Your default credentials were not found", "Log in with"),
        ("Not found: Dataset p:posthog was not found in location US", "Check TRACKS_BQ_PROJECT"),
        ("Timeout of 600.0s exceeded, last exception: 503", "BigQuery could not be reached"),
        ("Syntax error: Unexpected keyword", BUG),
        ("Compilation Error in model posthog_tracks (models/x.sql) 'hours' is undefined", BUG),
        ("Invalid input to PARSE_JSON: syntax error while parsing value", "A value in the data is one that"),
        ("Quota exceeded: Syntax is fine", "Wait until the quota"),
    ],
)
def test_what_is_done_about_what_bigquery_reported_to_dbt(text: str, begins: str) -> None:
    assert remedy_of(text).startswith(begins)


def test_what_is_done_about_what_duckdb_reported_to_dbt(tmp_path: Path) -> None:
    warehouse = DuckDbWarehouse(tmp_path / "warehouse.duckdb")
    locked = "IO Error: Could not set lock on file: Conflicting lock is held in /bin/python (PID 7). See also"
    assert warehouse.diagnose(locked).next_step == "Wait for process 7 (/bin/python) to finish, then run again."
    assert (
        warehouse.diagnose("Out of Memory Error: could not allocate").next_step
        == "Raise TRACKS_MEMORY_LIMIT, then run again."
    )


def test_the_hours_of_a_merge_share_its_cost() -> None:
    hours = [HOUR + timedelta(hours=number) for number in range(24)]
    costs = shares(hours, 2.4, Usage(jobs=1, bytes_billed=240_000, slot_ms=4_800))
    assert costs == [HourCost(hour, 100, 10_000, 200) for hour in hours]
    assert merge_metadata(MergeCounts(inserted=1), 2.4, costs[0]) == {
        "bytes_billed": 10_000,
        "slot_ms": 200,
        "rows_inserted": 1,
        "rows_updated": 0,
        "rows_unchanged": 0,
        "rows_collided": 0,
        "rows_before_cutover": 0,
        "seconds": 2.4,
    }


def test_an_engine_that_bills_nothing_has_no_bill() -> None:
    (cost,) = shares([HOUR], 2.4, Usage())
    assert cost == HourCost(HOUR, 2_400, None, None)
    assert "bytes_billed" not in merge_metadata(MergeCounts(), 2.4, cost)
