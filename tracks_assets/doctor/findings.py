"""Findings of the doctor: data first, and how they are printed."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended: only ``FAIL`` stops a load or loses rows."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        check: the name of the check.
        status: how it ended.
        found: the finding, in one sentence or less.
        fix: the next step; empty where nothing is wrong, or where ``found`` ends with it.
    """

    check: str
    status: Status
    found: str
    fix: str = ""

    @property
    def line(self) -> str:
        """The finding as one line."""
        text = f"{self.found.rstrip('.')}. {self.fix}" if self.fix else self.found
        return f"{self.status:<4}  {self.check:<10}  {' '.join(text.split())}"


def ok(check: str, found: str) -> Finding:
    """A check that found nothing wrong."""
    return Finding(check, Status.OK, found)


def warn(check: str, found: str, fix: str = "") -> Finding:
    """A check that found something to look at."""
    return Finding(check, Status.WARN, found, fix)


def fail(check: str, found: str, fix: str = "") -> Finding:
    """A check that found something that stops a load or loses rows."""
    return Finding(check, Status.FAIL, found, fix)


def exit_code(findings: Iterable[Finding]) -> int:
    """1 if a check failed, else 0."""
    return int(any(finding.status is Status.FAIL for finding in findings))
