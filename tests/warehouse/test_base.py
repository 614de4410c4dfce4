"""The defaults of an engine that implements the required members alone."""

from tests.integration.engines.memory import MemoryWarehouse
from tracks_assets.warehouse.base import Diagnosis


def test_an_unknown_error_asks_for_its_cause_and_is_not_tried_again() -> None:
    assert MemoryWarehouse().diagnose("disk on fire") == Diagnosis(
        "Remove the cause that the error names, then run again.", passes=False
    )
