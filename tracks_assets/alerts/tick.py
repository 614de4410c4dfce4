"""One tick of the alerts: observations in, incidents and messages stored, and due messages sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tracks_assets.alerts.facts import Observation
from tracks_assets.alerts.incidents import advance
from tracks_assets.alerts.messages import compose
from tracks_assets.alerts.receivers import Receivers
from tracks_assets.alerts.store import LAST_LOOK, AlertStore
from tracks_assets.settings import Settings


@dataclass(frozen=True)
class Policy:
    """How alerts are sent: where, and how often again."""

    receivers: Receivers
    remind_after: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Policy":
        """The policy of the settings."""
        receivers = Receivers.of_urls(settings.alert_urls, settings.alert_urls_warn)
        return cls(receivers, timedelta(hours=settings.alert_reminder_hours))


def record(
    store: AlertStore,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    observations: Sequence[Observation],
    policy: Policy,
    clock: Callable[[], datetime],
) -> bool:
    """Stores what observations mean: incidents, messages to be sent, and how far the records were read.

    Args:
        store: the alert database.
        before: the positions that the observations start from.
        after: those that they end with.
        observations: what was seen.
        policy: how alerts are sent.
        clock: the time.

    Returns:
        Whether it was stored; not if another process has read the same records meanwhile.
    """
    now = clock()
    result = advance(store.open_incidents(), observations, now, policy.remind_after)
    messages = [
        (message, [(receiver.key, receiver.label) for receiver in policy.receivers.of(message.level)])
        for message in compose(result.news, is_one_level=policy.receivers.is_one_level)
    ]
    positions = dict(after) | {LAST_LOOK: now.isoformat()}
    return store.record(dict(before), positions, [*result.open, *result.closed], messages, now)
