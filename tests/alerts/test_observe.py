"""From facts to observations: each matter once, and no event value unless the settings allow it."""

from dataclasses import replace

import pytest

from tests.alerts.seen import FIVE, NOW, UNIQUE, result, run
from tracks_assets.alerts.facts import FailedStep, Kind, Ticks
from tracks_assets.alerts.observe import Context, of_check, of_run, of_ticks

CONTEXT = Context(
    ui_url="http://ui",
    location="tracks",
    downstream=lambda asset: ("growth/events",) if asset == "posthog/tracks" else (),
)
LOCKED = FailedStep("raw_tracks", "tracks_assets.core.errors.WarehouseError", "It is held (by 7). Wait, run again.")
NOT_COMPUTED = FailedStep(
    "batch_checks",
    "tracks_assets.quality.several_checks.CheckError",
    "The check unique_event_id could not be computed: no (bob).",
)
BLOCKED = FailedStep(
    "tracks", "dagster._core.errors.DagsterAssetCheckFailedError", "1 blocking", is_blocking_check=True
)


def test_a_failed_check_in_parts() -> None:
    seen = of_check(result(), CONTEXT)

    assert (seen.kind, seen.subject, seen.healthy, seen.severity) == (Kind.CHECK, UNIQUE, False, "ERROR")
    assert seen.title == "Check unique_event_id failed on posthog/tracks"
    assert seen.finding == "12 of 200 events are duplicated."
    assert seen.compared_with == "No event id of the hours just merged is duplicated."
    assert seen.figures == (("batch_ids", 200), ("repeated_ids", 12))
    assert seen.ids == ("id-1", "id-2")
    assert seen.hours == FIVE
    assert seen.downstream == ("growth/events",)
    assert seen.next_step == "Trace an id."
    assert seen.runbook == "docs/runbooks.md#which-check-is-red"
    assert seen.link == "http://ui/assets/posthog/tracks?view=checks&checkDetail=unique_event_id"


def test_a_description_is_shown_only_if_values_may_be() -> None:
    assert "bob" not in repr(of_check(result(), CONTEXT))
    assert "bob" not in repr(of_check(result(finding="", next_step=""), CONTEXT))
    assert of_check(result(), replace(CONTEXT, show_values=True)).finding == "12 of bob@\u2060example.com."


@pytest.mark.parametrize("text", ["mail bob@example.com", "bob@example.com", "<b>", "Bob Smith", "x" * 81, "b\u00f6b"])
def test_an_id_that_is_more_than_an_id_is_shown_only_if_values_may_be(text: str) -> None:
    hostile = result(ids=("01a21f0a-ec55", text, text))
    assert of_check(hostile, CONTEXT).ids == ("01a21f0a-ec55", "(hidden)")
    assert "(hidden)" not in of_check(hostile, replace(CONTEXT, show_values=True)).ids


def test_a_comparison_of_the_checks_own_comes_before_its_rule() -> None:
    assert of_check(result(comparison="0 may be."), CONTEXT).compared_with == "0 may be."


def test_a_section_of_the_checks_own_comes_before_the_general_one() -> None:
    assert of_check(result(runbook="docs/runbooks.md#a"), CONTEXT).runbook == "docs/runbooks.md#a"


def test_late_uploads_are_reported_by_the_sensor_and_not_by_runs() -> None:
    late = result(asset="posthog/events_parquet", check="upload_complete")
    assert [each.kind for each in of_run(run(results=(late, replace(late, passed=True))), CONTEXT)] == [Kind.RUN]
    assert not of_check(late, CONTEXT).healthy


def test_a_run_that_succeeded_says_what_it_made() -> None:
    (seen,) = of_run(run(), CONTEXT)
    assert (seen.kind, seen.healthy, seen.job) == (Kind.RUN, True, "hourly")
    assert seen.assets == ("posthog/raw_tracks", "posthog/tracks")


def test_a_failed_check_of_a_run_that_succeeded_is_one_matter() -> None:
    seen = of_run(run(results=(result(), result(check="no_collisions", passed=True))), CONTEXT)
    assert [each.title for each in seen if not each.healthy] == ["Check unique_event_id failed on posthog/tracks"]
    assert seen[-1].checks == (UNIQUE, "posthog/tracks:no_collisions")


def test_a_failed_run_is_one_matter_with_its_cause() -> None:
    failed = run(
        status="failure", failed_steps=(LOCKED,), materialized=(), unevaluated=(("posthog/tracks", "unique_event_id"),)
    )
    (seen,) = of_run(failed, CONTEXT)

    assert seen.title == "Run failed: raw_tracks"
    assert seen.finding == "It is held (hidden). Wait, run again."
    assert seen.assets == ("posthog/raw_tracks", "posthog/tracks")
    assert seen.checks == (UNIQUE,)
    assert seen.downstream == ("growth/events",)
    assert seen.link == "http://ui/runs/run-1"
    assert seen.runbook == "docs/alerts.md#a-run-failed"


def test_a_run_that_could_not_evaluate_a_check_is_one_matter() -> None:
    failed = run(status="failure", failed_steps=(NOT_COMPUTED,), unevaluated=(("posthog/tracks", "unique_event_id"),))
    (seen,) = of_run(failed, CONTEXT)

    assert seen.title == "Not evaluated: posthog/tracks:unique_event_id"
    assert seen.finding == "The check unique_event_id could not be computed: no (hidden)."
    assert seen.assets == ()
    assert seen.runbook == "docs/alerts.md#a-check-could-not-be-evaluated"


def test_a_run_that_a_blocking_check_ended_is_reported_as_the_check() -> None:
    failed = run(status="failure", failed_steps=(BLOCKED,), results=(result(),), materialized=())
    assert [each.title for each in of_run(failed, CONTEXT)] == ["Check unique_event_id failed on posthog/tracks"]


def test_a_run_with_a_blocking_check_and_a_cause_of_its_own_is_two_matters() -> None:
    failed = run(status="failure", failed_steps=(BLOCKED, LOCKED), results=(result(),), materialized=())
    assert [each.kind for each in of_run(failed, CONTEXT)] == [Kind.CHECK, Kind.RUN]


def test_several_steps_are_one_matter() -> None:
    failed = run(status="failure", failed_steps=(LOCKED, replace(LOCKED, name="persons")))
    (seen,) = of_run(failed, CONTEXT)
    assert seen.title == "Run failed: raw_tracks, persons"
    assert seen.finding.endswith("The steps persons failed, too.")


def test_a_run_without_a_failed_step_says_why() -> None:
    failed = run(status="failure", message="The run's process is gone ('bob').")
    (seen,) = of_run(failed, CONTEXT)
    assert (seen.title, seen.finding) == ("Run failed: hourly", "The run's process is gone (hidden).")


def test_the_same_cause_is_the_same_subject_however_started_the_run() -> None:
    one, other, third = (
        of_run(run(status="failure", failed_steps=(step,), job=job), CONTEXT)[0].identity
        for job, step in (
            ("hourly", LOCKED),
            ("", replace(LOCKED, message="It is held (by 8). Wait, run again.")),
            ("hourly", replace(LOCKED, message="The disk is full.")),
        )
    )
    assert one == other != third


def test_a_check_without_a_result_in_a_run_that_succeeded() -> None:
    seen = of_run(run(unevaluated=(("posthog/tracks", "unique_event_id"),)), CONTEXT)[0]
    assert (seen.subject, seen.healthy) == (UNIQUE, False)
    assert seen.title == "Check unique_event_id on posthog/tracks was not evaluated"


def test_a_canceled_run_is_nobodys_incident_but_its_results_count() -> None:
    canceled = run(status="canceled", results=(result(),), unevaluated=(("posthog/tracks", "no_collisions"),))
    assert [each.subject for each in of_run(canceled, CONTEXT)] == [UNIQUE]


@pytest.mark.parametrize(
    ("kind", "failures", "healthy"),
    [
        ("sensor", 0, True),
        ("sensor", 1, None),
        ("sensor", 2, False),
        ("schedule", 0, True),
        ("schedule", 1, False),
    ],
)
def test_failures_in_a_row_make_an_incident(kind: str, failures: int, healthy: bool | None) -> None:
    seen = of_ticks(Ticks(kind, "export_complete", NOW, failures, "OSError", "bob"), CONTEXT)  # type: ignore[arg-type]
    assert (seen.healthy if seen else None) is healthy
    if seen and not healthy:
        assert seen.title == f"The {kind} export_complete fails"
        assert seen.link == f"http://ui/locations/tracks/{kind}s/export_complete"
        assert "bob" not in repr(seen)


def test_hostile_names_are_quoted_in_links_and_plain_in_titles() -> None:
    seen = of_check(result(asset="a/<b>", check="x?y=1&z#<script>"), CONTEXT)
    assert seen.link == "http://ui/assets/a/%3Cb%3E?view=checks&checkDetail=x%3Fy%3D1%26z%23%3Cscript%3E"
    assert "<" not in seen.title
