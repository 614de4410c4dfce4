"""Whatever is delivered, and however its hours are run, tracks comes out the same, and as the promises say.

The SQL is the one that dbt writes; the model beside it is plain Python and knows nothing of windows, plans or merges.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.random_examples import many, some
from tests.warehouse.statements.sample import ONE_CHANGED, values
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import CONTENT_FINGERPRINTS, TRACKS, TRACKS_COLLISIONS, UNCHANGED_REDELIVERIES

from .deliveries import (
    CUTOVER,
    FIRST_HOUR,
    LOADED,
    LONG_AGO,
    Delivery,
    Exported,
    Merge,
    Reload,
    Step,
    exports,
    raw_rows,
    runs,
)
from .merge_engine import MergeEngine, Row

pytestmark = pytest.mark.slow

COLLISIONS = f"select * from {TRACKS_COLLISIONS}"
IN_EFFECT = "select * from posthog.tracks order by event_id, created_at"
STAMPS = ("event_inserted_at", "bq_ingested_timestamp")
COPY_STAMP = datetime(2026, 3, 1, tzinfo=UTC)


def expected(export: Iterable[Exported]) -> list[Row]:
    """The model: each id is the event that was delivered first, with its time and its last delivery's content."""
    rows = []
    for first, same, _ in events_of(export):
        rows.append(max(same, key=lambda each: each.order).row() | {"created_at": first.created_at})
    return rows


def collided(export: Iterable[Exported]) -> list[Row]:
    """The model of collisions: every delivery of another event than the first under its id."""
    return [each.row() for _, _, others in events_of(export) for each in others]


def events_of(export: Iterable[Exported]) -> Iterator[tuple[Delivery, list[Delivery], list[Delivery]]]:
    """Of each id: its first delivery, the deliveries of the same event, and those of others."""
    taken = [located.delivery for located in export if located.delivery.created_at >= CUTOVER]
    for event_id in sorted({each.event_id for each in taken}):
        deliveries = [each for each in taken if each.event_id == event_id]
        first = min(deliveries, key=lambda each: each.first_order)
        same = [each for each in deliveries if each.identity == first.identity]
        yield first, same, [each for each in deliveries if each.identity != first.identity]


def steps_done(engine: MergeEngine, steps: Sequence[Step]) -> Iterator[Merge]:
    """Runs the steps one by one; yields after each merge."""
    stamps = count(1)
    for step in steps:
        if isinstance(step, Reload):
            engine.connection.execute(
                f"update {RAW_TRACKS} set bq_ingested_timestamp = $1 where window_start = $2",
                [LOADED + timedelta(hours=next(stamps)), FIRST_HOUR + timedelta(hours=step.hour)],
            )
        else:
            engine.run(*step.window)
            yield step


def stored(engine: MergeEngine) -> list[Row]:
    """The rows of tracks without the loader's stamp, each with the insert time of the last delivery known of it.

    That is the row's own, or that of a later delivery which repeated just this row.
    """
    last: dict[tuple[object, ...], Row] = {}
    for repeat in sorted(engine.rows(f"select * from {UNCHANGED_REDELIVERIES}"), key=stamps_of):
        row = (repeat["event_id"], repeat["stored_inserted_at"], repeat["stored_ingested_timestamp"])
        last[row] = repeat
    rows = engine.rows(IN_EFFECT)
    known = [last.get((row["event_id"], *(row[name] for name in STAMPS)), row) for row in rows]
    assert all(stamps_of(each) >= stamps_of(row) for each, row in zip(known, rows, strict=True))
    return [
        {name: value for name, value in row.items() if name != "bq_ingested_timestamp"}
        | {"event_inserted_at": each["event_inserted_at"]}
        for each, row in zip(known, rows, strict=True)
    ]


def stamps_of(row: Row) -> tuple[datetime, datetime]:
    """A row's or a delivery's place among the deliveries of its event."""
    return row["event_inserted_at"] or LONG_AGO, row["bq_ingested_timestamp"] or LONG_AGO


def start(engine: MergeEngine, export: Sequence[Exported], before: Sequence[Row] = ()) -> None:
    """Tables before the first merge: the export loaded, ``before`` in tracks, and nothing known of it."""
    engine.fill(RAW_TRACKS, raw_rows(export))
    engine.fill(TRACKS, before)
    engine.fill(CONTENT_FINGERPRINTS, [])
    engine.fill(UNCHANGED_REDELIVERIES, [])
    engine.fill(TRACKS_COLLISIONS, [])


def merged(
    engine: MergeEngine, export: Sequence[Exported], steps: Sequence[Step], before: Sequence[Row] = ()
) -> list[Row]:
    """What tracks holds after the steps."""
    start(engine, export, before)
    for _ in steps_done(engine, steps):
        pass
    return stored(engine)


@many
@given(export=exports(), one_way=runs(), another_way=runs())
def test_hours_may_be_run_in_any_order_and_again(
    engine: MergeEngine, export: list[Exported], one_way: list[Step], another_way: list[Step]
) -> None:
    """Two ways of running the same hours end in the same table, each event once, as the model has it."""
    rows = merged(engine, export, one_way)
    assert rows == expected(export)
    assert merged(engine, export, another_way) == rows


def collisions(engine: MergeEngine) -> list[str]:
    """The rows of tracks_collisions in one order, without the loader's stamp and where they come from."""
    but = ("bq_ingested_timestamp", "window_start", "source_file")
    return in_order({name: value for name, value in row.items() if name not in but} for row in engine.rows(COLLISIONS))


def in_order(rows: Iterable[Row]) -> list[str]:
    """Rows as text, in one order."""
    return sorted(
        json.dumps(row, sort_keys=True, default=lambda moment: moment.astimezone(UTC).isoformat()) for row in rows
    )


@pytest.mark.thorough
@some
@given(export=exports(collisions=True), one_way=runs(), another_way=runs())
def test_different_events_under_one_id_are_never_merged(
    engine: MergeEngine, export: list[Exported], one_way: list[Step], another_way: list[Step]
) -> None:
    """Whatever the order of hours, the id is the event that was delivered first, and the others are kept in full."""
    for way in (one_way, another_way):
        assert merged(engine, export, way) == expected(export)
        assert collisions(engine) == in_order(collided(export))


@pytest.mark.thorough
@some
@given(export=exports(collisions=True), steps=runs(), chance=st.randoms(use_true_random=False))
def test_rows_may_be_spread_over_files_in_any_way(
    engine: MergeEngine, export: list[Exported], steps: list[Step], chance: Random
) -> None:
    """An hour may hold several deliveries of one insert time: which is the last depends on no file and no position."""
    twins = [replace(each, delivery=replace(each.delivery, content=each.delivery.content + 1)) for each in export]
    rows = merged(engine, export + twins, steps)
    others = collisions(engine)

    spread = raw_rows(export + twins)
    names = [row["source_file"] for row in spread]
    chance.shuffle(names)
    spread = [row | {"source_file": name} for row, name in zip(spread, names, strict=True)]
    chance.shuffle(spread)
    start(engine, [])
    engine.fill(RAW_TRACKS, spread)
    for _ in steps_done(engine, steps):
        pass
    assert (stored(engine), collisions(engine)) == (rows, others)


def by_id(engine: MergeEngine) -> dict[str, Row]:
    """The rows of tracks by their ids, of which none is duplicated."""
    rows = stored(engine)
    assert len({row["event_id"] for row in rows}) == len(rows)
    return {row["event_id"]: row for row in rows}


def check_merge(before: Row, after: Row, seen: Sequence[Delivery]) -> None:
    """One event's promises over one merge, which saw the deliveries ``seen`` of it."""
    first = min(seen, key=lambda each: each.order)
    last = max(seen, key=lambda each: each.order)
    is_original = first.order < order_of(before) and first.created_at < before["created_at"]
    content = last.row() if last.order > order_of(before) else before
    assert after == content | {"created_at": first.created_at if is_original else before["created_at"]}


def order_of(row: Row) -> datetime:
    """A stored row's position among the deliveries of its event."""
    return Delivery("", row["created_at"], row["event_inserted_at"], 0).order


@many
@given(export=exports(is_tame=False), steps=runs())
def test_no_merge_moves_an_event_or_takes_stale_content(
    engine: MergeEngine, export: list[Exported], steps: list[Step]
) -> None:
    """After every single merge: only an older delivery gives its time, only a newer one its content.

    Here, re-deliveries come with any time, be it earlier than their original's.
    """
    start(engine, export)
    before: dict[str, Row] = {}
    for merge in steps_done(engine, steps):
        seen = [each.delivery for each in export if each.hour in merge.covered and each.delivery.created_at >= CUTOVER]
        after = by_id(engine)
        assert set(after) == set(before) | {each.event_id for each in seen}
        for event_id, row in before.items():
            deliveries = [each for each in seen if each.event_id == event_id]
            if deliveries:
                check_merge(row, after[event_id], deliveries)
            else:
                assert after[event_id] == row
        before = after


def content_of(row: Row) -> Row:
    """All of a row but its time and its stamps."""
    return {name: value for name, value in row.items() if name not in ("created_at", *STAMPS)}


@some
@given(export=exports(is_tame=False), steps=runs())
def test_what_changes_nothing_leaves_the_row_as_it_was(
    engine: MergeEngine, export: list[Exported], steps: list[Step]
) -> None:
    """To the stamps: only where content or time change does a merge write, for each write is billed a whole day."""
    start(engine, export)
    before: dict[str, Row] = {}
    for _ in steps_done(engine, steps):
        after = {row["event_id"]: row for row in engine.rows(IN_EFFECT)}
        for event_id, row in before.items():
            if content_of(row) == content_of(after[event_id]):
                assert [row[name] for name in STAMPS] == [after[event_id][name] for name in STAMPS]
        before = after


@pytest.mark.thorough
@some
@given(export=exports(is_tame=False), steps=runs(), data=st.data())
def test_what_is_forgotten_is_written_again(
    engine: MergeEngine, export: list[Exported], steps: list[Step], data: st.DataObject
) -> None:
    """Any part of what merges have noted of contents may be lost, before any of them: tracks comes out the same."""
    rows = merged(engine, export, steps)
    start(engine, export)
    for _ in steps_done(engine, steps):
        share = data.draw(st.integers(1, 3))
        engine.connection.execute(f"delete from {CONTENT_FINGERPRINTS} where content % 3 < {share - 1}")
    assert stored(engine) == rows


def test_a_change_of_any_column_but_the_time_changes_the_fingerprint(engine: MergeEngine) -> None:
    """As dbt writes it into the merge, over rows that differ in one column, or in which one holds what."""
    written = set(re.findall(r"\(hash\((?:\w+, )+\w+\)::hugeint.*?\)::bigint", engine.text.text))
    (fingerprint,) = [text for text in written if "bq_ingested_timestamp" in text and "created_at" not in text]
    rows = engine.rows(f"select {fingerprint} as content from ({values('duckdb', TRACKS.columns, ONE_CHANGED)})")
    times = 2
    assert len({row["content"] for row in rows}) == len(ONE_CHANGED) - times


def pair(event_id: str, is_known: bool) -> list[Delivery]:
    """Two copies as the old pipeline left them: the original, and a re-delivery that was taken for a new event.

    Where their insert times are known, the later copy's is that of a delivery between those of the export.
    """
    times = [datetime(2025, 7, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)]
    inserted = [times[0], FIRST_HOUR + timedelta(minutes=90)]
    copies = zip(times, inserted, (90, 91), strict=True)
    return [Delivery(event_id, time, known if is_known else None, content) for time, known, content in copies]


def rows_after(copies: Sequence[Delivery], export: Sequence[Exported]) -> list[Row]:
    """The model of a stored pair: both take the last delivery's content, unless it is older; each keeps its time."""
    last = [row for row in expected(export) if row["event_id"] == copies[0].event_id]
    is_stale = not last or order_of(last[0]) < max(copy.order for copy in copies)
    return [(copy.row() if is_stale else last[0]) | {"created_at": copy.created_at} for copy in copies]


@pytest.mark.thorough
@many
@given(export=exports(), steps=runs(), known=st.tuples(st.booleans(), st.booleans()))
@example(export=[Exported(0, Delivery("event 0", CUTOVER, None, 0))], steps=[Merge(0, 3)], known=(True, False))
def test_a_duplicated_id_is_updated_twice_and_never_multiplied(
    engine: MergeEngine, export: list[Exported], steps: list[Step], known: tuple[bool, bool]
) -> None:
    """Two of the events are duplicated from the start; the others come out as if there were no pairs."""
    pairs = [pair(f"event {number}", is_known) for number, is_known in enumerate(known)]
    copies = [copy.row() | {"bq_ingested_timestamp": COPY_STAMP} for each in pairs for copy in each]
    others = [row for row in expected(export) if row["event_id"] not in {copies[0]["event_id"], copies[2]["event_id"]}]
    rows = merged(engine, export, steps, before=copies)
    assert rows == [row for each in pairs for row in rows_after(each, export)] + others
