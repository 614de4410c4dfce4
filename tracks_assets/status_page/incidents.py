"""What the status page knows of alerts: open incidents, receivers that refuse, and when the alert sensor ran last."""

from dataclasses import dataclass
from datetime import datetime

from tracks_assets.alerts.incidents import Incident as StoredIncident
from tracks_assets.alerts.store import AlertStore, AlertStoreError
from tracks_assets.settings import Settings


@dataclass(frozen=True)
class Incident:
    """Something that is wrong, and was reported once.

    Attributes:
        title: what failed.
        finding: the sentence with the figure.
        since: when it began.
        severity: ``WARN`` or ``ERROR``.
        next_step: what to do; empty if unknown.
        runbook: where the runbook describes it; empty if nowhere.
    """

    title: str
    finding: str
    since: datetime
    severity: str
    next_step: str = ""
    runbook: str = ""


@dataclass(frozen=True)
class RefusedReceiver:
    """A receiver of alerts that refuses for good; its name carries no secret."""

    receiver: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class Alerts:
    """How alerts are.

    Attributes:
        is_configured: whether any receiver is set.
        incidents: the open incidents, the newest first.
        refused: receivers that refuse for good.
        last_look: when the alert sensor last looked at Dagster's records; None if it never did.
        problem: why some of it could not be read; empty if all was.
    """

    is_configured: bool = False
    incidents: tuple[Incident, ...] = ()
    refused: tuple[RefusedReceiver, ...] = ()
    last_look: datetime | None = None
    problem: str = ""


def read_alerts(settings: Settings) -> Alerts:
    """What the alert database knows; that it cannot be read is part of the answer, because the page shows more."""
    is_configured = bool(settings.alert_urls or settings.alert_urls_warn)
    try:
        store = AlertStore(settings.alert_database)
        try:
            incidents = tuple(map(_shown, reversed(store.open_incidents())))
            refused = tuple(
                RefusedReceiver(each.label, each.answer, each.done or each.created) for each in store.refusing()
            )
            return Alerts(is_configured, incidents, refused, store.last_look())
        finally:
            store.close()
    except AlertStoreError as error:
        return Alerts(is_configured, problem=str(error))


def _shown(incident: StoredIncident) -> Incident:
    seen = incident.observation
    hours = f" ({incident.hours})" if incident.hours else ""
    compared = f" ({seen.compared_with})" if seen.compared_with else ""
    return Incident(
        title=f"{seen.title}{hours}",
        finding=f"{seen.finding}{compared}",
        since=incident.opened,
        severity=incident.severity,
        next_step=seen.next_step,
        runbook=seen.runbook,
    )
