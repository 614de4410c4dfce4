"""Incidents as JSON, for the alert database: everything that the next tick or the status page needs."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from tracks_assets.alerts.facts import Kind, Observation
from tracks_assets.alerts.hours import Hours
from tracks_assets.alerts.incidents import Incident


def to_json(incident: Incident) -> str:
    """An incident as JSON text."""
    return json.dumps(asdict(_without_hours(incident)) | _hours_of(incident), default=_plain_value)


def _without_hours(incident: Incident) -> Incident:
    return replace(incident, hours=Hours(), observation=replace(incident.observation, hours=Hours()))


def _hours_of(incident: Incident) -> dict[str, Any]:
    return {"hours": incident.hours.keys(), "observed_hours": incident.observation.hours.keys()}


def _plain_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Kind):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be stored")


def from_json(text: str) -> Incident:
    """The incident that ``to_json`` stored."""
    stored: dict[str, Any] = json.loads(text)
    seen: dict[str, Any] = stored["observation"]
    # The key was "told" in an earlier release.
    reported = stored["reported"] if "reported" in stored else stored["told"]
    observation = Observation(
        **seen
        | {
            "kind": Kind(seen["kind"]),
            "at": datetime.fromisoformat(seen["at"]),
            "figures": tuple((name, figure) for name, figure in seen["figures"]),
            "hours": Hours.of_keys(stored["observed_hours"]),
            **{name: tuple(seen[name]) for name in ("ids", "assets", "checks", "downstream")},
        }
    )
    return Incident(
        observation=observation,
        hours=Hours.of_keys(stored["hours"]),
        severity=stored["severity"],
        times=stored["times"],
        outcome=stored["outcome"],
        opened=datetime.fromisoformat(stored["opened"]),
        seen=datetime.fromisoformat(stored["seen"]),
        reported=datetime.fromisoformat(reported) if reported else None,
        over=datetime.fromisoformat(stored["over"]) if stored["over"] else None,
        assets=tuple(stored["assets"]),
        checks=tuple(stored["checks"]),
        levels=tuple(stored["levels"]),
    )
