"""The soak in short: a few hours with an outage and kills. And what it would find, if a promise were broken."""

import random
from pathlib import Path

import duckdb
import pytest

from benchmarks.soak.__main__ import run_soak
from benchmarks.soak.drive import OldestFirst
from benchmarks.soak.promises import Pair, broken_promises
from benchmarks.soak.soak import Soak

pytestmark = [pytest.mark.slow, pytest.mark.dagster]

HOURS = 8
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
    "tracks holds the old pair": "delete from posthog.tracks where event_id = '{pair}' and month(created_at) = 7",
}


@pytest.fixture(scope="module")
def soaked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Soak, Pair, list[str]]:
    """A home after a short soak in which every promise was kept."""
    pairs: list[Pair] = []

    class Seen(Soak):
        def prepare(self) -> Pair:
            pairs.append(super().prepare())
            return pairs[0]

    soak = Seen(tmp_path_factory.mktemp("soak") / "home", OldestFirst(), random.Random(3))
    figures = run_soak(soak, HOURS)
    return soak, pairs[0], figures


def test_every_promise_is_kept(soaked: tuple[Soak, Pair, list[str]]) -> None:
    soak, _, figures = soaked
    assert figures[-1] == "every promise was kept"
    assert len(soak.delivered) == HOURS
    assert any(run.due.first != run.due.last for run in soak.runs), "the hours of the outage ran as one range"


@pytest.mark.parametrize(("said", "damage"), DAMAGES.items(), ids=str)
def test_a_broken_promise_is_found(
    soaked: tuple[Soak, Pair, list[str]], said: str, damage: str, tmp_path: Path
) -> None:
    soak, pair, _ = soaked
    copied = tmp_path / "warehouse.duckdb"
    copied.write_bytes(soak.settings.duckdb_path.read_bytes())
    account = soak.account()
    one = next(event_id for event_id, rows in account.events.items() if len(rows) == 1 and event_id != pair.event_id)
    with duckdb.connect(str(copied)) as connection:
        connection.execute(damage.format(one=f"event_id = '{one}'", pair=pair.event_id))
    broken = broken_promises(copied, account, pair)
    assert [line for line in broken if said in line], broken
