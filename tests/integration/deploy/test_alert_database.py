"""The alert database on PostgreSQL, where the home is lost with its pod: incidents, messages and positions."""

from datetime import timedelta

import pytest

from tests.alerts.seen import DAY, NOW, bad, good
from tests.integration.deploy.postgres import Postgres
from tracks_assets.alerts.receivers import Receivers
from tracks_assets.alerts.store import AlertStore, State
from tracks_assets.alerts.tick import Policy, record

pytestmark = pytest.mark.slow

POLICY = Policy(Receivers.of_urls(["json://127.0.0.1:9/one"], []), DAY)
LATER = NOW + timedelta(minutes=1)


def test_alerts_are_kept_in_postgres(postgres: Postgres) -> None:
    first, second = AlertStore(postgres.url), AlertStore(postgres.url)
    try:
        before = first.positions()
        assert record(first, before, {"runs": 1}, [bad()], POLICY, lambda: NOW)
        assert not record(second, before, {"runs": 1}, [bad()], POLICY, lambda: NOW), "both read the same records"
        (message,) = second.unsent()
        assert first.claim(message, LATER)
        assert not second.claim(message, LATER), "another process is sending it"
        first.settle(message, State.SENT, "taken", NOW)
    finally:
        first.close()
        second.close()

    again = AlertStore(postgres.url)
    try:
        assert len(again.open_incidents()) == 1
        assert again.unsent() == []
        assert record(again, again.positions(), {"runs": 2}, [good(at=LATER)], POLICY, lambda: LATER)
        assert again.open_incidents() == []
        assert [each.title[:11] for each in again.unsent()] == ["[RECOVERED]"]
    finally:
        again.close()
