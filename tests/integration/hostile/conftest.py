"""The engines of tests/integration/engines, and homes to run the real graph in."""

from tests.integration.engines.conftest import dataset_prefix, engine, on_bigquery, on_duckdb  # noqa: F401 (fixtures)
from tests.integration.graph.conftest import home, new_home  # noqa: F401 (fixtures)
