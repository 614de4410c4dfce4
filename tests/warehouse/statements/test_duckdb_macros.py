"""What the dialect macros give on DuckDB; ``test_google.py`` holds Google's to the same values."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.warehouse.statements.macro_cases import CASES, IDS, Case
from tests.warehouse.statements.sample import ONE_CHANGED, hashed, minted_at

VECTOR = 2048
"""Rows that DuckDB looks at together."""


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that is set up as the warehouse's."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_macro_has_this_value_on_duckdb(connection: duckdb.DuckDBPyConnection, case: Case) -> None:
    ((value,),) = connection.execute(f"select {case.sql('duckdb')}").fetchall()
    assert value == case.value


def test_no_id_stops_a_scan_on_duckdb(connection: duckdb.DuckDBPyConnection) -> None:
    """Nor where the time is computed in a filter, or for whole vectors of ids that carry none."""
    ids = [*(event_id for event_id in IDS for _ in range(VECTOR)), *IDS, None]
    connection.execute("create temp table ids as select unnest($1::varchar[]) as event_id", [ids])
    found = connection.execute(f"select distinct * from ({minted_at('duckdb', 'ids')})").fetchall()
    assert dict(found) == IDS | {None: None}
    filtered = f"select count(*) from ({minted_at('duckdb', 'ids')}) where minted_at > '2026-01-01'::timestamptz"
    carrying = sum(1 for value in IDS.values() if value and value.year >= 2026)
    assert connection.execute(filtered).fetchall() == [(carrying * (VECTOR + 1),)]


def test_hash_sums_add_up_on_duckdb(connection: duckdb.DuckDBPyConnection) -> None:
    def content(start: int, end: int) -> int:
        ((total,),) = connection.execute(hashed("duckdb", "hash_sum", ONE_CHANGED[start:end])).fetchall()
        return int(total)

    assert content(0, 9) == content(0, 4) + content(4, 9)


def test_a_change_of_any_column_changes_duckdbs_hash(connection: duckdb.DuckDBPyConnection) -> None:
    rows = connection.execute(hashed("duckdb", "row_hash", ONE_CHANGED)).fetchall()
    assert len(set(rows)) == len(ONE_CHANGED)
