"""Every anchor that a message names is a heading of its page, and every check that is counted on exists."""

import re

import pytest

from tests import ROOT
from tracks_assets.alerts import runbook
from tracks_assets.defs.posthog.hourly import RAW_CHECKS
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY, COUNTED_CHECKS
from tracks_assets.defs.quality.checks import BATCH_CHECKS
from tracks_assets.defs.quality.dbt_tests import DBT_CHECKS
from tracks_assets.defs.quality.persons import PERSON_CHECKS
from tracks_assets.quality.message import Runbook

ANCHORS = [value for value in vars(runbook).values() if isinstance(value, str) and value.startswith("docs/")]
CHECKS = [*RAW_CHECKS, *BATCH_CHECKS, *DBT_CHECKS, *COUNTED_CHECKS, *PERSON_CHECKS]


def _anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and MkDocs make them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("anchor", [*ANCHORS, *Runbook])
def test_an_anchor_is_a_heading(anchor: str) -> None:
    page, _, heading = anchor.partition("#")
    assert heading in _anchors(page)


@pytest.mark.parametrize("check", CHECKS)
def test_the_runbook_names_every_check(check: str) -> None:
    assert f"`{check}`" in (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")


def test_checks_that_cover_others_exist() -> None:
    batch = {f"{TRACKS_KEY.to_user_string()}:{check}" for check in BATCH_CHECKS}
    full = {f"{CENSUS_KEY.to_user_string()}:{check}" for check in (*DBT_CHECKS, *COUNTED_CHECKS)}
    assert set(runbook.COVERED_BY) <= batch
    assert set(runbook.COVERED_BY.values()) <= full
