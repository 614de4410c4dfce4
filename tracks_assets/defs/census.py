"""The asset ``posthog/duplicate_census``: one row a count, so that growth can be told from what was always there."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from tracks_assets.defs.billing import usage_metadata
from tracks_assets.defs.metadata import table_metadata
from tracks_assets.defs.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.integrity import census
from tracks_assets.integrity.pages import table_lines
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Row
from tracks_assets.warehouse.tables import DUPLICATE_CENSUS, TRACKS


def census_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset ``posthog/duplicate_census``."""

    @dg.asset(
        key=[DUPLICATE_CENSUS.schema, DUPLICATE_CENSUS.name],
        deps=[dg.AssetKey([TRACKS.schema, TRACKS.name])],
        pool=WAREHOUSE_POOL,
        group_name="integrity",
        kinds={settings.engine},
        description=DUPLICATE_CENSUS.description,
        metadata=table_metadata(DUPLICATE_CENSUS),
    )
    def duplicate_census(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        with warehouse.opened(context, DUPLICATE_CENSUS.name) as tables:
            counted = census.count(tables, datetime.now(UTC))
            months, days = census.duplicates_by_month(tables), census.migrated_by_day(tables)
            census.append(tables, counted)
            usage = tables.usage
        context.log.info(f"{counted.rows:,} rows, {counted.excess_rows:,} of them in excess.")
        return dg.MaterializeResult(metadata={**census_metadata(counted, months, days), **usage_metadata(usage)})

    return duplicate_census


def census_metadata(counted: census.Census, months: Sequence[Row], days: Sequence[Row]) -> dict[str, Any]:
    """Every count as a number that the UI plots, and the two tables that find a cause."""
    numbers = {name: value for name, value in asdict(counted).items() if isinstance(value, int)}
    stamps = {name: str(value) for name, value in asdict(counted).items() if isinstance(value, datetime)}
    return {
        **numbers,
        **stamps,
        "duplicates_by_ingestion_month": dg.MetadataValue.md(markdown_table(months)),
        "duplicates_migrated_by_day": dg.MetadataValue.md(markdown_table(days)),
    }


def markdown_table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table."""
    return "\n".join(table_lines(rows, list(rows[0]))) if rows else "none"
