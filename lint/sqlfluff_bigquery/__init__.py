"""What the linter fills the templates of ``warehouse/sql/bigquery`` with: BigQuery's own macros and table names."""

from types import SimpleNamespace

from tracks_assets.core.sql_files import macros, sql_text, sql_texts
from tracks_assets.warehouse import statements, tables
from tracks_assets.warehouse.statements import SQL, TableReference, bigquery_statements

SQLFLUFF_JINJA_FILTERS = {"sql_text": sql_text, "sql_texts": sql_texts}

dialect = statements.dialect("bigquery")
shared = macros(SQL / "macros.sql")
qualified = bigquery_statements("project").qualified
globals().update({each.name: TableReference(each, qualified(each.schema, each.name)) for each in tables.EVERY_TABLE})
snapshot = rewritten = table = qualified("posthog_ops", "tracks_snapshot")
parts = [SimpleNamespace(table=TableReference(tables.TRACKS, snapshot), column="created_at", staged=snapshot)]
lock = log = qualified("posthog_ops", "tracks_lock")
logged = {"run_id": None, "files": 1}
window_start = window_end = "2026-03-12T00:00:00+00:00"


def parameter(name: str) -> str:
    """A query parameter."""
    return f"@{name}"
