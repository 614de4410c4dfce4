"""From recorded facts to observations: what a finished run, an evaluation or a tick says about the pipeline.

A run says each thing once: where a check could not be evaluated because the run failed, or the run failed because a
blocking check did, that is one observation and not two.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from tracks_assets.alerts import runbook
from tracks_assets.alerts.facts import CheckResult, FailedStep, FinishedRun, Kind, Observation, Ticks
from tracks_assets.alerts.text import cause_text, fingerprint, hide_values, id_text, plain
from tracks_assets.quality.several_checks import CheckError

TICKS_IN_A_ROW = {"sensor": 2, "schedule": 1}
"""Failed ticks that make an incident. A sensor's next tick comes within a minute or so, a schedule's in hours."""

_CHECK_ERROR = f"{CheckError.__module__}.{CheckError.__qualname__}"
"""Raised by a step whose checks could not all be computed."""

_SHOWN = 10


def _no_assets(_asset: str) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Context:
    """What observations are made with.

    Attributes:
        show_values: whether event values may be shown.
        ui_url: the address of Dagster's UI.
        location: the code location's name.
        downstream: the assets that read an asset, by its key.
    """

    show_values: bool = False
    ui_url: str = ""
    location: str = ""
    downstream: Callable[[str], tuple[str, ...]] = _no_assets

    def check_page(self, asset: str, check: str) -> str:
        """The page of a check."""
        return f"{self.ui_url}/assets/{quote(asset)}?view=checks&checkDetail={quote(check, safe='')}"

    def run_page(self, run_id: str) -> str:
        """The page of a run."""
        return f"{self.ui_url}/runs/{quote(run_id, safe='')}"

    def ticks_page(self, kind: Kind, name: str) -> str:
        """The page of a sensor or schedule."""
        return f"{self.ui_url}/locations/{quote(self.location, safe='')}/{kind.value}s/{quote(name, safe='')}"

    def affected(self, assets: Sequence[str]) -> tuple[str, ...]:
        """The assets downstream of some, without these, each once."""
        below = [asset for each in assets for asset in self.downstream(each) if asset not in assets]
        return tuple(dict.fromkeys(below))


def of_check(result: CheckResult, context: Context) -> Observation:
    """What an evaluation of a check says."""
    asset, check = plain(result.asset, 200), plain(result.check, 200)
    if result.passed:
        return Observation(
            Kind.CHECK, result.subject, True, result.at, title=f"Check {check} on {asset}", hours=result.hours
        )
    shown = result.description if context.show_values else result.finding
    return Observation(
        Kind.CHECK,
        result.subject,
        False,
        result.at,
        result.severity,
        title=f"Check {check} failed on {asset}",
        finding=plain(shown),
        compared_with=plain(result.comparison or result.rule, 300),
        figures=tuple((plain(name, 100), figure) for name, figure in result.figures[:_SHOWN]),
        ids=tuple(
            dict.fromkeys(id_text(event_id, show_values=context.show_values) for event_id in result.ids[:_SHOWN])
        ),
        hours=result.hours,
        downstream=context.affected([result.asset]),
        next_step=plain(result.next_step) or runbook.READ_CHECK,
        runbook=plain(result.runbook) or runbook.RED_CHECK,
        link=context.check_page(result.asset, result.check),
    )


def of_run(run: FinishedRun, context: Context) -> list[Observation]:
    """What a finished run says: about its checks, and about itself."""
    observations = [
        of_check(result, context) for result in run.results if result.subject not in runbook.REPORTED_WITHOUT_RUN
    ]
    if run.status == "success":
        observations += [_not_evaluated(run, asset, check, context) for asset, check in run.unevaluated]
    evaluated = tuple(result.subject for result in run.results)
    if run.status != "failure":
        done = Observation(
            Kind.RUN,
            run.job,
            run.status == "success",
            run.ended,
            hours=run.hours,
            job=run.job,
            assets=run.materialized,
            checks=evaluated,
        )
        return observations + ([done] if done.healthy else [])
    causes = [step for step in run.failed_steps if not step.is_blocking_check]
    if run.failed_steps and not causes:
        return observations
    return [*observations, _failed(run, causes, context)]


def _not_evaluated(run: FinishedRun, asset: str, check: str, context: Context) -> Observation:
    return Observation(
        Kind.CHECK,
        f"{asset}:{check}",
        False,
        run.ended,
        title=f"Check {plain(check, 200)} on {plain(asset, 200)} was not evaluated",
        finding="The run planned the check and finished without a result for it.",
        hours=run.hours,
        downstream=context.affected([asset]),
        next_step=runbook.EVALUATE_AGAIN,
        runbook=runbook.NOT_EVALUATED,
        link=context.run_page(run.run_id),
    )


def _failed(run: FinishedRun, causes: Sequence[FailedStep], context: Context) -> Observation:
    """What a run says that failed for a cause of its own."""
    is_check = bool(causes) and all(step.error == _CHECK_ERROR for step in causes)
    checks = tuple(f"{asset}:{check}" for asset, check in run.unevaluated)
    missing = tuple(asset for asset in run.planned if asset not in run.materialized)
    steps = [plain(step.name, 100) for step in causes]
    first = causes[0] if causes else FailedStep("", "", run.message)
    marks = [fingerprint(step.error, step.message) for step in causes] or [fingerprint("", run.message)]
    if causes:
        finding = cause_text(first.error, first.message, show_values=context.show_values)
    else:
        # Dagster's own sentence, such as that the run's process is gone.
        finding = plain(run.message if context.show_values else hide_values(run.message))
    others = f" The steps {', '.join(steps[1:])} failed, too." if len(steps) > 1 else ""
    names = ", ".join(plain(check, 200) for check in checks[:_SHOWN])
    return Observation(
        Kind.RUN,
        "|".join([run.job if not causes else "", *sorted(step.name for step in causes), *sorted(marks)]),
        False,
        run.ended,
        title=f"Not evaluated: {names}" if is_check and names else f"Run failed: {_subject(run, steps)}",
        finding=finding + others,
        hours=run.hours,
        job=run.job,
        assets=missing,
        checks=checks,
        downstream=context.affected(missing),
        next_step=runbook.EVALUATE_AGAIN if is_check else runbook.READ_RUN,
        runbook=runbook.NOT_EVALUATED if is_check else runbook.FAILED_RUN,
        link=context.run_page(run.run_id),
    )


def _subject(run: FinishedRun, steps: Sequence[str]) -> str:
    return ", ".join(steps) or plain(run.job, 100) or ", ".join(plain(asset, 100) for asset in run.planned[:_SHOWN])


def of_ticks(ticks: Ticks, context: Context) -> Observation | None:
    """What the newest ticks of a sensor or schedule say; nothing where too few failed to know."""
    kind, name = Kind(ticks.kind), plain(ticks.name, 200)
    if not ticks.failures:
        return Observation(kind, ticks.name, True, ticks.at, title=f"The {ticks.kind} {name}")
    if ticks.failures < TICKS_IN_A_ROW[ticks.kind]:
        return None
    return Observation(
        kind,
        ticks.name,
        False,
        ticks.at,
        title=f"The {ticks.kind} {name} fails",
        finding=cause_text(ticks.error, ticks.message, show_values=context.show_values),
        next_step=runbook.of_ticks(kind),
        runbook=runbook.FAILING_TICKS,
        link=context.ticks_page(kind, ticks.name),
    )
