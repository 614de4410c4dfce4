"""What a merge makes of re-deliveries, on every engine: one row for each event, at its time, with its last content.

``tests/dbt_project`` holds the same promises against hundreds of random exports; here, each on the real engine.
"""

from dataclasses import replace
from datetime import timedelta

from tests.dbt_project.deliveries import CUTOVER, FIRST_HOUR, HOURS, LOADED, Delivery, Exported, raw_rows
from tests.integration.engines.conftest import ALL_ENGINES
from tests.integration.engines.engine import Engine, Row, plain
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.tables import CONTENT_FINGERPRINTS, TRACKS, UNCHANGED_REDELIVERIES

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
TIME = FIRST_HOUR - DAY
COLUMNS = [column for column in TRACKS.columns if column.name != "bq_ingested_timestamp"]


def delivery(event_id: str, content: int, moved: timedelta = DAY * 0, inserted: int | None = 0) -> Delivery:
    """A delivery of an event that happened at ``TIME``, ``moved`` by its sender; ``inserted`` is a minute."""
    return Delivery(event_id, TIME + moved, None if inserted is None else FIRST_HOUR + inserted * MINUTE, content)


def deliver(engine: Engine, *export: Exported) -> None:
    """Puts deliveries where the loader would."""
    engine.put(RAW_TRACKS, *raw_rows(export))


def stored(engine: Engine) -> list[Row]:
    """The rows of tracks by id and time, without the loader's stamp."""
    rows = engine.rows(TRACKS, but=["bq_ingested_timestamp"])
    return sorted(rows, key=lambda row: (row["event_id"], row["created_at"]))


def held(of: Delivery, at: Delivery | None = None) -> Row:
    """An event as tracks is to hold it: the content of one delivery, at the time of another."""
    return plain(COLUMNS, of.row() | {"created_at": (at or of).created_at})


@ALL_ENGINES
def test_one_row_for_each_event_at_its_time_with_its_last_content(engine: Engine) -> None:
    original, resent = delivery("resent", 0), delivery("resent", 1, moved=3 * DAY, inserted=60)
    newest, stale = delivery("stale", 0, inserted=60), delivery("stale", 1, moved=DAY, inserted=5)
    first, late = delivery("late", 0, moved=2 * DAY, inserted=60), delivery("late", 1, inserted=1)
    timeless = delivery("timeless", 0, inserted=None)
    same, twice, edited = delivery("same", 0), delivery("edited", 1), delivery("edited", 2, inserted=9)
    too_old = Delivery("too old", CUTOVER - MINUTE, FIRST_HOUR, 0)

    engine = replace(engine, variables={**engine.variables, "TRACKS_CUTOVER": f"{CUTOVER:%Y-%m-%d}"})
    deliver(
        engine, *(Exported(0, each) for each in (original, newest, first, timeless, same, same, twice, edited, too_old))
    )
    engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
    assert stored(engine) == [
        *(held(edited, at=twice), held(first), held(original), held(same), held(newest), held(timeless))
    ]

    deliver(engine, *(Exported(1, each) for each in (resent, stale, late, same, delivery("new", 0))))
    engine.merge(FIRST_HOUR + HOUR, FIRST_HOUR + 2 * HOUR)
    merged = [
        held(edited, at=twice),
        held(first, at=late),
        held(delivery("new", 0)),
        held(resent, at=original),
        held(same),
        held(newest),
        held(timeless),
    ]
    assert stored(engine) == merged

    before = engine.rows(TRACKS)
    engine.merge(FIRST_HOUR, FIRST_HOUR + HOURS * HOUR)
    engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
    engine.merge(FIRST_HOUR + 9 * HOUR, FIRST_HOUR + 10 * HOUR)
    assert engine.rows(TRACKS) == before


@ALL_ENGINES
def test_a_stored_pair_is_updated_twice_and_never_multiplied(engine: Engine) -> None:
    copies = [delivery("pair", 0), delivery("pair", 1, moved=5 * DAY, inserted=30)]
    exact = [delivery("exact", 0), delivery("exact", 0)]
    three = [delivery("three", number, moved=number * 2 * DAY) for number in range(3)]
    others = [delivery("other", 0)]
    stored_before = [*copies, *exact, *three, *others]
    engine.put(TRACKS, *(each.row() | {"bq_ingested_timestamp": LOADED - DAY} for each in stored_before))
    before = engine.rows(TRACKS)

    deliver(engine, Exported(0, delivery("pair", 2, moved=9 * DAY, inserted=10)))
    engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
    assert engine.rows(TRACKS) == before, "older than the newest copy"

    pair, again = delivery("pair", 2, moved=9 * DAY, inserted=40), delivery("exact", 1, inserted=40)
    thrice = delivery("three", 9, inserted=40)
    deliver(engine, Exported(1, pair), Exported(1, again), Exported(1, thrice))
    for _ in range(2):
        engine.merge(FIRST_HOUR, FIRST_HOUR + 2 * HOUR)
        assert stored(engine) == [
            *(held(again, at=each) for each in exact),
            held(others[0]),
            *(held(pair, at=each) for each in copies),
            *(held(thrice, at=each) for each in three),
        ]


@ALL_ENGINES
def test_a_row_without_a_time_takes_the_content_and_keeps_none(engine: Engine) -> None:
    """No merge of this project writes one, but an older pipeline may have."""
    alone, pair = delivery("alone", 0), [delivery("pair", 0), delivery("pair", 1, moved=DAY, inserted=5)]
    timeless = {"created_at": None, "bq_ingested_timestamp": LOADED - DAY}
    engine.put(TRACKS, alone.row() | timeless, pair[0].row() | timeless)
    engine.put(TRACKS, pair[1].row() | {"bq_ingested_timestamp": LOADED - DAY})

    deliver(engine, *(Exported(0, delivery(name, 2, moved=-DAY, inserted=40)) for name in ("alone", "pair")))
    for _ in range(2):
        engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
        rows = [(row["event_id"], row["created_at"], row["event_payload"]) for row in engine.rows(TRACKS)]
        content = plain(COLUMNS, delivery("alone", 2).row())["event_payload"]
        assert sorted(rows, key=str) == sorted(
            [("alone", None, content), ("pair", None, content), ("pair", TIME + DAY, content)], key=str
        )
        assert len(engine.rows(CONTENT_FINGERPRINTS)) == 2


def hour_merged(engine: Engine, hour: int, *deliveries: Delivery) -> list[Row]:
    """What tracks holds after an hour with these deliveries."""
    deliver(engine, *(Exported(hour, each) for each in deliveries))
    engine.merge(FIRST_HOUR + hour * HOUR, FIRST_HOUR + (hour + 1) * HOUR)
    return engine.rows(TRACKS)


@ALL_ENGINES
def test_a_redelivery_of_the_stored_content_leaves_the_row_as_it_was(engine: Engine) -> None:
    """To its stamps, and is known all the same: what was delivered before it is stale, what comes later is not."""
    first = hour_merged(engine, 0, delivery("event", 0), delivery("late", 0, moved=DAY, inserted=30))
    assert hour_merged(engine, 1, delivery("event", 0, moved=3 * DAY, inserted=60)) == first
    (repeat,) = engine.rows(UNCHANGED_REDELIVERIES)
    assert repeat == {
        "event_id": "event",
        "event_inserted_at": FIRST_HOUR + HOUR,
        "bq_ingested_timestamp": LOADED + MINUTE,
        "window_start": FIRST_HOUR + HOUR,
        "stored_inserted_at": FIRST_HOUR,
        "stored_ingested_timestamp": LOADED,
    }

    engine.merge(FIRST_HOUR, FIRST_HOUR + 2 * HOUR)
    assert hour_merged(engine, 2, delivery("event", 1, inserted=45)) == first
    assert (engine.rows(UNCHANGED_REDELIVERIES), len(engine.rows(CONTENT_FINGERPRINTS))) == ([repeat], 2)

    changed = delivery("event", 1, moved=3 * DAY, inserted=70)
    hour_merged(engine, 3, changed, delivery("late", 0, inserted=5), delivery("late", 0, moved=DAY, inserted=40))
    assert stored(engine) == [
        held(changed, at=delivery("event", 0)),
        held(delivery("late", 0, moved=DAY, inserted=30), at=delivery("late", 0)),
    ]
    hour_merged(engine, 4, delivery("event", 0, inserted=80))
    assert stored(engine)[0] == held(delivery("event", 0, inserted=80)), "what was stored once is new again"


@ALL_ENGINES
def test_an_older_tracks_takes_again_what_it_lost(engine: Engine) -> None:
    """What repeated a later row says nothing of the one that was put back."""
    hour_merged(engine, 0, delivery("event", 0))
    last = hour_merged(engine, 1, delivery("event", 1, inserted=60))
    assert hour_merged(engine, 2, delivery("event", 1, inserted=90)) == last

    engine.query("delete from posthog.tracks where true")
    engine.put(TRACKS, delivery("event", 0).row() | {"bq_ingested_timestamp": LOADED})
    engine.merge(FIRST_HOUR + HOUR, FIRST_HOUR + 2 * HOUR)
    assert engine.rows(TRACKS) == last
    assert len(engine.rows(UNCHANGED_REDELIVERIES)) == 1


def test_what_another_pipeline_wrote_is_known_once_it_is_noted(engine: Engine) -> None:
    """But for pairs: of the copy that a dedup removes, nothing may be taken for the stored row."""
    old, pair = delivery("old", 0, inserted=None), [delivery("pair", number, inserted=None) for number in (0, 1)]
    engine.put(TRACKS, *(each.row() | {"bq_ingested_timestamp": LOADED - DAY} for each in (old, *pair)))
    for _ in range(2):
        (result,) = engine.run_dbt("run-operation", "note_contents")
        assert result["status"] == "success"
        assert len(engine.rows(CONTENT_FINGERPRINTS)) == 1

    before = engine.rows(TRACKS)
    assert hour_merged(engine, 0, delivery("old", 0, moved=DAY, inserted=10)) == before
    engine.query("delete from posthog.tracks where event_id = 'pair' and session_id is null")
    removed = delivery("pair", 0, inserted=10)
    hour_merged(engine, 1, removed)
    assert stored(engine)[1:] == [held(removed)]
