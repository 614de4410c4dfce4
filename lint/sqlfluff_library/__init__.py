"""What the linter fills SQL templates with: the real columns and tables, and substitutes for what only dbt knows."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace

from examples.incident.plan import plan_incident
from tracks_assets.core.load_log import LOAD_LOG
from tracks_assets.core.sql_files import macros, sql_text, sql_texts
from tracks_assets.sources.mixpanel.times import REASONS
from tracks_assets.sources.posthog.contract import Reason
from tracks_assets.transform.compile import BY_ROW, VALUES
from tracks_assets.warehouse import statements, tables
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS, SQL, TableReference

SQLFLUFF_JINJA_FILTERS = {"sql_text": sql_text, "sql_texts": sql_texts}

table = tables.TRACKS
rejected_table = "posthog.rejected_tracks"
column = "created_at"
globals().update({each.name: TableReference(each, str(each)) for each in (*tables.EVERY_TABLE, *tables.VIEWS)})
dialect = statements.dialect("duckdb")
shared = macros(SQL / "macros.sql")
qualified = DUCKDB_STATEMENTS.qualified
former, expressions = "posthog.tracks_contents", ["former.content"]
snapshot = rewritten = touched = "posthog_ops.tracks_snapshot"
recent_hours = 720
most, team_id = 3, 12345
days = [SimpleNamespace(start="2026-03-12T00:00:00+00:00", end="2026-03-13T00:00:00+00:00")]
of_squash = False
summed, age_limits, restamped_seconds = True, (1, 24), 60
schema, events, expires_at = "posthog", 20, "2026-03-12T00:00:00+00:00"
plan = plan_incident(1_000).variables
all_events, number, start_ms, stamps = "select * from files", 0, 0, ["source_file"]
hour, file = datetime(2026, 3, 12, tzinfo=UTC), "one.parquet"
reasons, by_row, longest = Reason, BY_ROW, 1_000
values = macros(VALUES)
json_fields = texts = ["properties"]
never_null = ["distinct_id"]
refusal = "refusal"
event, time, distinct_id, insert_id, processed = "c0", "c1", "c2", "c3", "c4"
no_properties, no_event, no_time, not_a_time, out_of_range = REASONS.values()
is_moment = False
unfitting, relations = ["0"], ["refused_rows"]
window_start = stamp = "current_timestamp"
log, costs = (
    TableReference(LOAD_LOG, str(LOAD_LOG)),
    [SimpleNamespace(hour=hour, milliseconds=1, bytes_billed=None, slot_ms=None)],
)
types = dict.fromkeys({column.type for column in table.columns}, "varchar")
# Its grammar does not know DuckDB's USING COMPRESSION: the DDL is linted without.
compression: dict[str, str] = {}


def parameter(name: str) -> str:
    """A literal in place of a query parameter, whose mark the linter's grammar does not know."""
    return sql_text(name)


def env_var(name: str, default: str) -> str:
    """The default of an environment variable, as dbt gives it where none is set."""
    return default or name


exceptions = SimpleNamespace(raise_compiler_error=str)
modules, flags, invocation_id = SimpleNamespace(re=re), SimpleNamespace(EMPTY=False), "invocation"
adapter = SimpleNamespace(dispatch=lambda name: getattr(dialect, f"duckdb__{name}"))
modules = SimpleNamespace(re=re)
# Its values of variables are substitutes, which the project's own check would refuse.
exceptions = SimpleNamespace(raise_compiler_error=lambda _: None)
target = SimpleNamespace(type="duckdb")
model = SimpleNamespace(columns={column.name: column for column in tables.TRACKS.columns})
