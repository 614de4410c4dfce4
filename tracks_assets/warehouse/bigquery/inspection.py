"""A look at BigQuery's datasets and tables that creates, changes and reads nothing: their descriptions only."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from google.api_core.exceptions import Forbidden, NotFound
from google.cloud import bigquery

from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.warehouse.bigquery.errors import FAILURES, cause
from tracks_assets.warehouse.bigquery.jobs import Jobs
from tracks_assets.warehouse.bigquery.protection import TableState, dataset_obstacles, table_obstacles
from tracks_assets.warehouse.bigquery.tables import PIPELINE_LABELS, difference
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.migration import former_tables
from tracks_assets.warehouse.repairing import Obstacle
from tracks_assets.warehouse.statements import bigquery_statements
from tracks_assets.warehouse.tables import (
    ARCHIVED_DUPLICATES,
    ARCHIVED_PERSON_IDS,
    ARCHIVED_TIMES,
    EVERY_TABLE,
    PERSON_SQUASHES,
    SQUASH_MAPPINGS,
    TRACKS,
    TRACKS_REPAIRS,
    write_lock,
)

REPAIRED = (
    *(TRACKS, ARCHIVED_DUPLICATES, ARCHIVED_TIMES, TRACKS_REPAIRS, write_lock(TRACKS)),
    *(ARCHIVED_PERSON_IDS, SQUASH_MAPPINGS, PERSON_SQUASHES),
)
"""The tables that a repair reads or writes."""

_CALLS_AT_ONCE = 8
"""No more than the connections that the client library keeps."""

_PATIENCE = 20
"""Seconds for which an inspection repeats a call that fails for a passing reason."""

PERMISSIONS = (
    "bigquery.tables.get",
    "bigquery.tables.getData",
    "bigquery.tables.update",
    "bigquery.tables.updateData",
    "bigquery.tables.createSnapshot",
)
"""Permissions on tracks that loads and repairs need; roles/bigquery.dataOwner includes them."""


@dataclass(frozen=True)
class BigQueryState:
    """A project's datasets and tables as they were found.

    Attributes:
        locations: the location of each dataset that exists, by its schema.
        missing_datasets: schemas without a dataset.
        tables: how many tables of the project exist.
        differences: tables that are not as the pipeline needs them, each with the difference.
        former_tables: the finding that tables of an earlier release are there; None where none is.
        obstacles: see ``Obstacle``.
        denied: the permissions on tracks that the account lacks; None where there is no tracks to ask for.
        not_asked: the reason why permissions are not known, if BigQuery did not answer.
    """

    locations: Mapping[str, str]
    missing_datasets: Sequence[str]
    tables: int
    differences: Mapping[str, str]
    former_tables: str | None
    obstacles: Sequence[Obstacle]
    denied: Sequence[str] | None
    not_asked: str | None = None


def inspect_bigquery(target: BigQueryTarget) -> BigQueryState:
    """Looks at the datasets and tables of a target, and makes a dry run.

    Args:
        target: the project, its location and the datasets' prefix.

    Raises:
        WarehouseError: the log-in, the dry run or a look failed.
    """
    jobs = Jobs(
        replace(target, retry_seconds=min(target.retry_seconds, _PATIENCE)),
        bigquery_statements(target.project, target.dataset_prefix),
        PIPELINE_LABELS,
    )
    jobs.open()
    try:
        # A dry run needs the permission to run jobs, and runs nothing.
        jobs.scanned_bytes("count_rows", table="(select 1 as one)")
        return _inspect(jobs)
    finally:
        jobs.close()


def _inspect(jobs: Jobs) -> BigQueryState:
    schemas = sorted({table.schema for table in EVERY_TABLE})
    with ThreadPoolExecutor(_CALLS_AT_ONCE) as pool:
        datasets = dict(zip(schemas, pool.map(partial(find_dataset, jobs), schemas), strict=True))
        found = dict(zip(EVERY_TABLE, pool.map(partial(find_table, jobs), EVERY_TABLE), strict=True))
    tables = {table: each for table, each in found.items() if each is not None}
    differences = {str(table): difference(each, table) for table, each in tables.items()}
    denied, not_asked = _denied(jobs, tables[TRACKS]) if TRACKS in tables else (None, None)
    return BigQueryState(
        locations={schema: each.location or "" for schema, each in datasets.items() if each is not None},
        missing_datasets=[schema for schema, each in datasets.items() if each is None],
        tables=len(tables),
        differences={name: error_text for name, error_text in differences.items() if error_text},
        former_tables=former_tables(stored_tables(jobs, SCHEMA)),
        obstacles=obstacles(jobs, EVERY_TABLE),
        denied=denied,
        not_asked=not_asked,
    )


def _denied(jobs: Jobs, tracks: bigquery.Table) -> tuple[list[str], str | None]:
    try:
        answer = jobs.client.test_iam_permissions(tracks.reference, PERMISSIONS, retry=jobs.retry)
    except FAILURES as error:
        return [], cause(error)
    held = answer.get("permissions", [])
    return [permission for permission in PERMISSIONS if permission not in held], None


def stored_tables(jobs: Jobs, schema: str) -> set[str]:
    """The names of the tables in the dataset of a schema; none where it does not exist.

    Raises:
        WarehouseError: BigQuery did not answer.
    """
    return set(creation_times(jobs, schema))


def creation_times(jobs: Jobs, schema: str) -> dict[str, datetime | None]:
    """When each table in the dataset of a schema was created, by its name; empty if the dataset does not exist.

    Raises:
        WarehouseError: BigQuery did not answer.
    """
    name = jobs.target.dataset(schema)
    with jobs.error_context(f"at the dataset {name}"):
        try:
            return {table.table_id: table.created for table in jobs.client.list_tables(name, retry=jobs.retry)}
        except NotFound:
            return {}


def find_dataset(jobs: Jobs, schema: str) -> bigquery.Dataset | None:
    """The dataset of a schema; None where there is none.

    Raises:
        WarehouseError: BigQuery failed.
    """
    name = jobs.target.dataset(schema)
    with jobs.error_context(f"at the dataset {name}"):
        try:
            return jobs.client.get_dataset(name, retry=jobs.retry)
        except NotFound:
            return None


def find_table(jobs: Jobs, table: Table) -> bigquery.Table | None:
    """A table of the project's as it is in BigQuery; None where there is none.

    Raises:
        WarehouseError: BigQuery failed.
    """
    name = jobs.target.table(table.schema, table.name)
    with jobs.error_context(f"at the table {name}"):
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
    # Only a native table has policies and a row count.
    is_native = found.table_type == "TABLE"
    state = TableState(
        str(table),
        found.to_api_repr(),
        policies=policies_of(jobs, found) if is_native else (),
        visible_rows=_visible_rows(jobs, table) if is_native and table == TRACKS else None,
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
    with jobs.error_context(f"at the row access policies of {table}"):
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
    name = f"`{jobs.target.table(table.schema, table.name)}`"
    (row,) = jobs.run("count_rows", table=name).result(retry=jobs.retry)
    return int(row["all_rows"])
