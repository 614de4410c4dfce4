"""``python -m tracks_assets.alerts``: sends a test message to every receiver, or lists incidents and waiting messages.

A receiver that takes the test message also gets what it refused within the last day, by the next tick of the sensor.

Exit codes: 0, done; 1, a receiver did not take the test message, or the alert database cannot be used; 2, the settings
are wrong.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tracks_assets.alerts.delivery import HANDED_OVER
from tracks_assets.alerts.receivers import Outcome, Receiver, Receivers, send
from tracks_assets.alerts.store import AlertStore, AlertStoreError
from tracks_assets.quality.message import moment_text
from tracks_assets.settings import Settings, SettingsError, read_settings

_BODY = (
    "This is a test message of tracks_assets. Alerts about failed checks, failed runs and failing sensors arrive here."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what is asked and returns the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        settings = read_settings()
    except SettingsError as error:
        _report(str(error))
        return 2
    try:
        return test(settings) if asked.what == "test" else incidents(settings)
    except AlertStoreError as error:
        _report(str(error))
        return 1


def test(settings: Settings) -> int:
    """Sends a test message to each receiver, and says for each what happened."""
    receivers = Receivers.of_urls(settings.alert_urls, settings.alert_urls_warn)
    if not receivers.every:
        _report("No receiver is set: set TRACKS_ALERT_URLS to Apprise URLs, separated by commas.")
        return 1
    failed, now = 0, datetime.now(UTC)
    for receiver in receivers.every:
        answer = send(receiver, f"[TEST] Alerts of tracks_assets, {moment_text(now)}", _BODY)
        is_taken = answer.outcome is Outcome.TAKEN
        failed += not is_taken
        used_for = [
            name for name, each in (("errors", receivers.errors), ("warnings", receivers.warnings)) if receiver in each
        ]
        _report(f"{'ok  ' if is_taken else 'FAIL'} {receiver.label} ({' and '.join(used_for)}): {answer.reason}")
        queued = _queue_refused(settings, receiver, now) if is_taken else 0
        if queued:
            _report(f"     {queued:,} {'message' if queued == 1 else 'messages'} that it refused will be sent again")
    return 1 if failed else 0


def _queue_refused(settings: Settings, receiver: Receiver, now: datetime) -> int:
    store = AlertStore(settings.alert_database)
    try:
        return store.queue_refused(receiver.key, now, now - HANDED_OVER)
    finally:
        store.close()


def incidents(settings: Settings) -> int:
    """Lists the open incidents, and the messages that no receiver took yet."""
    store = AlertStore(settings.alert_database)
    try:
        opened, unsent, refused = store.open_incidents(), store.unsent(), store.refused()
    finally:
        store.close()
    for incident in opened:
        seen = incident.observation
        hours = f", partitions {incident.hours}" if incident.hours else ""
        _report(f"{incident.severity:5} {incident.key} since {moment_text(incident.opened)}: {seen.title}{hours}")
        _report(f"      {seen.finding}" if seen.finding else f"      {seen.link}")
    if not opened:
        _report("No incident is open.")
    for state, messages in (("waiting", unsent), ("refused", refused)):
        for outgoing in messages:
            tried = f", tried {outgoing.attempts} times: {outgoing.answer}" if outgoing.attempts else ""
            _report(f"{state} for {outgoing.label}: {outgoing.title}{tried}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tracks_assets.alerts", description="Alerts that reach a person.")
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("test", help="send a test message to every receiver and say what each did with it")
    commands.add_parser("incidents", help="list the open incidents, and the messages that wait or were refused")
    return parser


def _report(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
