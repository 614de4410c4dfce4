"""Homes to run the jobs in, as the graph's tests have them."""

from tests.integration.graph.conftest import home, new_home

__all__ = ["home", "new_home"]
