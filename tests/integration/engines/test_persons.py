"""The persons export on both engines: files into raw_persons, and their newest versions into person_distinct_ids."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.engines.engine import Engine, Row, window
from tests.integration.engines.persons import Person, hour_of, write_persons
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.defs.posthog.persons import MODEL
from tracks_assets.quality.checks import rejected_share, rows_accounted_for
from tracks_assets.quality.hours import count_hours
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.persons import PERSONS, RAW_PERSONS, REJECTED_PERSONS
from tracks_assets.warehouse.results import HourLoad
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

STAMP = hour_of(200)


def load(engine: Engine, number: int, *, allow_emptying: bool = False) -> HourLoad:
    """Loads an hour as the asset raw_persons does."""
    with engine.opened() as warehouse:
        inventory = Export(str(engine.home / "export"), feed=PERSONS).inventory(hour_of(number))
        return warehouse.load_slice(PERSONS, inventory, STAMP, allow_emptying=allow_emptying)


def deliver(engine: Engine, number: int, *persons: Person, is_old: bool = False) -> None:
    """Exports and loads an hour."""
    write_persons(engine.home / "export", number, persons, is_old=is_old)
    assert load(engine, number) == HourLoad(hour_of(number), read=len(persons), accepted=len(persons))


def merge(engine: Engine, first: int, end: int) -> Sequence[tuple[object, ...]]:
    """Merges the hours [first, end) as the asset person_distinct_ids does; gives what the table holds."""
    (result,) = engine.run_dbt("run", "--select", MODEL, **window(hour_of(first), hour_of(end)))
    assert result["status"] == "success", result["message"]
    rows = engine.rows(PERSON_DISTINCT_IDS)
    return sorted((row["team_id"], row["distinct_id"], row["properties"]["name"], row["is_deleted"]) for row in rows)


def test_an_hour_is_loaded_typed_and_again_the_same(engine: Engine) -> None:
    persons = [Person("a", "ann", 3, 7), Person("b", "bob", is_deleted=True), Person("a", "other", team=2)]
    deliver(engine, 0, *persons)
    rows = engine.rows(RAW_PERSONS)
    (ann,) = [row for row in rows if row["person_id"] == "ann"]
    assert ann == {
        "team_id": 1,
        "distinct_id": "a",
        "person_id": "ann",
        "properties": {"name": "ann", "version": 7},
        "person_distinct_id_version": 3,
        "person_version": 7,
        "created_at": hour_of(0),
        "is_deleted": False,
        "bq_ingested_timestamp": STAMP,
        "person_inserted_at": hour_of(0),
        "window_start": hour_of(0),
        "source_file": "persons/2026-03-12/01/2026-03-12T00:00:00+00:00-2026-03-12T01:00:00+00:00.parquet.sz",
    }
    assert [row["is_deleted"] for row in rows if row["person_id"] == "bob"] == [True]
    load(engine, 0)
    assert engine.rows(RAW_PERSONS) == rows
    with engine.opened() as warehouse:
        counts = count_hours(warehouse, {hour_of(0): 3, hour_of(1): 1}, PERSONS)
    assert rows_accounted_for(counts[:1], PERSONS, "persons").passed
    lost = rows_accounted_for(counts, PERSONS, "persons").message
    assert lost.finding == "1 row of the hour 2026-03-12-01:00 is not stored."
    assert lost.comparison.startswith("Its files have 1 row, raw_persons 0 and rejected_persons 0.")
    assert "group:persons --partition 2026-03-12-01:00" in lost.next_step


def test_a_mapping_has_the_person_of_its_newest_version(engine: Engine) -> None:
    deliver(engine, 0, Person("merged", "ann", 1, 5), Person("deleted", "bob", 1), Person("edited", "cat", 2, 1))
    assert merge(engine, 0, 1) == [
        (1, "deleted", "bob", False),
        (1, "edited", "cat", False),
        (1, "merged", "ann", False),
    ]
    deliver(
        engine,
        1,
        Person("merged", "ada", 2, 1),  # another person, whose own version is smaller
        Person("deleted", "bob", 101, 100, is_deleted=True),
        Person("edited", "cut", 2, 2),  # the same mapping, a newer person
    )
    second = [(1, "deleted", "bob", True), (1, "edited", "cut", False), (1, "merged", "ada", False)]
    assert merge(engine, 1, 2) == second
    deliver(
        engine,
        2,
        Person("merged", "ann", 1, 9),  # a stale mapping with a newer person
        Person("deleted", "new", 102),  # the deletion is cancelled: the distinct_id is used again
        Person("edited", "equal", 2, 2),  # no version grew
    )
    third = [(1, "deleted", "new", False), (1, "edited", "cut", False), (1, "merged", "ada", False)]
    assert merge(engine, 2, 3) == third
    before = engine.rows(PERSON_DISTINCT_IDS)
    for first, end in ((0, 1), (1, 2), (0, 3), (7, 8)):
        assert merge(engine, first, end) == third
    assert engine.rows(PERSON_DISTINCT_IDS) == before

    engine.query("delete from posthog.person_distinct_ids where true")
    assert merge(engine, 0, 3) == third, "a range in one call"


def test_an_older_export_says_nothing_of_deletions(engine: Engine) -> None:
    """A file with the field completes it at the same version, and one without takes nothing back."""
    known = [Person("gone", "ann", 101, is_deleted=True), Person("kept", "bob", 1, is_deleted=False)]
    deliver(engine, 0, *known, is_old=True)
    assert {row["is_deleted"] for row in engine.rows(RAW_PERSONS)} == {None}
    assert merge(engine, 0, 1) == [(1, "gone", "ann", None), (1, "kept", "bob", None)]
    deliver(engine, 1, *known)
    complete = [(1, "gone", "ann", True), (1, "kept", "bob", False)]
    for first in (1, 0):
        assert merge(engine, first, first + 1) == complete


def test_an_hour_without_files_is_empty_and_a_loaded_one_is_not_emptied(engine: Engine) -> None:
    deliver(engine, 0, Person("a", "ann"))
    assert load(engine, 1) == HourLoad(hour_of(1))
    assert merge(engine, 0, 2) == [(1, "a", "ann", False)]
    for file in (engine.home / "export").rglob("*.parquet*"):
        file.unlink()
    with pytest.raises(WarehouseError, match=r"1 in posthog\.raw_persons and 0 in posthog\.rejected_persons"):
        load(engine, 0)
    load(engine, 0, allow_emptying=True)
    assert engine.rows(RAW_PERSONS) == []


def test_a_person_that_no_engine_can_hold_does_not_block_its_hour(engine: Engine) -> None:
    refused = {
        "properties is not JSON": Person("broken", "b", properties='{"name": '),
        "properties holds a number outside the range of a double": Person("wide", "w", properties='{"n": 1e999}'),
        "distinct_id is null": Person(None, "n"),
        "person_distinct_id_version is null": Person("unversioned", "u", None),
    }
    fitting = [
        Person("a", "ann"),
        Person("none", "n", properties=None),
        Person("half", "h", properties='{"name": "\\ud83d"}'),
    ]
    rows = [fitting[0], *refused.values(), *fitting[1:]]
    write_persons(engine.home / "export", 0, rows)
    assert load(engine, 0) == HourLoad(hour_of(0), read=7, accepted=3, rejected=4, repaired=1)

    stored = {row["distinct_id"]: row["properties"] for row in engine.rows(RAW_PERSONS)}
    assert stored == {"a": {"name": "ann", "version": 0}, "none": None, "half": {"name": "\ufffd"}}
    kept: dict[str, Row] = {row["reason"]: row for row in engine.rows(REJECTED_PERSONS)}
    assert {reason: (row["row_number"], row["raw"]["properties"]) for reason, row in kept.items()} == {
        reason: (rows.index(person), person.row()["properties"]) for reason, person in refused.items()
    }
    with engine.opened() as warehouse:
        counts = count_hours(warehouse, {hour_of(0): 7}, PERSONS)
    assert rows_accounted_for(counts, PERSONS).passed
    assert "from posthog.rejected_persons" in rejected_share(counts, 0.1, 1, PERSONS).message.next_step

    write_persons(engine.home / "export", 0, fitting)
    load(engine, 0)
    assert engine.rows(REJECTED_PERSONS) == []


def test_a_version_that_no_engine_can_hold_is_named_with_its_file(engine: Engine) -> None:
    file = write_persons(engine.home / "export", 1, [Person("ann", "p1")])
    table = pq.read_table(file)
    position = table.schema.get_field_index("person_version")
    pq.write_table(table.set_column(position, "person_version", pa.array([2**63 + 5], pa.uint64())), file)
    with pytest.raises(ExportError, match=r"persons/.* holds a value that its field cannot hold \(Integer value 922"):
        load(engine, 1)
    assert engine.rows(RAW_PERSONS) == []


def test_without_the_folder_only_persons_fail(engine: Engine) -> None:
    (engine.home / "export" / "events").mkdir(parents=True)
    assert Export(str(engine.home / "export")).inventory(hour_of(0)).files == ()
    with pytest.raises(ExportError, match="has no folder 'persons'"):
        load(engine, 0)
