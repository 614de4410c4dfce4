"""The asset ``posthog_ops/status_page``: the status page, written after each census; and how a command writes it.

It is an asset and a step of its own, so that a page that cannot be written leaves the census and its results as they
are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from tracks_assets.core.tables import OPS_SCHEMA
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.shared.state import observed_batches, state_metadata
from tracks_assets.quality import census
from tracks_assets.quality.state import State
from tracks_assets.settings import Settings
from tracks_assets.status_page.gather import read_status
from tracks_assets.status_page.incidents import read_alerts
from tracks_assets.status_page.write import replaced
from tracks_assets.warehouse.base import Warehouse

PAGE_KEY = dg.AssetKey([OPS_SCHEMA, "status_page"])

PAGE_FILE = "status.html"
"""The page's name in TRACKS_HOME."""


def status_asset(settings: Settings) -> dg.AssetsDefinition:
    """The asset ``posthog_ops/status_page``."""

    @dg.asset(
        key=PAGE_KEY,
        deps=[CENSUS_KEY],
        pool=WAREHOUSE_POOL,
        group_name="integrity",
        kinds={"html"},
        description=f"The state of posthog.tracks as one HTML file, $TRACKS_HOME/{PAGE_FILE}.",
    )
    def status_page(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> dg.MaterializeResult[None]:
        path = settings.home / PAGE_FILE
        with warehouse.opened(context, "status_page") as opened:
            state = write_page(opened, settings, path, datetime.now(UTC), context.instance)
        return dg.MaterializeResult(metadata={**state_metadata(state), "path": dg.MetadataValue.path(path)})

    return status_page


def write_page(
    warehouse: Warehouse, settings: Settings, path: Path, now: datetime, instance: dg.DagsterInstance | None
) -> State:
    """Writes the page; returns the state that it shows.

    Args:
        warehouse: the open warehouse.
        settings: its settings.
        path: the file.
        now: the time of the page.
        instance: Dagster's record; None if there is none.

    Raises:
        WarehouseError: the engine failed.
        OutputError: the file cannot be written.
    """
    # Imported late, with matplotlib: the definitions of every run would wait for it.
    from tracks_assets.status_page.page import page  # noqa: PLC0415

    newest = census.newest(warehouse)
    batches = observed_batches(instance, newest.measured_at if newest else None) if instance else []
    facts = read_status(warehouse, settings, now, batches, read_alerts(settings))
    with replaced(path) as file:
        file.write(page(facts))
    return facts.state


@contextmanager
def recorded(settings: Settings) -> Iterator[dg.DagsterInstance | None]:
    """Dagster's record for a command: that of DAGSTER_HOME or else of TRACKS_HOME; None where there is none."""
    try:
        instance = dg.DagsterInstance.get()
    except dg.DagsterError:
        instance = None
    if instance is None and (settings.dagster_home / "dagster.yaml").is_file():
        instance = dg.DagsterInstance.from_config(str(settings.dagster_home))
    if instance is None:
        yield None
        return
    with instance:
        yield instance
