"""The merge plan's promises, tested by dbt itself; see posthog_tracks_unit_tests.yml for each.

dbt ends well when it selects nothing, so what ran is compared by name.
"""

import pytest

from .bare_dbt import BareDbt

PROMISES = {
    "bare_build_finds_its_window_from_the_watermark",
    "bare_build_on_an_empty_table_takes_everything",
    "delivery_is_compared_with_the_last_that_repeated_the_row",
    "different_events_under_one_id_are_left_to_be_settled",
    "first_build_makes_the_rows_themselves",
    "first_build_takes_the_event_that_was_delivered_first",
    "fresh_id_is_inserted",
    "hour_that_is_run_again_changes_nothing_unless_it_was_loaded_again",
    "duplicated_id_is_planned_once",
    "identical_repeats_are_planned_once",
    "older_original_that_arrives_late_gives_its_time",
    "other_hours_are_left_out",
    "redelivery_of_the_stored_content_changes_nothing",
    "redelivery_with_a_restamped_time_keeps_the_time",
    "redelivery_with_an_earlier_time_keeps_the_time",
    "rows_before_the_cutover_are_left_out",
    "stale_delivery_changes_nothing",
    "two_deliveries_in_one_batch_give_the_first_time_and_the_last_content",
    "unknown_insert_time_counts_as_oldest",
    "without_a_cutover_every_row_is_taken",
}


@pytest.mark.thorough
def test_every_promise_of_the_plan_is_kept(dbt: BareDbt) -> None:
    """Each unit test of the model ran, and passed."""
    results = dbt.run("test", "--select", "posthog_tracks,test_type:unit")

    status = {
        result["unique_id"].removeprefix("unit_test.tracks.posthog_tracks."): result["status"] for result in results
    }
    assert status == dict.fromkeys(PROMISES, "pass")
