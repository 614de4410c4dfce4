"""How many random examples the property tests try, and that ``make test`` always tries the same ones."""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("TRACKS_TESTS_EXAMPLES", "6"))
"""Examples for each of the main properties; the CI takes 20, and ``make property`` many times more."""

many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
some = settings(many, max_examples=EXAMPLES // 2)
few = settings(many, max_examples=max(2, EXAMPLES // 5))
"""Where an example takes a second."""
