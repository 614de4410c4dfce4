"""The results of the checks held against the account: a check must fail where something is wrong, and only there."""

from collections.abc import Iterator, Mapping

import dagster as dg

from benchmarks.soak.promises import Pair
from benchmarks.soak.soak import Soak

_CENSUS = 'key:"posthog/duplicate_census"'


def wrong_checks(soak: Soak, pair: Pair) -> list[str]:
    """The results of each hour's latest run that do not follow from the deliveries."""
    with soak.home.instance() as instance:
        return list(_of_hours(soak, instance, pair))


def census_finds(soak: Soak, _: Pair) -> bool:
    """True if a census finds the old pair and the collisions, and nothing else."""
    if soak.home.command(["asset", "materialize", "--select", _CENSUS]) != 0:
        return False
    with soak.home.instance() as instance:
        (newest,) = instance.get_runs(limit=1)
        found = _results(instance, newest.run_id)
    expected = {
        "unique_event_id_all": False,
        "event_id_not_null": True,
        "created_at_not_null": True,
        "no_collisions_all": not soak.account().expected_collisions(),
        "created_at_kept": True,
    }
    return not _differing(found, expected)


def _of_hours(soak: Soak, instance: dg.DagsterInstance, pair: Pair) -> Iterator[str]:
    account = soak.account()
    collisions, duplicated = account.collisions_by_hour(), account.hours_of(pair.event_id)
    colliding = account.hours_of_colliding_events()
    latest = {hour: run.ended for run in soak.runs for hour in run.ended.hours}
    for run in {run.run_id: run for run in latest.values()}.values():
        expected = {
            "rows_accounted_for": True,
            "unique_event_id": duplicated.isdisjoint(run.hours),
        }
        # An id that collides in another hour fails the check from then on; which hour was merged first is not known.
        has_own = any(collisions[hour] for hour in run.hours)
        if has_own or colliding.isdisjoint(run.hours):
            expected["no_collisions"] = not has_own
        found = _results(instance, run.run_id)
        for name in _differing(found, expected):
            yield f"the check {name} of {run.named} is {found.get(name)}"


def _differing(found: Mapping[str, bool], expected: Mapping[str, bool]) -> list[str]:
    return [name for name, passes in expected.items() if found.get(name) != passes]


def _results(instance: dg.DagsterInstance, run_id: str) -> dict[str, bool]:
    """The results of a run's checks by name: True if passed."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    events = [record.event_log_entry.dagster_event for record in records]
    found = [event.asset_check_evaluation_data for event in events if event is not None]
    return {each.check_name: each.passed for each in found}
