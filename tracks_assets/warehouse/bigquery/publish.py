"""How a rewritten table takes the place of another: by one copy job, whose id is the evidence that it did.

The process that starts it may die before the end is recorded. BigQuery keeps jobs for months: the next start looks.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any

from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from tracks_assets.core.errors import WarehouseError
from tracks_assets.warehouse.bigquery.errors import FAILURES
from tracks_assets.warehouse.bigquery.jobs import Jobs


@dataclass(frozen=True)
class Publications:
    """The copy jobs that published something under a name of its own, one for each attempt."""

    jobs: Jobs

    def publish(self, source: str, target: str, name: str) -> None:
        """Puts the rows of one table in the place of another's, in one step and for nothing.

        Raises:
            WarehouseError: the copy failed.
        """
        config = bigquery.CopyJobConfig(write_disposition="WRITE_TRUNCATE", create_disposition="CREATE_NEVER")
        attempts = len(list(self._attempts(name)))
        self.jobs.copy(source, target, config, job_id=self._job_id(name, attempts))

    def was_done(self, name: str) -> bool:
        """Whether something was published under that name; one that is still under way is waited for."""
        for job in self._attempts(name):
            with suppress(*FAILURES):
                self.jobs.wait(job)
            with self.jobs.error_context(f"at the job {job.job_id}"):
                if job.done(retry=self.jobs.retry) and job.error_result is None:
                    return True
        return False

    def _attempts(self, name: str) -> Iterator[Any]:
        """The jobs of that name, in order: all but the last failed."""
        for attempt in count():
            try:
                with self.jobs.error_context(f"at looking for the job that published {name}"):
                    yield self.jobs.client.get_job(self._job_id(name, attempt), retry=self.jobs.retry)
            except WarehouseError as error:
                if isinstance(error.__cause__, NotFound):
                    return
                raise

    def _job_id(self, name: str, attempt: int) -> str:
        """One project has jobs of several deployments."""
        return f"tracks_publish_{self.jobs.target.dataset_prefix}{name}_{attempt}"
