"""The soak in short: a few hours with an outage. And what it would find, if a promise were broken."""

import random
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from benchmarks.soak import trials
from benchmarks.soak.__main__ import KEPT, run_soak
from benchmarks.soak.home import Home
from benchmarks.soak.promises import Pair, broken_promises
from benchmarks.soak.soak import Soak, start_of

pytestmark = [pytest.mark.slow, pytest.mark.dagster, pytest.mark.nightly]

HOURS = 6
OUTAGE = range(1, HOURS - 1)
DAMAGES = {
    "tracks holds events more than once": "insert into posthog.tracks select * from posthog.tracks where {one}",
    "tracks holds other events than were delivered": "delete from posthog.tracks where {one}",
    "do not have the time of their first delivery": (
        "update posthog.tracks set created_at = created_at + interval 1 hour where {one}"
    ),
    "do not have the content of their last delivery": "update posthog.tracks set event_payload = '{{}}' where {one}",
    "are of another event than was delivered first": "update posthog.tracks set user_id = 'x' where {one}",
    "raw_tracks does not hold the rows": "delete from posthog.raw_tracks where {one}",
    "raw_tracks holds other deliveries": "update posthog.raw_tracks set user_id = 'x' where {one}",
    "rejected_tracks does not hold": "delete from posthog.rejected_tracks where row_number % 2 = 0",
    "tracks_collisions does not hold": "delete from posthog_ops.tracks_collisions",
    "load_log does not count the rows": "update posthog_ops.load_log set rows_read = rows_read + 1",
    "merge_log does not count each hour's collisions": "update posthog_ops.merge_log set rows_collided = 0",
    "were new": "delete from posthog_ops.merge_log where rows_inserted > 0",
    "tracks holds the old pair": "delete from posthog.tracks where event_id = '{pair}' and month(created_at) = 7",
}


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Soak, Pair, list[str]]]:
    """A home after a short soak in which every promise was kept; no run is killed, for that takes minutes."""
    pairs: list[Pair] = []

    class Seen(Soak):
        def prepare(self) -> Pair:
            pairs.append(super().prepare())
            return pairs[0]

    home = Home(tmp_path_factory.mktemp("soak") / "home", start_of(HOURS))
    with Seen(home, random.Random(3), killed_share=0.0) as soak:
        text = run_soak(soak, HOURS, outage=OUTAGE, again={HOURS - 1: 0}, tried=trials.FEW)
        yield soak, pairs[0], text


def test_every_promise_is_kept(soaked: tuple[Soak, Pair, list[str]]) -> None:
    soak, _, text = soaked
    assert text[-1] == KEPT
    assert len(soak.delivered) == HOURS
    ranges = [len(run.ended.hours) for run in soak.runs]
    assert ranges == [1, HOURS - 1, 1], "one run loads the outage, the next the hour that changed, when it is quiet"
    assert all(run.ended.seconds > 0 and run.peak_bytes > 100e6 and run.cpu_seconds > 0 for run in soak.runs)


@pytest.mark.parametrize(("text", "damage"), DAMAGES.items(), ids=str)
def test_a_broken_promise_is_found(
    soaked: tuple[Soak, Pair, list[str]], text: str, damage: str, tmp_path: Path
) -> None:
    soak, pair, _ = soaked
    copied = tmp_path / "warehouse.duckdb"
    copied.write_bytes(soak.home.settings.duckdb_path.read_bytes())
    account = soak.account()
    one = next(event_id for event_id, rows in account.events.items() if len(rows) == 1 and event_id != pair.event_id)
    with duckdb.connect(str(copied)) as connection:
        connection.execute(damage.format(one=f"event_id = '{one}'", pair=pair.event_id))
    broken = broken_promises(copied, account, pair)
    assert [line for line in broken if text in line], broken
