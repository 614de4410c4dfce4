"""The parts of the messages and the figures of the checks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tracks_assets.quality.census import Census, Earlier
from tracks_assets.quality.checks import (
    CutoverHour,
    HourCounts,
    created_at_kept,
    cutover_share,
    flat_duplicate_count,
    no_collisions_all,
    no_collisions_of_batch,
    not_null,
    rejected_share,
    rows_accounted_for,
    unique_event_id_all,
    unique_event_id_of_batch,
)
from tracks_assets.quality.collisions import BatchCollisions, Collision, Identity, KeptCollisions
from tracks_assets.quality.message import Message

HOUR = datetime(2026, 3, 12, tzinfo=UTC)
NOW = datetime(2026, 6, 12, 6, tzinfo=UTC)
CENSUS = Census(NOW, 1_000, 990, 9, 10, 0, 0, 5, None, None)
BEFORE = replace(CENSUS, measured_at=NOW - timedelta(days=8))
WHOLE = HourCounts(HOUR, read=1_000, accepted=999, rejected=1)
TRACE = "Look at one with python -m tracks_assets.trace EVENT_ID"
DEDUP = "run the job dedup_tracks (dry run: dg launch --job dedup_tracks; for real: dry_run: false in its launchpad)"


def test_rows_accounted_for() -> None:
    found = rows_accounted_for([WHOLE])
    assert (found.passed, found.severity) == (True, "ERROR")
    assert found.figures == {"rows_read": 1_000, "rows_accepted": 999, "rows_rejected": 1}

    lost = replace(WHOLE, hour=HOUR + timedelta(hours=1), accepted=990)
    found = rows_accounted_for([WHOLE, lost, replace(lost, read=0)])
    assert (found.passed, found.severity) == (False, "ERROR")
    assert found.message.finding == "9 rows of the hour 2026-03-12-01:00 are not stored."
    assert "1,000 rows, raw_tracks 990 and rejected_tracks 1. Hours like it: 2." in found.message.comparison
    assert "dg launch --assets group:hourly --partition 2026-03-12-01:00" in found.message.next_step
    twice = rows_accounted_for([replace(lost, accepted=1_000)]).message
    assert twice.finding == "1 row of the hour 2026-03-12-01:00 is stored too often."
    assert "Hours like it: 1." in twice.comparison


def test_rejected_share() -> None:
    assert rejected_share([WHOLE], 0.1, 1).passed
    assert rejected_share([replace(WHOLE, read=0, accepted=0, rejected=0)], 0.1, 1).passed

    some = replace(WHOLE, accepted=998, rejected=2)
    found = rejected_share([WHOLE, some], 0.1, 1)
    assert (found.passed, found.severity) == (False, "WARN")
    assert found.figures == {"rejected_percent": 0.2, "rows_rejected": 3}
    assert found.message.finding == "0.2 % of the rows of 2026-03-12-00:00 were refused."
    assert "2 of 1,000 rows, more than 0.1 %" in found.message.comparison
    assert "where window_start = '2026-03-12T00:00:00+00:00' group by reason" in found.message.next_step

    many = replace(WHOLE, hour=HOUR + timedelta(hours=1), accepted=980, rejected=20)
    found = rejected_share([some, many], 0.1, 1)
    assert (found.passed, found.severity) == (False, "ERROR")
    assert found.message.finding.startswith("2 % of the rows of 2026-03-12-01:00 ")
    assert "20 of 1,000 rows, more than 1 %" in found.message.comparison


def test_unique_event_id_of_batch() -> None:
    passed = unique_event_id_of_batch("2026-03-12-00:00", 400, 0, [], None)
    assert passed.message == Message("No event id of 2026-03-12-00:00 is duplicated (400 ids).")
    known = unique_event_id_of_batch("2026-03-12-00:00", 400, 2, ["a", "b"], CENSUS)
    assert (known.passed, known.severity, known.examples) == (False, "WARN", ("a", "b"))
    assert known.message.finding == "2 of 400 event ids of 2026-03-12-00:00 are duplicated."
    assert "known damage: the census of 2026-06-12 06:00 UTC has 10 excess rows" in known.message.comparison
    assert known.message.next_step == f"{TRACE}, then {DEDUP}."
    one = unique_event_id_of_batch("2026-03-12-00:00", 400, 1, ["a"], CENSUS)
    assert one.message.finding.startswith("1 of 400 event ids of 2026-03-12-00:00 is ")
    new = unique_event_id_of_batch("2026-03-12-00:00", 400, 2, ["a"], replace(CENSUS, excess_rows=0))
    assert (new.passed, new.severity) == (False, "ERROR")
    assert new.message.comparison == "This is new damage: the census of 2026-06-12 06:00 UTC has no excess rows."
    unknown = unique_event_id_of_batch("2026-03-12-00:00", 400, 2, ["a"], None)
    assert (unknown.passed, unknown.severity) == (False, "ERROR")
    assert unknown.message.comparison == "No census has counted posthog.tracks yet."
    assert unknown.message.next_step.startswith("Run dg launch --job tracks_checks to see whether this is new.")


def test_the_dedup_comes_after_the_ids_that_it_refuses() -> None:
    step = (
        f"{TRACE}, separate the events of 2 duplicated event ids used for several events, which dedup_tracks refuses, "
        f"then {DEDUP}."
    )
    assert unique_event_id_of_batch("the hour", 400, 1, ["a"], CENSUS, colliding=2).message.next_step == step
    assert unique_event_id_all(3, None, colliding=2).message.next_step == step
    grown = flat_duplicate_count(replace(CENSUS, excess_rows=11, colliding_event_ids=2), BEFORE)
    assert grown.message.next_step == step.replace(TRACE, f"{TRACE}, stop what multiplies it")


def test_flat_duplicate_count() -> None:
    flat = flat_duplicate_count(CENSUS, BEFORE).message
    assert "flat: 10 excess rows" in flat.finding
    assert flat.comparison == "10 at the census of 2026-06-04 06:00 UTC."
    fewer = flat_duplicate_count(replace(CENSUS, excess_rows=0), BEFORE)
    assert fewer.passed
    none = flat_duplicate_count(CENSUS, None)
    assert (none.passed, none.figures) == (True, {"excess_rows": 10})
    assert none.message == Message("No baseline yet: 10 excess rows now.", "No census is 7 days old.")
    grown = flat_duplicate_count(replace(CENSUS, excess_rows=11), BEFORE)
    assert (grown.passed, grown.severity) == (False, "ERROR")
    assert grown.figures == {"excess_rows": 11, "excess_rows_before": 10}
    assert "grow: 11 excess rows" in grown.message.finding
    assert grown.message.comparison == "10 at the census of 2026-06-04 06:00 UTC."
    assert grown.message.next_step == f"{TRACE}, stop what multiplies it, then {DEDUP}."


def test_flat_duplicate_count_by_time_travel() -> None:
    week_ago = NOW - timedelta(days=7)
    same = flat_duplicate_count(CENSUS, None, Earlier(week_ago, 10))
    assert (same.passed, same.figures) == (True, {"excess_rows": 10, "excess_rows_by_time_travel": 10})
    assert same.message.comparison == "10 in the table as of 2026-06-05 06:00 UTC."
    grown = flat_duplicate_count(CENSUS, BEFORE, Earlier(week_ago, 9))
    assert not grown.passed
    assert grown.message.comparison == (
        "10 at the census of 2026-06-04 06:00 UTC, 9 in the table as of 2026-06-05 06:00 UTC."
    )


def test_created_at_kept() -> None:
    assert created_at_kept(CENSUS, BEFORE).passed
    assert created_at_kept(CENSUS, None).passed
    assert "5 moved rows" in created_at_kept(CENSUS, None).message.finding
    moved = created_at_kept(replace(CENSUS, moved_rows=6), BEFORE)
    assert (moved.passed, moved.severity) == (False, "WARN")
    assert "6 moved rows" in moved.message.finding
    assert moved.message.comparison == "5 at the census of 2026-06-04 06:00 UTC."
    restore = DEDUP.replace("dedup_tracks", "restore_created_at")
    assert moved.message.next_step == f"{TRACE}, stop what moves them, then {restore}."


def test_what_dbt_found() -> None:
    assert "since 2026-03-12" in unique_event_id_all(0, HOUR).message.finding
    found = unique_event_id_all(2, HOUR)
    assert (found.passed, found.severity) == (False, "ERROR")
    assert found.message.finding == "2 event ids are duplicated among the rows since 2026-03-12."
    assert found.message.next_step == f"{TRACE}, then {DEDUP}."
    assert "event_id" in not_null("event_id", 0).message.finding
    assert (not_null("event_id", 2).passed, not_null("event_id", 2).severity) == (False, "ERROR")
    untimed = not_null("created_at", 1).message
    assert untimed.finding == "1 row of posthog.tracks is without created_at."
    assert "select * from posthog.tracks where created_at is null" in untimed.next_step


def test_no_collisions_of_batch() -> None:
    assert no_collisions_of_batch("2026-03-12-00:00", BatchCollisions(7, 0)).passed

    named = Collision("a", (Identity("signup", "u3"),), (Identity("purchase", None), Identity(None, "u9")))
    found = no_collisions_of_batch("2026-03-12-00:00", BatchCollisions(7, 2, ("a", "b"), (named,)))
    assert (found.passed, found.severity, found.examples) == (False, "ERROR", ("a", "b"))
    assert found.figures == {"batch_ids": 7, "collided_ids": 2}
    assert found.message.finding == "2 event ids of 2026-03-12-00:00 were delivered as several events."
    assert found.message.values == "a is (signup, u3), and was delivered as (purchase, no user) and (no name, u9) too."
    assert TRACE in found.message.next_step


def test_no_collisions_all() -> None:
    assert no_collisions_all(CENSUS, KeptCollisions(0, 0)).passed

    for census, kept in (
        (replace(CENSUS, colliding_event_ids=1), KeptCollisions(0, 0)),
        (CENSUS, KeptCollisions(3, 2)),
    ):
        found = no_collisions_all(census, kept)
        assert (found.passed, found.severity) == (False, "ERROR")
        assert found.figures == {
            "colliding_event_ids": census.colliding_event_ids,
            "collided_ids": kept.ids,
            "collided_rows": kept.rows,
        }
        assert f"{census.colliding_event_ids} stored and {kept.ids} collided" in found.message.finding
        assert f"{kept.rows} rows in posthog_ops.tracks_collisions" in found.message.comparison


def test_cutover_share() -> None:
    cutover = datetime(2026, 3, 4, tzinfo=UTC)
    half = CutoverHour(HOUR, 10, 5)
    assert cutover_share([half, CutoverHour(HOUR, 0, 0)], cutover).passed
    assert cutover_share([], cutover).passed
    assert cutover_share([CutoverHour(HOUR, 10, 10)], None).passed

    found = cutover_share([half, CutoverHour(HOUR + timedelta(hours=1), 10, 6)], cutover)
    assert (found.passed, found.severity) == (False, "WARN")
    assert found.figures == {"rows_delivered": 20, "rows_before_cutover": 11}
    assert found.message.finding == "6 of 10 deliveries of 2026-03-12-01:00 lie before TRACKS_CUTOVER."
    assert "TRACKS_CUTOVER is 2026-03-04" in found.message.comparison
    assert "run the hour again" in found.message.next_step


def test_unique_event_id_without_a_cutover() -> None:
    assert unique_event_id_all(0, None).message == Message("No event id is duplicated.")
    assert unique_event_id_all(1, None).message.finding == "1 event id is duplicated in posthog.tracks."
