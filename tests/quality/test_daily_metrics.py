"""The asset in a real Dagster, on weeks of events: what dropped is found, what is quiet is not, and nothing breaks."""

from collections.abc import Callable
from datetime import timedelta

import dagster as dg
import pytest

from tests.integration.graph.conftest import Home
from tests.quality.weeks import DAY, START, Counts, fill
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.quality.anomalies import DAILY_METRICS_KEY
from tracks_assets.warehouse.statements import Statements

WEEK = (50, 60, 55, 45, 48, 20, 15)
DAYS = 40
CHECKS = {"raw_tracks_volume", "tracks_volume", "event_name_volume", "client_volume", "update_delay"}

HOSTILE = (
    '"><script>alert(1)</script>',
    "name | with `ticks` | and bars",
    "two\n\n# lines\r\nand more",
    "![x](http://127.0.0.1/x.png) [y](javascript:alert(1))",
    "'; drop table posthog.tracks; --",
    "\\' \\\\ {{ 1 }} {% raw %} $$ $x$ @x",
    "\u202ereversed\u200b",
    "long " * 900,
    "",
)


def week(factor: float = 1, days: int = DAYS) -> list[int]:
    return [round(factor * WEEK[day % 7]) for day in range(days)]


def count(home: Home) -> dg.ExecuteInProcessResult:
    """Materializes the asset in this home with all its checks; a failure is a result."""
    job = build_definitions(home.settings).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        return job.execute_in_process(asset_selection=[DAILY_METRICS_KEY], instance=instance, raise_on_error=False)


def evaluations(run: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {each.check_name: each for each in run.get_asset_check_evaluations()}


def results(run: dg.ExecuteInProcessResult) -> dict[str, object]:
    """How each check ended; what its result says agrees with whether it passed."""
    found = evaluations(run)
    assert all(each.passed == (each.metadata["result"].value == "passed") for each in found.values())
    return {name: each.metadata["result"].value for name, each in found.items()}


def asset_metadata(run: dg.ExecuteInProcessResult) -> dict[str, object]:
    (event,) = run.get_asset_materialization_events()
    return {name: each.value for name, each in event.materialization.metadata.items()}


def five_events(**changes: list[int]) -> Counts:
    """Weeks of five kinds of events, of which some are others."""
    return {
        ("$pageview", "web"): changes.get("pageview", week(4)),
        ("open", "ios"): changes.get("open", week(3)),
        ("signup", "web"): changes.get("signup", week(0.5)),
        ("purchase", "web"): changes.get("purchase", week(0.8)),
        ("refund", None): changes.get("refund", week(0.8)),
    }


def test_an_event_that_stopped_is_found_and_the_others_pass(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_PURCHASE_FLOW_EVENTS="purchase, refund,never sent")
    fill(home.warehouse(), five_events(signup=[*week(0.5)[:-1], 0]))
    run = count(home)
    assert results(run) == {
        **dict.fromkeys(CHECKS, "passed"),
        "event_name_volume": "failed",
        "purchase_flow_volume": "passed",
    }
    found = evaluations(run)["event_name_volume"]
    figures = {name: each.value for name, each in found.metadata.items()}
    assert found.severity == dg.AssetCheckSeverity.WARN
    assert (figures["value"], figures["expected"], figures["training_days"]) == (0, 24, 28)
    assert 0 < float(str(figures["expected_low"])) < 24 < float(str(figures["expected_high"]))
    assert figures["finding"] == "1 of 3 event names is out of the expected range."
    assert "signup" not in f"{figures['finding']}{figures['comparison']}{figures['next_step']}"
    assert '"signup", 0 rows on Friday, 2026-07-10' in str(found.description)
    assert "| `signup` | Fri 2026-07-10 | 0 |" in str(figures["anomalous_days"])
    assert str(figures["plot"]).startswith("![The training days and the day](data:image/png;base64,iVBOR")
    assert len(str(figures["plot"])) < 30_000
    flow = evaluations(run)["purchase_flow_volume"]
    assert flow.metadata["series_without_history"].value == 1, "never sent"
    assert "1 more has not enough history" in str(flow.description)
    assert asset_metadata(run)["not_enough_history"] == []


def test_a_purchase_that_stopped_is_an_error(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_PURCHASE_FLOW_EVENTS="purchase")
    fill(home.warehouse(), five_events(purchase=[*week(0.8)[:-2], 0, 0]))
    run = count(home)
    assert results(run) == {**dict.fromkeys(CHECKS, "passed"), "purchase_flow_volume": "failed"}
    found = evaluations(run)["purchase_flow_volume"]
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.metadata["anomalies"].value == 2, "both days of the detection period"


def test_the_check_of_the_purchase_flow_is_there_only_where_it_is_set(new_home: Callable[..., Home]) -> None:
    graph = build_definitions(new_home().settings).resolve_asset_graph()
    assert {key.name for key in graph.asset_check_keys if key.asset_key == DAILY_METRICS_KEY} == CHECKS


@pytest.mark.parametrize("days", [0, 7])
def test_without_enough_history_no_check_passes_or_fails(home: Home, days: int) -> None:
    """Seven days are six of history before the newest one."""
    if days:
        fill(home.warehouse(), {("open", "web"): week(days=days)})
    run = count(home)
    assert run.success
    assert results(run) == {}
    assert set(asset_metadata(run)["not_enough_history"]) == CHECKS  # type: ignore[call-overload]
    keys = [dg.AssetCheckKey(DAILY_METRICS_KEY, name) for name in CHECKS]
    with dg.DagsterInstance.from_config(str(home.path / "dagster")) as instance:
        shown = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    assert {each.status.value for each in shown.values()} == {"PLANNED"}, "skipped, in a run that succeeded"


@pytest.mark.thorough
def test_late_events_of_the_days_before_the_first_load_are_no_history(home: Home) -> None:
    fill(home.warehouse(), {("open", "web"): week(20, days=7)})
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute(
            "insert into posthog.tracks (event_id, created_at, event_name, client) "
            "select 'late-' || days, $1 - to_days(days), 'open', 'web' from generate_series(1, 30) as t(days)",
            [START],
        )
    run = count(home)
    assert run.success
    assert results(run) == {}


@pytest.mark.thorough
def test_the_days_of_an_old_pipeline_are_history(home: Home) -> None:
    fill(home.warehouse(), {("open", "web"): week(days=40)})
    with home.warehouse().opened() as warehouse:
        for log in ("load_log", "merge_log"):
            warehouse.connection.execute(f"delete from posthog_ops.{log} where window_start < $1", [START + 37 * DAY])
    assert results(count(home)) == dict.fromkeys(("tracks_volume", "event_name_volume", "client_volume"), "passed")


@pytest.mark.thorough
def test_seven_days_of_history_are_enough(home: Home) -> None:
    fill(home.warehouse(), {("open", "web"): week(days=8)})
    assert results(count(home)) == dict.fromkeys(CHECKS, "passed")


def test_late_loads_are_found_and_hours_that_are_missing_are_named(home: Home) -> None:
    fill(home.warehouse(), {("open", "web"): week(20)}, delays={DAYS - 1: timedelta(hours=3)})
    with home.warehouse().opened() as warehouse:
        newest = [START + (DAYS - 1) * DAY, START + (DAYS - 1) * DAY + timedelta(hours=15)]
        for table, column in (("posthog_ops.load_log", "window_start"), ("posthog.tracks", "created_at")):
            warehouse.connection.execute(f"delete from {table} where {column} between $1 and $2", newest)
    run = count(home)
    assert results(run) == {
        "raw_tracks_volume": "failed",
        "tracks_volume": "failed",
        "event_name_volume": "failed",
        "client_volume": "failed",
        "update_delay": "failed",
    }
    found = {name: each.metadata for name, each in evaluations(run).items()}
    assert "16 of the day's 24 export hours are not loaded" in str(found["tracks_volume"]["comparison"].value)
    assert "Load the missing hours" in str(found["tracks_volume"]["next_step"].value)
    assert found["update_delay"]["value"].value == 3 * 3600
    assert "at most 1 h 1" in str(found["update_delay"]["comparison"].value)


@pytest.mark.thorough
def test_hostile_names_do_no_harm(new_home: Callable[..., Home]) -> None:
    home = new_home(TRACKS_PURCHASE_FLOW_EVENTS=HOSTILE[4])
    stopped = [*week()[:-1], 0]
    fill(home.warehouse(), {**five_events(), **{(name, name): stopped for name in HOSTILE}})
    run = count(home)
    assert run.success
    found = evaluations(run)
    assert found["event_name_volume"].metadata["anomalies"].value == len(HOSTILE) - 1
    assert found["client_volume"].metadata["anomalies"].value == len(HOSTILE)
    assert found["purchase_flow_volume"].metadata["anomalies"].value == 1
    table = str(found["client_volume"].metadata["anomalous_days"].value).splitlines()[2:]
    assert len(table) == len(HOSTILE)
    for line in table:
        assert line.count("|") == 5
        assert line.count("`") == 2, "a name is inline code, and nothing else"
        assert len(line) < 120
        assert line.isprintable()
    for evaluation in found.values():
        assert str(evaluation.description).isprintable()
        assert len(str(evaluation.description)) < 600
    with home.warehouse().opened() as warehouse:
        names = warehouse.connection.execute(
            "select distinct dimension_value from posthog_ops.daily_metrics where dimension = 'client'"
        ).fetchall()
    assert set(HOSTILE) <= {name for (name,) in names}, "the table has them as they are"


def test_a_count_that_fails_fails_its_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    text = Statements.text

    def broken(self: Statements, statement: str, /, **variables: object) -> str:
        return "select error('broken')" if statement == "count_tracks_by_day" else text(self, statement, **variables)

    fill(home.warehouse(), {("open", "web"): week(days=10)})
    monkeypatch.setattr(Statements, "text", broken)
    run = count(home)
    assert not run.success
    assert results(run) == {}


@pytest.mark.thorough
def test_counting_again_replaces_the_days(home: Home) -> None:
    fill(home.warehouse(), {("open", "web"): week()})
    assert count(home).success
    with home.warehouse().opened() as warehouse:
        warehouse.connection.execute("delete from posthog.tracks where created_at < $1", [START + 20 * DAY])
        before = warehouse.connection.execute("select count(*) from posthog_ops.daily_metrics").fetchall()
    assert count(home).success
    with home.warehouse().opened() as warehouse:
        stamps, oldest = warehouse.connection.execute(
            "select count(distinct measured_at), min(bucket_start) from posthog_ops.daily_metrics "
            "where bucket_start >= $1 and table_name = 'tracks'",
            [START + 5 * DAY],
        ).fetchall()[0]
        after = warehouse.connection.execute("select count(*) from posthog_ops.daily_metrics").fetchall()
    assert (stamps, oldest) == (1, START + 20 * DAY)
    assert after < before
