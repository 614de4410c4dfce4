"""What the tests of alerts use, for the tests with Dagster's processes."""

from tests.alerts.conftest import receiver
from tests.integration.graph.conftest import home, new_home

__all__ = ["home", "new_home", "receiver"]
