"""Several checks judged in one step: one that cannot be computed hides no other, and is never a verdict itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tracks_assets.quality.checks import Verdict

Judge = Callable[[], Verdict]
"""Asks for a check's figures and gives its verdict."""


class CheckError(Exception):
    """A check could not be computed; the message is for the person on duty."""


@dataclass(frozen=True)
class Judged:
    """The verdicts of a step's checks, by their names, and what those raised that could not be computed."""

    verdicts: Mapping[str, Verdict]
    errors: Mapping[str, Exception]

    def __or__(self, other: "Judged") -> "Judged":
        return Judged({**self.verdicts, **other.verdicts}, {**self.errors, **other.errors})

    def raise_errors(self) -> None:
        """To be called once the verdicts are told.

        Raises:
            CheckError: a check could not be computed; it names every one.
        """
        if self.errors:
            causes = " ".join(f"The check {name} could not be computed: {error}" for name, error in self.errors.items())
            raise CheckError(causes) from next(iter(self.errors.values()))


def judge(judges: Mapping[str, Judge]) -> Judged:
    """Asks every judge, whatever another one raises."""
    verdicts: dict[str, Verdict] = {}
    errors: dict[str, Exception] = {}
    for name, ask in judges.items():
        try:
            verdicts[name] = ask()
        except Exception as error:
            errors[name] = error
    return Judged(verdicts, errors)


def with_examples(verdict: Verdict, find: Callable[[], Sequence[str]]) -> Verdict:
    """A verdict that failed, with ids to look at: finding them reads the table once more, so a green one has none."""
    return verdict if verdict.passed else replace(verdict, examples=tuple(find()))
