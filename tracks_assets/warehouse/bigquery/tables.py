"""The project's tables as BigQuery's API takes them, and what a table that is there already differs in."""

from collections.abc import Mapping, Sequence

from google.cloud import bigquery

from tracks_assets.core.columns import Column, ColumnType
from tracks_assets.core.tables import Table
from tracks_assets.warehouse.shape import column_difference

PIPELINE_LABELS: Mapping[str, str] = {"pipeline": "tracks"}
"""What everything that the project makes carries, which separates its cost from others'."""

_OLD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""Types as the API names them, where GoogleSQL has another name."""


def schema_of(columns: Sequence[Column]) -> list[bigquery.SchemaField]:
    """The columns as the API takes them."""
    return [bigquery.SchemaField(column.name, column.type.value, description=column.description) for column in columns]


def staging_schema(columns: Sequence[Column]) -> list[bigquery.SchemaField]:
    """The columns as a load job fills them from Parquet: it makes no JSON, so that comes as text."""
    return [
        bigquery.SchemaField(column.name, "STRING" if column.type is ColumnType.JSON else column.type.value)
        for column in columns
    ]


def new_table(table: Table, name: str) -> bigquery.Table:
    """A table with its partitioning, clustering, descriptions and labels, not yet made.

    Args:
        table: what it is like.
        name: its full name.
    """
    made = bigquery.Table(name, schema_of(table.columns))
    made.description = table.description
    made.labels = dict(PIPELINE_LABELS)
    if table.partitioned_by:
        made.time_partitioning = bigquery.TimePartitioning(bigquery.TimePartitioningType.DAY, table.partitioned_by)
    if table.clustered_by:
        made.clustering_fields = list(table.clustered_by)
    return made


def table_like(found: bigquery.Table, name: str) -> bigquery.Table:
    """An empty table that can be copied into one that is there, not yet made.

    BigQuery wants both clustered alike (https://cloud.google.com/bigquery/docs/managing-partitioned-tables), and the
    copy takes its columns' modes, policy tags and key.

    Args:
        found: the table that is there.
        name: the full name of the new one.
    """
    made = bigquery.Table(name, found.schema)
    made.description = found.description
    made.labels = {**found.labels, **PIPELINE_LABELS}
    made.time_partitioning = found.time_partitioning
    made.clustering_fields = found.clustering_fields
    made.encryption_configuration = found.encryption_configuration
    return made


def difference(found: bigquery.Table, table: Table) -> str | None:
    """The first thing in which a table is not that of the project, in a few words; None where nothing is.

    Clustering may differ: anybody can change it at any time, and what was clustered otherwise is still right.
    """
    return _schema_difference(found.schema, table) or _partition_difference(found, table)


def _schema_difference(found: Sequence[bigquery.SchemaField], table: Table) -> str | None:
    types = {field.name: _OLD_NAMES.get(field.field_type, field.field_type) for field in found}
    return column_difference(types, table)


def _partition_difference(found: bigquery.Table, table: Table) -> str | None:
    """Partitioned otherwise, an update would read more of a table, and a rewritten one could not be copied into it."""
    if found.require_partition_filter:
        return "it requires a partition filter, and ids are looked for in all of it"
    found_partitioning, wanted = _partitioning(found), _partitioning(new_table(table, str(found)))
    return (
        f"it is {found_partitioning} and not {wanted}"
        if table.partitioned_by and found_partitioning != wanted
        else None
    )


def _partitioning(table: bigquery.Table) -> str:
    partitioning = table.time_partitioning
    if partitioning is None:
        return "not partitioned by time"
    return f"partitioned by {partitioning.type_.lower()} of {partitioning.field or 'ingestion'}"
