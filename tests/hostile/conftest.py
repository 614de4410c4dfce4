"""The engines of tests/engines, and homes to run the real graph in."""

from tests.engines.conftest import engine, on_bigquery, on_duckdb  # noqa: F401 (fixtures)
from tests.graph.conftest import home, new_home  # noqa: F401 (fixtures)
