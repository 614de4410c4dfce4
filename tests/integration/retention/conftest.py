"""An instance on each storage, as dagster.yaml and deploy/dagster.production.yaml say."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests import ROOT
from tests.integration.deploy.conftest import postgres  # noqa: F401 (a fixture)
from tests.integration.deploy.postgres import Postgres

FILES = {"sqlite": "dagster.yaml", "postgres": "deploy/dagster.production.yaml"}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.thorough)])
def instance(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An empty instance."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        for name, value in server.variables.items():
            monkeypatch.setenv(name, value)
    shutil.copy(ROOT / FILES[request.param], tmp_path / "dagster.yaml")
    with dg.DagsterInstance.from_config(str(tmp_path)) as found:
        found.wipe()
        yield found
