"""The schedule of Mixpanel's days through the real graph: what a tick asks for, and what its run loads."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from tests.integration.engines.mixpanel import Event, day_of, write_lines
from tests.integration.graph.conftest import Home
from tests.integration.graph.test_mixpanel import count
from tests.support import warm
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.mixpanel.daily import JOB, SCHEDULE
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_PROCESSED_DAYS

AT = datetime(2026, 3, 5, 4, 30, tzinfo=UTC)
FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@pytest.fixture
def mixpanel_home(home: Home) -> Home:
    home.variables["TRACKS_MIXPANEL_START"] = "2026-03-01"
    return home


def tick(home: Home, at: datetime = AT) -> dg.RunRequest | str | None:
    """The run that a tick asks for, or why it asks for none."""
    definitions = build_definitions(home.settings)
    schedule = definitions.resolve_schedule_def(SCHEDULE)
    with (
        dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance,
        dg.build_schedule_context(instance, at, resources=definitions.resources) as context,
    ):
        data = schedule.evaluate_tick(context)
    (request,) = data.run_requests or (None,)
    return request or data.skip_message


def run(home: Home, request: dg.RunRequest | str | None) -> dg.ExecuteInProcessResult:
    assert isinstance(request, dg.RunRequest)
    job = build_definitions(home.settings).resolve_job_def(JOB)
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance, warm.beside_python():
        return job.execute_in_process(
            run_config=request.run_config, tags=dict(request.tags), instance=instance, raise_on_error=False
        )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {each.check_name: each.passed for each in result.get_asset_check_evaluations()}


@pytest.mark.thorough
def test_a_run_loads_the_last_days_that_are_new_or_changed(mixpanel_home: Home) -> None:
    home, root = mixpanel_home, mixpanel_home.path / "mixpanel"
    for day in (1, 2, 3):
        write_lines(root, day, [Event(f"{day}-{number}", day) for number in range(3)])
    request = tick(home)
    assert isinstance(request, dg.RunRequest)
    assert (request.tags[FIRST], request.tags[LAST]) == ("2026-03-02", "2026-03-04")
    result = run(home, request)
    assert result.success
    assert all(checks(result).values())
    assert count(home, f"select count(*) from {MP_EVENTS}") == 9

    # A file that arrives a day later is loaded with its day, and the other days are skipped.
    write_lines(root, 2, [Event("late", 2)], name="more.json")
    result = run(home, tick(home))
    assert result.success
    assert count(home, f"select count(*) from {MP_EVENTS}") == 10
    loads = f"select count(*) from {MP_PROCESSED_DAYS} where window_start"
    assert count(home, f"{loads} = '2026-03-03 00:00:00+00'") == 2
    assert count(home, f"{loads} != '2026-03-03 00:00:00+00'") == 2


@pytest.mark.thorough
def test_after_an_outage_a_run_goes_on_where_the_last_one_ended(mixpanel_home: Home) -> None:
    """A day that no tick asked for is missing in silence: no check looks at days that were never loaded."""
    write_lines(mixpanel_home.path / "mixpanel", 2, [Event("a", 2)])
    assert run(mixpanel_home, tick(mixpanel_home)).success
    request = tick(mixpanel_home, day_of(30))
    assert isinstance(request, dg.RunRequest)
    assert (request.tags[FIRST], request.tags[LAST]) == ("2026-03-05", "2026-03-30")


@pytest.mark.thorough
def test_a_day_without_files_fails_a_check_of_its_run(mixpanel_home: Home) -> None:
    for day in (1, 3):
        write_lines(mixpanel_home.path / "mixpanel", day, [Event(f"{day}", day)])
    result = run(mixpanel_home, tick(mixpanel_home))
    assert result.success
    assert [name for name, passed in checks(result).items() if not passed] == ["days_have_files"]
    (found,) = [each for each in result.get_asset_check_evaluations() if each.check_name == "days_have_files"]
    assert "1 day of Mixpanel's export is without files." in str(found.description)
    assert "2026-03-03" in str(found.description)


def test_days_before_the_start_are_not_asked_for(mixpanel_home: Home) -> None:
    write_lines(mixpanel_home.path / "mixpanel", 0, [Event("a")])
    request = tick(mixpanel_home, day_of(1))
    assert isinstance(request, dg.RunRequest)
    assert (request.tags[FIRST], request.tags[LAST]) == ("2026-03-01", "2026-03-01")
    assert tick(mixpanel_home, day_of(0)) == "Mixpanel's export begins on 2026-03-01, which is not over yet."


def test_only_an_export_that_nobody_named_is_skipped(mixpanel_home: Home) -> None:
    """A wrong TRACKS_MIXPANEL_URI must not be skipped in silence: its run fails, and that is alerted."""
    assert tick(mixpanel_home) == "There is no export of Mixpanel's, and TRACKS_MIXPANEL_URI is not set."
    mixpanel_home.variables["TRACKS_MIXPANEL_URI"] = str(mixpanel_home.path / "elsewhere")
    result = run(mixpanel_home, tick(mixpanel_home))
    assert not result.success
    errors = [str(event.step_failure_data.error) for event in result.all_events if event.is_step_failure]
    assert any("Set TRACKS_MIXPANEL_URI to the folder" in error for error in errors)
