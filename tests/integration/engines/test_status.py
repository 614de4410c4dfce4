"""The status page's facts are the same on every engine: censuses, logged hours, refused rows, and re-deliveries."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.engines.engine import Engine
from tests.quality.checks.counted_rows import NOW
from tests.repairs.restore_times.moved_rows import uuid7
from tests.status_page.samples import counted
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.quality import census
from tracks_assets.quality.state import Condition
from tracks_assets.sources.posthog.feeds import RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.status_page.facts import LoadDelay, LoggedHour, RefusedReason
from tracks_assets.status_page.gather import read_status
from tracks_assets.status_page.incidents import Alerts
from tracks_assets.status_page.redeliveries import (
    RedeliveredGroup,
    Redelivery,
    Window,
    every_redelivery,
    find_redeliveries,
    window,
)
from tracks_assets.warehouse.tables import MERGE_LOG, TRACKS, TRACKS_COLLISIONS, UNCHANGED_REDELIVERIES

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FIRST = datetime(2026, 6, 12, tzinfo=UTC)
LOOKED_AT = window(FIRST, FIRST + 3 * HOUR)
WEB = '{"$lib": "web", "$lib_version": "1.78.0"}'


def delivered(event_id: str, hour: int, created_at: datetime, **others: Any) -> dict[str, Any]:
    """A delivery of an hour, inserted ten minutes after its start."""
    plain = {
        "event_id": event_id,
        "created_at": created_at,
        "event_inserted_at": FIRST + hour * HOUR + timedelta(minutes=10),
        "window_start": FIRST + hour * HOUR,
        "source_file": f"{hour}.parquet",
        "lib_values": WEB,
    }
    return plain | others


def recorded(event_id: str, hour: int, stored: datetime) -> dict[str, Any]:
    """A record of a merge that a delivery of an hour changed nothing."""
    return {
        "event_id": event_id,
        "event_inserted_at": FIRST + hour * HOUR + timedelta(minutes=10),
        "window_start": FIRST + hour * HOUR,
        "stored_inserted_at": stored,
    }


def found(engine: Engine, looked_at: Window = LOOKED_AT) -> list[Redelivery]:
    """Every re-delivery."""
    with engine.opened() as warehouse:
        return list(every_redelivery(warehouse, looked_at))


def test_what_was_exported_again_is_found_and_nothing_else(engine: Engine) -> None:
    old, new = uuid7(FIRST - 10 * DAY, 1), uuid7(FIRST, 2)
    engine.put(
        RAW_TRACKS,
        # New in this window: delivered once, at its own time.
        delivered(new, 0, FIRST),
        delivered("plain", 0, FIRST),
        # Twice in the window, in one hour and in two.
        delivered("twice", 0, FIRST),
        delivered("twice", 2, FIRST + 2 * HOUR, lib_values='{"$lib": "posthog-ios"}'),
        delivered("same-hour", 1, FIRST, event_inserted_at=FIRST + HOUR),
        delivered("same-hour", 1, FIRST),
        # Older than the window: stamped again; repeated to the letter; and an hour that was only loaded again.
        delivered(old, 1, FIRST + HOUR, lib_values=None),
        delivered("repeated", 1, FIRST - DAY),
        delivered("reloaded", 1, FIRST - DAY),
        # Outside of the window.
        delivered("before", -1, FIRST),
        delivered("after", 3, FIRST),
    )
    engine.put(
        TRACKS,
        *({"event_id": each, "created_at": FIRST} for each in (new, "plain", "twice", "same-hour")),
        {"event_id": old, "created_at": FIRST - 10 * DAY},
        *({"event_id": each, "created_at": FIRST - DAY} for each in ("repeated", "reloaded", "before", "after")),
    )
    engine.put(
        UNCHANGED_REDELIVERIES,
        recorded("repeated", 1, FIRST - DAY),
        recorded("reloaded", 1, FIRST + HOUR + timedelta(minutes=10)),
        recorded("before", -1, FIRST - DAY),
        recorded(new, 2, FIRST - DAY),
    )
    every = found(engine)
    assert sorted(each.event_id for each in every) == sorted(["twice", "same-hour", old, "repeated"])
    redelivered = {each.event_id: each for each in every}
    assert redelivered[old] == Redelivery(
        event_id=old,
        lib=None,
        lib_version=None,
        id_time=FIRST - 10 * DAY,
        stored_created_at=FIRST - 10 * DAY,
        redelivered_created_at=FIRST + HOUR,
        restamped_seconds=10 * 86400 + 3600.0,
        age_hours=241.0,
        event_inserted_at=FIRST + HOUR + timedelta(minutes=10),
        window_start=FIRST + HOUR,
        source_file="1.parquet",
    )
    assert (redelivered["twice"].lib, redelivered["twice"].lib_version) == ("posthog-ios", None)
    assert redelivered["twice"].restamped_seconds == 7200.0
    assert redelivered["same-hour"].event_inserted_at == FIRST + HOUR + timedelta(minutes=10), "the later one"
    assert (redelivered["repeated"].id_time, redelivered["repeated"].restamped_seconds) == (None, 0.0)


def test_a_time_that_was_not_looked_for_is_not_known(engine: Engine) -> None:
    """Of tracks only the days since ``stored_since`` are read; an id's own time needs none of it."""
    unset = uuid7(datetime(1999, 12, 31, tzinfo=UTC), 1)
    engine.put(RAW_TRACKS, *(delivered(each, hour, FIRST) for each in ("old", unset) for hour in (0, 1)))
    engine.put(TRACKS, {"event_id": "old", "created_at": FIRST - 40 * DAY})
    without_clock, near = found(engine)
    assert (near.stored_created_at, near.restamped_seconds, near.age_hours) == (None, None, None)
    assert (without_clock.event_id, without_clock.id_time) == (unset, None)
    far = found(engine, window(FIRST, FIRST + 3 * HOUR, 41 * DAY))
    assert [each.stored_created_at for each in far if each.event_id == "old"] == [FIRST - 40 * DAY] * 2, "and so both"


def test_events_are_summed_once_by_their_last_redelivery(engine: Engine) -> None:
    old = uuid7(FIRST - 40 * DAY, 1)
    engine.put(
        RAW_TRACKS,
        *(delivered(old, hour, FIRST + hour * HOUR) for hour in (0, 1)),
        delivered(old, 2, FIRST - 40 * DAY, lib_values='{"$lib": "posthog-ios", "$lib_version": 3}'),
        *(delivered(uuid7(FIRST, number), hour, FIRST) for number in (2, 3) for hour in (0, 2)),
        *(delivered("unknown", hour, FIRST, lib_values='{"$lib": {"a": 1}}') for hour in (0, 1)),
    )
    engine.put(TRACKS, {"event_id": old, "created_at": FIRST - 40 * DAY})
    with engine.opened() as warehouse:
        redeliveries = find_redeliveries(warehouse, LOOKED_AT)
    assert redeliveries.groups == (
        RedeliveredGroup("web", "1.78.0", 1, event_ids=2, deliveries=2, restamped_ids=0, most_restamped_seconds=0.0),
        RedeliveredGroup("posthog-ios", "3", 4, event_ids=1, deliveries=2, restamped_ids=0, most_restamped_seconds=0.0),
        RedeliveredGroup(None, None, None, event_ids=1, deliveries=1, restamped_ids=0, most_restamped_seconds=None),
    )
    assert redeliveries.examples[0].event_id == old, "those that moved furthest come first"
    assert redeliveries.examples[0].restamped_seconds == 40 * 86400 + 3600.0


def load(hour: int, stamp: datetime, **others: Any) -> dict[str, Any]:
    """A row of the log of loads."""
    counts = {"files": 1, "bytes": 10, "rows_read": 100, "rows_accepted": 98, "rows_rejected": 2}
    return {"window_start": NOW + hour * HOUR, "bq_ingested_timestamp": stamp, **counts, **others}


def merge(hour: int, merged_at: datetime, inserted: int, **others: Any) -> dict[str, Any]:
    """A row of the log of merges."""
    counts = {"rows_inserted": inserted, "rows_updated": 0, "rows_unchanged": 98 - inserted, "rows_collided": 0}
    more = {"rows_before_cutover": 0}
    return {"window_start": NOW + hour * HOUR, "merged_at": merged_at, **counts, **more, **others}


def test_hours_are_as_their_newest_load_and_merge_left_them(engine: Engine) -> None:
    engine.put(
        LOAD_LOG,
        load(-3, NOW - 2 * HOUR, milliseconds=1500, bytes_billed=10, slot_ms=1),
        load(-3, NOW - HOUR, rows_read=120, rows_accepted=118, milliseconds=700),
        load(-2, NOW - HOUR),
        load(-60, NOW - 50 * HOUR),
        load(-24 * 15, NOW),
    )
    engine.put(
        MERGE_LOG,
        merge(-3, NOW - 2 * HOUR, 90, milliseconds=2000, bytes_billed=20),
        merge(-3, NOW - HOUR, 20, rows_collided=1, rows_before_cutover=2, milliseconds=300, bytes_billed=40),
        merge(-1, NOW, 5),
    )
    rejected = {"source_file": "f", "row_number": 1, "raw": "{}", "rejected_at": NOW}
    engine.put(
        REJECTED_TRACKS,
        *({**rejected, "window_start": NOW - age * HOUR, "reason": "null event"} for age in (3, 2, 60)),
        {**rejected, "window_start": NOW - 2 * HOUR, "reason": "<b>"},
    )
    engine.put(TRACKS_COLLISIONS, {"event_id": "a", "window_start": NOW}, {"event_id": "a", "window_start": NOW})
    settings = engine.settings.model_copy(update={"export_start": NOW - 100 * DAY})
    with engine.opened() as warehouse:
        census.append(warehouse, counted(excess_rows=3))
        census.append(warehouse, counted(excess_rows=0, age=DAY))
        facts = read_status(warehouse, settings, NOW, (), Alerts())
    assert [each.excess_rows for each in facts.censuses] == [0, 3]
    assert facts.state.condition is Condition.BROKEN
    assert facts.collided_ids == 1
    assert len(facts.hours) == 48
    loaded = {each.window_start: each for each in facts.hours if each != LoggedHour(each.window_start)}
    assert sorted(loaded) == [NOW - 3 * HOUR, NOW - 2 * HOUR, NOW - HOUR]
    again = loaded[NOW - 3 * HOUR]
    assert (again.loaded_at, again.merged_at, again.rows_read) == (NOW - HOUR, NOW - HOUR, 120)
    assert again.redeliveries == 118 - 110 - 1 - 2, "what an earlier merge inserted was new then"
    assert (again.seconds, again.bytes_billed) == (1.0, 40)
    assert (loaded[NOW - 2 * HOUR].merged_at, loaded[NOW - 2 * HOUR].redeliveries) == (None, None)
    assert (loaded[NOW - HOUR].loaded_at, loaded[NOW - HOUR].seconds) == (None, None)
    assert facts.delays == (
        LoadDelay(NOW - 60 * HOUR, NOW - 50 * HOUR),
        LoadDelay(NOW - 3 * HOUR, NOW - 2 * HOUR),
        LoadDelay(NOW - 2 * HOUR, NOW - HOUR),
    )
    assert facts.refused == (
        RefusedReason("null event", 2, NOW - 3 * HOUR, NOW - 2 * HOUR),
        RefusedReason("<b>", 1, NOW - 2 * HOUR, NOW - 2 * HOUR),
    )
