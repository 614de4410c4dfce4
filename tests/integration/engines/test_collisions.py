"""Different events under one id, on every engine: never merged, none lost, and reported.

``tests/dbt_project`` holds the rule against random exports; here each case is tested once, on the real engine.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from tests.dbt_project.deliveries import FIRST_HOUR, LOADED, Delivery, Exported, raw_rows
from tests.integration.engines.conftest import ALL_ENGINES
from tests.integration.engines.engine import Engine, Row, plain
from tests.support.cases import first_in_make_test
from tracks_assets.defs.shared.merge_report import MergeCounts, counts_by_hour
from tracks_assets.quality.census import Census
from tracks_assets.quality.checks import CutoverHour, cutover_share, no_collisions_all, no_collisions_of_batch
from tracks_assets.quality.collisions import Collision, Identity, collisions_of_batch, count_collisions
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.trace.facts import fetch_trace
from tracks_assets.trace.page import page
from tracks_assets.warehouse.results import LegacyMerge
from tracks_assets.warehouse.tables import CONTENT_FINGERPRINTS, TRACKS, TRACKS_COLLISIONS, UNCHANGED_REDELIVERIES

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TIME = FIRST_HOUR - DAY
BUT = ("bq_ingested_timestamp", "window_start", "source_file")
COLUMNS = [column for column in TRACKS.columns if column.name not in BUT]

SIGNUP = Delivery("one", TIME, FIRST_HOUR, 0)
PURCHASE = Delivery("one", TIME + HOUR, FIRST_HOUR + HOUR, 1, identity=1)
EDITED_SIGNUP = Delivery("one", TIME + 2 * HOUR, FIRST_HOUR + 2 * HOUR, 2)
OTHER = Delivery("other", TIME, FIRST_HOUR, 0)


def deliver(engine: Engine, *export: Exported) -> None:
    """Puts deliveries where the loader would."""
    engine.put(RAW_TRACKS, *raw_rows(export))


def merge(engine: Engine, first: int, hours: int = 1) -> dict[int, MergeCounts]:
    """Merges export hours, by their numbers; what it did by hour, from its log."""
    run_id, start, end = uuid4().hex, FIRST_HOUR + first * HOUR, FIRST_HOUR + (first + hours) * HOUR
    engine.merge(start, end, run_id)
    with engine.opened() as warehouse:
        rows = warehouse.fetch("merges_of_run", {"run_id": run_id, "window_start": start, "window_end": end})
    return {(hour - FIRST_HOUR) // HOUR: counts for hour, counts in counts_by_hour(rows).items()}


def held(*deliveries: Delivery, at: Delivery | None = None) -> list[Row]:
    """Deliveries as tracks or tracks_collisions holds them, without the columns of the loader."""
    rows = [each.row() | ({"created_at": at.created_at} if at else {}) for each in deliveries]
    return [plain(COLUMNS, row) for row in rows]


def in_order(rows: Sequence[Row]) -> list[str]:
    """Rows as text, in one order."""
    return sorted(str(row) for row in rows)


def check(engine: Engine, tracks: Sequence[Row], collisions: Sequence[Row]) -> None:
    """Checks what both tables hold."""
    assert in_order(engine.rows(TRACKS, BUT)) == in_order(tracks)
    assert in_order(engine.rows(TRACKS_COLLISIONS, BUT)) == in_order(collisions)


@ALL_ENGINES
@pytest.mark.parametrize("order", first_in_make_test([((2, 1, 0),), ((0, 1, 2),), ((1, 2, 0),)]), ids=str)
def test_the_stored_row_is_the_event_that_was_delivered_first(engine: Engine, order: tuple[int, int, int]) -> None:
    """In whatever order its hours are merged, and merged again."""
    deliver(engine, Exported(0, SIGNUP), Exported(0, OTHER), Exported(1, PURCHASE), Exported(2, EDITED_SIGNUP))
    for hour in (*order, *order):
        merge(engine, hour)
    check(engine, held(EDITED_SIGNUP, at=SIGNUP) + held(OTHER), held(PURCHASE))
    before = engine.rows(TRACKS), engine.rows(TRACKS_COLLISIONS)
    merge(engine, 0, 3)
    assert (engine.rows(TRACKS), engine.rows(TRACKS_COLLISIONS)) == before


def test_a_collision_that_is_merged_again_renews_the_stamps_of_its_event_and_nothing_else(engine: Engine) -> None:
    """A re-delivery that repeats the row is noted beside it; settling the id writes the same stamps into the row."""
    repeat = replace(SIGNUP, inserted_at=FIRST_HOUR + 2 * HOUR)
    deliver(engine, Exported(0, SIGNUP), Exported(1, PURCHASE))
    merge(engine, 0, 2)
    deliver(engine, Exported(2, repeat))
    merge(engine, 2)
    (before,), (noted,) = engine.rows(TRACKS), engine.rows(UNCHANGED_REDELIVERIES)
    stamps = ("event_inserted_at", "bq_ingested_timestamp")
    assert before["event_inserted_at"] == SIGNUP.inserted_at

    for _ in range(2):
        merge(engine, 1)
        assert engine.rows(TRACKS) == [before | {name: noted[name] for name in stamps}]


@ALL_ENGINES
def test_a_collision_is_counted_and_named(engine: Engine) -> None:
    deliver(engine, Exported(0, SIGNUP), Exported(0, OTHER), Exported(1, PURCHASE))
    assert merge(engine, 0) == {0: MergeCounts(inserted=2)}
    assert merge(engine, 1) == {1: MergeCounts(unchanged=1, collided=1)}
    with engine.opened() as warehouse:
        for hour in (0, 1):
            found = collisions_of_batch(warehouse, FIRST_HOUR + hour * HOUR, FIRST_HOUR + (hour + 1) * HOUR)
            assert (found.batch_ids, found.ids, found.examples) == (2 - hour, 1, ("one",))
            assert found.collisions == (
                Collision("one", (Identity("name 1", "user 1"),), (Identity("name 0", "user 1"),)),
            )
            result = no_collisions_of_batch("the hour", found)
            assert (result.passed, result.severity, result.examples) == (False, "ERROR", ("one",))
            assert result.message.values == "one is (name 1, user 1), and was delivered as (name 0, user 1) too."
        assert collisions_of_batch(warehouse, FIRST_HOUR - HOUR, FIRST_HOUR).ids == 0
        kept = count_collisions(warehouse)
    assert (kept.rows, kept.ids, kept.examples) == (1, 1, ("one",))
    census = Census(LOADED, 2, 2, 0, 0, 0, 0, 0, None, None)
    assert not no_collisions_all(census, kept).passed


def test_the_page_on_an_id_shows_its_collisions(engine: Engine) -> None:
    deliver(engine, Exported(0, SIGNUP), Exported(1, PURCHASE))
    merge(engine, 0, 2)
    with engine.opened() as warehouse:
        trace = fetch_trace(warehouse, "one", engine.settings.takes_from)
    assert trace.waiting == ()
    text = page(trace)
    assert (
        "One id for 2 different events, delivered twice, is stored once; its time was kept; 1 delivery of another "
        "event collided and was kept out."
    ) in text
    assert "To do: Give one of the events an id of its own at its source" in text
    assert (
        "- 2026-03-12 01:00:00: kept out of tracks: another event under this id\n"
        "  - delivered by export hour 2026-03-12-01:00, and kept in posthog_ops.tracks_collisions\n"
        "  - created_at 2026-03-11 01:00:00, event `name 0`, user `user 1`"
    ) in text


@ALL_ENGINES
def test_two_events_under_one_id_in_one_file_and_null_as_a_value(engine: Engine) -> None:
    nameless = replace(SIGNUP, event_id="null", identity=3)
    userless = replace(SIGNUP, event_id="null", inserted_at=FIRST_HOUR + MINUTE, identity=2)
    deliver(engine, *(Exported(0, each) for each in (PURCHASE, SIGNUP, EDITED_SIGNUP, userless, nameless, OTHER)))
    assert merge(engine, 0) == {0: MergeCounts(inserted=3, collided=2)}
    check(engine, held(EDITED_SIGNUP, at=SIGNUP) + held(nameless, OTHER), held(PURCHASE, userless))
    rows = {row["event_id"]: row for row in engine.rows(TRACKS_COLLISIONS)}
    assert (rows["one"]["window_start"], rows["one"]["source_file"]) == (FIRST_HOUR, "events/0/0.parquet")


def test_equal_stamps_are_settled_by_the_content(engine: Engine) -> None:
    """Two events of one insert time: the earlier one, then the smaller name, is the first."""
    timeless = replace(SIGNUP, inserted_at=None, created_at=TIME + MINUTE)
    earlier = replace(PURCHASE, inserted_at=None, created_at=TIME)
    tied = [replace(each, event_id="tied", created_at=TIME, inserted_at=FIRST_HOUR) for each in (SIGNUP, PURCHASE)]
    deliver(engine, *(Exported(0, each) for each in (timeless, earlier, *tied)))
    merge(engine, 0)
    check(engine, held(earlier, tied[1]), held(timeless, tied[0]))


@ALL_ENGINES
def test_rows_that_are_in_tracks_twice_keep_their_events(engine: Engine) -> None:
    """Only rows of the delivery's own event are updated; none is added or lost, and what fits none is a collision."""
    old = {"bq_ingested_timestamp": LOADED - DAY}
    known = FIRST_HOUR - DAY
    copies = [replace(SIGNUP, created_at=TIME - day * DAY, inserted_at=known, content=7) for day in (3, 4)]
    other = replace(PURCHASE, created_at=TIME - 2 * DAY, inserted_at=known, content=8)
    engine.put(TRACKS, *(each.row() | old for each in (*copies, other)))
    third = replace(PURCHASE, identity=2)
    deliver(engine, Exported(0, SIGNUP), Exported(1, third), Exported(2, EDITED_SIGNUP))
    for hour in (1, 0, 2, 0, 1):
        merge(engine, hour)
        assert len(engine.rows(TRACKS)) == 3
    updated = [held(EDITED_SIGNUP, at=each)[0] for each in copies]
    check(engine, updated + held(other), held(third))


def test_a_row_that_gives_way_is_kept_and_forgotten(engine: Engine) -> None:
    """A row of the old pipeline is kept in full, and what was known of its content is not taken for the new row's."""
    legacy = replace(PURCHASE, created_at=TIME - DAY, inserted_at=FIRST_HOUR + 5 * HOUR, content=7)
    engine.put(TRACKS, legacy.row() | {"bq_ingested_timestamp": LOADED})
    engine.run_dbt("run-operation", "note_contents")
    engine.put(UNCHANGED_REDELIVERIES, {"event_id": "one", "event_inserted_at": FIRST_HOUR + 9 * HOUR})
    deliver(engine, Exported(0, SIGNUP))
    assert merge(engine, 0) == {0: MergeCounts(updated=1)}
    check(engine, held(SIGNUP), held(legacy))
    (row,) = engine.rows(TRACKS_COLLISIONS)
    assert (row["window_start"], row["source_file"]) == (None, None)
    assert (len(engine.rows(CONTENT_FINGERPRINTS)), engine.rows(UNCHANGED_REDELIVERIES)) == (1, [])


def test_an_hour_that_is_exported_without_its_collision_keeps_it(engine: Engine) -> None:
    """As tracks keeps a row that raw_tracks has lost; a later collision of the id still counts it."""
    deliver(engine, Exported(0, SIGNUP), Exported(1, PURCHASE))
    merge(engine, 0, 2)
    engine.query(f"delete from {RAW_TRACKS} where event_name = 'name 0'")
    deliver(engine, Exported(1, replace(SIGNUP, identity=2, inserted_at=FIRST_HOUR + MINUTE)))
    merge(engine, 1)
    check(engine, held(SIGNUP), held(PURCHASE, replace(SIGNUP, identity=2, inserted_at=FIRST_HOUR + MINUTE)))


def test_the_same_rows_spread_differently_over_files_change_nothing_but_the_stamp(engine: Engine) -> None:
    """Deliveries of one insert time, in other files and another order: which is the last depends on neither."""
    twins = [replace(SIGNUP, event_id=f"twin {n}", content=content) for n in range(3) for content in (0, 1, 2)]
    clash = [replace(SIGNUP, event_id="clash", identity=identity) for identity in (0, 1, 2)]
    rows = raw_rows([Exported(0, each) for each in (*twins, *clash)])
    engine.put(RAW_TRACKS, *rows)
    merge(engine, 0)
    before = engine.rows(TRACKS, BUT), engine.rows(TRACKS_COLLISIONS, BUT)
    assert len(before[0]) == 4
    for number in range(1, 4):
        engine.query(f"delete from {RAW_TRACKS} where event_id is not null")
        swapped = [row["source_file"] for row in rows[number:] + rows[:number]][::-1]
        stamp = {"bq_ingested_timestamp": LOADED + number * HOUR}
        again = [row | stamp | {"source_file": name} for row, name in zip(rows, swapped, strict=True)]
        engine.put(RAW_TRACKS, *again[::-1][number:], *again[::-1][:number])
        merge(engine, 0)
        assert (engine.rows(TRACKS, BUT), engine.rows(TRACKS_COLLISIONS, BUT)) == before


def test_legacy_rows_of_other_events_are_kept_apart(engine: Engine) -> None:
    """Against tracks and within the window, where the first delivered is taken; run again, nothing is added."""
    stored = replace(PURCHASE, created_at=TIME - 9 * DAY)
    engine.put(TRACKS, stored.row())
    legacy = [SIGNUP, SIGNUP, replace(SIGNUP, content=2), stored]
    within = [
        replace(PURCHASE, event_id="two"),
        replace(SIGNUP, event_id="two"),
        replace(EDITED_SIGNUP, event_id="two"),
    ]
    stamped = [each.row() | {"bq_ingested_timestamp": LOADED} for each in (*legacy, *within, OTHER)]
    engine.put(BACKFILL_TRACKS, *stamped)
    for inserted in (2, 0):
        with engine.opened() as warehouse:
            done = warehouse.merge_legacy(TIME - 10 * DAY, TIME + DAY)
        assert done == LegacyMerge(
            rows=8,
            inserted=inserted,
            already_stored=1 if inserted else 4,
            repeated=1 if inserted else 0,
            null_ids=0,
            collided=4,
        )
        check(
            engine,
            held(stored, OTHER, replace(EDITED_SIGNUP, event_id="two")),
            held(SIGNUP, replace(SIGNUP, content=2), replace(PURCHASE, event_id="two")),
        )
    rows = engine.rows(TRACKS_COLLISIONS)
    assert {(row["window_start"], row["source_file"]) for row in rows} == {(None, None)}


def test_rows_before_the_cutover_are_counted(engine: Engine) -> None:
    cut = replace(engine, variables={**engine.variables, "TRACKS_CUTOVER": "2026-03-11"})
    early = [replace(SIGNUP, event_id=f"early {n}", created_at=TIME - DAY) for n in range(3)]
    deliver(engine, *(Exported(0, each) for each in early), Exported(0, OTHER), Exported(1, SIGNUP))
    assert merge(cut, 0, 2) == {0: MergeCounts(inserted=1, before_cutover=3), 1: MergeCounts(inserted=1)}
    bounds = {"window_start": FIRST_HOUR, "window_end": FIRST_HOUR + 2 * HOUR, "cutover": cut.settings.takes_from}
    with cut.opened() as warehouse:
        found = warehouse.fetch("hours_before_cutover", bounds)
    hours = [CutoverHour(row["window_start"], row["deliveries"], int(row["before_cutover"])) for row in found]
    assert hours == [CutoverHour(FIRST_HOUR, 4, 3), CutoverHour(FIRST_HOUR + HOUR, 1, 0)]
    result = cutover_share(hours, cut.settings.cutover)
    assert (result.passed, result.severity) == (False, "WARN")
    assert result.message.finding == "3 of 4 deliveries of 2026-03-12-00:00 lie before TRACKS_CUTOVER."
    assert "2026-03-11" in result.message.comparison

    assert merge(engine, 0) == {0: MergeCounts(inserted=3, unchanged=1)}, "without a cutover, all are taken"


@pytest.mark.thorough
def test_an_empty_run_changes_nothing(engine: Engine) -> None:
    """`dbt run --empty` and `dbt build --empty`, with a window and without."""
    deliver(engine, Exported(0, SIGNUP), Exported(0, PURCHASE), Exported(1, OTHER))
    merge(engine, 0)
    before = engine.contents()
    window = {
        "TRACKS_WINDOW_START": FIRST_HOUR.isoformat(),
        "TRACKS_WINDOW_END": (FIRST_HOUR + 2 * HOUR).isoformat(),
    }
    for variables in (window, {}):
        for command in (["run"], ["build", "--exclude", "test_type:unit"]):
            results = engine.run_dbt(*command, "--empty", **variables)
            # dbt reports an exposure as "no-op".
            assert {result["status"] for result in results} <= {"success", "pass", "no-op"}
            assert engine.contents() == before


def test_the_first_build_keeps_the_rule(engine: Engine) -> None:
    """Bare dbt makes the table where it is missing; then the next merge agrees with it."""
    deliver(engine, Exported(0, PURCHASE), Exported(0, OTHER), Exported(1, SIGNUP), Exported(2, EDITED_SIGNUP))
    engine.query("drop table posthog.tracks")
    engine.run_dbt("run", "--select", "posthog_tracks", "--empty")
    check(engine, [], [])
    for _ in range(2):
        engine.query("drop table posthog.tracks")
        (result,) = engine.run_dbt("run", "--select", "posthog_tracks")
        assert result["status"] == "success", result["message"]
        check(engine, held(EDITED_SIGNUP, at=SIGNUP) + held(OTHER), held(PURCHASE))
    # Not opened as the pipeline does: the emulator makes text of a new table's JSON.
    engine.merge(FIRST_HOUR, FIRST_HOUR + 3 * HOUR)
    check(engine, held(EDITED_SIGNUP, at=SIGNUP) + held(OTHER), held(PURCHASE))


def test_a_row_whose_first_delivery_is_not_in_raw_keeps_its_place_and_its_time(engine: Engine) -> None:
    """The row has the insert time of its last delivery, which is later than that of the other event."""
    legacy = replace(SIGNUP, created_at=TIME - DAY, inserted_at=FIRST_HOUR - DAY)
    engine.put(TRACKS, legacy.row() | {"bq_ingested_timestamp": LOADED})
    again = replace(PURCHASE, inserted_at=FIRST_HOUR + 3 * HOUR)
    deliver(engine, Exported(1, PURCHASE), Exported(2, EDITED_SIGNUP), Exported(3, again))
    for hour in (1, 2, 3):
        merge(engine, hour)
    check(engine, held(EDITED_SIGNUP, at=legacy), held(PURCHASE, again))


def test_one_of_two_collisions_of_an_hour_that_is_exported_without_it_stays(engine: Engine) -> None:
    again = replace(PURCHASE, inserted_at=FIRST_HOUR + HOUR + MINUTE, content=7)
    deliver(engine, Exported(0, SIGNUP), Exported(1, PURCHASE), Exported(1, again))
    merge(engine, 0, 2)
    engine.query(
        f"delete from {RAW_TRACKS} where event_inserted_at = timestamp '{again.inserted_at:%Y-%m-%d %H:%M:%S}+00'"
    )
    merge(engine, 1)
    check(engine, held(SIGNUP), held(PURCHASE, again))
