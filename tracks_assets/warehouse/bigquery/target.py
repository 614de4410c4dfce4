"""Which BigQuery a warehouse is, and the bounds that its jobs are given."""

from dataclasses import dataclass
from typing import Literal

Priority = Literal["interactive", "batch"]


@dataclass(frozen=True)
class BigQueryTarget:
    """A project's datasets, and what jobs on them may take.

    Attributes:
        project: the Google Cloud project that holds the datasets and is billed for the jobs.
        location: where the datasets lie, for instance US or europe-west6.
        dataset_prefix: the prefix of each dataset's name, which separates deployments.
        maximum_bytes_billed: a query that would be billed for more is refused by BigQuery; None for no limit.
        retry_seconds: how long a call that fails for a passing reason is repeated.
        job_seconds: how long a job may take.
        priority: whether queries run at once or when slots are idle.
    """

    project: str
    location: str
    dataset_prefix: str
    maximum_bytes_billed: int | None
    retry_seconds: int
    job_seconds: int
    priority: Priority

    def dataset(self, schema: str) -> str:
        """The dataset of a schema, with its project."""
        return f"{self.project}.{self.dataset_prefix}{schema}"

    def table(self, schema: str, name: str) -> str:
        """A table's full name, as the API takes it."""
        return f"{self.dataset(schema)}.{name}"

    def named(self, table: str) -> str:
        """The full name of a table that is given as ``schema.name``."""
        return self.table(*table.split("."))
