"""Homes to run the jobs in, as the graph's tests have them."""

from tests.graph.conftest import home, new_home, parsed_dbt

__all__ = ["home", "new_home", "parsed_dbt"]
