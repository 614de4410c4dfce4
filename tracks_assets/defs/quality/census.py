"""The asset ``posthog/duplicate_census``: one count of tracks, one recorded row, and every check that follows from it.

Dagster shows a check for the latest materialization of its asset only. Checks of the full table therefore belong to
the asset that is materialized exactly when they are computed: a red one stays on its page until the next count. On
``posthog/tracks`` it would disappear with the next hour.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from tracks_assets.core.tables import SCHEMA
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.dbt_tests import DBT_CHECKS, dbt_checks, run_dbt_tests
from tracks_assets.defs.shared.billing import usage_metadata
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.defs.shared.metadata import check_results, table_metadata
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, DbtResource, WarehouseResource
from tracks_assets.defs.shared.state import observation, state_metadata
from tracks_assets.quality import census, checks
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.collisions import count_collisions
from tracks_assets.quality.pages import table_lines
from tracks_assets.quality.several_checks import Check, Evaluated, evaluate, with_examples
from tracks_assets.quality.state import State, state_of
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.results import Row
from tracks_assets.warehouse.tables import DUPLICATE_CENSUS

JOB = "tracks_checks"

CENSUS_KEY = dg.AssetKey([SCHEMA, DUPLICATE_CENSUS.name])

COUNTED_CHECKS = {
    "flat_duplicate_count": "Excess rows are no more than in the newest census that is at least 7 days old.",
    "no_collisions_all": "No event id is used for several (event_name, user_id).",
    "created_at_kept": "No more rows differ from the time in their id than in the census before.",
}
"""Checks that follow from the count alone."""


@dataclass(frozen=True)
class Counted:
    """A count of tracks.

    Attributes:
        evaluated: the results of the checks that follow from it.
        metadata: what the UI shows of the recorded row; None where it could not be recorded.
        state: the state of tracks that follows from the record; None where it could not be recorded.
        error: the reason for that.
    """

    evaluated: Evaluated
    metadata: dict[str, Any] | None = None
    state: State | None = None
    error: Exception | None = None


def census_asset(settings: Settings, project: Path) -> dg.AssetsDefinition:
    """The asset ``posthog/duplicate_census`` with its checks."""
    manifest = json.loads(ensure_manifest(settings, project).read_text())

    @dg.asset(
        key=CENSUS_KEY,
        deps=[TRACKS_KEY],
        pool=WAREHOUSE_POOL,
        group_name="integrity",
        kinds={settings.engine},
        description=f"{DUPLICATE_CENSUS.description} Its checks look at the full table.",
        metadata=table_metadata(DUPLICATE_CENSUS),
        check_specs=[
            dg.AssetCheckSpec(name, asset=CENSUS_KEY, description=description)
            for name, description in (DBT_CHECKS | COUNTED_CHECKS).items()
        ],
    )
    def duplicate_census(
        context: dg.AssetExecutionContext, dbt: DbtResource, warehouse: WarehouseResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with warehouse.opened(context, DUPLICATE_CENSUS.name) as opened:
            counted = count_and_record(opened, datetime.now(UTC))
        if counted.metadata is not None:
            yield dg.MaterializeResult(metadata=counted.metadata)
        if counted.state is not None:
            context.log_event(observation(counted.state))
        yield from check_results(CENSUS_KEY, counted.evaluated)
        # dbt opens the embedded warehouse in its own process, so it is closed here.
        results, logged = run_dbt_tests(context, dbt, manifest, DUPLICATE_CENSUS.name)
        with warehouse.opened(context, DUPLICATE_CENSUS.name) as opened:
            tested = evaluate(dbt_checks(opened, settings.cutover, results, logged))
        yield from check_results(CENSUS_KEY, tested)
        (counted.evaluated | tested).raise_errors()
        if counted.error is not None:
            raise counted.error

    return duplicate_census


def count_and_record(warehouse: Warehouse, now: datetime) -> Counted:
    """Counts tracks, evaluates the checks against the censuses before this one, and only then adds its row.

    One check that cannot be computed prevents no other, so nothing is raised here.
    """
    try:
        counted = census.count(warehouse, now)
    except Exception as error:
        return Counted(Evaluated({}, dict.fromkeys(COUNTED_CHECKS, error)))
    evaluated = evaluate(counted_checks(warehouse, counted))
    try:
        months, days = census.duplicates_by_month(warehouse), census.migrated_by_day(warehouse)
        census.append(warehouse, counted)
        # The record has this count now, and no batch is newer.
        state = state_of(census.history(warehouse), (), count_collisions(warehouse).ids, now)
    except Exception as error:
        return Counted(evaluated, error=error)
    metadata = {**state_metadata(state), **census_metadata(counted, months, days), **usage_metadata(warehouse.usage)}
    return Counted(evaluated, metadata, state)


def counted_checks(warehouse: Warehouse, counted: census.Census) -> dict[str, Check]:
    """The evaluations of the checks that follow from a count of the open warehouse."""
    now = counted.measured_at
    return {
        "flat_duplicate_count": lambda: with_examples(
            checks.flat_duplicate_count(counted, census.baseline(warehouse, now), census.earlier(warehouse, now)),
            lambda: census.duplicate_examples(warehouse),
        ),
        "no_collisions_all": lambda: _no_collisions_all(warehouse, counted),
        "created_at_kept": lambda: with_examples(
            checks.created_at_kept(counted, census.newest(warehouse)), lambda: census.moved_row_examples(warehouse)
        ),
    }


def _no_collisions_all(warehouse: Warehouse, counted: census.Census) -> CheckResult:
    kept = count_collisions(warehouse)
    return with_examples(
        checks.no_collisions_all(counted, kept), lambda: [*kept.examples, *census.colliding_examples(warehouse)][:10]
    )


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


def checks_job(*following: dg.AssetKey) -> Any:
    """The job that takes a census with all its checks, and then materializes other assets with theirs."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.assets(CENSUS_KEY, *following),
        description="Takes a census of tracks and evaluates every check that looks at the full table.",
    )


def schedule(settings: Settings, checks: Any) -> dg.ScheduleDefinition:
    """The census twice a day: off unless TRACKS_AUTOMATION is on, or until it is switched on in the UI."""
    return dg.ScheduleDefinition(
        name="tracks_checks_twice_a_day",
        job=checks,
        cron_schedule="0 6,18 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING if settings.automation else dg.DefaultScheduleStatus.STOPPED,
    )
