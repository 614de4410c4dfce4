"""Cases that show the same again: ``make test`` runs the first ones, ``make thorough`` the others."""

from collections.abc import Iterable
from typing import Any

import pytest


def first_in_make_test(cases: Iterable[Any], first: int = 1) -> list[Any]:
    """The cases of a parametrized test, all but the first ones marked ``thorough``.

    Args:
        cases: the values of each case; a tuple where the test takes several.
        first: how many cases ``make test`` runs.
    """
    every = [case if isinstance(case, tuple) else (case,) for case in cases]
    return [
        pytest.param(*values, marks=() if number < first else pytest.mark.thorough)
        for number, values in enumerate(every)
    ]
