"""Fixtures of other folders, for alerts of the real graph and of Dagster's daemon."""

from tests.alerts.conftest import receiver
from tests.integration.graph.conftest import home, new_home

__all__ = ["home", "new_home", "receiver"]
