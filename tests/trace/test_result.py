"""The result on an event, to the letter, for each way that an event can be stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.repairs.restore_times.moved_rows import DAY, HOUR, MINTED, SECOND
from tracks_assets.trace.facts import Delivery, EventTrace, Refusal, Removed, Repeat, Restored, Sighting
from tracks_assets.trace.result import advice, result
from tracks_assets.trace.times import counted, moment_text, span_text, times_text

CUTOVER = datetime(2026, 3, 4, tzinfo=UTC)
TIME = MINTED + SECOND
LOADED = datetime(2026, 3, 12, 1, 10, tzinfo=UTC)
UNKNOWN = EventTrace("an id", CUTOVER)
KNOWN = replace(UNKNOWN, minted_at=MINTED)


def sighting(created_at: datetime | None = TIME, after: timedelta = timedelta(0), name: str = "open") -> Sighting:
    """The event as a delivery that came ``after`` the first one left it."""
    return Sighting(created_at, name, "user", LOADED + after, MINTED + after)


def delivery(created_at: datetime = TIME, after: timedelta = timedelta(0), name: str = "open") -> Delivery:
    hour = datetime(2026, 3, 12, tzinfo=UTC) + after
    return Delivery(created_at, name, "user", LOADED + after, MINTED + after, hour, "events/one.parquet")


def removed(state: str | None = "reported", created_at: datetime = TIME) -> Removed:
    return Removed(created_at, "open", "user", LOADED, MINTED, "dedup_1", LOADED + 90 * DAY, state)


def restored(state: str | None = "reported") -> Restored:
    return Restored(TIME + 30 * DAY, TIME, "$time", "restore_1", LOADED + 90 * DAY, state)


def repeat(after: timedelta, of: timedelta) -> Repeat:
    return Repeat(MINTED + after, LOADED + after, MINTED + of, LOADED + of)


REFUSED = Refusal(LOADED, "events/one.parquet", 7, "timestamp is null", LOADED)
THREE = (delivery(), delivery(TIME + 2 * HOUR, 2 * HOUR), delivery(TIME + DAY, DAY))
OLD = delivery(CUTOVER - DAY)

CASES = {
    "never seen": (UNKNOWN, "Never seen: no table of the warehouse holds this id."),
    "delivered again, time kept": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=DAY),)),
        "One event, delivered 3 times, is stored once; its time was kept.",
    ),
    "delivered, not yet merged": (
        replace(KNOWN, deliveries=THREE[:1]),
        "One event, delivered once, is not in tracks yet: its hour is still to be merged.",
    ),
    "a newer delivery, not yet merged": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=2 * HOUR),)),
        "One event, delivered 3 times, is stored once; its time was kept; 1 newer delivery is still to be merged.",
    ),
    "a newer delivery, which changed nothing": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=2 * HOUR),), repeats=(repeat(DAY, of=2 * HOUR),)),
        "One event, delivered 3 times, is stored once; its time was kept.",
    ),
    "a newer delivery, which changed nothing of a row that is gone": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=2 * HOUR),), repeats=(repeat(DAY, of=3 * HOUR),)),
        "One event, delivered 3 times, is stored once; its time was kept; 1 newer delivery is still to be merged.",
    ),
    "delivered before the cutover": (
        replace(UNKNOWN, deliveries=(OLD,)),
        "One event, delivered once, is not in tracks: it happened before the cutover (2026-03-04), from where on "
        "tracks takes deliveries, and the old pipeline did not hold it.",
    ),
    "delivered before the cutover, held by the old pipeline": (
        replace(UNKNOWN, deliveries=(OLD,), legacy=(sighting(CUTOVER - DAY),)),
        "One event, held by the old pipeline and delivered once, is not in tracks yet: its legacy hour is still to be "
        "inserted.",
    ),
    "delivered before the cutover, and it is stored": (
        replace(UNKNOWN, deliveries=(OLD,), legacy=(sighting(CUTOVER - DAY),), stored=(sighting(CUTOVER - DAY),)),
        "One event, held by the old pipeline and delivered once, is stored once; its time was kept.",
    ),
    "only in legacy": (
        replace(KNOWN, legacy=(sighting(),)),
        "One event, held by the old pipeline, is not in tracks yet: its legacy hour is still to be inserted.",
    ),
    "in legacy twice, in tracks once": (
        replace(KNOWN, legacy=(sighting(), sighting(TIME + DAY, DAY)), stored=(sighting(),)),
        "One event, held by the old pipeline, is stored once; its time was kept.",
    ),
    "exact copies": (
        replace(KNOWN, deliveries=THREE[:2], stored=(sighting(after=DAY), sighting(after=DAY)), contents=1),
        "One event, delivered twice, is stored twice (exact copies); its time was kept.",
    ),
    "copies days apart": (
        replace(KNOWN, legacy=(sighting(),), stored=(sighting(), sighting(TIME + 30 * DAY, 30 * DAY)), contents=2),
        "One event, held by the old pipeline, is stored twice (30 days apart); 1 of its 2 copies has its own time.",
    ),
    "copies days apart, nothing else known": (
        replace(KNOWN, stored=(sighting(), sighting(TIME + 30 * DAY, 30 * DAY)), contents=2),
        "One event, whose delivery is not on record, is stored twice (30 days apart); 1 of its 2 copies has its own "
        "time.",
    ),
    "both copies refreshed and moved": (
        replace(KNOWN, legacy=(sighting(),), stored=(sighting(TIME + 92 * DAY), sighting(TIME + 92 * DAY)), contents=1),
        "One event, held by the old pipeline, is stored twice (exact copies); its time was moved 92 days later.",
    ),
    "copies that differ in content": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(), sighting()), contents=2),
        "One event, delivered once, is stored twice (at one time, with different contents); its time was kept.",
    ),
    "a copy without a time": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(), sighting(None)), contents=2),
        "One event, delivered once, is stored twice (not all of them with a time); 1 of its 2 copies has its own time.",
    ),
    "no time at all": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(None),)),
        "One event, delivered once, is stored once; it has no time.",
    ),
    "removed by a dedup": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=DAY),), removed=(removed(),)),
        "One event, delivered 3 times, is stored once since 1 copy went into the archive; its time was kept.",
    ),
    "removed by a dedup that kept the moved copy": (
        replace(KNOWN, stored=(sighting(TIME + 2 * DAY, DAY),), removed=(removed(), removed())),
        "One event, whose delivery is not on record, is stored once since 2 copies went into the archive; its time was "
        "moved 2 days later.",
    ),
    "archived by a dedup that was killed": (
        replace(KNOWN, stored=(sighting(), sighting()), contents=1, removed=(removed("archived"),)),
        "One event, whose delivery is not on record, is stored twice (exact copies); its time was kept.",
    ),
    "removed, and nothing is stored": (
        replace(KNOWN, deliveries=THREE[:1], removed=(removed(None),)),
        "One event, delivered once, is lost: its copies were removed from tracks, and none is left.",
    ),
    "only in an archive": (
        replace(KNOWN, removed=(removed(),)),
        "Lost: only the archives of repairs hold this id, and tracks does not.",
    ),
    "moved and restored": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=DAY),), restored=(restored(),)),
        "One event, delivered 3 times, is stored once; its time was moved and is restored.",
    ),
    "moved, restored, and that rolled back": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(TIME + 30 * DAY),), restored=(restored("rolled_back"),)),
        "One event, delivered once, is stored once; its time was moved 30 days later.",
    ),
    "archived by a restore that was killed": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(after=DAY),), restored=(restored("archived"),)),
        "One event, delivered 3 times, is stored once; its time was kept.",
    ),
    "time moved": (
        replace(KNOWN, deliveries=THREE, stored=(sighting(TIME + DAY, DAY),)),
        "One event, delivered 3 times, is stored once; its time was moved 1 day later.",
    ),
    "time moved back": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(TIME - timedelta(minutes=90)),)),
        "One event, delivered once, is stored once; its time was moved 1.5 hours earlier.",
    ),
    "time kept, far from the id's": (
        replace(KNOWN, deliveries=(delivery(TIME + 3 * DAY),), stored=(sighting(TIME + 3 * DAY),)),
        "One event, delivered once, is stored once; its time was kept, though it is 3 days later than its id's.",
    ),
    "only in tracks, the id agrees": (
        replace(KNOWN, stored=(sighting(),)),
        "One event, whose delivery is not on record, is stored once; its time agrees with its id.",
    ),
    "only in tracks, the id says otherwise": (
        replace(KNOWN, stored=(sighting(MINTED + 40 * DAY),)),
        "One event, whose delivery is not on record, is stored once; its time is 40 days later than its id's.",
    ),
    "only in tracks, the id carries no time": (
        replace(UNKNOWN, stored=(sighting(),)),
        "One event, whose delivery is not on record, is stored once; whether its time was kept is unknown.",
    ),
    "two events under one id, in tracks": (
        replace(KNOWN, deliveries=THREE[:1], stored=(sighting(), sighting(name="close")), contents=2),
        "One id for 2 different events, delivered once, is stored twice (at one time, with different contents); its "
        "time was kept.",
    ),
    "two events under one id, delivered": (
        replace(KNOWN, deliveries=(delivery(), delivery(name="close")), stored=(sighting(),)),
        "One id for 2 different events, delivered twice, is stored once; its time was kept.",
    ),
    "refused only": (
        replace(UNKNOWN, refusals=(REFUSED, REFUSED)),
        "No event: refused twice (timestamp is null), so it is stored nowhere.",
    ),
    "refused once, then delivered": (
        replace(KNOWN, deliveries=THREE[:1], refusals=(REFUSED,), stored=(sighting(),)),
        "One event, delivered once and refused once, is stored once; its time was kept.",
    ),
}


@pytest.mark.parametrize(("trace", "expected"), CASES.values(), ids=CASES.keys())
def test_the_result(trace: EventTrace, expected: str) -> None:
    assert result(trace) == expected


ADVICE = {
    "never seen": None,
    "delivered again, time kept": None,
    "delivered, not yet merged": "Materialize hour 2026-03-12-00:00 of posthog/tracks.",
    "a newer delivery, not yet merged": "Materialize hour 2026-03-13-00:00 of posthog/tracks.",
    "delivered before the cutover": None,
    "only in legacy": "Materialize its hour of posthog/tracks_legacy.",
    "exact copies": "dedup_tracks leaves the copy ingested last and archives the others.",
    "two events under one id, in tracks": (
        "A dedup would lose one of these events and refuses: separate them by hand first."
    ),
    "removed, and nothing is stored": "rollback_dedup gives the removed copies back.",
    "only in an archive": "rollback_dedup gives the removed copies back.",
    "time moved": None,
    "refused only": None,
}


@pytest.mark.parametrize(("case", "expected"), ADVICE.items(), ids=ADVICE.keys())
def test_what_is_to_be_done(case: str, expected: str | None) -> None:
    assert advice(CASES[case][0]) == expected


def test_several_hours_are_named_in_order() -> None:
    waiting = replace(KNOWN, deliveries=(THREE[2], THREE[0], THREE[0]))
    assert advice(waiting) == "Materialize hours 2026-03-12-00:00, 2026-03-13-00:00 of posthog/tracks."


def test_how_spans_moments_and_counts_are_said() -> None:
    assert [span_text(timedelta(seconds=seconds)) for seconds in (0.25, 1, 59.5, 60, 5400, 86400, 86400 * 400)] == [
        *("0.25 seconds", "1 second", "59.5 seconds", "1 minute", "1.5 hours", "1 day", "400 days")
    ]
    assert span_text(timedelta(microseconds=1)) == "0.000001 seconds"
    assert [moment_text(moment) for moment in (None, MINTED, MINTED + timedelta(microseconds=5))] == [
        *("unknown", "2026-03-12 00:30:00", "2026-03-12 00:30:00.000005")
    ]
    assert [times_text(number) for number in (1, 2, 3)] == ["once", "twice", "3 times"]
    assert [counted(2, what) for what in ("copy", "day")] == ["2 copies", "2 days"]
