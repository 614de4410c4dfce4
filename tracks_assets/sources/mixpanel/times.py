"""The times that an event can have, and the reasons for which a row is none, as the reader's statements take them."""

from collections.abc import Mapping
from datetime import UTC, datetime

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

REASONS: Mapping[str, str] = {
    "no_properties": "properties is not an object",
    "no_event": "event is not a name",
    "no_time": "time is missing",
    "not_a_time": "time is not a number of seconds",
    "out_of_range": f"time is outside the years {EARLIEST.year} to {LATEST.year - 1}",
}
"""Why a row is refused, by the names that the statements have for it."""

TIME_LIMITS: Mapping[str, object] = {
    "earliest": EARLIEST.timestamp(),
    "latest": LATEST.timestamp(),
    **REASONS,
}
