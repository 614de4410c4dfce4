"""Incidents: what is wrong from its first observation to its end, and the messages about it.

``advance`` is the whole state machine, as a pure function: one message when an incident begins, silence while it
stays the same, one when a warning becomes an error, a reminder a day, and one when it is over.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from tracks_assets.alerts.facts import Kind, Observation, Severity
from tracks_assets.alerts.hours import NO_HOURS, Hours
from tracks_assets.alerts.runbook import COVERED_BY


class News(Enum):
    """Why a message about an incident is sent."""

    NEW = "new"
    WORSE = "worse"
    REMINDER = "reminder"
    RECOVERED = "recovered"


@dataclass(frozen=True)
class Incident:
    """Something that is wrong, seen once or many times.

    Attributes:
        observation: the newest observation that it is wrong.
        opened: when it was first seen.
        seen: when it was last seen.
        severity: the worst that it has been.
        hours: the hours of it that are not in order yet.
        assets: the assets of a failed run that were not materialized yet.
        checks: the checks of a failed run that were not evaluated yet.
        times: how often it was seen.
        reported: when a person was last notified; None before the first message.
        levels: the severities that messages about it had.
        over: when it was seen to be over; None while it is open.
        outcome: what ended it.
    """

    observation: Observation
    opened: datetime
    seen: datetime
    severity: Severity
    hours: Hours = NO_HOURS
    assets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    times: int = 1
    reported: datetime | None = None
    levels: tuple[Severity, ...] = ()
    over: datetime | None = None
    outcome: str = ""

    @property
    def identity(self) -> str:
        """What it is about."""
        return self.observation.identity

    @property
    def key(self) -> str:
        """Its name in messages: when it began, and a digest of what it is about."""
        digest = hashlib.sha256(f"{self.identity}|{self.opened.isoformat()}".encode()).hexdigest()[:6]
        return f"{self.opened:%Y%m%d-%H%M%S}-{digest}"


@dataclass(frozen=True)
class Advance:
    """What observations did to the incidents.

    Attributes:
        open: the incidents that are open now.
        closed: those that ended.
        news: the messages, in order.
    """

    open: tuple[Incident, ...]
    closed: tuple[Incident, ...] = ()
    news: tuple[tuple[News, Incident], ...] = field(default=())


def advance(
    incidents: Iterable[Incident], observations: Sequence[Observation], now: datetime, remind_after: timedelta
) -> Advance:
    """Applies observations, oldest first, to the open incidents.

    Args:
        incidents: those that are open.
        observations: what was seen since.
        now: the time of messages.
        remind_after: how long after its last message an open incident is reported again.
    """
    known = {incident.identity: incident for incident in incidents}
    closed: list[Incident] = []
    worse: set[str] = set()
    for observation in sorted(observations, key=lambda each: each.at):
        if observation.healthy:
            for incident in list(known.values()):
                settled = settle(incident, observation)
                if settled.over:
                    closed.append(known.pop(incident.identity))
                    closed[-1] = settled
                else:
                    known[incident.identity] = settled
            continue
        before = known.get(observation.identity)
        if before and before.observation == observation:
            # A schedule's newest tick, say, that failed hours ago.
            continue
        known[observation.identity] = after = seen_again(before, observation) if before else begin(observation)
        if before and (before.severity, after.severity) == ("WARN", "ERROR"):
            worse.add(observation.identity)
    news = [(News.RECOVERED, incident) for incident in closed]
    news += [
        (kind, incident)
        for incident in known.values()
        for kind in [_news_of(incident, now, remind_after, is_worse=incident.identity in worse)]
        if kind
    ]
    reported = {incident.key: _reported(incident, now) for _, incident in news}
    return Advance(
        tuple(reported.get(incident.key, incident) for incident in known.values()),
        tuple(reported[incident.key] for incident in closed),
        tuple((kind, reported[incident.key]) for kind, incident in news),
    )


def _news_of(incident: Incident, now: datetime, remind_after: timedelta, *, is_worse: bool) -> News | None:
    if incident.reported is None:
        return News.NEW
    if is_worse:
        return News.WORSE
    return News.REMINDER if now - incident.reported >= remind_after else None


def _reported(incident: Incident, now: datetime) -> Incident:
    levels = tuple(dict.fromkeys((*incident.levels, incident.severity)))
    return replace(incident, reported=now, levels=levels)


def begin(observation: Observation) -> Incident:
    """The incident that an observation begins."""
    return Incident(
        observation,
        opened=observation.at,
        seen=observation.at,
        severity=observation.severity,
        hours=observation.hours,
        assets=observation.assets,
        checks=observation.checks,
    )


def seen_again(incident: Incident, observation: Observation) -> Incident:
    """An incident that is seen once more, perhaps for further hours."""
    return replace(
        incident,
        observation=observation,
        seen=max(incident.seen, observation.at),
        severity="ERROR" if "ERROR" in (incident.severity, observation.severity) else "WARN",
        hours=incident.hours | observation.hours,
        assets=tuple(dict.fromkeys((*incident.assets, *observation.assets))),
        checks=tuple(dict.fromkeys((*incident.checks, *observation.checks))),
        times=incident.times + 1,
    )


def settle(incident: Incident, good: Observation) -> Incident:
    """An incident after something was seen to be in order: over, smaller, or as it was.

    What was in order before the incident was last seen says nothing about it.
    """
    if good.at <= incident.seen:
        return incident
    match incident.observation.kind:
        case Kind.CHECK:
            return _settle_check(incident, good)
        case Kind.RUN:
            return _settle_run(incident, good)
        case kind:
            is_same = good.kind is kind and good.subject == incident.observation.subject
            return _end(incident, good, "The newest tick did not fail.") if is_same else incident


def _settle_check(incident: Incident, good: Observation) -> Incident:
    subject = incident.observation.subject
    covering = COVERED_BY.get(subject)
    if good.kind is not Kind.CHECK or good.subject not in (subject, covering):
        return incident
    if good.subject == covering:
        return _end(incident, good, f"The check of the full table, {covering.partition(':')[2]}, passed.")
    if not incident.hours:
        return _end(incident, good, "The check was evaluated again and passed.")
    left = incident.hours - good.hours
    if not left:
        return _end(incident, good, "The same hours were evaluated again and passed.")
    if covering:
        return replace(incident, hours=left)
    return _end(incident, good, f"A later evaluation passed. Not evaluated again, so as they were: {left}.")


def _settle_run(incident: Incident, good: Observation) -> Incident:
    if good.kind is not Kind.RUN:
        return incident
    if incident.checks and set(good.checks) >= set(incident.checks) and not incident.assets:
        return _end(incident, good, "The checks were evaluated in a later run.")
    if not incident.assets:
        covers = good.job == incident.observation.job and good.hours.covers(incident.hours)
        return _end(incident, good, "A later run of the same job succeeded.") if covers else incident
    return _settle_assets(incident, good)


def _settle_assets(incident: Incident, good: Observation) -> Incident:
    """A failed run's incident after assets were made: all of its assets for some hours, or some for all its hours."""
    missing = tuple(asset for asset in incident.assets if asset not in good.assets)
    if not good.hours.covers(incident.hours):
        return incident if missing else replace(incident, hours=incident.hours - good.hours)
    if missing:
        return replace(incident, assets=missing)
    return _end(incident, good, "A later run of the same assets succeeded.")


def _end(incident: Incident, good: Observation, outcome: str) -> Incident:
    return replace(incident, over=good.at, outcome=outcome)
