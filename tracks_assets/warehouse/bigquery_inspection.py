"""A look at BigQuery's datasets and tables that creates, changes and reads nothing: their descriptions only."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from tracks_assets.warehouse.base import Obstacle
from tracks_assets.warehouse.bigquery_jobs import Jobs
from tracks_assets.warehouse.bigquery_protection import TableState, dataset_obstacles, table_obstacles
from tracks_assets.warehouse.tables import TRACKS, TRACKS_DUPLICATES, TRACKS_REDATED, TRACKS_REPAIRS, TRACKS_TURN, Table

REPAIRED = (TRACKS, TRACKS_DUPLICATES, TRACKS_REDATED, TRACKS_REPAIRS, TRACKS_TURN)
"""The tables that a repair reads or writes."""

_CALLS_AT_ONCE = 8
"""No more than the connections that the client library keeps."""


def find_dataset(jobs: Jobs, schema: str) -> bigquery.Dataset | None:
    """The dataset of a schema; None where there is none.

    Raises:
        WarehouseError: BigQuery failed.
    """
    name = jobs.place.dataset(schema)
    with jobs.told(f"at the dataset {name}"):
        try:
            return jobs.client.get_dataset(name, retry=jobs.retry)
        except NotFound:
            return None


def find_table(jobs: Jobs, table: Table) -> bigquery.Table | None:
    """A table of the project's as it is in BigQuery; None where there is none.

    Raises:
        WarehouseError: BigQuery failed.
    """
    name = jobs.place.table(table.schema, table.name)
    with jobs.told(f"at the table {name}"):
        try:
            return jobs.client.get_table(name, retry=jobs.retry)
        except NotFound:
            return None


def obstacles(jobs: Jobs, tables: Sequence[Table]) -> list[Obstacle]:
    """The obstacles to a repair that datasets and tables have; tables that do not exist have none.

    Raises:
        WarehouseError: BigQuery failed.
    """
    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        datasets = list(pool.map(partial(_dataset_obstacles, jobs), sorted({table.schema for table in tables})))
        found = list(pool.map(partial(_table_obstacles, jobs), tables))
    return [obstacle for several in (*datasets, *found) for obstacle in several]


def _dataset_obstacles(jobs: Jobs, schema: str) -> Iterable[Obstacle]:
    found = find_dataset(jobs, schema)
    return [] if found is None else dataset_obstacles(f"The dataset {schema}", found.to_api_repr())


def _table_obstacles(jobs: Jobs, table: Table) -> Iterable[Obstacle]:
    found = find_table(jobs, table)
    if found is None:
        return []
    state = TableState(
        str(table),
        found.to_api_repr(),
        policies=policies_of(jobs, found),
        visible_rows=_visible_rows(jobs, table) if table == TRACKS else None,
        is_copied=table == TRACKS,
    )
    return table_obstacles(state)


def policies_of(jobs: Jobs, table: bigquery.Table) -> list[str] | None:
    """The names of a table's row access policies; None if the account may not list them.

    Raises:
        WarehouseError: BigQuery failed otherwise.
    """
    names: list[str] = []
    page: str | None = ""
    with jobs.told(f"at the row access policies of {table}"):
        try:
            while page is not None:
                # The client library has no method for them, nor a public one for a call of one's own.
                answer = jobs.retry(jobs.client._connection.api_request)(
                    method="GET",
                    path=f"{table.path}/rowAccessPolicies",
                    query_params={"pageToken": page} if page else {},
                )
                names += [policy["rowAccessPolicyReference"]["policyId"] for policy in _listed(answer)]
                page = answer.get("nextPageToken")
        except Forbidden:
            return None
    return names


def _listed(answer: dict[str, list[dict[str, dict[str, str]]]]) -> list[dict[str, dict[str, str]]]:
    return answer.get("rowAccessPolicies", [])


def _visible_rows(jobs: Jobs, table: Table) -> int:
    """Rows that the account can see: a count of all rows reads metadata only, and costs nothing."""
    place = f"`{jobs.place.table(table.schema, table.name)}`"
    (row,) = jobs.run("count_rows", table=place).result(retry=jobs.retry)
    return int(row["all_rows"])
