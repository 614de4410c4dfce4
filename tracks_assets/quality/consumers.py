"""Whether models may be built of tracks: not while a check that holds them back has failed.

A red check of an hour is followed by the green one of the next hour, which says nothing of the first. So a failed batch
check counts until a census has looked at the full table, and the newest evaluation of any check counts until the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracks_assets.quality.message import moment_text


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of a check."""

    passed: bool
    evaluated_at: datetime


@dataclass(frozen=True)
class Holding:
    """A check that holds models back.

    Attributes:
        asset: the asset that it is a check of.
        name: the check.
        evaluations: what is known of it, the newest first.
        must_follow: a moment that its newest evaluation must not be older than; None where it need not be evaluated.
        failed_since: failures after this moment count, even if it passed since; None where the newest one decides.
    """

    asset: str
    name: str
    evaluations: Sequence[Evaluation]
    must_follow: datetime | None = None
    failed_since: datetime | None = None


def reasons(checks: Sequence[Holding]) -> list[str]:
    """Why nothing may be built now, each reason as a part of a sentence; none if it may."""
    return [reason for check in checks for reason in _of_check(check)]


def _of_check(check: Holding) -> Iterator[str]:
    named = f"the check {check.name} of {check.asset}"
    newest = check.evaluations[0] if check.evaluations else None
    failed = [each for each in check.evaluations if not each.passed and _counts(each, check)]
    if failed:
        yield f"{named} failed at {moment_text(failed[0].evaluated_at)}"
    elif check.must_follow and (newest is None or newest.evaluated_at < check.must_follow):
        yield f"{named} was not evaluated since {check.asset} was last changed"


def _counts(failure: Evaluation, check: Holding) -> bool:
    if failure is check.evaluations[0]:
        return True
    return check.failed_since is not None and failure.evaluated_at > check.failed_since
