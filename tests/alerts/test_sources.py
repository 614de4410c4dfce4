"""What Dagster recorded, read from a real instance on its default storage, and what the sensor makes of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.alerts.receiver import HttpReceiver
from tracks_assets.alerts.facts import FinishedRun
from tracks_assets.alerts.hours import NO_HOURS, Hours
from tracks_assets.alerts.store import AlertStore
from tracks_assets.core.errors import WarehouseError
from tracks_assets.defs.alerts import recorded as alert_sources
from tracks_assets.defs.alerts.recorded import EVALUATIONS, RUNS, Graph, Source
from tracks_assets.defs.alerts.sensor import alert_sensor
from tracks_assets.quality.several_checks import CheckError
from tracks_assets.settings import read_settings

pytestmark = pytest.mark.dagster

HOURLY = dg.HourlyPartitionsDefinition("2026-03-12-00:00")
KEY = "2026-03-12-05:00"
FACTS: dict[str, Any] = {}
"""What the assets do in the test at hand."""


@dg.asset(
    partitions_def=HOURLY,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec("counted", asset="hour", description="Rows are counted."),
        dg.AssetCheckSpec("blocking", asset="hour", blocking=True),
    ],
)
def hour(context: dg.AssetExecutionContext) -> Iterator[Any]:
    if "error" in FACTS:
        raise FACTS["error"]
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(
        check_name="counted",
        passed=FACTS.get("passed", True),
        severity=dg.AssetCheckSeverity.WARN,
        description="The value bob is wrong.",
        metadata={
            "rows": 3,
            "share": 0.5,
            "day": dg.MetadataValue.timestamp(datetime(2026, 3, 12, tzinfo=UTC)),
            "is_new": True,
            "finding": "3 rows are wrong.",
            "comparison": "0 may be.",
            "next_step": "Look.",
            "runbook": "docs/runbooks.md#a",
            "example_ids": "a\nb c",
        },
    )
    yield dg.AssetCheckResult(check_name="blocking", passed=not FACTS.get("blocked", False))


@dg.asset(deps=[hour], partitions_def=HOURLY, backfill_policy=dg.BackfillPolicy.single_run())
def after_hour() -> None:
    """What a failed blocking check keeps from being made."""


@dg.asset(deps=[after_hour], check_specs=[dg.AssetCheckSpec("all_counted", asset="census")])
def census() -> Iterator[Any]:
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(check_name="all_counted", passed=True)


@dg.asset_check(asset="census")
def computed() -> dg.AssetCheckResult:
    if "check_error" in FACTS:
        raise FACTS["check_error"]
    return dg.AssetCheckResult(passed=True)


@dg.multi_asset(
    specs=[dg.AssetSpec("days")],
    check_specs=[dg.AssetCheckSpec(name, asset="days") for name in ("usual_rows", "forgotten")],
    can_subset=True,
)
def days() -> Iterator[Any]:
    yield dg.MaterializeResult(
        asset_key="days", metadata={"not_enough_history": dg.MetadataValue.json(["usual_rows"]), "comparison": "x"}
    )


@dg.op
def work() -> None:
    if "error" in FACTS:
        raise FACTS["error"]


@dg.job
def repair() -> None:
    work()


DEFINITIONS = dg.Definitions(assets=[hour, after_hour, census, days], asset_checks=[computed], jobs=[repair])
GRAPH = Graph.of(DEFINITIONS.get_repository_def())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    FACTS.clear()
    with dg.instance_for_test() as made:
        yield made


@pytest.fixture
def source(instance: dg.DagsterInstance) -> Source:
    return Source(instance, GRAPH, None)


def _materialize(instance: dg.DagsterInstance, *names: str, tags: dict[str, str] | None = None, **facts: Any) -> str:
    FACTS.clear()
    FACTS.update(facts)
    job = DEFINITIONS.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        asset_selection=[dg.AssetKey(name) for name in names], instance=instance, raise_on_error=False, tags=tags
    ).run_id


def _hour(instance: dg.DagsterInstance, **facts: Any) -> str:
    return _materialize(instance, "hour", "after_hour", tags={"dagster/partition": KEY}, **facts)


def _runs(source: Source, position: Any = None) -> tuple[list[FinishedRun], Any]:
    return source.finished_runs(position, datetime.now(UTC))


def test_a_run_in_order(instance: dg.DagsterInstance, source: Source) -> None:
    run_id = _hour(instance, passed=False)
    ((run,), position) = _runs(source)

    assert (run.run_id, run.job, run.status) == (run_id, "", "success")
    assert run.hours == Hours.between(KEY)
    assert run.planned == run.materialized == ("after_hour", "hour")
    assert (run.unevaluated, run.failed_steps) == ((), ())
    assert [(each.subject, each.passed) for each in run.results] == [("hour:counted", False), ("hour:blocking", True)]
    counted = run.results[0]
    assert (counted.severity, counted.rule, counted.finding) == ("WARN", "Rows are counted.", "3 rows are wrong.")
    assert (counted.comparison, counted.next_step, counted.runbook) == ("0 may be.", "Look.", "docs/runbooks.md#a")
    assert counted.description == "The value bob is wrong."
    assert counted.figures == (("day", "2026-03-12 00:00 UTC"), ("rows", 3), ("share", 0.5))
    assert counted.ids == ("a", "b c")
    assert counted.hours == Hours.between(KEY)
    assert _runs(source, position)[0] == []


def test_the_hours_of_a_range(instance: dg.DagsterInstance, source: Source) -> None:
    tags = {"dagster/asset_partition_range_start": KEY, "dagster/asset_partition_range_end": "2026-03-12-08:00"}
    _materialize(instance, "hour", tags=tags)
    ((run,), _) = _runs(source)
    assert run.hours == run.results[0].hours == Hours.between(KEY, "2026-03-12-08:00")


def test_a_check_of_the_full_table_has_no_hours(instance: dg.DagsterInstance, source: Source) -> None:
    _materialize(instance, "hour", "census", tags={"dagster/partition": KEY})
    ((run,), _) = _runs(source)
    assert {each.subject: each.hours for each in run.results}["census:all_counted"] == NO_HOURS


def test_a_failed_step_with_its_own_error(instance: dg.DagsterInstance, source: Source) -> None:
    error = WarehouseError("It is held. Wait.")
    error.__cause__ = OSError("Conflicting lock")
    _hour(instance, error=error)
    ((run,), _) = _runs(source)

    assert (run.status, run.materialized, run.planned) == ("failure", (), ("after_hour", "hour"))
    (step,) = run.failed_steps
    assert (step.name, step.error, step.message) == (
        "hour",
        "tracks_assets.core.errors.WarehouseError",
        "It is held. Wait.",
    )
    assert not step.is_blocking_check
    assert run.unevaluated == (("hour", "blocking"), ("hour", "counted"))


def test_a_failed_blocking_check(instance: dg.DagsterInstance, source: Source) -> None:
    _hour(instance, blocked=True)
    ((run,), _) = _runs(source)
    assert run.status == "failure"
    assert [step.is_blocking_check for step in run.failed_steps] == [True]


def test_a_check_that_raises(instance: dg.DagsterInstance, source: Source) -> None:
    _materialize(instance, "census", check_error=CheckError("The check computed could not be computed: no."))
    ((run,), _) = _runs(source)
    assert run.failed_steps[0].error == "tracks_assets.quality.several_checks.CheckError"
    assert run.unevaluated == (("census", "computed"),)


def test_a_run_that_dagster_retries_is_not_reported_yet(instance: dg.DagsterInstance, source: Source) -> None:
    run_id = _hour(instance, error=WarehouseError("x"))
    instance.add_run_tags(run_id, {"dagster/will_retry": "true"})
    ((run,), _) = _runs(source)
    assert run.status == "canceled"


def test_a_job_of_ops_has_its_name(instance: dg.DagsterInstance, source: Source) -> None:
    FACTS["error"] = ValueError("two\nlines: of text")
    repair.execute_in_process(instance=instance, raise_on_error=False)
    ((run,), _) = _runs(source)
    assert (run.job, run.planned, run.hours) == ("repair", (), NO_HOURS)
    assert (run.failed_steps[0].error, run.failed_steps[0].message) == ("ValueError", "two\nlines: of text")


def test_a_canceled_run(instance: dg.DagsterInstance, source: Source) -> None:
    run = instance.create_run_for_job(repair)
    instance.report_run_canceled(run)
    ((found,), _) = _runs(source)
    assert found.status == "canceled"


def test_runs_are_read_in_the_order_in_which_they_ended_and_once(
    instance: dg.DagsterInstance, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches, with ends of several kinds, and with some read again each time."""
    ended = []
    for number in range(14):
        if number % 3 == 2:
            ended.append(repair.execute_in_process(instance=instance).run_id)
            continue
        run = instance.create_run_for_job(repair)
        report = instance.report_run_failed if number % 3 else instance.report_run_canceled
        report(run)
        ended.append(run.run_id)
    monkeypatch.setattr(alert_sources, "BATCH", 2)
    monkeypatch.setattr(alert_sources, "OVERLAP", 3)
    found: list[str] = []
    position = None
    for _ in range(30):
        runs, position = _runs(source, position)
        found += [run.run_id for run in runs]
    assert found == ended
    assert position is not None
    assert all(len(each["seen"]) <= 3 for each in position.values())


def test_the_first_look_goes_back_a_day(instance: dg.DagsterInstance, source: Source) -> None:
    old = _hour(instance)
    in_two_days = datetime.now(UTC) + timedelta(days=2)
    runs, position = source.finished_runs(None, in_two_days)
    assert runs == []
    new = _hour(instance)
    runs, position = source.finished_runs(position, in_two_days)
    assert [run.run_id for run in runs] == [new]
    assert [run.run_id for run in _runs(source)[0]] == [old, new]


def test_a_check_without_enough_history_is_no_incident(instance: dg.DagsterInstance, source: Source) -> None:
    """As a can_subset asset does it: the check is planned and not evaluated, and the asset says why."""
    _materialize(instance, "days")
    ((run,), _) = _runs(source)
    assert run.status == "success"
    assert run.unevaluated == (("days", "forgotten"),)


def test_evaluations_without_a_run(instance: dg.DagsterInstance, source: Source) -> None:
    """As a sensor reports them; those of runs are not among them, and each is read once."""
    _hour(instance, passed=False)
    for passed in (False, True, False):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(dg.AssetKey("hour"), "counted", passed=passed, metadata={"finding": "Late."})
        )
    results, position = source.evaluations_without_run(None, datetime.now(UTC))
    assert [(each.subject, each.passed, each.finding) for each in sorted(results, key=lambda each: each.at)] == [
        ("hour:counted", passed, "Late.") for passed in (False, True, False)
    ]
    assert source.evaluations_without_run(position, datetime.now(UTC)) == ([], position)

    _hour(instance)
    instance.report_runless_asset_event(dg.AssetCheckEvaluation(dg.AssetKey("census"), "computed", passed=False))
    results, position = source.evaluations_without_run(position, datetime.now(UTC))
    assert [each.subject for each in results] == ["census:computed"]


def test_what_is_downstream() -> None:
    assert GRAPH.downstream("hour") == ("after_hour", "census")
    assert GRAPH.downstream("census") == ()
    assert GRAPH.partitioned == {"hour", "after_hour"}


@pytest.fixture
def sensor(tmp_path: Path, receiver: HttpReceiver) -> Any:
    settings = read_settings({"TRACKS_HOME": str(tmp_path), "TRACKS_ALERT_URLS": receiver.url})

    def tick(instance: dg.DagsterInstance) -> str:
        with dg.build_sensor_context(instance, definitions=DEFINITIONS) as context:
            skipped = alert_sensor(settings)(context)
        assert isinstance(skipped, dg.SkipReason)
        return str(skipped.skip_message)

    return tick


def test_an_upload_that_is_late_is_reported_and_over(
    instance: dg.DagsterInstance, sensor: Any, receiver: HttpReceiver
) -> None:
    def report(*, passed: bool) -> None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                dg.AssetKey("hour"),
                "counted",
                passed=passed,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"finding": "1 hour is late."},
            )
        )  # fmt: skip

    assert sensor(instance) == "0 open incidents, 0 messages sent, 0 waiting"
    report(passed=False)
    assert sensor(instance) == "1 open incidents, 1 messages sent, 0 waiting"
    report(passed=False)
    assert sensor(instance) == "1 open incidents, 0 messages sent, 0 waiting"
    report(passed=True)
    assert sensor(instance) == "0 open incidents, 1 messages sent, 0 waiting"
    assert receiver.titles == ["[WARN] Check counted failed on hour", "[RECOVERED] Over: Check counted failed on hour"]


def test_a_failed_run_is_reported_once_with_its_cause(
    instance: dg.DagsterInstance, sensor: Any, receiver: HttpReceiver
) -> None:
    for process in (7, 1234):
        _hour(instance, error=WarehouseError(f"It is held by process {process} (bob). Wait."))
        sensor(instance)
    assert receiver.titles == ["[ERROR] Run failed: hour"]
    assert receiver.messages[0]["message"].startswith("It is held by process 7 (hidden). Wait.\n")
    assert f"Partitions: {KEY}\n" in receiver.messages[0]["message"]

    _hour(instance)
    sensor(instance)
    assert receiver.titles[1:] == ["[RECOVERED] Over: Run failed: hour"]


def test_a_run_that_a_blocking_check_ended_is_one_message(
    instance: dg.DagsterInstance, sensor: Any, receiver: HttpReceiver
) -> None:
    _hour(instance, blocked=True)
    sensor(instance)
    assert receiver.titles == ["[ERROR] Check blocking failed on hour"]


def test_a_check_that_could_not_be_computed_is_one_message(
    instance: dg.DagsterInstance, sensor: Any, receiver: HttpReceiver
) -> None:
    _materialize(instance, "census", check_error=CheckError("The check computed could not be computed: no."))
    sensor(instance)
    assert receiver.titles == ["[ERROR] Not evaluated: census:computed"]
    _materialize(instance, "census")
    sensor(instance)
    assert receiver.titles[1:] == ["[RECOVERED] Over: Not evaluated: census:computed"]


def test_what_is_stored_is_sent_even_if_the_records_cannot_be_read(
    instance: dg.DagsterInstance, sensor: Any, receiver: HttpReceiver, tmp_path: Path
) -> None:
    receiver.stop()
    _hour(instance, passed=False)
    sensor(instance)
    receiver.start()
    store = AlertStore(f"sqlite:///{tmp_path}/alerts.db")
    (waiting,) = store.unsent()
    store.claim(waiting, waiting.created)
    store.close()

    settings = read_settings({"TRACKS_HOME": str(tmp_path), "TRACKS_ALERT_URLS": receiver.url})
    with dg.build_sensor_context(instance) as context, pytest.raises(AssertionError):
        alert_sensor(settings)(context)
    assert receiver.titles == ["[WARN] Check counted failed on hour"]


def test_positions_are_stored(instance: dg.DagsterInstance, sensor: Any, tmp_path: Path) -> None:
    _hour(instance)
    sensor(instance)
    store = AlertStore(f"sqlite:///{tmp_path}/alerts.db")
    assert set(store.positions()) == {RUNS, EVALUATIONS, "tick"}
    store.close()
