"""Cases that show the same again: ``make test`` takes the first ones, ``make nightly`` all."""

from collections.abc import Iterable
from typing import Any

import pytest


def first_by_day(cases: Iterable[Any], by_day: int = 1) -> list[Any]:
    """The cases of a parametrized test, all but the first ones marked ``nightly``.

    Args:
        cases: the values of each case; a tuple where the test takes several.
        by_day: how many cases ``make test`` runs.
    """
    every = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [
        pytest.param(*values, marks=() if number < by_day else pytest.mark.nightly)
        for number, values in enumerate(every)
    ]
