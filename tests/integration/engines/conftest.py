"""The engines, with tables of its own for every test."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from google.cloud import bigquery

from tests.integration.engines.dbt import Dbt
from tests.integration.engines.engine import BigQueryEngine, DuckDbEngine, Engine
from tests.integration.engines.memory import MemoryEngine
from tests.support.emulators.servers import PROJECT, GoogleCloud

ENGINES = ("duckdb", pytest.param("bigquery", marks=pytest.mark.thorough))
"""For every scenario. In ``make test``, BigQuery's emulator has those of loads, merges and collisions only."""


@pytest.fixture
def on_duckdb(tmp_path: Path, dbt: Dbt) -> DuckDbEngine:
    """A file of DuckDB's with empty tables."""
    engine = DuckDbEngine(tmp_path, dbt, {"TRACKS_HOME": str(tmp_path)})
    with engine.opened():
        return engine


@pytest.fixture(scope="session")
def dataset_prefix() -> str:
    """That of all datasets of a test process, so that dbt parses the project for it once."""
    return f"t{uuid4().hex[:8]}_"


@pytest.fixture
def on_bigquery(
    tmp_path: Path, cloud: GoogleCloud, dbt: Dbt, dataset_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BigQueryEngine]:
    """New datasets with empty tables; a call that fails is not repeated for long."""
    for name, value in cloud.environment.items():
        monkeypatch.setenv(name, value)
    variables = {
        "TRACKS_HOME": str(tmp_path),
        "TRACKS_ENGINE": "bigquery",
        "TRACKS_BQ_PROJECT": PROJECT,
        "TRACKS_BQ_DATASET_PREFIX": dataset_prefix,
        "TRACKS_BQ_RETRY_SECONDS": "3",
        "TRACKS_BQ_JOB_SECONDS": "60",
    }
    with bigquery.Client(PROJECT, location="US") as client:
        for dataset in client.list_datasets():
            if dataset.dataset_id.startswith(dataset_prefix):
                client.delete_dataset(dataset, delete_contents=True)
        engine = BigQueryEngine(tmp_path, dbt, variables, cloud.environment, client=client)
        with engine.opened():
            pass
        yield engine


@pytest.fixture
def in_memory(tmp_path: Path, dbt: Dbt) -> MemoryEngine:
    """The third engine, with empty tables."""
    engine = MemoryEngine(tmp_path, dbt, {"TRACKS_HOME": str(tmp_path)})
    with engine.opened():
        return engine


FIXTURES = {"duckdb": "on_duckdb", "bigquery": "on_bigquery", "memory": "in_memory"}

ALL_ENGINES = pytest.mark.parametrize("engine", tuple(FIXTURES), indirect=True)
"""For scenarios of loads and merges, which an engine with the required members alone passes as well."""


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine, one after another."""
    found: Engine = request.getfixturevalue(FIXTURES[request.param])
    return found
