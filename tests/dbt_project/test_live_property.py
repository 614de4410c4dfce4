"""At any point between loads and merges, tracks_live holds what tracks will hold once everything is merged.

The SQL is the one that dbt writes. Only stamps may differ: a newer delivery that changes nothing leaves the
row of tracks as it is, stamps included, and the view shows the delivery's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.random_examples import few
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import MERGE_LOG, TRACKS

from .bare_dbt import BareDbt
from .deliveries import CUTOVER, FIRST_HOUR, HOURS, LOADED, Delivery, Exported, Merge, Reload, Step, exports, runs
from .merge_engine import CUTOVER_DAY, MergeEngine, Row
from .test_merge_property import COPY_STAMP, STAMPS, pair, start

pytestmark = pytest.mark.slow

MODEL = "posthog_tracks_live"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class LiveView:
    """The tables in memory, and the query of the view as dbt writes it."""

    engine: MergeEngine
    query: str = field(repr=False)

    def rows(self) -> list[Row]:
        """The events of the view, each with its time and content."""
        return self._events(f"({self.query})")

    def merged_rows(self) -> list[Row]:
        """The events of tracks, in the same way."""
        return self._events(str(TRACKS))

    def _events(self, table: str) -> list[Row]:
        return self.engine.rows(f"select * exclude ({', '.join(STAMPS)}) from {table} order by event_id, created_at")

    def points(self, steps: Sequence[Step]) -> Iterator[None]:
        """Runs the steps; yields before the first and after each. A clock puts an hour between them."""
        connection = self.engine.connection
        connection.execute(f"delete from {MERGE_LOG}")
        yield
        for number, step in enumerate(steps, start=1):
            moment = LOADED + number * HOUR
            if isinstance(step, Reload):
                connection.execute(
                    f"update {RAW_TRACKS} set bq_ingested_timestamp = $1 where window_start = $2",
                    [moment, FIRST_HOUR + step.hour * HOUR],
                )
            else:
                self.engine.run(*step.window)
                connection.execute(
                    f"update {MERGE_LOG} set merged_at = $1 where merged_at > $2", [moment, LOADED + 1000 * HOUR]
                )
            yield


@pytest.fixture(scope="module")
def live(home: BareDbt, engine: MergeEngine) -> LiveView:
    """The view; dbt writes it after the merge, because it has one folder for both."""
    home.run("compile", "--select", MODEL, TRACKS_CUTOVER=CUTOVER_DAY)
    file = home.target / "compiled/tracks/models/marts" / f"{MODEL}.sql"
    return LiveView(engine, file.read_text(encoding="utf-8"))


def check_every_point(
    live: LiveView, export: Sequence[Exported], steps: Sequence[Step], before: Sequence[Row] = ()
) -> None:
    """The view is the same at every point, and what tracks holds in the end."""
    start(live.engine, export, before)
    at_each = [live.rows() for _ in live.points(steps)]
    assert at_each == [live.merged_rows()] * len(at_each)


@pytest.mark.thorough
@few
@given(export=exports(), steps=runs())
@example(
    export=[
        Exported(0, Delivery("late original", CUTOVER, FIRST_HOUR, 1)),
        Exported(1, Delivery("late original", CUTOVER + HOUR, FIRST_HOUR + HOUR, 1)),
    ],
    steps=[Merge(1, 1), Merge(0, 1), Merge(2, 1)],
)
def test_the_view_is_what_tracks_will_be(live: LiveView, export: list[Exported], steps: list[Step]) -> None:
    check_every_point(live, export, steps)


@few
@given(export=exports(collisions=True), steps=runs())
def test_different_events_under_one_id_stay_apart(live: LiveView, export: list[Exported], steps: list[Step]) -> None:
    check_every_point(live, export, steps)


@few
@given(export=exports(), steps=runs(), known=st.tuples(st.booleans(), st.booleans()))
def test_a_duplicated_id_is_shown_as_often_as_it_is_stored(
    live: LiveView, export: list[Exported], steps: list[Step], known: tuple[bool, bool]
) -> None:
    """The view is no dedup of old damage: a duplicate has the new content in each of its rows, as tracks will."""
    pairs = [pair(f"event {number}", is_known) for number, is_known in enumerate(known)]
    copies = [copy.row() | {"bq_ingested_timestamp": COPY_STAMP} for each in pairs for copy in each]
    check_every_point(live, export, steps, before=copies)


def test_a_merged_hour_is_no_longer_read(live: LiveView) -> None:
    """The tail is what no merge has seen: a delivery that was merged is not looked at again."""
    export = [Exported(hour, Delivery(f"event {hour}", CUTOVER, FIRST_HOUR, 0)) for hour in range(HOURS)]
    start(live.engine, export)
    for _ in live.points([Merge(0, 2)]):
        pass
    live.engine.fill(TRACKS, [])
    assert [row["event_id"] for row in live.rows()] == ["event 2"]


def test_a_row_without_an_id_is_shown(live: LiveView) -> None:
    """Old damage, which the census counts: the view drops no row."""
    nameless: Row = Delivery("", CUTOVER, None, 0).row() | {"event_id": None, "bq_ingested_timestamp": COPY_STAMP}
    start(live.engine, [Exported(0, Delivery("event 0", CUTOVER, FIRST_HOUR, 0))], [nameless])
    next(live.points([]))
    assert [row["event_id"] for row in live.rows()] == ["event 0", None]
