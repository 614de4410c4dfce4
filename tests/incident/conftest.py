"""Homes to run the real graph in."""

from tests.graph.conftest import parsed_dbt  # noqa: F401 (a fixture)
