"""The state machine of incidents: one message each, silence, a reminder a day, and one when it is over."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.alerts.seen import DAY, FIVE, MINUTE, NOW, SIX, UNIQUE, UNIQUE_ALL, bad, failed_run, good, passed_run
from tracks_assets.alerts.facts import Kind, Observation
from tracks_assets.alerts.hours import Hours
from tracks_assets.alerts.incidents import Advance, Incident, News, advance

LATER = NOW + 10 * MINUTE
FULL = "posthog/duplicate_census:flat_duplicate_count"
REJECTED = "posthog/raw_tracks:rejected_share"


def _tick(before: Sequence[Incident], *observations: Observation, now: datetime = NOW) -> Advance:
    return advance(before, observations, now, DAY)


def _news(result: Advance) -> list[News]:
    return [kind for kind, _ in result.news]


def test_an_incident_is_reported_once() -> None:
    first = _tick([], bad())
    again = _tick(first.open, bad(at=LATER), bad(at=LATER + MINUTE))

    assert _news(first) == [News.NEW]
    assert _news(again) == []
    assert (again.open[0].times, again.open[0].opened, again.open[0].seen) == (3, NOW, LATER + MINUTE)
    assert again.open[0].key == first.open[0].key


def test_what_is_in_order_is_not_reported() -> None:
    assert _tick([], good(), passed_run()) == Advance(())


def test_it_is_over_once() -> None:
    first = _tick([], bad(FULL))
    second = _tick(first.open, good(FULL, LATER), good(FULL, LATER + MINUTE))
    third = _tick(second.open, good(FULL, LATER + DAY))

    assert _news(second) == [News.RECOVERED]
    assert second.open == ()
    assert (second.closed[0].over, second.closed[0].outcome) == (LATER, "The check was evaluated again and passed.")
    assert _news(third) == []


def test_a_reminder_a_day() -> None:
    first = _tick([], bad())
    assert _news(_tick(first.open, now=NOW + DAY - MINUTE)) == []
    reminded = _tick(first.open, now=NOW + DAY)
    assert _news(reminded) == [News.REMINDER]
    assert _news(_tick(reminded.open, now=NOW + DAY + MINUTE)) == []
    assert _news(_tick(reminded.open, now=NOW + 2 * DAY)) == [News.REMINDER]


def test_a_warning_that_becomes_an_error_is_reported_again() -> None:
    first = _tick([], bad(severity="WARN"))
    worse = _tick(first.open, bad(at=LATER))
    milder = _tick(worse.open, bad(at=LATER + MINUTE, severity="WARN"))
    again = _tick(milder.open, bad(at=LATER + 2 * MINUTE))

    assert [_news(each) for each in (first, worse, milder, again)] == [[News.NEW], [News.WORSE], [], []]
    assert worse.open[0].levels == ("WARN", "ERROR")
    assert again.open[0].severity == "ERROR"


def test_a_worse_incident_is_reminded_a_day_after_that() -> None:
    worse = _tick(_tick([], bad(severity="WARN")).open, bad(at=LATER), now=LATER)
    assert _news(_tick(worse.open, now=NOW + DAY)) == []


def test_what_begins_and_ends_at_once_is_reported_once() -> None:
    both = _tick([], bad(FULL), good(FULL, LATER))
    assert _news(both) == [News.RECOVERED]
    assert both.closed[0].levels == ("ERROR",)


def test_what_comes_back_is_a_new_incident() -> None:
    result = _tick(_tick([], bad(FULL)).open, good(FULL, LATER), bad(FULL, LATER + MINUTE))
    assert _news(result) == [News.RECOVERED, News.NEW]
    assert result.open[0].key != result.closed[0].key


def test_observations_are_taken_in_the_order_of_their_times() -> None:
    assert _tick([], good(FULL, LATER), bad(FULL)).open == ()
    assert len(_tick([], bad(FULL, LATER), good(FULL)).open) == 1


def test_what_was_in_order_before_ends_nothing() -> None:
    first = _tick([], bad(FULL, LATER))
    assert _tick(first.open, good(FULL, NOW)).open == first.open
    assert _tick(first.open, good(FULL, LATER)).open == first.open


def test_the_same_tick_of_a_schedule_counts_once() -> None:
    failed = Observation(Kind.SCHEDULE, "census", False, NOW)
    again = _tick(_tick([], failed).open, failed, failed)
    assert again.open[0].times == 1


# What ends a check's incident


def test_a_batch_check_ends_with_its_own_hours() -> None:
    first = _tick([], bad(hours=FIVE))
    other_hour = _tick(first.open, good(at=LATER, hours=SIX))
    same_hour = _tick(other_hour.open, good(at=LATER + MINUTE, hours=FIVE | SIX))

    assert len(other_hour.open) == 1
    assert same_hour.open == ()
    assert same_hour.closed[0].outcome == "The same hours were evaluated again and passed."


def test_hours_end_one_by_one() -> None:
    first = _tick([], bad(hours=Hours.between("2026-03-12-05:00", "2026-03-12-07:00")))
    left = _tick(first.open, good(at=LATER, hours=SIX))
    assert str(left.open[0].hours) == "2026-03-12-05:00, 2026-03-12-07:00"
    left = _tick(left.open, good(at=LATER + MINUTE, hours=FIVE))
    left = _tick(left.open, good(at=LATER + 2 * MINUTE, hours=Hours.between("2026-03-12-07:00")))
    assert left.open == ()


def test_further_hours_are_the_same_incident() -> None:
    both = _tick(_tick([], bad(hours=FIVE)).open, bad(at=LATER, hours=SIX))
    assert _news(both) == []
    assert both.open[0].hours == FIVE | SIX


def test_a_batch_check_that_passed_without_hours_does_not_end_an_hour() -> None:
    assert len(_tick(_tick([], bad(hours=FIVE)).open, good(at=LATER)).open) == 1


@pytest.mark.parametrize(
    ("batch", "full"),
    [
        (UNIQUE, UNIQUE_ALL),
        ("posthog/tracks:no_collisions", "posthog/duplicate_census:no_collisions_all"),
    ],
)
def test_a_batch_check_ends_with_the_check_of_the_full_table(batch: str, full: str) -> None:
    first = _tick([], bad(batch, hours=FIVE))
    assert len(_tick(first.open, bad(full, LATER)).open) == 2
    over = _tick(first.open, good(full, LATER))
    assert over.closed[0].outcome == f"The check of the full table, {full.partition(':')[2]}, passed."


def test_another_full_check_ends_no_batch_check() -> None:
    assert len(_tick(_tick([], bad(hours=FIVE)).open, good(FULL, LATER)).open) == 1


def test_a_batch_check_without_a_full_one_ends_with_a_later_hour_and_says_so() -> None:
    over = _tick(_tick([], bad(REJECTED, hours=FIVE)).open, good(REJECTED, LATER, hours=SIX))
    assert over.closed[0].outcome == (
        "A later evaluation passed. Not evaluated again, so as they were: 2026-03-12-05:00."
    )


# What ends a run's incident


def test_a_failed_run_ends_when_its_assets_were_made_for_its_hours() -> None:
    first = _tick([], failed_run())
    over = _tick(first.open, passed_run(LATER, hours=FIVE | SIX, job="another_job"))
    assert over.closed[0].outcome == "A later run of the same assets succeeded."


def test_a_run_of_other_hours_or_assets_ends_nothing() -> None:
    first = _tick([], failed_run())
    assert len(_tick(first.open, passed_run(LATER, hours=SIX)).open) == 1
    assert len(_tick(first.open, passed_run(LATER, hours=Hours())).open) == 1
    assert len(_tick(first.open, passed_run(LATER, assets=("posthog/events_parquet",))).open) == 1


def test_assets_and_hours_of_a_run_end_one_by_one() -> None:
    first = _tick([], failed_run(hours=FIVE | SIX))
    hour = _tick(first.open, passed_run(LATER, hours=FIVE))
    assert hour.open[0].hours == SIX
    asset = _tick(hour.open, passed_run(LATER + MINUTE, hours=SIX, assets=("posthog/raw_tracks",)))
    assert asset.open[0].assets == ("posthog/tracks",)
    assert _tick(asset.open, passed_run(LATER + 2 * MINUTE, hours=SIX, assets=("posthog/tracks",))).open == ()


def test_a_run_without_assets_ends_with_its_job() -> None:
    first = _tick([], failed_run(assets=(), hours=Hours(), job="dedup_tracks"))
    assert len(_tick(first.open, passed_run(LATER)).open) == 1
    over = _tick(first.open, passed_run(LATER, job="dedup_tracks", assets=(), hours=Hours()))
    assert over.closed[0].outcome == "A later run of the same job succeeded."


def test_the_same_failure_again_is_silent_and_another_cause_is_not() -> None:
    first = _tick([], failed_run())
    assert _news(_tick(first.open, failed_run(LATER), failed_run(LATER + MINUTE, hours=SIX))) == []
    assert _news(_tick(first.open, failed_run(LATER, subject="|raw_tracks|disk full"))) == [News.NEW]


def test_checks_that_could_not_be_evaluated_end_when_they_were() -> None:
    first = _tick([], failed_run(assets=(), checks=(UNIQUE,)))
    assert len(_tick(first.open, passed_run(LATER, job="", hours=SIX)).open) == 1
    over = _tick(first.open, passed_run(LATER, job="", hours=SIX, checks=(UNIQUE, FULL)))
    assert over.closed[0].outcome == "The checks were evaluated in a later run."


def test_checks_that_were_evaluated_do_not_make_the_missing_assets() -> None:
    first = _tick([], failed_run(assets=("posthog/tracks",), checks=(UNIQUE,)))
    assert len(_tick(first.open, passed_run(LATER, assets=(), checks=(UNIQUE,))).open) == 1


@pytest.mark.parametrize("kind", [Kind.SENSOR, Kind.SCHEDULE])
def test_ticks_end_with_the_next_one_of_the_same_kind_and_name(kind: Kind) -> None:
    first = _tick([], Observation(kind, "export_complete", False, NOW))
    other = Kind.SENSOR if kind is Kind.SCHEDULE else Kind.SCHEDULE
    others = (Observation(kind, "other", True, LATER), Observation(other, "export_complete", True, LATER))
    assert len(_tick(first.open, *others).open) == 1
    assert _news(_tick(first.open, Observation(kind, "export_complete", True, LATER))) == [News.RECOVERED]
