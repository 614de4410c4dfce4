"""Which checks a run gets of Dagster itself: this fails where a new Dagster selects checks in another way."""

from collections.abc import Iterator

import dagster as dg
import pytest

from tracks_assets.defs.own_job import leave_own_job_checks_out, own_job_metadata

TABLE = dg.AssetKey(["posthog", "table"])
WIDE = dg.AssetCheckKey(TABLE, "wide")
HOURS = dg.HourlyPartitionsDefinition("2026-03-12-00:00")
PARTITION = "2026-03-12-00:00"


@dg.asset(key=TABLE, partitions_def=HOURS)
def table() -> None: ...


@dg.asset_check(asset=TABLE)
def cheap() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.multi_asset_check(specs=[dg.AssetCheckSpec("wide", asset=TABLE, metadata=own_job_metadata("wide_checks"))])
def wide() -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(passed=True, check_name="wide", asset_key=TABLE)


def definitions() -> dg.Definitions:
    return dg.Definitions(
        assets=[table],
        asset_checks=[cheap, wide],
        jobs=[
            dg.define_asset_job("hourly", selection=dg.AssetSelection.assets(TABLE)),
            dg.define_asset_job("wide_checks", selection=dg.AssetSelection.checks(WIDE)),
        ],
    )


@pytest.fixture
def left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Own-job checks are left out, until the test ends."""
    monkeypatch.setattr(dg.AssetSelection, "resolve_checks_inner", dg.AssetSelection.resolve_checks_inner)
    leave_own_job_checks_out()


def evaluated(result: dg.ExecuteInProcessResult) -> set[str]:
    assert result.success
    return {each.check_name for each in result.get_asset_check_evaluations()}


def test_without_this_module_every_run_of_the_asset_reads_the_whole_table() -> None:
    job = definitions().resolve_implicit_global_asset_job_def()
    assert evaluated(job.execute_in_process(asset_selection=[TABLE], partition_key=PARTITION)) == {"cheap", "wide"}


@pytest.mark.usefixtures("left_out")
def test_what_selects_the_asset_leaves_it_out() -> None:
    implicit = definitions().resolve_implicit_global_asset_job_def()
    assert evaluated(implicit.execute_in_process(asset_selection=[TABLE], partition_key=PARTITION)) == {"cheap"}
    hourly = definitions().resolve_job_def("hourly")
    assert evaluated(hourly.execute_in_process(partition_key=PARTITION)) == {"cheap"}


@pytest.mark.usefixtures("left_out")
def test_its_own_job_takes_it() -> None:
    assert evaluated(definitions().resolve_job_def("wide_checks").execute_in_process()) == {"wide"}
