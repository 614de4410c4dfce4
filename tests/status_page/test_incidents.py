"""What the page knows of alerts, from a real alert database."""

from pathlib import Path

from tests.alerts.seen import DAY, FIVE, MINUTE, NOW, bad
from tracks_assets.alerts.receivers import Receivers
from tracks_assets.alerts.store import AlertStore, State
from tracks_assets.alerts.tick import Policy, record
from tracks_assets.settings import Settings, read_settings
from tracks_assets.status_page.incidents import Alerts, Incident, RefusedReceiver, read_alerts

SECRET = "json://127.0.0.1:9/secret-token"


def settings(home: Path, **variables: str) -> Settings:
    return read_settings({"TRACKS_HOME": str(home), **variables})


def test_a_home_without_alerts(tmp_path: Path) -> None:
    assert read_alerts(settings(tmp_path)) == Alerts()
    assert read_alerts(settings(tmp_path, TRACKS_ALERT_URLS_WARN=SECRET)).is_configured


def test_open_incidents_refused_receivers_and_the_last_look(tmp_path: Path) -> None:
    given = settings(tmp_path, TRACKS_ALERT_URLS=SECRET)
    policy = Policy(Receivers.of_urls([SECRET], []), DAY)
    store = AlertStore(given.alert_database)
    seen = bad(hours=FIVE, compared_with="none before", next_step="Trace an id.", runbook="docs/runbooks.md#a")
    assert record(store, store.positions(), {"runs": 1}, [seen, bad("posthog/tracks:other")], policy, lambda: NOW)
    outgoing = store.unsent()[0]
    assert store.claim(outgoing, NOW + MINUTE)
    store.settle(outgoing, State.REFUSED, "404 Not Found", NOW + MINUTE)
    store.close()

    found = read_alerts(given)

    assert found.is_configured
    assert found.last_look == NOW
    assert found.refused == (RefusedReceiver("json://127.0.0.1", "404 Not Found", NOW + MINUTE),)
    assert "secret-token" not in str(found)
    titles = {each.title: each for each in found.incidents}
    assert set(titles) == {
        "Check unique_event_id failed on posthog/tracks (2026-03-12-05:00)",
        "Check other failed on posthog/tracks",
    }
    assert titles["Check unique_event_id failed on posthog/tracks (2026-03-12-05:00)"] == Incident(
        "Check unique_event_id failed on posthog/tracks (2026-03-12-05:00)",
        "12 of 200 events. (none before)",
        NOW,
        "ERROR",
        "Trace an id.",
        "docs/runbooks.md#a",
    )


def test_a_database_that_cannot_be_read_is_part_of_the_answer(tmp_path: Path) -> None:
    (tmp_path / "alerts.db").write_text("no database at all, and longer than a header of one would be " * 20)
    found = read_alerts(settings(tmp_path, TRACKS_ALERT_URLS=SECRET))
    assert (found.is_configured, found.incidents) == (True, ())
    assert "alerts.db" in found.problem
