"""The checks of ``posthog/person_distinct_ids``, which run with every hour of persons.

``events_have_persons`` looks at the events of the same hours. The others read a few narrow columns of
person_distinct_ids in full, as the merge before them does.
"""

from collections.abc import Iterator

import dagster as dg

from tracks_assets.defs.quality.checks import Batch, BatchCheck, evaluate_selected, hours_of_run
from tracks_assets.defs.shared.metadata import check_results, table_key
from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.defs.shared.retries import retried
from tracks_assets.quality import persons
from tracks_assets.quality.checks import CheckResult
from tracks_assets.settings import Settings
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

PERSONS_KEY = table_key(PERSON_DISTINCT_IDS)


def _one_row_per_distinct_id(warehouse: Warehouse, _batch: Batch) -> CheckResult:
    return persons.one_row_per_distinct_id(persons.duplicate_mappings(warehouse))


def _team_is_known(warehouse: Warehouse, batch: Batch) -> CheckResult:
    return persons.team_is_known(persons.teams_of(warehouse, batch.settings.team_id), batch.settings.team_id)


def _events_have_persons(warehouse: Warehouse, batch: Batch) -> CheckResult:
    found = persons.unmapped_events(warehouse, batch.start, batch.end, batch.settings.team_id)
    return persons.events_have_persons(batch.named, found, batch.settings.person_unmapped_warn_percent)


def _distinct_ids_per_person(warehouse: Warehouse, batch: Batch) -> CheckResult:
    usual = batch.settings.person_distinct_ids_warn
    return persons.distinct_ids_per_person(persons.crowded_persons(warehouse, usual), usual)


PERSON_CHECKS: dict[str, BatchCheck] = {
    "one_row_per_distinct_id": BatchCheck("No (team_id, distinct_id) is stored twice.", _one_row_per_distinct_id),
    "team_is_known": BatchCheck("There is one team, or TRACKS_TEAM_ID names the one to use.", _team_is_known),
    "events_have_persons": BatchCheck(
        "Most events of the hours just merged have a current person: TRACKS_PERSON_UNMAPPED_WARN_PERCENT.",
        _events_have_persons,
    ),
    "distinct_ids_per_person": BatchCheck(
        "No person has more distinct_ids than TRACKS_PERSON_DISTINCT_IDS_WARN.", _distinct_ids_per_person
    ),
}
"""The checks by name, in the order in which they are computed."""


def person_checks(settings: Settings) -> dg.AssetChecksDefinition:
    """The checks of ``posthog/person_distinct_ids``, computed in one step that opens the warehouse once."""

    @dg.multi_asset_check(
        name="person_checks",
        specs=[
            dg.AssetCheckSpec(name, asset=PERSONS_KEY, description=check.description)
            for name, check in PERSON_CHECKS.items()
        ],
        can_subset=True,
        pool=WAREHOUSE_POOL,
    )
    def checks(context: dg.AssetCheckExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.AssetCheckResult]:
        window = hours_of_run(context.op_execution_context)
        batch = Batch.of(window, settings)
        with retried(context, settings), warehouse.opened(context, "person_checks", window) as opened:
            evaluated = evaluate_selected(context, PERSON_CHECKS, opened, batch)
            yield from check_results(PERSONS_KEY, evaluated)
            evaluated.raise_errors()

    return checks
