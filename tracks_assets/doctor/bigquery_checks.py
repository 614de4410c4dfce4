"""Checks of a BigQuery warehouse: login, location, tables, permissions, and what a repair would lose."""

from collections.abc import Iterator

from tracks_assets.core.errors import WarehouseError
from tracks_assets.doctor.findings import Finding, fail, ok, warn
from tracks_assets.warehouse.bigquery.inspection import BigQueryState, inspect_bigquery
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.migration import NEXT_STEP
from tracks_assets.warehouse.tables import EVERY_TABLE

LOGIN, LOCATION, TABLE, ROLES, PROTECTION = "login", "location", "tables", "roles", "protection"


def check_bigquery(target: BigQueryTarget) -> Iterator[Finding]:
    """Checks datasets and tables without creating or changing them.

    Args:
        target: the project, its location and the datasets' prefix.
    """
    try:
        state = inspect_bigquery(target)
    except WarehouseError as error:
        yield fail(LOGIN, str(error))
        for check in (LOCATION, TABLE, ROLES, PROTECTION):
            yield warn(check, "not checked, because BigQuery could not be asked")
        return
    yield ok(LOGIN, f"the account may run jobs in {target.project}")
    yield from findings_of(target, state)


def findings_of(target: BigQueryTarget, state: BigQueryState) -> Iterator[Finding]:
    """The findings for a state of BigQuery."""
    yield from _locations(target, state)
    yield from _tables(state)
    yield _roles(state)
    yield from _protection(state)


def _locations(target: BigQueryTarget, state: BigQueryState) -> Iterator[Finding]:
    others = {name: each for name, each in state.locations.items() if each.upper() != target.location.upper()}
    for schema, location in others.items():
        yield fail(
            LOCATION,
            f"the dataset {target.dataset(schema)} is in {location}, but TRACKS_BQ_LOCATION is {target.location}",
            f"Set TRACKS_BQ_LOCATION to {location}, or choose other datasets with TRACKS_BQ_DATASET_PREFIX.",
        )
    names = ", ".join(target.dataset(schema) for schema in state.locations if schema not in others)
    if names:
        yield ok(LOCATION, f"{names} in {target.location}")
    missing = ", ".join(map(target.dataset, state.missing_datasets))
    if missing:
        yield ok(LOCATION, f"{missing} does not exist yet; the first load creates it in {target.location}")


def _tables(state: BigQueryState) -> Iterator[Finding]:
    if state.former_tables:
        yield fail(TABLE, state.former_tables, NEXT_STEP)
        return
    for name, difference in state.differences.items():
        yield fail(
            TABLE,
            f"{name} does not fit: {difference}",
            "Change it with ALTER TABLE or a copy, or choose other datasets with TRACKS_BQ_DATASET_PREFIX.",
        )
    if not state.differences:
        missing = len(EVERY_TABLE) - state.tables
        created = f"; the first load creates the other {missing}" if missing else ""
        yield ok(TABLE, f"{state.tables} of {len(EVERY_TABLE)} tables exist, with the expected columns{created}")


def _roles(state: BigQueryState) -> Finding:
    if state.not_asked is not None:
        return warn(
            ROLES,
            f"not checked, because BigQuery did not answer ({state.not_asked})",
            "See that the account has roles/bigquery.jobUser on the project and roles/bigquery.dataOwner on the "
            "datasets.",
        )
    if state.denied is None:
        return ok(ROLES, "permissions on tables are not checked before posthog.tracks exists")
    if state.denied:
        return fail(
            ROLES,
            f"the account lacks {', '.join(state.denied)} on posthog.tracks",
            "Give it roles/bigquery.dataOwner on the datasets.",
        )
    return ok(ROLES, "the account has the permissions on posthog.tracks that loads and repairs need")


def _protection(state: BigQueryState) -> Iterator[Finding]:
    for obstacle in state.obstacles:
        finding = fail if obstacle.loses_rows else warn
        yield finding(PROTECTION, str(obstacle), obstacle.fix)
    if not state.obstacles:
        yield ok(PROTECTION, "nothing expires, hides rows, or would be lost by a repair")
