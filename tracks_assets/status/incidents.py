"""What the status page knows of alerts: open incidents, receivers that refuse, and when the alert sensor ran last."""

from dataclasses import dataclass
from datetime import datetime

from tracks_assets.alerts import incidents
from tracks_assets.alerts.store import AlertStore, AlertStoreError, Outgoing
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
    """The open incidents of the alert database, and the receivers that refuse.

    A database that cannot be read is a part of the page, not an error: the rest of the page is wanted then.
    """
    is_configured = bool(settings.alert_urls or settings.alert_urls_warn)
    try:
        store = AlertStore(settings.alert_database)
        try:
            return Alerts(
                is_configured,
                tuple(map(_incident, reversed(store.open_incidents()))),
                tuple(map(_refused, store.refusing())),
                store.last_look(),
            )
        finally:
            store.close()
    except AlertStoreError as error:
        return Alerts(is_configured, problem=str(error))


def _incident(incident: incidents.Incident) -> Incident:
    seen = incident.observation
    return Incident(seen.title, seen.finding, incident.opened, incident.severity, seen.next_step, seen.runbook)


def _refused(outgoing: Outgoing) -> RefusedReceiver:
    return RefusedReceiver(outgoing.label, outgoing.answer, outgoing.done or outgoing.created)
