"""Errors that the person on duty reads: their parts, and the texts of all places that raise one."""

import pickle

import pytest

from tracks_assets.core.errors import ExportError, ReportedError, TransientWarehouseError

FINDING = "The folder f holds 'x' beside its Parquet files."
COMPARISON = "Rows could be missing."
NEXT_STEP = "Take it out of the folder."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ReportedError(FINDING), FINDING),
        (ReportedError(FINDING, COMPARISON), f"{FINDING} {COMPARISON}"),
        (ReportedError(FINDING, next_step=NEXT_STEP), f"{FINDING} {NEXT_STEP}"),
        (ReportedError(FINDING, COMPARISON, NEXT_STEP), f"{FINDING} {COMPARISON} {NEXT_STEP}"),
    ],
)
def test_the_parts_are_joined_by_one_space(error: ReportedError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("kind", [ExportError, TransientWarehouseError])
def test_an_error_crosses_processes(kind: type[ReportedError]) -> None:
    sent = pickle.loads(pickle.dumps(kind(FINDING, next_step=NEXT_STEP)))
    assert type(sent) is kind
    assert (sent.finding, sent.comparison, sent.next_step) == (FINDING, "", NEXT_STEP)
