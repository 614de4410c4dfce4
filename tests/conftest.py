"""Fixtures for the whole suite, and the markers by which ``make check`` leaves tests out.

A test is marked by the fixtures that it uses, so that no module has to remember it; a test that is slow in another way
has ``slow`` of its own.
"""

import gc
import os
from collections.abc import Iterator

import pytest

from tests.integration.engines.dbt import Dbt, dbt_process
from tests.support.emulators.sent import keep
from tests.support.emulators.servers import GoogleCloud, google_cloud
from tests.support.warm import RARELY
from tests.support.warm.parsed import ParsedDbt, parse_once

FIXTURES_OF = {
    "emulator": {"cloud", "own_bigquery", "on_bigquery"},
    "dagster": {"parsed_dbt"},
    "browser": {"ui"},
    "slow": {"dbt", "on_duckdb", "google"},
    "thorough": {"google", "outages"},
}
"""The fixtures that start emulators, their outages, Dagster, a browser, dbt or Google's analyzer, by marker."""


SEVERAL_PARTS = ("tests/integration/", "tests/outages/")
"""Folders of tests that run several parts of the package together; ``make check`` does not read them."""

LONGEST = (
    "tests/integration/alerts/test_dagster_dev.py",
    "tests/integration/browser/",
    "tests/dbt_project/test_merge_property.py",
    "tests/integration/engines/test_collisions.py",
    "tests/integration/graph/test_bigquery.py",
    "tests/warehouse/statements/test_google.py",
    "tests/outages/test_dedup.py",
)
"""Files of minutes: they come first, so that no worker ends with one while the others have nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test by its folder and its fixtures, and puts the longest files first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        used = set(getattr(item, "fixturenames", ())) | _chosen_engine(item)
        if item.nodeid.startswith(SEVERAL_PARTS):
            item.add_marker("integration")
        for marker, fixtures in FIXTURES_OF.items():
            if used & fixtures:
                item.add_marker(marker)


def pytest_collection_finish() -> None:
    """Lets Python look for garbage less often, and not among what was imported: a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*RARELY)


def _chosen_engine(item: pytest.Item) -> set[str]:
    """The fixtures that ``engine`` asks for by its parameter, which pytest cannot know before: all of them need dbt."""
    parameters = getattr(item, "callspec", None)
    return {f"on_{parameters.params['engine']}", "dbt"} if parameters and "engine" in parameters.params else set()


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleCloud]:
    """BigQuery and Cloud Storage, started when the first test asks for them and stopped after the last one."""
    with google_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
        keep(running.bigquery, f"{os.environ.get('PYTEST_XDIST_TESTRUNUID')}-{os.environ.get('PYTEST_XDIST_WORKER')}")


@pytest.fixture(scope="session")
def parsed_dbt(tmp_path_factory: pytest.TempPathFactory) -> ParsedDbt:
    """dbt's parse of the project: seconds that every home would spend again."""
    return parse_once(tmp_path_factory.mktemp("parsed"))


@pytest.fixture(scope="session")
def dbt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dbt]:
    """dbt, running."""
    with dbt_process(tmp_path_factory.mktemp("dbt")) as running:
        yield running
