"""What the linter fills the templates of ``warehouse/sql/bigquery`` with: BigQuery's own macros and places."""

from types import SimpleNamespace

from tracks_assets.core.sql_files import macros, sql_text, sql_texts
from tracks_assets.warehouse import statements, tables
from tracks_assets.warehouse.statements import SQL, Placed, bigquery_statements

SQLFLUFF_JINJA_FILTERS = {"sql_text": sql_text, "sql_texts": sql_texts}

dialect = statements.dialect("bigquery")
shared = macros(SQL / "macros.sql")
place = bigquery_statements("project").place
globals().update({each.name: Placed(each, place(each.schema, each.name)) for each in tables.EVERY_TABLE})
snapshot = rewritten = table = place("posthog", "tracks_snapshot")
parts = [SimpleNamespace(table=Placed(tables.TRACKS, snapshot), column="created_at", staged=snapshot)]
turn = lock = place("posthog", "tracks_turn")
logged = {"run_id": None, "files": 1}
window_start = window_end = "2026-03-12T00:00:00+00:00"


def parameter(name: str) -> str:
    """A query parameter."""
    return f"@{name}"
