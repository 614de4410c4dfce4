"""What goes of old runs and what stays, with assets and runs that are made in an instant."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from tracks_assets.defs.shared.run_history import PRUNED_TAG, Pruned, prune, remove_leftovers

pytestmark = pytest.mark.dagster

DAYS = dg.DailyPartitionsDefinition("2026-03-12")
FIRST, SECOND = "2026-03-12", "2026-03-13"
CHECK = dg.AssetCheckKey(dg.AssetKey("daily"), "is_right")


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("is_right", asset="daily")])
def daily(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """Partitioned, with a check."""
    context.log.info("a line of the log")
    yield dg.MaterializeResult(metadata={"rows": 1}, check_results=[dg.AssetCheckResult(passed=False)])


@dg.asset
def census() -> int:
    """Not partitioned; its value is kept on disk."""
    return 1


@dg.op
def fails() -> None:
    """Fails."""
    raise dg.Failure("on purpose")


@dg.job
def failing() -> None:
    """Fails."""
    fails()


def materialize(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None) -> str:
    """Materializes an asset; returns the run's id."""
    return dg.materialize([asset], instance=instance, partition_key=partition).run_id


@contextmanager
def another_process(instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """The instance as another process opens it: on SQLite, one that showed a log misses it once it is removed."""
    with dg.DagsterInstance.from_ref(instance.get_ref()) as opened:
        yield opened


def pruned_after(instance: dg.DagsterInstance, days: int) -> Pruned:
    """Prunes as if days had passed."""
    with another_process(instance) as opened:
        return prune(opened, datetime.now(UTC) + timedelta(days=days), log_days=30, run_days=400)


def messages(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    """The lines of a run's log that are no events."""
    with another_process(instance) as opened:
        return [entry.user_message for entry in opened.all_logs(run_id) if not entry.is_dagster_event]


@pytest.fixture
def runs(instance: dg.DagsterInstance) -> dict[str, str]:
    """Runs by what becomes of them."""
    superseded = materialize(instance, daily, FIRST)
    other = materialize(instance, daily, SECOND)
    failed = failing.execute_in_process(instance=instance, raise_on_error=False).run_id
    superseded_census = materialize(instance, census)
    newest = materialize(instance, daily, FIRST)
    newest_census = materialize(instance, census)
    return {
        "superseded": superseded,
        "other": other,
        "failed": failed,
        "superseded_census": superseded_census,
        "newest": newest,
        "newest_census": newest_census,
    }


def test_young_runs_are_left_alone(instance: dg.DagsterInstance, runs: dict[str, str]) -> None:
    assert pruned_after(instance, 29) == Pruned(logs=0, runs=0, kept=0, tick_logs=0)
    assert messages(instance, runs["newest"]) == ["a line of the log"]


def test_the_log_goes_first(instance: dg.DagsterInstance, runs: dict[str, str]) -> None:
    storage = Path(instance.storage_directory())
    assert [path for path in storage.rglob("*") if path.is_file()]

    assert pruned_after(instance, 31) == Pruned(logs=len(runs), runs=0, kept=0, tick_logs=0)

    assert {run.run_id for run in instance.get_runs()} == set(runs.values())
    assert all(messages(instance, run_id) == [] for run_id in runs.values())
    assert not [path for path in storage.rglob("*") if path.is_file() and path.parent.name in runs.values()]
    check_what_stays(instance)
    assert len(instance.fetch_materializations(dg.AssetKey("daily"), limit=9).records) == 3, "plots keep every point"
    assert pruned_after(instance, 31) == Pruned(logs=0, runs=0, kept=0, tick_logs=0)


def check_what_stays(instance: dg.DagsterInstance) -> None:
    """Every partition and check result is there, with metadata."""
    assert instance.get_materialized_partitions(dg.AssetKey("daily")) == {FIRST, SECOND}
    newest = instance.get_latest_materialization_event(dg.AssetKey("daily"))
    assert newest is not None
    assert newest.asset_materialization is not None
    assert newest.asset_materialization.metadata["rows"].value == 1
    assert instance.get_latest_materialization_event(dg.AssetKey("census")) is not None
    evaluated = instance.get_latest_asset_check_evaluation_record(CHECK)
    assert evaluated is not None
    assert evaluated.status.value == "FAILED"


def test_then_the_runs_that_no_partition_needs(instance: dg.DagsterInstance, runs: dict[str, str]) -> None:
    assert pruned_after(instance, 401) == Pruned(logs=len(runs), runs=3, kept=3, tick_logs=0)

    left = {run.run_id: run.tags[PRUNED_TAG] for run in instance.get_runs()}
    assert left == {runs[name]: "kept" for name in ("other", "newest", "newest_census")}
    check_what_stays(instance)
    assert pruned_after(instance, 402) == Pruned(logs=0, runs=0, kept=0, tick_logs=0)


def test_a_run_that_has_not_ended_is_left_alone(instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(failing, status=dg.DagsterRunStatus.STARTED)
    assert pruned_after(instance, 401) == Pruned(logs=0, runs=0, kept=0, tick_logs=0)
    assert instance.get_run_by_id(run.run_id) is not None


@pytest.mark.thorough
def test_a_new_run_does_not_hide_an_old_log(instance: dg.DagsterInstance) -> None:
    """Pruning goes from the newest to the oldest and must not stop at the first run that was pruned before."""
    for _ in range(3):
        materialize(instance, census)
    (newest, *_) = instance.get_runs()
    instance.add_run_tags(newest.run_id, {PRUNED_TAG: "log"})
    assert pruned_after(instance, 31).logs == 2


@pytest.mark.thorough
def test_nothing_grows_on_disk_once_it_is_pruned(instance: dg.DagsterInstance) -> None:
    """A log is a file of its own on SQLite, and deleting a run's events recreates it."""
    folder = Path(instance.root_directory)

    def files() -> int:
        return len([path for path in folder.rglob("*") if path.is_file()])

    materialize(instance, census)
    pruned_after(instance, 401)
    before = files()
    for _ in range(5):
        materialize(instance, census)
        pruned_after(instance, 401)
    assert files() == before


def test_what_ticks_logged_goes_with_the_time(instance: dg.DagsterInstance) -> None:
    log = Path(instance.storage_directory()) / "__repository__" / "export_complete" / "1.err"
    log.parent.mkdir(parents=True)
    log.write_text("a line\n")
    assert pruned_after(instance, 29).tick_logs == 0
    assert pruned_after(instance, 31).tick_logs == 1
    assert not log.exists()


def test_what_killed_runs_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("tracks_export_abc", "tracks_staging_abc", "tracks_spilled_abc", "another"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    assert remove_leftovers(datetime.now(UTC) - timedelta(days=2)) == 0
    assert remove_leftovers(datetime.now(UTC) + timedelta(days=1)) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["another"]
