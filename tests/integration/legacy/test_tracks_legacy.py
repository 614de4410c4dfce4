"""What tracks takes from backfill_tracks: each event once, by its id alone, whatever is run in whatever order."""

import random
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any

import pytest

from examples.incident import fill_backfill_tracks, plan_incident
from tests.support.cases import first_in_make_test
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.results import LegacyMerge

from .sites import DAY, FIRST, MINUTE, Row, Site

pytestmark = pytest.mark.slow

STAMP = FIRST + DAY


def event(event_id: str | None, created_at: datetime = FIRST, **columns: Any) -> Row:
    return {"event_id": event_id, "created_at": created_at, "bq_ingested_timestamp": STAMP, **columns}


def adds_up(merge: LegacyMerge) -> bool:
    return merge.rows == merge.inserted + merge.already_stored + merge.repeated + merge.null_ids


def test_every_row_is_counted_once(site: Site) -> None:
    site.content_dates(event("stored", FIRST - 300 * DAY))
    site.freeze(
        event("new"),
        event("stored"),
        event("stored", FIRST + MINUTE),
        event("twice"),
        event("twice", FIRST + DAY),
        event(None),
        event(None, FIRST + DAY),
        event("outside", FIRST + 10 * DAY),
    )

    merge = site.merge(FIRST, FIRST + 10 * DAY)

    assert merge == LegacyMerge(rows=7, inserted=2, already_stored=2, repeated=1, null_ids=2)
    assert adds_up(merge)
    assert site.query("select event_id, count(*) from posthog.tracks group by all order by all") == [
        ("new", 1),
        ("stored", 1),
        ("twice", 1),
    ]


def test_rows_come_over_whole(site: Site) -> None:
    with site.warehouse().opened() as warehouse:
        fill_backfill_tracks(warehouse, plan_incident(55, days=1, start=FIRST))
    site.query(
        "delete from posthog.backfill_tracks where event_id in (select event_id from posthog.backfill_tracks "
        "group by event_id having count(*) > 1)"
    )

    site.merge()

    assert site.rows("tracks") == site.rows("backfill_tracks") != []


def test_an_event_that_is_stored_at_another_time_is_not_inserted(site: Site) -> None:
    """This is what the old merge got wrong."""
    site.content_dates(event("a", FIRST - 90 * DAY), event("b", FIRST + 90 * DAY))
    before = site.rows("tracks")
    site.freeze(event("a"), event("b"), event("a", FIRST + 5 * DAY))

    assert site.merge() == LegacyMerge(rows=3, inserted=0, already_stored=3, repeated=0, null_ids=0)
    assert site.rows("tracks") == before


def test_a_duplicated_id_is_left_alone(site: Site) -> None:
    site.content_dates(event("a"), event("a"))
    site.freeze(event("a"))

    assert site.merge() == LegacyMerge(rows=1, inserted=0, already_stored=1, repeated=0, null_ids=0)
    assert len(site.rows("tracks")) == 2


def test_null_ids_in_tracks_hide_nothing(site: Site) -> None:
    site.content_dates(event(None))
    site.freeze(event("a"))

    assert site.merge().inserted == 1


def test_the_latest_ingested_copy_is_taken(site: Site) -> None:
    site.freeze(
        event("a", FIRST + 3 * DAY, client="late", bq_ingested_timestamp=STAMP + HOUR),
        event("a", FIRST, client="early"),
        event("a", FIRST + DAY, client="unknown", bq_ingested_timestamp=None),
    )

    assert site.merge() == LegacyMerge(rows=3, inserted=1, already_stored=0, repeated=2, null_ids=0)
    assert site.query("select client, created_at from posthog.tracks") == [("late", FIRST + 3 * DAY)]


@pytest.mark.parametrize("seed", range(4))
def test_copies_of_one_stamp_give_the_same_row_however_they_lie(site: Site, seed: int) -> None:
    copies = [
        event("a", FIRST, locale=locale, event_payload=f'{{"n": {n}}}') for locale in ("de", "en") for n in (1, 2)
    ]
    random.Random(seed).shuffle(copies)
    site.freeze(*copies)

    site.merge()

    assert site.query("select locale, event_payload::varchar from posthog.tracks") == [("de", '{"n": 1}')]


def test_an_empty_window_is_nothing(site: Site) -> None:
    assert site.merge() == LegacyMerge(rows=0, inserted=0, already_stored=0, repeated=0, null_ids=0)


@pytest.mark.parametrize("seed", first_in_make_test(range(3)))
def test_hours_and_ranges_in_any_order_give_every_event_once(site: Site, seed: int) -> None:
    plan = plan_incident(3_000, days=2, start=FIRST)
    with site.warehouse().opened() as warehouse:
        fill_backfill_tracks(warehouse, plan)
    chance = random.Random(seed)
    days = (plan.end - FIRST) // DAY
    windows = [(FIRST + n * DAY, timedelta(days=1)) for n in range(days)]
    windows += [(FIRST + chance.randrange(days * 24) * HOUR, chance.choice([HOUR, 30 * HOUR])) for _ in range(20)]
    chance.shuffle(windows)

    with site.warehouse().opened() as warehouse:
        merges = [warehouse.merge_legacy(start, start + length) for start, length in windows]
        again = [warehouse.merge_legacy(start, start + length) for start, length in windows]

    assert all(map(adds_up, merges + again))
    assert sum(merge.inserted for merge in merges) == plan.events
    assert sum(merge.inserted for merge in again) == 0
    assert site.query("select count(*), count(distinct event_id) from posthog.tracks") == [(plan.events, plan.events)]


@pytest.mark.thorough
@pytest.mark.slow
def test_a_window_larger_than_memory(site: Site) -> None:
    plan = plan_incident(120_000, days=4, start=FIRST, payload_bytes=2_300)
    with site.warehouse().opened() as warehouse:
        fill_backfill_tracks(warehouse, plan)
    ((size,),) = site.query("select sum(strlen(event_payload)) from posthog.backfill_tracks")
    assert size > 250_000_000

    with site.warehouse(memory_limit="120MB").opened() as warehouse:
        merge = warehouse.merge_legacy(FIRST, plan.end)

    assert astuple(merge) == (120_000, plan.events, 0, plan.counts.excess_rows, 0, 0)
    assert site.query("select count(*), count(distinct event_id) from posthog.tracks") == [(plan.events, plan.events)]
