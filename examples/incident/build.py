"""Makes the incident: the old pipeline's rows, the old merges that multiplied and moved them, and the state they left.

All of it is SQL over a range of numbers, so that 64 million rows need no more memory than a thousand. The old merges
can be called by themselves, to set what they did beside what the pipeline does now.
"""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from examples.incident.plan import IncidentCounts, IncidentError, IncidentPlan, milliseconds, plan_validation
from tracks_assets.core.sql_files import macros, render
from tracks_assets.core.tables import Table
from tracks_assets.settings import MEMORY_LIMIT
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_folder, hour_interval
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.results import Parameters
from tracks_assets.warehouse.statements import SQL, TableReference
from tracks_assets.warehouse.tables import TABLES, TRACKS

_SQL = Path(__file__).parent
_DAY = timedelta(days=1)


def build_incident(path: Path, plan: IncidentPlan, memory_limit: str = MEMORY_LIMIT) -> IncidentCounts:
    """Makes the state that the company found in a DuckDB file: backfill_tracks, tracks, and three hours of raw_tracks.

    Raises:
        IncidentError: the warehouse holds rows already.
    """
    with DuckDbWarehouse(path, memory_limit=memory_limit).opened() as warehouse:
        if any(warehouse.count_rows(table) for table in (BACKFILL_TRACKS, RAW_TRACKS, TRACKS)):
            raise IncidentError(f"The warehouse {path} holds rows already: name a new file for the incident.")
        fill_backfill_tracks(warehouse, plan)
        fill_tracks_the_old_way(warehouse, plan)
        for number, hour in enumerate(plan.redelivered_hours):
            deliver_again(warehouse, plan, number)
            old_hourly_merge(warehouse, hour, hour + HOUR)
    return plan.counts


def validation_case(path: Path) -> IncidentCounts:
    """7,000 rows of tracks to validate a dedup by: it must leave 5,000 and archive 2,000.

    Raises:
        IncidentError: the warehouse holds rows already.
    """
    return build_incident(path, plan_validation())


def write_legacy(root: Path, plan: IncidentPlan) -> int:
    """Writes the rows of the old pipeline below TRACKS_LEGACY_URI, a folder for each hour that has any.

    A statement and a file for each hour: made for plans of a few days or weeks. Returns the rows written.
    """
    with TemporaryDirectory() as folder, DuckDbWarehouse(Path(folder) / "legacy.duckdb").opened() as warehouse:
        fill_backfill_tracks(warehouse, plan)
        hours = warehouse.connection.execute(_text("legacy_hours")).fetchall()
        for hour, _ in hours:
            file = root / f"{hour:%Y-%m-%d}" / f"{hour:%H}" / "part-0.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            warehouse.connection.execute(_text("write_hour", hour=hour, file=str(file)))
    return sum(rows for _, rows in hours)


def fill_backfill_tracks(warehouse: DuckDbWarehouse, plan: IncidentPlan) -> int:
    """Puts the rows of the old pipeline into backfill_tracks; returns how many there are."""
    deliveries = _text("legacy_deliveries", plan=plan.variables, all_events=_events(plan))
    return _insert(warehouse, BACKFILL_TRACKS, plan, deliveries)


def fill_tracks_the_old_way(warehouse: DuckDbWarehouse, plan: IncidentPlan) -> int:
    """Merges backfill_tracks into tracks as the old pipeline did, day by day; returns the rows inserted."""
    batch = plan.merge_days * _DAY
    starts = [plan.start + number * batch for number in range(-(-(plan.end - plan.start) // batch))]
    # One transaction, for a commit of a part of a row group has the group written again with the next one.
    with warehouse.transaction():
        return sum(old_day_scoped_merge(warehouse, start, start + batch) for start in starts)


def old_day_scoped_merge(warehouse: DuckDbWarehouse, start: datetime, end: datetime) -> int:
    """The old way from backfill_tracks to tracks, for rows created in [start, end): it multiplies re-sent events.

    Returns the rows inserted.
    """
    return _changed(warehouse, "old_day_scoped_merge", {"window_start": start, "window_end": end})


def deliver_again(warehouse: DuckDbWarehouse, plan: IncidentPlan, number: int) -> int:
    """Puts into raw_tracks what the plan's re-delivering hour ``number`` delivers; returns how many rows.

    Its events are old ones that are duplicated, each with a time of the hour.
    """
    hour = plan.redelivered_hours[number]
    stamps = {"window_start": hour, "source_file": f"{hour_folder(hour)}/{file_name(hour_interval(hour))}"}
    events = _text(
        "redeliveries", plan=plan.variables, all_events=_events(plan), number=number, start_ms=milliseconds(hour)
    )
    return _insert(warehouse, RAW_TRACKS, plan, events, stamps)


def old_hourly_merge(warehouse: DuckDbWarehouse, start: datetime, end: datetime) -> int:
    """The old way from raw_tracks to tracks, for the hours in [start, end): it moves every row to its new time.

    Returns the rows updated and inserted.
    """
    return _changed(warehouse, "old_hourly_merge", {"window_start": start, "window_end": end})


def _events(plan: IncidentPlan) -> str:
    return _text("events", plan=plan.variables)


def _insert(
    warehouse: DuckDbWarehouse, table: Table, plan: IncidentPlan, deliveries: str, stamps: Parameters | None = None
) -> int:
    warehouse.connection.execute(_text("people", plan=plan.variables))
    return _changed(warehouse, "insert_rows", stamps, table=table, deliveries=deliveries, stamps=list(stamps or {}))


def _changed(warehouse: DuckDbWarehouse, statement: str, parameters: Parameters | None = None, **variables: Any) -> int:
    (rows,) = warehouse.connection.execute(_text(statement, **variables), parameters).fetchone() or (0,)
    return int(rows)


def _text(statement: str, **variables: Any) -> str:
    tables = {table.name: TableReference(table, str(table)) for table in TABLES}
    return render(_SQL / f"{statement}.sql", {**tables, "shared": macros(SQL / "macros.sql"), **variables})
