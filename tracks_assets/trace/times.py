"""How the page says counts, moments and spans of time."""

from datetime import UTC, datetime, timedelta

_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))
_TWICE = 2


def counted(number: int, what: str) -> str:
    """For instance ``1 copy``, ``3 copies``."""
    plural = f"{what[:-1]}ies" if what.endswith("y") and what[-2] not in "aeiou" else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def times_text(number: int) -> str:
    """For instance ``once``, ``twice``, ``3 times``."""
    return "once" if number == 1 else "twice" if number == _TWICE else f"{number:,} times"


def moment_text(moment: datetime | None) -> str:
    """A moment in UTC, to the microsecond where it has any, for instance ``2026-03-12 00:00:00.250000``."""
    if moment is None:
        return "unknown"
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def span_text(span: timedelta) -> str:
    """A span in its largest unit, to one decimal: ``30 days``, ``1.5 hours``, ``0.25 seconds``."""
    for unit, length in _UNITS:
        if span >= length:
            return _amount(f"{span / length:.1f}", unit)
    return _amount(f"{span.total_seconds():.6f}", "second")


def _amount(number: str, unit: str) -> str:
    short = number.rstrip("0").rstrip(".")
    return f"{short} {unit if short == '1' else unit + 's'}"
