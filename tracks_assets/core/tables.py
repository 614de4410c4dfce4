"""A table of the warehouse: schema, name, columns, partitioning and clustering."""

from dataclasses import dataclass

from tracks_assets.core.columns import Column

SCHEMA = "posthog"

MIXPANEL_SCHEMA = "mixpanel"

GROWTH_SCHEMA = "growth"

MARKETING_SCHEMA = "marketing"

OPS_SCHEMA = "posthog_ops"
"""What the pipeline keeps for itself; analysts read the others."""


@dataclass(frozen=True)
class Table:
    """One table: its name, columns, and (on BigQuery) the day it is partitioned by and what it is clustered by."""

    name: str
    columns: tuple[Column, ...]
    description: str
    partitioned_by: str | None = None
    clustered_by: tuple[str, ...] = ()
    schema: str = SCHEMA

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"
