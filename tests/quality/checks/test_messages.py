"""The messages about what is wrong: short, in parts, with a next step and a section of the docs."""

from statistics import median

import pytest

from tests.quality.checks.failed import ANOMALIES, FAILED, MESSAGES
from tracks_assets.defs.mixpanel.checks import CHECKS as MIXPANEL_CHECKS
from tracks_assets.defs.posthog.hourly import RAW_CHECKS
from tracks_assets.defs.quality.census import COUNTED_CHECKS
from tracks_assets.defs.quality.checks import BATCH_CHECKS
from tracks_assets.defs.quality.dbt_tests import DBT_CHECKS
from tracks_assets.defs.quality.freshness import CHECK as FRESHNESS
from tracks_assets.defs.quality.persons import PERSON_CHECKS
from tracks_assets.quality.anomalies.checks import anomaly_checks
from tracks_assets.quality.message import Message, Runbook
from tracks_assets.quality.uploads.check import CHECK as UPLOAD
from tracks_assets.settings import read_settings

MOST_WORDS = 10


def words(message: Message) -> int:
    """The words of the finding."""
    return len(message.finding.split())


def test_every_check_is_among_the_examples() -> None:
    of_tracks = {UPLOAD, FRESHNESS, *RAW_CHECKS, *BATCH_CHECKS, *DBT_CHECKS, *COUNTED_CHECKS}
    assert set(FAILED) == of_tracks | set(PERSON_CHECKS) | set(MIXPANEL_CHECKS)
    flow = read_settings({"TRACKS_PURCHASE_FLOW_EVENTS": "purchase"})
    assert set(ANOMALIES) == {check.name for check in anomaly_checks(flow)}
    assert not any(result.passed for results in FAILED.values() for result in results)


def test_half_of_the_findings_have_ten_words_or_fewer() -> None:
    assert median(map(words, MESSAGES)) <= MOST_WORDS


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.finding)
def test_each_part_is_sentences_and_there_is_a_next_step(message: Message) -> None:
    texts = [text for text in (message.finding, message.comparison, message.next_step, message.values) if text]
    assert all(text.endswith(".") and text == text.strip() for text in texts)
    assert message.finding.count(". ") == 0, "one sentence"
    assert message.next_step


@pytest.mark.parametrize("name", FAILED)
def test_a_failed_check_names_a_section_of_the_docs(name: str) -> None:
    assert all(result.message.runbook for result in FAILED[name])


def test_the_parts_are_joined_in_order() -> None:
    message = Message("2 rows are lost.", "0 may be.", "Look.", Runbook.CHECKS, "One is of bob.")
    assert message.text == f"2 rows are lost. One is of bob. 0 may be. Look. See {Runbook.CHECKS}."
    assert message.reason == "2 rows are lost. 0 may be."
    assert Message("All is well.").text == Message("All is well.").reason == "All is well."
