"""Homes to run the real graph in."""

from tests.integration.graph.conftest import home, new_home  # noqa: F401 (fixtures)
