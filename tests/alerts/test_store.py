"""The alert database: one transaction a tick, whatever kills the process, and two processes never both."""

import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests import ROOT
from tests.alerts.seen import DAY, FIVE, MINUTE, NOW, SIX, UNIQUE, bad, failed_run, good
from tracks_assets.alerts.facts import Observation
from tracks_assets.alerts.incidents import begin
from tracks_assets.alerts.receivers import Receivers
from tracks_assets.alerts.store import KEPT, AlertStore, AlertStoreError, State
from tracks_assets.alerts.stored import from_json, to_json
from tracks_assets.alerts.tick import Policy, record

POLICY = Policy(Receivers.of_urls(["json://127.0.0.1:9/one", "json://127.0.0.1:9/two"], []), DAY)


def _record(store: AlertStore, number: int, *observations: Observation, now: datetime = NOW) -> bool:
    before = store.positions()
    return record(store, before, {"runs": number}, observations, POLICY, lambda: now)


def test_an_incident_is_stored_in_full() -> None:
    seen = replace(
        bad(hours=FIVE), figures=(("rows", 3), ("share", 0.5), ("day", "2026-03-12 00:00 UTC")), ids=("a", "b"),
        downstream=("c/d",), next_step="Go.",
        checks=(UNIQUE,), assets=("e/f",),
    )  # fmt: skip
    full = replace(
        begin(seen), hours=FIVE | SIX, reported=NOW, levels=("WARN", "ERROR"), over=NOW + MINUTE, outcome="It is over.",
    )  # fmt: skip
    assert from_json(to_json(full)) == full
    assert from_json(to_json(begin(bad()))) == begin(bad())
    assert from_json(to_json(full).replace('"reported"', '"told"')) == full, "as an earlier release stored it"


def test_a_tick_is_stored_in_full(store: AlertStore) -> None:
    assert _record(store, 1, bad())

    (incident,) = store.open_incidents()
    assert (incident.identity, incident.reported) == (bad().identity, NOW)
    assert store.positions() == {"runs": 1, "tick": NOW.isoformat()}
    assert store.last_look() == NOW
    assert [(each.label, each.state, each.attempts) for each in store.unsent()] == [
        ("json://127.0.0.1", State.PENDING, 0)
    ] * 2


def test_nobody_has_looked_yet(store: AlertStore) -> None:
    assert (store.last_look(), store.refusing(), store.open_incidents()) == (None, [], [])


def test_it_survives_a_restart(store: AlertStore, database: str) -> None:
    _record(store, 1, bad(), failed_run())
    store.close()

    again = AlertStore(database)
    assert len(again.open_incidents()) == 2
    assert _record(again, 2, bad(at=NOW + MINUTE), now=NOW + MINUTE)
    assert len(again.unsent()) == 2, "one message for each receiver, and none for what it knows already"
    again.close()


def test_an_incident_that_is_over_is_kept_and_not_open(store: AlertStore) -> None:
    _record(store, 1, bad())
    _record(store, 2, good(at=NOW + MINUTE), now=NOW + MINUTE)

    assert store.open_incidents() == []
    (over,) = store.recent_incidents()
    assert over.over == NOW + MINUTE
    assert [each.title[:9] for each in store.unsent()] == ["[ERROR] C"] * 2 + ["[RECOVERE"] * 2


def test_old_ones_are_forgotten(store: AlertStore) -> None:
    _record(store, 1, bad(), failed_run())
    for outgoing in store.unsent():
        store.claim(outgoing, NOW)
        store.settle(outgoing, State.REFUSED, "it answered HTTP 403", NOW)
    assert len(store.refused()) == 2
    _record(store, 2, good(at=NOW + MINUTE), now=NOW + MINUTE)
    _record(store, 3, now=NOW + KEPT + DAY)

    assert [each.identity for each in store.recent_incidents()] == [failed_run().identity], "it is still open"
    assert {each.created for each in store.unsent()} == {NOW + MINUTE, NOW + KEPT + DAY}
    assert store.refused() == []


def test_two_processes_never_store_the_same_records(database: str) -> None:
    one, other = AlertStore(database), AlertStore(database)
    before = one.positions()
    assert record(other, before, {"runs": 1}, [bad()], POLICY, lambda: NOW)
    assert not record(one, before, {"runs": 1}, [bad()], POLICY, lambda: NOW + MINUTE)

    assert len(one.unsent()) == 2
    assert len(one.open_incidents()) == 1
    one.close()
    other.close()


def test_a_message_is_claimed_once(database: str) -> None:
    one, other = AlertStore(database), AlertStore(database)
    _record(one, 1, bad())
    first = one.unsent()[0]
    assert one.claim(first, NOW + MINUTE)
    assert not other.claim(first, NOW + MINUTE)
    one.close()
    other.close()


_KILLED = """
import os, signal, sys
import sqlalchemy as sa
from datetime import timedelta
from tests.alerts.seen import NOW, bad
from tests.alerts.test_store import POLICY
from tracks_assets.alerts import store as module
from tracks_assets.alerts.store import AlertStore
from tracks_assets.alerts.tick import record

store = AlertStore(sys.argv[1])
statements = []

def count(*_):
    statements.append(1)
    if len(statements) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

before = store.positions()
sa.event.listen(sa.Engine, "after_cursor_execute", count)
record(store, before, {"runs": 1}, [bad()], POLICY, lambda: NOW)
print("stored")
"""


@pytest.mark.thorough
@pytest.mark.slow
def test_a_process_that_is_killed_has_stored_all_or_nothing(tmp_path: Path) -> None:
    """Killed after each statement of a tick in turn; the next tick then reads the same records."""
    root = ROOT
    for statement in range(1, 40):
        database = f"sqlite:///{tmp_path}/{statement}.db"
        AlertStore(database).close()
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, database, str(statement)],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        store = AlertStore(database)
        if store.positions():
            assert len(store.unsent()) == 2
        else:
            assert (store.unsent(), store.open_incidents()) == ([], [])
            assert _record(store, 1, bad())
        assert (len(store.unsent()), len(store.open_incidents())) == (2, 1)
        store.close()
        if done.returncode == 0:
            break
    else:
        pytest.fail("The tick never ended.")
    assert statement > 8, "it was killed in between"


def test_a_database_of_another_version_is_refused(store: AlertStore, database: str) -> None:
    with create_engine(database).begin() as connection:
        connection.execute(text("update alert_positions set position = '99' where source = 'version'"))
    with pytest.raises(AlertStoreError) as caught:
        AlertStore(database)
    assert "has tables of version 99. This program knows version 1." in str(caught.value)


@pytest.mark.parametrize(
    "url", ["postgresql+nodriver://user:sesame@127.0.0.1:1/name", "postgresql://user:sesame@127.0.0.1:1/name"]
)
def test_a_database_that_cannot_be_used_says_so_without_its_password(url: str) -> None:
    with pytest.raises(AlertStoreError) as caught:
        AlertStore(url)
    assert "sesame" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "TRACKS_ALERT_DATABASE" in str(caught.value)


def test_a_database_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_text("something else, and long enough to be no header of a database" * 20)
    with pytest.raises(AlertStoreError, match=r"The alert database sqlite:///\S+/alerts.db failed \(DatabaseError: "):
        AlertStore(f"sqlite:///{tmp_path}/alerts.db")


def test_a_database_that_is_locked_is_waited_for(store: AlertStore, database: str) -> None:
    blocker = sqlite3.connect(database.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    blocker.execute("begin immediate")
    threading.Timer(0.5, lambda: blocker.execute("commit")).start()
    assert _record(store, 1, bad())
    blocker.close()


def test_a_folder_that_is_missing_is_made(tmp_path: Path) -> None:
    AlertStore(f"sqlite:///{tmp_path}/new/folder/alerts.db").close()
    assert (tmp_path / "new" / "folder" / "alerts.db").is_file()
