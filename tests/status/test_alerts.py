"""What the status page shows of the alert database: a real one, as the alert sensor leaves it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tracks_assets.alerts.delivery import deliver
from tracks_assets.alerts.facts import Kind, Observation
from tracks_assets.alerts.receivers import Answer, Outcome, Receiver
from tracks_assets.alerts.store import AlertStore
from tracks_assets.alerts.tick import Policy, record
from tracks_assets.settings import Settings, read_settings
from tracks_assets.status.incidents import Alerts, Incident, RefusedReceiver, read_alerts

NOW = datetime(2026, 3, 12, 6, tzinfo=UTC)
URL = "json://alerts.example.com/secret-token"
BROKEN = Observation(
    Kind.CHECK,
    "posthog/duplicate_census:unique_event_id_all",
    False,
    NOW,
    "ERROR",
    title="Check unique_event_id_all failed on posthog/duplicate_census",
    finding="12 event ids are duplicated.",
    next_step="Trace an id.",
    runbook="docs/runbooks.md#the-checks",
)


def settings(home: Path, **variables: str) -> Settings:
    return read_settings({"TRACKS_HOME": str(home), "TRACKS_ALERT_URLS": URL} | variables)


def observe(used: Settings, *observations: Observation) -> None:
    """One tick of the alert sensor, whose receiver refuses every message."""
    store = AlertStore(used.alert_database)
    policy = Policy.of(used)
    record(store, {}, {}, observations, policy, lambda: NOW)

    def refuse(_receiver: Receiver, _title: str, _body: str) -> Answer:
        return Answer(Outcome.REFUSED, "it answered HTTP 403")

    deliver(store, policy.receivers, refuse, lambda: NOW)
    store.close()


def test_open_incidents_and_refusing_receivers_are_read(tmp_path: Path) -> None:
    used = settings(tmp_path)
    observe(used, BROKEN)

    assert read_alerts(used) == Alerts(
        is_configured=True,
        incidents=(Incident(BROKEN.title, BROKEN.finding, NOW, "ERROR", BROKEN.next_step, BROKEN.runbook),),
        refused=(RefusedReceiver("json://alerts.example.com", "it answered HTTP 403", NOW),),
        last_look=NOW,
    )


def test_an_incident_that_is_over_is_not_open(tmp_path: Path) -> None:
    used = settings(tmp_path)
    observe(used, BROKEN, Observation(Kind.CHECK, BROKEN.subject, True, NOW + timedelta(hours=1)))

    assert read_alerts(used).incidents == ()


def test_without_receivers_nothing_is_configured(tmp_path: Path) -> None:
    assert read_alerts(settings(tmp_path, TRACKS_ALERT_URLS="")) == Alerts()


def test_a_database_that_cannot_be_read_is_a_sentence_on_the_page(tmp_path: Path) -> None:
    used = settings(tmp_path)
    (tmp_path / "alerts.db").write_bytes(b"this is no database, but long enough to be read as one" * 100)

    found = read_alerts(used)

    assert (found.is_configured, found.incidents) == (True, ())
    assert "alerts.db failed" in found.problem


@pytest.mark.parametrize("secret", ["secret-token"])
def test_no_secret_of_a_url_is_read(tmp_path: Path, secret: str) -> None:
    used = settings(tmp_path)
    observe(used, BROKEN)

    assert secret not in repr(read_alerts(used))
