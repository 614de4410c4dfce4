"""What a check or a state reports, in parts that are kept apart and joined only where they are shown."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum


class Runbook(StrEnum):
    """The sections of the docs that a message can name."""

    CHECKS = "docs/runbooks.md#which-check-is-red"
    COLLISIONS = "docs/runbooks.md#one-id-two-events-no_collisions-no_collisions_all"
    DEDUP = "docs/runbooks.md#removing-duplicates-dedup_tracks"
    RESTORE_TIMES = "docs/runbooks.md#giving-events-their-time-back-restore_created_at"
    PERSONS = "docs/runbooks.md#persons"
    DROP = "docs/anomalies.md#a-drop"
    SPIKE = "docs/anomalies.md#a-spike"
    MIXPANEL = "docs/mixpanel.md#when-a-check-is-red"
    LATE_LOADS = "docs/anomalies.md#late-loads"


@dataclass(frozen=True)
class Message:
    """The parts of a message. Each text is a sentence, or several, with its full stop.

    Only ``values`` may name event values: alerts show the other parts.

    Attributes:
        finding: what is wrong and how much, in about 10 words.
        comparison: what the figure was compared with; empty if with nothing.
        next_step: what to do, as an imperative; empty if nothing.
        runbook: the section that says more; None if nothing is to be done.
        values: event values, for the check's own page.
    """

    finding: str
    comparison: str = ""
    next_step: str = ""
    runbook: Runbook | None = None
    values: str = ""

    @property
    def text(self) -> str:
        """All parts as one paragraph, for the check's own page."""
        runbook = f"See {self.runbook}." if self.runbook else ""
        return _joined(self.finding, self.values, self.comparison, self.next_step, runbook)

    @property
    def reason(self) -> str:
        """What is wrong, without what to do."""
        return _joined(self.finding, self.comparison)


def _joined(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def count_text(number: int, thing: str) -> str:
    """A number of things, such as ``1 row`` or ``2,000 rows``."""
    return f"1 {thing}" if number == 1 else f"{number:,} {thing}s"


def is_or_are(number: int) -> str:
    """The verb for a number of things."""
    return "is" if number == 1 else "are"


def has_or_have(number: int) -> str:
    """The verb of what a number of things have."""
    return "has" if number == 1 else "have"


def was_or_were(number: int) -> str:
    """The verb for a number of things, in the past."""
    return "was" if number == 1 else "were"


def moment_text(moment: datetime) -> str:
    """A moment in UTC as people read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
