"""Google's analyzer, as the tests of BigQuery's texts have it."""

from tests.bigquery_text.conftest import google

__all__ = ["google"]
