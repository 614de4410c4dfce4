"""What tests all over the suite are given."""

import os
from collections.abc import Iterator

import pytest

from tests.emulators.sent import keep
from tests.emulators.servers import GoogleCloud, google_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoogleCloud]:
    """BigQuery and Cloud Storage, started when the first test asks for them and stopped after the last one."""
    with google_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
        keep(running.bigquery, os.environ.get("PYTEST_XDIST_WORKER", "alone"))
