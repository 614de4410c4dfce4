"""A PostgreSQL server for the test run, and dbt's parse of the project."""

from collections.abc import Iterator

import pytest

from tests.integration.deploy.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server with an empty database."""
    with postgres_server() as running:
        yield running
