"""The BigQuery of the outages, which the doctor is shown."""

from tests.outages.conftest import outages, own_bigquery

__all__ = ["outages", "own_bigquery"]
