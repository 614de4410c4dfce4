"""That neither engine's side is forgotten: a statement has its text for BigQuery, with an example, a macro has both.

This needs no analyzer; what the texts say is looked at in ``test_google.py``.
"""

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.warehouse.statements.examples import (
    EXAMPLES,
    MAKE_TEMPORARY_TABLES,
    PARAMETERS,
    STATEMENTS,
    WITH_VARIABLES,
    WITHOUT_VARIABLES,
)
from tracks_assets.core.sql_files import macros
from tracks_assets.warehouse.bigquery.engine import Part
from tracks_assets.warehouse.statements import CROSS_DB, SQL, TableReference, bigquery_statements
from tracks_assets.warehouse.tables import EVERY_TABLE

OTHER_STATEMENTS = {
    "delete_slice": ("replace_slice",),
    "delete_rows_to_remove": ("rewrite_tracks",),
    "count_collided_legacy": ("count_missing_legacy",),
    "drop_repeated_legacy": ("insert_missing_legacy",),
    "find_collided_legacy": ("count_missing_legacy", "keep_collided_legacy"),
    "find_rows_to_remove": ("rewrite_tracks",),
    "find_repeated_legacy": ("count_missing_legacy", "insert_missing_legacy"),
    "find_missing_legacy": ("count_missing_legacy", "insert_missing_legacy"),
}
"""What DuckDB does in a statement that BigQuery does not need, and in which ones BigQuery does it."""

NO_STATEMENT = {
    "create_table": "the client library creates tables, with partitioning, clustering and descriptions",
    "snapshot_tracks": "a snapshot is a copy job",
    "removed_content": "is the difference of two fingerprints",
    "database_size": "BigQuery knows no limit of storage",
    "stored_blocks": "a dry run reports the bytes that a query reads",
    "stored_columns": "the client library reads a table's columns",
    "table_exists": "the client library looks for tables",
}
"""What only DuckDB is asked in SQL, and why."""


ALONE = {"acquire_write_lock"}
"""What DuckDB's own client, or its lock on the file, does without a text of the project's."""


def _names(folder: str) -> set[str]:
    return {path.stem for path in (SQL / folder).glob("*.sql")}


def _signatures(prefix: str) -> dict[str, tuple[str, ...]]:
    """The arguments of the macros in the file of an engine, or in the one that dispatches."""
    module = macros(CROSS_DB / f"{prefix or 'dialect__'}.sql".replace("__", ""))
    found = {name: macro.arguments for name, macro in vars(module).items() if hasattr(macro, "arguments")}
    return {name.removeprefix(prefix): arguments for name, arguments in found.items()}


def test_every_statement_has_an_example() -> None:
    missing = sorted((_names("both") | _names("bigquery")) - set(EXAMPLES))
    assert not missing, (
        f"add {', '.join(missing)} to tests/warehouse/statements/examples.py, with an example of each variable"
    )


def test_every_example_has_its_statement() -> None:
    gone = sorted(set(EXAMPLES) - _names("both") - _names("bigquery"))
    assert not gone, f"take {', '.join(gone)} out of tests/warehouse/statements/examples.py: there is no such statement"
    assert set(WITHOUT_VARIABLES) & set(WITH_VARIABLES) == set()


def test_every_parameter_has_a_type_and_none_is_left_over() -> None:
    texts = [STATEMENTS.text(name, **variables) for name, examples in EXAMPLES.items() for variables in examples]
    named = {name for text in texts for name in re.findall(r"@(\w+)", text)}
    assert named == set(PARAMETERS), "PARAMETERS in tests/warehouse/statements/examples.py names each query parameter"


def test_every_temporary_table_is_known_to_the_analyzer() -> None:
    making = {
        name
        for name, (variables, *_) in EXAMPLES.items()
        if re.search(r"^create .*\btemp\b", STATEMENTS.text(name, **variables), re.MULTILINE)
    }
    assert making == set(MAKE_TEMPORARY_TABLES), (
        "MAKE_TEMPORARY_TABLES in tests/warehouse/statements/examples.py names each"
    )


def test_every_statement_of_duckdbs_has_its_other_side() -> None:
    alone = sorted(_names("duckdb") - _names("bigquery") - set(OTHER_STATEMENTS) - set(NO_STATEMENT))
    assert not alone, f"write {', '.join(alone)} for BigQuery, or say in test_both_sides.py what is in its place"


def test_every_statement_of_bigquerys_has_its_other_side() -> None:
    in_the_place_of = {name for names in OTHER_STATEMENTS.values() for name in names}
    alone = sorted(_names("bigquery") - _names("duckdb") - in_the_place_of - ALONE)
    assert not alone, f"write {', '.join(alone)} for DuckDB, or say in test_both_sides.py in whose place it is"


def test_no_reason_is_left_over() -> None:
    assert set(OTHER_STATEMENTS) | set(NO_STATEMENT) <= _names("duckdb") - _names("bigquery")
    assert {name for names in OTHER_STATEMENTS.values() for name in names} <= _names("bigquery")


def test_a_name_is_for_both_engines_or_for_one_text_each() -> None:
    """A file of both engines that one of them overrides would be read by nobody on that side."""
    assert _names("both") & (_names("duckdb") | _names("bigquery")) == set()


def test_every_macro_that_is_dispatched_has_a_text_for_each_engine() -> None:
    assert _signatures("duckdb__") == _signatures("bigquery__") == _signatures("")
    assert {"is_uuid7", "row_hash"} <= set(_signatures(""))


@pytest.mark.parametrize("statement", sorted(EXAMPLES))
def test_a_dataset_prefix_reaches_every_table(statement: str) -> None:
    """A table without it would be another team's."""
    prefixed = bigquery_statements("project", "dev_")
    for variables in EXAMPLES[statement]:
        text = prefixed.text(statement, **_with_prefix(variables))
        assert set(re.findall(r"`project\.(\w+)\.", text)) <= {f"dev_{table.schema}" for table in EVERY_TABLE}
        assert not re.search(r"\bposthog\.", re.sub(r"`[^`]*`", "", text))


def _with_prefix(variables: dict[str, Any]) -> dict[str, Any]:
    return {name: _prefixed(value) for name, value in variables.items()}


def _prefixed(value: Any) -> Any:
    if isinstance(value, Part):
        return replace(value, table=_prefixed(value.table), staged=_prefixed(value.staged))
    if isinstance(value, TableReference):
        return replace(value, qualified=_prefixed(value.qualified))
    if isinstance(value, list):
        return [_prefixed(each) for each in value]
    if isinstance(value, dict):
        return _with_prefix(value)
    return value.replace("`project.", "`project.dev_") if isinstance(value, str) else value
