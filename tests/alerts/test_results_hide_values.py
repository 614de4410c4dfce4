"""What alerts show of this project's checks holds no event value: not in a finding, not in a next step."""

import dagster as dg
import pytest

from tests.quality.checks.failed import ANOMALIES, BOB, FAILED
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.shared.metadata import check_result, message_metadata
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.message import Message

PARTS = {"finding", "comparison", "next_step", "runbook"}
SHOWN = {name: [result.message for result in results] for name, results in FAILED.items()} | ANOMALIES


def texts(result: dg.AssetCheckResult) -> dict[str, str]:
    """The texts in the metadata of a result."""
    return {name: value.value for name, value in result.metadata.items() if isinstance(value, dg.TextMetadataValue)}


@pytest.mark.parametrize("name", FAILED)
def test_the_description_joins_the_parts_and_the_metadata_has_each_once(name: str) -> None:
    for result in FAILED[name]:
        made = check_result(name, TRACKS_KEY, result)
        shown = texts(made)
        assert made.description == result.message.text
        assert shown["finding"] == result.message.finding
        assert shown.get("comparison", "") == result.message.comparison
        assert shown["next_step"] == result.message.next_step
        assert shown["runbook"] == result.message.runbook
        assert set(shown) <= PARTS | {"example_ids"}
        assert len(set(shown.values())) == len(shown)


@pytest.mark.parametrize("name", SHOWN)
def test_no_part_that_alerts_show_holds_a_value(name: str) -> None:
    for message in SHOWN[name]:
        assert set(message_metadata(message)) <= PARTS
        assert "bob" not in str(message_metadata(message))


@pytest.mark.parametrize("name", ["no_collisions", "event_name_volume"])
def test_the_page_of_the_check_has_the_values(name: str) -> None:
    assert str(BOB.event_name) in SHOWN[name][0].text


def test_a_check_that_passed_has_no_such_parts() -> None:
    passed = check_result("x", TRACKS_KEY, CheckResult(True, Message("All is well."), figures={"rows": 1}))
    assert set(passed.metadata) == {"rows"}
    assert passed.description == "All is well."
