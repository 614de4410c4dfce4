"""Which evaluations hold models back, and how the reason reads."""

from datetime import UTC, datetime, timedelta

import pytest

from tracks_assets.quality.consumers import Evaluation, Holding, reasons

NOON = datetime(2026, 3, 12, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME, ASSET = "unique_event_id", "posthog/tracks"


def evaluations(*passed: bool) -> tuple[Evaluation, ...]:
    """Evaluations, the newest first: that of noon, then one for each minute before."""
    return tuple(Evaluation(each, NOON - number * MINUTE) for number, each in enumerate(passed))


@pytest.mark.parametrize(
    ("found", "must_follow", "failed_since", "holds"),
    [
        (evaluations(True), None, None, False),
        (evaluations(False), None, None, True),
        (evaluations(), None, None, False),
        (evaluations(True, False), None, None, False),
        # The hour before failed: it counts until a census.
        (evaluations(True, False), None, NOON - 2 * MINUTE, True),
        (evaluations(True, False), None, NOON - MINUTE, False),
        # A census does not end the newest failure.
        (evaluations(False), None, NOON + MINUTE, True),
        # What was merged after the evaluation is not evaluated.
        (evaluations(True), NOON + MINUTE, None, True),
        (evaluations(True), NOON - MINUTE, None, False),
        (evaluations(), NOON, None, True),
    ],
)
def test_a_check_holds_models_back(
    found: tuple[Evaluation, ...], must_follow: datetime | None, failed_since: datetime | None, holds: bool
) -> None:
    assert bool(reasons([Holding(ASSET, NAME, found, must_follow, failed_since)])) is holds


def test_each_reason_names_its_check() -> None:
    failed = Holding(ASSET, NAME, evaluations(False))
    unknown = Holding(ASSET, "no_collisions", (), must_follow=NOON)
    assert reasons([failed, Holding(ASSET, "sound", evaluations(True)), unknown]) == [
        "the check unique_event_id of posthog/tracks failed at 2026-03-12 12:00 UTC",
        "the check no_collisions of posthog/tracks was not evaluated since posthog/tracks was last changed",
    ]
