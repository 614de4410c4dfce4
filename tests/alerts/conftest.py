"""Receivers and alert databases for the tests of alerts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.alerts.receiver import HttpReceiver, receiving
from tracks_assets.alerts.store import AlertStore


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/alerts.db"


@pytest.fixture
def store(database: str) -> Iterator[AlertStore]:
    opened = AlertStore(database)
    yield opened
    opened.close()
