"""What alerts show of this project's checks holds no event value: not in a finding, not in a next step."""

from dataclasses import replace

import pytest

from tests.alerts.seen import NOW
from tests.checks.test_results import BEFORE, CENSUS, WHOLE
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.shared.metadata import check_result
from tracks_assets.quality import checks
from tracks_assets.quality.checks import CheckResult, CutoverHour
from tracks_assets.quality.collisions import BatchCollisions, Collision, Identity, KeptCollisions

BOB = Identity("bob@example.com signed up", "bob")
COLLISIONS = BatchCollisions(200, 1, ("id-1",), (Collision("id-1", (BOB,), (BOB,)),))

FAILED = {
    "rows_accounted_for": checks.rows_accounted_for([replace(WHOLE, accepted=0)]),
    "rejected_share": checks.rejected_share([replace(WHOLE, rejected=500)], 0.1, 1),
    "unique_event_id": checks.unique_event_id_of_batch("2026-03-12-05:00", 200, 12, ["id-1"], CENSUS),
    "flat_duplicate_count": checks.flat_duplicate_count(replace(CENSUS, excess_rows=11), BEFORE),
    "no_collisions": checks.no_collisions_of_batch("2026-03-12-05:00", COLLISIONS),
    "no_collisions_all": checks.no_collisions_all(CENSUS, KeptCollisions(2, 1, ("id-1",))),
    "cutover_share": checks.cutover_share([CutoverHour(NOW, 10, 9)], NOW),
    "created_at_kept": checks.created_at_kept(replace(CENSUS, moved_rows=6), BEFORE),
    "unique_event_id_all": checks.unique_event_id_all(2, None),
    "event_id_not_null": checks.not_null("event_id", 2),
}


@pytest.mark.parametrize("name", FAILED)
def test_the_parts_make_the_sentence_and_hold_no_value(name: str) -> None:
    result = FAILED[name]
    metadata = {part: str(value) for part, value in check_result(name, TRACKS_KEY, result).metadata.items()}
    shown = str(metadata["finding"]) + str(metadata["next_step"])

    assert not result.passed
    assert result.finding[:-1] in result.sentence
    assert result.next_step[1:] in result.sentence
    assert "bob" not in shown


def test_the_page_of_the_check_has_the_values() -> None:
    assert "bob@example.com signed up" in FAILED["no_collisions"].sentence


def test_a_check_that_passed_has_no_such_parts() -> None:
    passed = check_result("x", TRACKS_KEY, CheckResult(True, "All is well.", figures={"rows": 1}))
    assert set(passed.metadata) == {"rows"}
