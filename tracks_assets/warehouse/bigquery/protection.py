"""Properties of BigQuery's tables under which a repair would lose protection or rows, as the API describes them.

A repair copies a table over ``tracks``. The copy drops row access policies, the customer-managed key and the primary
key (https://cloud.google.com/bigquery/docs/managing-tables, .../row-level-security-intro). An expiration deletes what a
repair keeps for its way back. Under a policy or a mask, a read returns less than there is, without an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tracks_assets.warehouse.repairing import Obstacle

Resource = Mapping[str, Any]
"""A dataset or a table as BigQuery's REST API describes it."""

_DAY_MS = 86_400_000


@dataclass(frozen=True)
class TableState:
    """A table as it was found, without reading a row of it.

    Attributes:
        name: its name for people, such as ``posthog.tracks``.
        resource: the answer of ``tables.get``.
        policies: the names of its row access policies; None if the account may not list them.
        visible_rows: rows that the account can see; None where they were not counted.
        is_copied: whether a repair copies another table over it.
    """

    name: str
    resource: Resource
    policies: Sequence[str] | None = ()
    visible_rows: int | None = None
    is_copied: bool = False

    @property
    def qualified_name(self) -> str:
        """The table as a statement names it."""
        reference = self.resource["tableReference"]
        return f"`{reference['projectId']}.{reference['datasetId']}.{reference['tableId']}`"


def dataset_obstacles(name: str, dataset: Resource) -> list[Obstacle]:
    """The obstacles of a dataset: tables that are created in it inherit its expirations.

    Args:
        name: its name for people.
        dataset: the answer of ``datasets.get``.
    """
    reference = dataset["datasetReference"]
    quoted = f"`{reference['projectId']}.{reference['datasetId']}`"
    return [
        Obstacle(
            name,
            f"deletes {what} {_days(dataset[field])} after they are created",
            f"Run: alter schema {quoted} set options ({option} = null).",
            loses_rows=True,
        )
        for field, what, option in (
            ("defaultTableExpirationMs", "new tables", "default_table_expiration_days"),
            ("defaultPartitionExpirationMs", "partitions of new tables", "default_partition_expiration_days"),
        )
        if int(dataset.get(field) or 0)
    ]


def table_obstacles(state: TableState) -> list[Obstacle]:
    """The obstacles of a table; none where a repair is safe."""
    found = [*_row_access(state), *_expirations(state)]
    return [*found, *_dropped_by_a_copy(state), *_not_repairable(state)] if state.is_copied else found


def _days(milliseconds: Any) -> str:
    return f"{int(milliseconds) / _DAY_MS:g} days"


def _row_access(state: TableState) -> Iterator[Obstacle]:
    if state.policies is None:
        yield Obstacle(
            state.name,
            "may have row access policies, which this account is not allowed to list",
            "Give the account roles/bigquery.dataOwner on the dataset; it includes bigquery.rowAccessPolicies.list.",
        )
    elif state.policies:
        yield Obstacle(
            state.name,
            f"has row access policies ({', '.join(state.policies)})",
            f"For a repair, run: drop all row access policies on {state.qualified_name}; create them again after it. "
            f"For loads and checks, grant the account a policy with the filter TRUE.",
            loses_rows=True,
        )
    stored = int(state.resource.get("numRows") or 0)
    if state.visible_rows is not None and state.visible_rows < stored:
        yield Obstacle(
            state.name,
            f"shows this account {state.visible_rows:,} of {stored:,} rows",
            "Grant the account a row access policy with the filter TRUE, or drop the policies.",
            loses_rows=True,
        )


def _expirations(state: TableState) -> Iterator[Obstacle]:
    if state.resource.get("expirationTime"):
        moment = datetime.fromtimestamp(int(state.resource["expirationTime"]) / 1_000, UTC)
        yield Obstacle(
            state.name,
            f"expires on {moment:%Y-%m-%d %H:%M} UTC",
            f"Run: alter table {state.qualified_name} set options (expiration_timestamp = null).",
            loses_rows=True,
        )
    expiration = state.resource.get("timePartitioning", {}).get("expirationMs")
    if int(expiration or 0):
        yield Obstacle(
            state.name,
            f"deletes its partitions after {_days(expiration)}",
            f"Run: alter table {state.qualified_name} set options (partition_expiration_days = null).",
            loses_rows=True,
        )


def _dropped_by_a_copy(state: TableState) -> Iterator[Obstacle]:
    key = state.resource.get("encryptionConfiguration", {}).get("kmsKeyName")
    if key:
        yield Obstacle(
            state.name,
            f"is encrypted with a customer-managed key ({key})",
            "A repair does not keep the key: move the table to default encryption for it, and set the key again after "
            "it (bq update --destination_kms_key).",
        )
    constraints = state.resource.get("tableConstraints") or {}
    keys = [name for field, name in _CONSTRAINTS.items() if constraints.get(field)]
    if keys:
        yield Obstacle(
            state.name,
            f"has a {' and a '.join(keys)}",
            f"For a repair, run: alter table {state.qualified_name} drop primary key (or drop constraint); add it "
            f"again after it.",
        )
    for field, what in _KEPT_BY_NO_COPY.items():
        if state.resource.get(field):
            yield Obstacle(
                state.name,
                f"has a {what} ({state.resource[field]})",
                f"For a repair, remove the {what} from {state.qualified_name}; set it again after it.",
            )


_CONSTRAINTS = {"primaryKey": "primary key", "foreignKeys": "foreign key"}
_KEPT_BY_NO_COPY = {
    "maxStaleness": "maximum staleness",
    "defaultCollation": "default collation",
    "defaultRoundingMode": "default rounding mode",
}


def _not_repairable(state: TableState) -> Iterator[Obstacle]:
    """Tables that take no copy and no snapshot, and columns that read as something else."""
    kind = "Iceberg table" if state.resource.get("biglakeConfiguration") else state.resource.get("type", "TABLE")
    if kind != "TABLE":
        yield Obstacle(
            state.name,
            f"is no native table ({kind})",
            f"Copy its rows into a native table, and rename that to {state.qualified_name}.",
        )
    fields = state.resource.get("schema", {}).get("fields", [])
    masked = [field["name"] for field in fields if _names(field.get("policyTags")) or field.get("dataPolicies")]
    if masked:
        yield Obstacle(
            state.name,
            f"has columns with policy tags or masks ({', '.join(masked)})",
            "For a repair, remove the tags: masked values would be written back. Set them again after it.",
        )
    collated = [field["name"] for field in fields if field.get("collation")]
    if collated:
        yield Obstacle(
            state.name,
            f"has columns with a collation ({', '.join(collated)})",
            f"Copy its rows into a table without collations, and rename that to {state.qualified_name}.",
        )


def _names(policy_tags: Any) -> Sequence[str]:
    return (policy_tags or {}).get("names") or ()
