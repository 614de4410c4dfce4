"""Mixpanel's export on both engines: files of either form into mp_master_event, and its days into mp_events."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.integration.engines.engine import Engine, Row, window
from tests.integration.engines.mixpanel import Event, day_of, folder_of, write_lines, write_parquet
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.defs.mixpanel.events import MODELS
from tracks_assets.quality.hours import count_hours
from tracks_assets.quality.mixpanel import DayQuality, batch_times, loaded_files, measure, newest, rejected_by_reason
from tracks_assets.sources.mixpanel.feed import MIXPANEL
from tracks_assets.sources.mixpanel.inventory import MixpanelExport
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.mixpanel.tables import (
    MP_COLLISIONS,
    MP_EVENTS,
    MP_MASTER_EVENT,
    MP_MERGE_LOG,
    MP_REFUSED_ROWS,
    MP_REJECTED_EVENTS,
)
from tracks_assets.warehouse.results import HourLoad

STAMP = day_of(100)
NO_TIME = {"event": "App Open", "properties": {"distinct_id": "u1", "$insert_id": "untimed"}}


def load(engine: Engine, *days: int, allow_emptying: bool = False) -> list[HourLoad]:
    """Loads days as the asset mp_master_event does."""
    with engine.opened() as warehouse:
        return [
            warehouse.load_slice(
                MIXPANEL,
                MixpanelExport(str(engine.home / "export")).inventory(day_of(day)),
                STAMP + day * DAY,
                allow_emptying=allow_emptying,
            )
            for day in days
        ]


def merge(engine: Engine, first: int, end: int, **variables: str) -> None:
    """Merges the days [first, end) as the assets of the dbt models do."""
    variables |= window(day_of(first), day_of(end), run_id=f"{first} to {end}")
    results = engine.run_dbt("run", "--select", " ".join(MODELS), **variables)
    assert {result["status"] for result in results} == {"success"}, results


def deliver(engine: Engine, day: int, *rows: Event | Row) -> None:
    """Exports and loads a day."""
    write_lines(engine.home / "export", day, rows)
    (loaded,) = load(engine, day)
    assert loaded.read == len(rows)


def events(engine: Engine) -> list[tuple[object, ...]]:
    """mp_events: insert id, day, name, and the property v."""
    rows = engine.rows(MP_EVENTS)
    return sorted(
        (str(row["mp_insert_id"]), row["time"].day, row["event_name"], row["properties"].get("v")) for row in rows
    )


def rejected(engine: Engine) -> list[tuple[object, ...]]:
    """mp_rejected_events: reason, the day of delivery and the row's number."""
    rows = engine.rows(MP_REJECTED_EVENTS)
    return sorted((row["rejection_reason"], row["window_start"].day, row["row_number"]) for row in rows)


def inserted(engine: Engine, run_id: str) -> list[tuple[int, ...]]:
    """What a merge did by its log: day, and rows inserted, updated, unchanged, collided."""
    names = ("rows_inserted", "rows_updated", "rows_unchanged", "rows_collided")
    rows = [row for row in engine.rows(MP_MERGE_LOG) if row["run_id"] == run_id.replace(" ", "")]
    return sorted((row["window_start"].day, *(row[name] for name in names)) for row in rows)


def v(number: int) -> dict[str, int]:
    """A content."""
    return {"v": number}


def test_both_forms_of_the_export_give_the_same_events(engine: Engine) -> None:
    properties = {"$os": "iOS", "$city": "Bern", "mp_country_code": "CH", "mp_lib": "swift", "utm_source": "mail"}
    properties |= {"$app_version_string": "4.2", "$user_id": "customer 7"}
    known = Event("one", 1, properties=properties)
    write_lines(engine.home / "export", 1, [known, NO_TIME], "a.jsonl.gz")
    write_parquet(engine.home / "export", 1, [replace(known, insert_id="two"), Event(None, 1, user="u2")], "b.parquet")
    assert load(engine, 1) == [HourLoad(day_of(1), read=4, accepted=3, rejected=1)]
    merge(engine, 1, 2)

    one, two, other = sorted(engine.rows(MP_EVENTS), key=lambda row: str(row["mp_insert_id"] or "~"))
    assert one == {
        "dedup_id": "one",
        "mp_insert_id": "one",
        "time": datetime(2026, 3, 2, 1, tzinfo=UTC),
        "event_name": "App Open",
        "customer_id": "customer 7",
        "distinct_id": "u1",
        "mp_lib": "swift",
        "device_os": "iOS",
        "app_version": "4.2",
        "city": "Bern",
        "country": "CH",
        "utm_source": "mail",
        "utm_medium": None,
        "utm_campaign": None,
        "properties": known.line()["properties"],
        "processed_at": datetime(2026, 3, 2, 1, tzinfo=UTC),
        "bq_ingested_timestamp": STAMP + DAY,
    }
    of_parquet = {name.replace("$", "mp_"): value for name, value in one["properties"].items()}
    assert two == one | {"dedup_id": "two", "mp_insert_id": "two", "properties": of_parquet | {"mp_insert_id": "two"}}
    assert (other["customer_id"], other["distinct_id"], other["mp_insert_id"]) == ("u2", "u2", None)
    assert other["dedup_id"] == "8:App Open 2:u2 row 1 of mp_master_event/2026/03/02/b.parquet"
    (refused,) = engine.rows(MP_REFUSED_ROWS)
    assert (refused["reason"], refused["row_number"]) == ("time is missing", 1)
    assert refused["source_file"] == "mp_master_event/2026/03/02/a.jsonl.gz"
    with engine.opened() as warehouse:
        (counts,) = count_hours(warehouse, {day_of(1): 4}, MIXPANEL)
    assert (counts.accepted, counts.rejected, counts.missing) == (3, 1, 0)


def test_days_in_any_order_and_again_give_the_same_tables(engine: Engine) -> None:
    """A duplicate that comes 60 days later finds its event, and a day that is merged again inserts nothing."""
    days: dict[int, Sequence[Event | Row]] = {
        2: [
            Event("one", 2, properties=v(1)),
            Event("one", 2, processed=1, properties=v(2)),
            Event("one", 1, properties=v(3)),  # another time: another event
            Event(None, 2, properties=v(4)),
            Event(None, 2, properties=v(4)),
            Event("taken", 2, properties=v(5)),
            NO_TIME,
        ],
        4: [Event("taken", 2, name="Purchase", processed=3, properties=v(6)), Event("three", 4, properties=v(7))],
        29: [
            Event("one", 2, processed=9, properties=v(8)),  # late and newer: its content is taken
            Event("one", 1, processed=-5, properties=v(9)),  # late and stale
            Event("very late", 0, properties=v(10)),
        ],
    }
    for day, rows in days.items():
        deliver(engine, day, *rows)
    kept = [
        ("None", 3, "App Open", 4),
        ("None", 3, "App Open", 4),
        ("one", 2, "App Open", 3),
        ("one", 3, "App Open", 8),
        ("taken", 3, "App Open", 5),
        ("three", 5, "App Open", 7),
        ("very late", 1, "App Open", 10),
    ]
    gone = [
        ("collision", 5, 0),
        ("duplicate", 3, 1),
        ("duplicate", 3, 2),
        ("duplicate", 30, 0),
        ("time is missing", 3, 6),
    ]
    for first in (29, 2, 4):
        merge(engine, first, first + 1)
    assert inserted(engine, "29 to 30") == [(30, 3, 0, 0, 0)]
    assert inserted(engine, "2 to 3") == [(3, 3, 1, 1, 0)]
    assert inserted(engine, "4 to 5") == [(5, 1, 0, 1, 1)]
    assert (events(engine), rejected(engine)) == (kept, gone)
    (collided,) = engine.rows(MP_COLLISIONS)
    assert (collided["event_name"], collided["row_number"]) == ("Purchase", 0)

    contents = [engine.rows(table) for table in (MP_EVENTS, MP_REJECTED_EVENTS, MP_COLLISIONS)]
    load(engine, 2)
    merge(engine, 2, 30)
    assert [row[1] for row in inserted(engine, "2 to 30")] == [0] * 28, "a row of the log for each day"
    assert [engine.rows(table) for table in (MP_EVENTS, MP_REJECTED_EVENTS, MP_COLLISIONS)] == contents

    with engine.opened() as warehouse:
        measured = measure(warehouse, day_of(2), day_of(5), STAMP)
        assert newest(warehouse, day_of(0), day_of(40)) == measured
        assert rejected_by_reason(warehouse, day_of(2), day_of(5)) == {
            day_of(2): {"duplicate": 2, "time is missing": 1},
            day_of(4): {"collision": 1},
        }
        assert batch_times(warehouse, day_of(7), day_of(9)) is None
        (found,) = warehouse.fetch("mp_duplicates")
        assert (found["all_rows"], found["duplicate_keys"]) == (7, 0)
    assert measured == [
        DayQuality(day_of(2), 6, duplicates=2, refused=1, without_insert_id=2),
        DayQuality(day_of(4), 2, collisions=1, keys_differ=1),
    ]
    engine.query("insert into mixpanel.mp_events select * from mixpanel.mp_events where mp_insert_id = 'one'")
    with engine.opened() as warehouse:
        (found,) = warehouse.fetch("mp_duplicates")
    assert (found["duplicate_keys"], list(found["examples"])) == (2, ["one", "one"])


def test_mixpanels_own_key_keeps_what_the_shorter_one_takes_for_one(engine: Engine) -> None:
    deliver(engine, 2, Event("a", 2), Event("a", 2, name="Purchase"), Event("a", 2, user="u2"), Event("a", 2))
    merge(engine, 2, 3, TRACKS_MIXPANEL_KEY="event_time_distinct_id_insert_id")
    assert Counter((row["event_name"], row["distinct_id"]) for row in engine.rows(MP_EVENTS)) == {
        ("App Open", "u1"): 1,
        ("App Open", "u2"): 1,
        ("Purchase", "u1"): 1,
    }
    assert {row["rejection_reason"] for row in engine.rows(MP_REJECTED_EVENTS)} == {"duplicate"}
    with engine.opened() as warehouse:
        (quality,) = measure(warehouse, day_of(2), day_of(3), STAMP)
    assert (quality.keys_differ, quality.collisions, quality.duplicates) in {(2, 0, 1), (3, 0, 1)}


def test_a_day_in_another_order_loses_no_event_without_an_insert_id(engine: Engine) -> None:
    """Such an event has its place in the file as its id: another event that takes the place is not a collision."""
    one, two, new = (Event(None, 2, name=name) for name in ("a", "b", "c"))
    deliver(engine, 2, one, two)
    merge(engine, 2, 3)
    deliver(engine, 2, new, one, two)
    merge(engine, 2, 3)
    assert {row["event_name"] for row in engine.rows(MP_EVENTS)} == {"a", "b", "c"}
    assert rejected(engine) == []


def test_rows_of_another_key_are_duplicates(engine: Engine) -> None:
    """A process without the setting writes each event once more, under another id."""
    deliver(engine, 2, Event("a", 2), Event("a", 2, name="Purchase"), Event(None, 2), Event(None, 2))
    for key in ("event_time_distinct_id_insert_id", "insert_id_time"):
        merge(engine, 2, 3, TRACKS_MIXPANEL_KEY=key)
        with engine.opened() as warehouse:
            (found,) = warehouse.fetch("mp_duplicates")
        duplicates = 0 if key == "event_time_distinct_id_insert_id" else 1
        assert (found["duplicate_keys"], len(found["examples"])) == (duplicates, duplicates)


def test_an_empty_id_names_no_customer(engine: Engine) -> None:
    users = {"a": ("", "u1"), "b": ("", ""), "c": ("customer", "u1")}
    deliver(
        engine, 2, *(Event(id_, 2, user=user, properties={"$user_id": given}) for id_, (given, user) in users.items())
    )
    merge(engine, 2, 3)
    customers = {row["mp_insert_id"]: row["customer_id"] for row in engine.rows(MP_EVENTS)}
    assert customers == {"a": "u1", "b": None, "c": "customer"}


def test_a_torn_file_leaves_the_day_as_it_was(engine: Engine) -> None:
    deliver(engine, 2, Event("a", 2), NO_TIME)
    before = [engine.rows(table) for table in (MP_MASTER_EVENT, MP_REFUSED_ROWS)]
    file = write_lines(engine.home / "export", 2, [Event("b", 2), Event("c", 2)], "torn.json.gz")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ExportError, match=r"mp_master_event/2026/03/03/torn\.json\.gz cannot be read"):
        load(engine, 2)
    assert [engine.rows(table) for table in (MP_MASTER_EVENT, MP_REFUSED_ROWS)] == before

    for each in folder_of(engine.home / "export", 2).iterdir():
        each.unlink()
    with pytest.raises(WarehouseError, match=r"The day 2026-03-03 has stored rows \(1 in mixpanel.mp_master_event and"):
        load(engine, 2)
    load(engine, 2, allow_emptying=True)
    assert engine.rows(MP_MASTER_EVENT) == []


def test_a_loaded_day_is_known_by_its_files(engine: Engine) -> None:
    """So that a backfill that was stopped can go on; a file that changed is loaded again."""
    export = MixpanelExport(str(engine.home / "export"))
    deliver(engine, 2, Event("a", 2), NO_TIME)
    with engine.opened() as warehouse:
        assert warehouse.loaded_rows(MIXPANEL, export.inventory(day_of(2))) == 2
        assert warehouse.loaded_rows(MIXPANEL, export.inventory(day_of(3))) is None, "never loaded"
    write_lines(engine.home / "export", 2, [Event("b", 2), NO_TIME])
    with engine.opened() as warehouse:
        assert warehouse.loaded_rows(MIXPANEL, export.inventory(day_of(2))) is None


def test_a_day_has_the_files_of_its_newest_load(engine: Engine) -> None:
    deliver(engine, 2, Event("a", 2))
    write_lines(engine.home / "export", 2, [Event("b", 2)], name="more.json")
    load(engine, 3)
    export = MixpanelExport(str(engine.home / "export"))
    with engine.opened() as warehouse:
        warehouse.load_slice(MIXPANEL, export.inventory(day_of(2)), STAMP + 9 * DAY)
        assert loaded_files(warehouse, day_of(0), day_of(40)) == {day_of(2): 2, day_of(3): 0}
        assert loaded_files(warehouse, day_of(3), day_of(4)) == {day_of(3): 0}
