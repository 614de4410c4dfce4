"""Whatever Mixpanel delivers, and however its days are merged, each event is in mp_events once and nothing is lost.

The SQL is the one that dbt writes: the view, the merge and the model of rejected rows. A delivery that differs from
another of its event was processed at another time: of two that were processed at once, the later file counts.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.random_examples import few
from tracks_assets.sources.mixpanel.tables import (
    MIXPANEL_TABLES,
    MP_EVENTS,
    MP_MASTER_EVENT,
    MP_MERGE_LOG,
    MP_REFUSED_ROWS,
    MP_REJECTED_EVENTS,
)

from .bare_dbt import BareDbt
from .merge_engine import MergeEngine, Row, tables_in_memory
from .merge_text import SENTINELS, MergeText

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

FIRST = datetime(2026, 3, 12, tzinfo=UTC)
DAY, DAYS = timedelta(days=1), 3
KEYS = {"short": "insert_id_time", "long": "event_time_distinct_id_insert_id"}
NAMES = (("App Open", "u1"), ("Purchase", "u1"), ("App Open", None))
"""Different events under one insert id and time; null is a value of its own."""

days = st.integers(0, DAYS - 1)


@dataclass(frozen=True)
class Delivered:
    """A delivery: the day of the export that holds it, its event, and when it was processed (None: unknown)."""

    day: int
    insert_id: str | None
    happened: int
    name: int
    processed: int | None

    @property
    def time(self) -> datetime:
        """When the event happened."""
        return FIRST - self.happened * 20 * DAY

    def row(self, number: int) -> Row:
        """The delivery as mp_master_event holds it; what was processed at another time has another content."""
        name, user = NAMES[self.name]
        return {
            "mp_insert_id": self.insert_id,
            "time": self.time,
            "event_name": name,
            "distinct_id": user,
            "properties": f'{{"processed":{self.processed or 0}}}',
            "processed_at": None if self.processed is None else FIRST + self.processed * timedelta(seconds=1),
            "bq_ingested_timestamp": FIRST + (30 + self.day) * DAY,
            "window_start": FIRST + self.day * DAY,
            "source_file": f"{self.day}.json",
            "row_number": number,
        }


deliveries = st.lists(
    st.builds(
        Delivered,
        days,
        st.sampled_from(["a", "a", "b", None]),
        st.integers(0, 1),
        st.integers(0, len(NAMES) - 1),
        st.sampled_from([None, 1, 2, 3]),
    ),
    max_size=12,
)


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Windows of days, alone and in ranges, some again; in the end, each day was merged at least once."""
    drawn = draw(st.lists(st.tuples(days, st.integers(1, DAYS)), max_size=3))
    missing = set(range(DAYS)) - {day for first, length in drawn for day in range(first, first + length)}
    return drawn + [(day, 1) for day in draw(st.permutations(sorted(missing)))]


@dataclass(frozen=True)
class Mixpanel:
    """The three models on tables in memory."""

    engine: MergeEngine
    rejected: MergeText

    def fill(self, export: Sequence[Delivered]) -> None:
        """The export as loaded, and nothing merged yet."""
        for table in MIXPANEL_TABLES:
            self.engine.fill(table, [])
        self.engine.fill(MP_MASTER_EVENT, [each.row(number) for number, each in enumerate(export)])
        self.engine.fill(
            MP_REFUSED_ROWS,
            [{"window_start": FIRST, "source_file": "0.json", "row_number": 99, "reason": "time is missing"}],
        )

    def merge(self, first: int, length: int) -> None:
        """Merges a window of days."""
        start, end = FIRST + first * DAY, FIRST + (first + length) * DAY
        self.engine.run(start, end)
        MergeEngine(self.engine.connection, self.rejected).run(start, end)

    def merged(self, export: Sequence[Delivered], steps: Sequence[tuple[int, int]]) -> tuple[list[Row], list[Row]]:
        """What mp_events and mp_rejected_events hold after the days were merged in this way."""
        self.fill(export)
        for step in steps:
            self.merge(*step)
        return self.rows(MP_EVENTS.name), self.rows(MP_REJECTED_EVENTS.name)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table."""
        return self.engine.rows(f"select * from mixpanel.{table} order by all")


@pytest.fixture(scope="module", params=KEYS)
def mixpanel(request: pytest.FixtureRequest, home: BareDbt) -> Iterator[Mixpanel]:
    """The models as dbt writes them for a key."""
    models = "stg_mp_dedup_events mp_events mp_rejected_events"
    home.run("run", "--select", models, TRACKS_MIXPANEL_KEY=KEYS[request.param], **SENTINELS)
    folder = home.target / "run/tracks/models/marts/mixpanel"
    merge, merged_rows = ((folder / f"{name}.sql").read_text(encoding="utf-8") for name in models.split()[1:])
    query = (home.target / "compiled/tracks/models/marts/mixpanel/mp_rejected_events.sql").read_text(encoding="utf-8")
    _, _, rest = merged_rows.partition("USING")
    merged_rows = merged_rows.replace(rest.split()[0], "new_rows")
    text = f"{_hook(home)}; create or replace temp table new_rows as {query}; {merged_rows}"
    engine = MergeEngine(tables_in_memory(home), MergeText(merge))
    yield Mixpanel(engine, MergeText(text))
    engine.connection.close()


def _hook(home: BareDbt) -> str:
    """What dbt sends before mp_rejected_events, as its log has it."""
    log = (home.target / "dbt.log").read_text(encoding="utf-8")
    sent = re.findall(r'(delete from "warehouse"."mixpanel"."mp_rejected_events".*?)\n\d\d:\d\d:\d\d\.', log, re.DOTALL)
    return str(sent[-1])


def check_contents(export: Sequence[Delivered], events: Sequence[Row], rejected: Sequence[Row]) -> None:
    """Each event has the content that was processed last, and each rejected delivery the right reason."""
    stored = {(row["dedup_id"], row["time"]): (row["event_name"], row["distinct_id"]) for row in events}
    for row in events:
        if row["mp_insert_id"] is not None:
            event = row["mp_insert_id"], row["time"], row["event_name"], row["distinct_id"]
            processed = [
                each.processed or 0 for each in export if (each.insert_id, each.time, *NAMES[each.name]) == event
            ]
            assert row["properties"] == f'{{"processed":{max(processed)}}}'
    for row in rejected:
        if row["rejection_reason"] in ("duplicate", "collision"):
            is_same = stored[row["dedup_id"], row["time"]] == (row["event_name"], row["distinct_id"])
            assert is_same == (row["rejection_reason"] == "duplicate")


@few
@given(export=deliveries, one_way=runs(), another_way=runs())
@example(
    export=[Delivered(0, "a", 0, 0, 2), Delivered(1, "a", 0, 0, 1), Delivered(2, "a", 0, 1, 1)],
    one_way=[(0, 1), (1, 1), (2, 1)],
    another_way=[(2, 1), (1, 1), (0, 1)],
)
def test_days_may_be_merged_in_any_order_and_again(
    mixpanel: Mixpanel, export: list[Delivered], one_way: list[tuple[int, int]], another_way: list[tuple[int, int]]
) -> None:
    events, rejected = mixpanel.merged(export, one_way)
    keys = Counter((row["dedup_id"], row["time"]) for row in events)
    assert set(keys.values()) <= {1}, "one row per key"
    assert len(events) + len(rejected) == len(export) + 1, "each delivery is an event or rejected, and one was refused"
    assert {(row["mp_insert_id"], row["time"]) for row in events if row["mp_insert_id"]} == {
        (each.insert_id, each.time) for each in export if each.insert_id
    }
    assert sum(row["mp_insert_id"] is None for row in events) == sum(each.insert_id is None for each in export)
    check_contents(export, events, rejected)

    mixpanel.engine.connection.execute(f"delete from {MP_MERGE_LOG}")
    for step in another_way:
        mixpanel.merge(*step)
    logged = mixpanel.engine.rows(f"select rows_inserted, rows_updated from {MP_MERGE_LOG}")
    assert {(row["rows_inserted"], row["rows_updated"]) for row in logged} == {(0, 0)}, "merged again"
    assert (mixpanel.rows(MP_EVENTS.name), mixpanel.rows(MP_REJECTED_EVENTS.name)) == (events, rejected)

    assert mixpanel.merged(export, another_way) == (events, rejected), "in another order"
