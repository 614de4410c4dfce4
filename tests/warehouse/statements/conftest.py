"""Google's analyzer, started once for all tests that ask it: starting it takes half a minute."""

import pytest

from tests.warehouse.statements.examples import EXAMPLES, MAKE_TEMPORARY_TABLES, PARAMETERS, STATEMENTS, tables
from tests.warehouse.statements.google import Google


@pytest.fixture(scope="session")
def google() -> Google:
    """The analyzer, with the project's tables and parameters."""
    google = Google(PARAMETERS)
    for name, columns in tables().items():
        google.add_table(name, columns)
    for statement in MAKE_TEMPORARY_TABLES:
        google.add_created(STATEMENTS.text(statement, **EXAMPLES[statement][0]))
    return google
