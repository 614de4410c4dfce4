"""Several checks evaluated in one step: one that cannot be computed hides no other, and is never a result itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tracks_assets.core.errors import ReportedError
from tracks_assets.quality.checks import CheckResult

Check = Callable[[], CheckResult]
"""Asks for a check's figures and gives its result."""


class CheckError(ReportedError):
    """A check could not be computed."""


@dataclass(frozen=True)
class Evaluated:
    """The results of a step's checks, by their names, and what those raised that could not be computed."""

    results: Mapping[str, CheckResult]
    errors: Mapping[str, Exception]

    def __or__(self, other: "Evaluated") -> "Evaluated":
        return Evaluated({**self.results, **other.results}, {**self.errors, **other.errors})

    def raise_errors(self) -> None:
        """To be called once the results are reported.

        Raises:
            CheckError: a check could not be computed; it names every one.
        """
        if self.errors:
            causes = " ".join(f"The check {name} could not be computed: {error}" for name, error in self.errors.items())
            raise CheckError(causes) from next(iter(self.errors.values()))


def evaluate(checks: Mapping[str, Check]) -> Evaluated:
    """Asks every evaluate, whatever another one raises."""
    results: dict[str, CheckResult] = {}
    errors: dict[str, Exception] = {}
    for name, check in checks.items():
        try:
            results[name] = check()
        except Exception as error:
            errors[name] = error
    return Evaluated(results, errors)


def with_examples(result: CheckResult, find: Callable[[], Sequence[str]]) -> CheckResult:
    """A result that failed, with ids to look at: finding them reads the table once more, so a green one has none."""
    return result if result.passed else replace(result, examples=tuple(find()))
