"""Whatever versions are delivered, and however their hours are merged, each distinct_id has its newest person.

The SQL is the one that dbt writes. Two deliveries of equal versions hold the same, as PostHog writes them: only an
older export lacks is_deleted.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.integration.engines.persons import Person
from tests.support.random_examples import some
from tracks_assets.sources.posthog.persons import RAW_PERSONS
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

from .bare_dbt import BareDbt
from .deliveries import FIRST_HOUR, HOURS, LOADED, Merge, Step, hours, runs
from .merge_engine import MergeEngine, Row, tables_in_memory
from .merge_text import SENTINELS, MergeText

pytestmark = pytest.mark.slow

MODEL = "posthog_person_distinct_ids"
_FILE = f"tracks/models/marts/{MODEL}.sql"
STORED = f"select * exclude (bq_ingested_timestamp) from {PERSON_DISTINCT_IDS} order by team_id, distinct_id"


@dataclass(frozen=True)
class Exported:
    """A delivery and the export hour that holds it, by number."""

    hour: int
    person: Person


@pytest.fixture(scope="module")
def persons(home: BareDbt) -> Iterator[MergeEngine]:
    """The merge of persons on tables in memory: dbt fills a temporary table and merges it."""
    home.run("run", "--select", MODEL, **SENTINELS)
    query, merge = ((home.target / kind / _FILE).read_text(encoding="utf-8") for kind in ("compiled", "run"))
    _, _, rest = merge.partition("USING")
    text = MergeText(
        f"create or replace temp table newer_rows as {query}; {merge.replace(rest.split()[0], 'newer_rows')}"
    )
    engine = MergeEngine(tables_in_memory(home), text)
    yield engine
    engine.connection.close()


@st.composite
def exports(draw: st.DrawFn) -> list[Exported]:
    """Versions of a few mappings over a few hours; each is delivered never, once or often."""
    versions = [
        Person(distinct_id, f"person {mapping}", mapping, person, draw(st.booleans()), team)
        for team, distinct_id in ((1, "a"), (1, "b"), (2, "a"))
        for mapping in (0, 1, 101)
        for person in (0, 1)
    ]
    older = draw(st.sets(hours))
    delivered = draw(st.lists(st.tuples(hours, st.sampled_from(versions)), max_size=14))
    return [Exported(hour, replace(person, is_deleted=None) if hour in older else person) for hour, person in delivered]


def order(person: Person) -> tuple[int, int, bool]:
    """Which of two deliveries of a distinct_id is newer."""
    return person.mapping_version or 0, person.person_version, person.is_deleted is not None


def expected(export: Iterable[Exported]) -> list[Row]:
    """The model: of each distinct_id the newest delivery."""
    newest: dict[tuple[int, str], Person] = {}
    for person in (located.person for located in export):
        key = person.team, person.distinct_id or ""
        newest[key] = max(newest.get(key, person), person, key=order)
    return [_stored(person.row()) for _, person in sorted(newest.items())]


def _stored(row: dict[str, Any]) -> Row:
    return {name: value for name, value in row.items() if name != "_inserted_at"}


def fill(engine: MergeEngine, export: Sequence[Exported]) -> None:
    """The export as loaded, and nothing merged yet."""
    rows = [
        _stored(located.person.row())
        | {
            "bq_ingested_timestamp": LOADED,
            "person_inserted_at": FIRST_HOUR,
            "window_start": Merge(located.hour, 1).window[0],
            "source_file": f"persons/{number}.parquet",
        }
        for number, located in enumerate(export)
    ]
    engine.fill(RAW_PERSONS, rows)
    engine.fill(PERSON_DISTINCT_IDS, [])


def merged(engine: MergeEngine, export: Sequence[Exported], steps: Sequence[Step]) -> list[Row]:
    """What person_distinct_ids holds after the hours were merged in this way."""
    fill(engine, export)
    for step in steps:
        if isinstance(step, Merge):
            engine.run(*step.window)
    return engine.rows(STORED)


@some
@given(export=exports(), one_way=runs(), another_way=runs())
@example(
    export=[Exported(0, Person("a", "ann", is_deleted=None)), Exported(1, Person("a", "ann", is_deleted=True))],
    one_way=[Merge(0, 1), Merge(1, 1)],
    another_way=[Merge(1, 1), Merge(0, HOURS)],
)
def test_hours_may_be_merged_in_any_order_and_again(
    persons: MergeEngine, export: list[Exported], one_way: list[Step], another_way: list[Step]
) -> None:
    rows = merged(persons, export, one_way)
    assert rows == expected(export)
    assert merged(persons, export, another_way) == rows


@some
@given(export=exports(), steps=runs())
def test_a_row_changes_only_when_a_version_grows(
    persons: MergeEngine, export: list[Exported], steps: list[Step]
) -> None:
    """Or when a delivery of the same versions is the first to have is_deleted; its stamp is a sign of any write."""
    fill(persons, export)
    before: dict[tuple[int, str], Row] = {}
    for number, step in enumerate(steps):
        if isinstance(step, Merge):
            persons.connection.execute(f"update {RAW_PERSONS} set bq_ingested_timestamp = to_timestamp({number})")
            persons.run(*step.window)
            rows = persons.rows(f"select * from {PERSON_DISTINCT_IDS}")
            after = {(row["team_id"], row["distinct_id"]): row for row in rows}
            assert len(after) == len(rows)
            for key, row in before.items():
                assert after[key] == row or row_order(after[key]) > row_order(row)
            before = after


def row_order(row: Row) -> tuple[int, int, bool]:
    """The same order of stored rows."""
    return row["person_distinct_id_version"], row["person_version"], row["is_deleted"] is not None
