"""Google's analyzer, started once for all tests that ask it: starting it takes half a minute."""

from typing import TYPE_CHECKING

import pytest

from tests.warehouse.statements.examples import EXAMPLES, MAKE_TEMPORARY_TABLES, PARAMETERS, STATEMENTS, tables

if TYPE_CHECKING:
    from tests.warehouse.statements.google import Google


@pytest.fixture(scope="session")
def google() -> "Google":
    """The analyzer, with the project's tables and parameters."""
    # Importing it takes a second, in each process that collects tests of this folder.
    from tests.warehouse.statements.google import Google  # noqa: PLC0415

    google = Google(PARAMETERS)
    for name, columns in tables().items():
        google.add_table(name, columns)
    for statement in MAKE_TEMPORARY_TABLES:
        google.add_created(STATEMENTS.text(statement, **EXAMPLES[statement][0]))
    return google
