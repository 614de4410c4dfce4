"""The cursor of the sensor ``export_complete``: the state as a short JSON text.

Dagster writes the cursor with every look and keeps it with the look's record, so an hour takes some 50 characters:
fields that have their default are left out, and a listing that repeats another of the same hour is written as ``=``.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tracks_assets.core.errors import ReportedError
from tracks_assets.quality.uploads.state import NOTHING, HourState, Seen, State
from tracks_assets.settings import PARTITION_FORMAT

_VERSION = 1
_SAME = "="


class CursorError(ReportedError, ValueError):
    """A cursor that this version did not write."""


def write_cursor(state: State) -> str:
    """The state as text."""
    keys = sorted({entry.request for entry in state.hours.values() if entry.request is not None})
    document = {
        "version": _VERSION,
        "until": _hour_text(state.until),
        "late_until": _hour_text(state.late_until),
        "checked": _seconds(state.checked),
        "alarmed": int(state.is_alarmed),
        "requests": state.requests,
        "runs": keys,
        "hours": {_hour_text(hour): _hour_state(entry, keys) for hour, entry in state.hours.items()},
    }
    return json.dumps(document, separators=(",", ":"))


def read_cursor(text: str) -> State:
    """The state that a text holds.

    Raises:
        CursorError: the text is no cursor of this sensor.
    """
    try:
        document = json.loads(text)
        if document["version"] != _VERSION:
            raise ValueError(f"its version is {document['version']!r}")
        return State(
            until=_hour(document["until"]),
            late_until=_hour(document["late_until"]),
            checked=_moment(document["checked"]),
            is_alarmed=bool(document["alarmed"]),
            requests=int(document["requests"]),
            hours={_hour(key): _read_hour(value, document["runs"]) for key, value in document["hours"].items()},
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise CursorError(
            f"The cursor of the sensor export_complete cannot be read ({error}).",
            next_step="Reset it on the sensor's page. The sensor then starts from what Dagster has materialized, and "
            "loads nothing twice.",
        ) from error


def _hour_state(entry: HourState, keys: list[str]) -> dict[str, Any]:
    """An hour's fields, without those that have their default."""
    fields: dict[str, Any] = {
        "s": _seen(entry.seen),
        "l": _or_same(entry.loaded, entry.seen),
        "a": _or_same(entry.asked, entry.seen),
        "r": keys.index(entry.request) + 1 if entry.request is not None else 0,
        "f": entry.failures,
        "n": _seconds(entry.not_before) if entry.not_before is not None else 0,
        "h": entry.held,
        "m": entry.most,
        "x": int(entry.is_late),
        "d": int(entry.lost_files),
    }
    # Of a loaded hour that did not change, it does not matter since when it is quiet.
    quiet = {} if entry.loaded == entry.seen and not entry.request else {"q": _seconds(entry.since)}
    return quiet | {name: value for name, value in fields.items() if value or (name == "h" and value is not None)}


def _read_hour(fields: dict[str, Any], keys: list[str]) -> HourState:
    seen = _read_seen(fields.get("s", ""))
    number = fields.get("r", 0)
    return HourState(
        since=_moment(fields.get("q", 0)),
        seen=seen,
        loaded=_optional(fields.get("l"), lambda text: seen if text == _SAME else _read_seen(text)),
        asked=_optional(fields.get("a"), lambda text: seen if text == _SAME else _read_seen(text)),
        request=keys[number - 1] if number else None,
        failures=fields.get("f", 0),
        not_before=_optional(fields.get("n"), _moment),
        held=fields.get("h"),
        most=fields.get("m", 0),
        is_late=bool(fields.get("x", 0)),
        lost_files=bool(fields.get("d", 0)),
    )


def _seen(seen: Seen) -> str:
    return f"{seen.digest}.{seen.files}.{seen.newest}" if seen != NOTHING else ""


def _read_seen(text: str) -> Seen:
    if text in ("", "-"):
        return NOTHING
    digest, files, newest = text.split(".")
    return Seen(int(files), digest, int(newest))


def _or_same(seen: Seen | None, other: Seen) -> str | None:
    if seen is None:
        return None
    return _SAME if seen == other else (_seen(seen) or "-")


def _optional(value: Any, read: Callable[[Any], Any]) -> Any:
    return read(value) if value is not None else None


def _hour_text(hour: datetime) -> str:
    return hour.strftime(PARTITION_FORMAT)


def _hour(text: str) -> datetime:
    return datetime.strptime(text, PARTITION_FORMAT).replace(tzinfo=UTC)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
