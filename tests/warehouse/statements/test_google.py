"""What only Google's analyzer and its reference implementation can show.

All tests that need them are in this file, so that one worker starts them, and once.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import duckdb
import pytest

from tests.dbt_project.test_bigquery_text import (
    MODELS,
    WINDOW,
    Model,
    merge_script,
    plan_text,
    rendered,
)
from tests.dbt_project.test_second_model import MIXPANEL
from tests.warehouse.statements.examples import EXAMPLES, MOMENT, STATEMENTS, qualified
from tests.warehouse.statements.google import Google, RefusedError
from tests.warehouse.statements.macro_cases import CASES, IDS, Case, google_text
from tests.warehouse.statements.sample import ONE_CHANGED, hashed, is_question, minted_at, question, values
from tracks_assets.core.columns import ColumnType
from tracks_assets.core.strict_json import NumberRangeError, parse_json
from tracks_assets.warehouse.statements import SQL
from tracks_assets.warehouse.tables import MERGE_LOG, TRACKS, write_lock

QUESTIONS = [
    name for name in EXAMPLES if (SQL / "both" / f"{name}.sql").exists() and is_question(name) and name != "move_rows"
]
"""What reads the tables of an earlier release has no sample; tests/integration/engines/test_migration.py runs it."""


def examples(names: Iterable[str]) -> list[Any]:
    """The declared examples of statements, for a test of each."""
    return [
        pytest.param(name, variables, id=f"{name}-{number}")
        for name in names
        for number, variables in enumerate(EXAMPLES[name], start=1)
    ]


@pytest.mark.parametrize(("statement", "variables"), examples(EXAMPLES))
def test_every_statement_passes_googles_analyzer(google: Google, statement: str, variables: dict[str, Any]) -> None:
    google.check_script(STATEMENTS.text(statement, **variables))


@pytest.mark.parametrize("statement", ["excess_rows_of", "trace_rows"])
def test_google_travels_in_time(google: Google, statement: str) -> None:
    google.check(STATEMENTS.text(statement, table=f"{qualified(TRACKS)} for system_time as of timestamp '{MOMENT}'"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select event_idd from `project.posthog.tracks`", "Unrecognized name: event_idd; Did you mean event_id?"),
        ("select 1 from `project.posthog.track`", "Table not found: `project.posthog.track`"),
        ("select rows from `project.posthog_ops.duplicate_census`", "Unexpected keyword ROWS"),
        ("select event_payload from `project.posthog.tracks` group by event_payload", "JSON"),
        ("select distinct event_payload from `project.posthog.tracks`", "JSON"),
        ("select event_id from `project.posthog.tracks` order by event_payload", "JSON"),
        ("select event_id::string from `project.posthog.tracks`", 'got ":"'),
        ("select count(*) filter (where true) from `project.posthog.tracks`", "("),
        ("select to_hours(1)", "Function not found: to_hours"),
        ("select created_at > 1 from `project.posthog.tracks`", "No matching signature"),
        ("select @unheard_of", "Query parameter 'unheard_of' not found"),
        ("delete from `project.posthog.tracks`", "DELETE must have a WHERE clause"),
        ("select 'it''s'", "string literals must be separated"),
    ],
)
def test_what_bigquery_would_refuse_is_refused(google: Google, text: str, reason: str) -> None:
    with pytest.raises(RefusedError) as refused:
        google.check(text)
    assert reason in str(refused.value).splitlines()[0]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_macro_has_this_value_for_google(google: Google, case: Case) -> None:
    value = google.value(case.sql("bigquery"))
    assert (datetime.fromisoformat(value) if isinstance(case.value, datetime) else value) == case.value


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.file.stem)
@pytest.mark.parametrize(("variables", "is_merge"), [(WINDOW, True), ({}, True), (WINDOW, False), ({}, False)], ids=str)
def test_a_model_passes_googles_analyzer(
    google: Google, variables: dict[str, str], is_merge: bool, model: Model
) -> None:
    google.check(_one_name(plan_text(variables, is_merge, model)))


def test_the_merge_into_tracks_passes_googles_analyzer(google: Google) -> None:
    google.check_script(_one_name(merge_script(plan_text(WINDOW))))


@pytest.mark.parametrize("is_merge", [True, False])
def test_a_model_with_another_key_passes_googles_analyzer(google: Google, is_merge: bool) -> None:
    """The model of Mixpanel's events: as a plan in the script that carries it out, and as the rows themselves."""
    for name, columns in mixpanel_tables().items():
        google.add_table(f"project.mixpanel.{name}", columns)
    plan = plan_text({}, is_merge, MIXPANEL)
    google.check_script(_one_name(merge_script(plan, MIXPANEL) if is_merge else plan))


def mixpanel_tables() -> dict[str, list[tuple[str, ColumnType]]]:
    """The tables that the model reads and writes, with their columns."""
    moment, number = ColumnType.TIMESTAMP, ColumnType.INT64
    events = [(name, ColumnType[data_type.upper()]) for name, data_type in MIXPANEL.columns.items()]
    raw = [*events, ("export_day", moment), ("file", ColumnType.STRING)]
    redelivered = (
        "time",
        "processed_at",
        "loaded_at",
        "export_day",
        "stored_inserted_at",
        "stored_ingested_timestamp",
    )
    return {
        "events": events,
        "raw_events": raw,
        "events_collisions": raw,
        "events_contents": [("content", number)],
        "events_redelivered": [("mp_insert_id", ColumnType.STRING), *((name, moment) for name in redelivered)],
        "events_log": [(column.name, column.type) for column in MERGE_LOG.columns],
        "events_lock": [(column.name, column.type) for column in write_lock(TRACKS).columns],
    }


def test_noting_what_is_stored_passes_googles_analyzer(google: Google) -> None:
    text = rendered("{{ insert_stored_contents(configured_merge(), this) }}", {})
    google.check(_one_name(text))


def test_a_change_of_any_column_but_the_time_changes_googles_fingerprint(google: Google) -> None:
    text = rendered("{{ content_fingerprint(configured_merge()) }}", {})
    rows = google.rows(f"select {text} as content from ({values('bigquery', TRACKS.columns, ONE_CHANGED)})")
    times = 2
    assert len({row["content"] for row in rows}) == len(ONE_CHANGED) - times


def _one_name(text: str) -> str:
    """The text with each table's place between one pair of quotes, as the warehouse's own statements have it."""
    return text.replace("`.`", ".")


def test_no_id_stops_a_scan_by_google(google: Google) -> None:
    table = f"unnest([{', '.join(map(google_text, IDS))}, cast(null as string)]) as event_id"
    found = {row["event_id"]: row["minted_at"] for row in google.rows(minted_at("bigquery", table))}
    assert {event_id: value and datetime.fromisoformat(value) for event_id, value in found.items()} == IDS | {
        None: None
    }


def test_hash_sums_add_up_for_google(google: Google) -> None:
    def content(start: int, end: int) -> int:
        (row,) = google.rows(hashed("bigquery", "hash_sum", ONE_CHANGED[start:end]))
        return int(row["content"])

    assert content(0, 9) == content(0, 4) + content(4, 9)


def test_a_change_of_any_column_changes_googles_hash(google: Google) -> None:
    rows = google.rows(hashed("bigquery", "row_hash", ONE_CHANGED))
    assert len({row["content"] for row in rows}) == len(ONE_CHANGED)


@pytest.mark.parametrize(("statement", "variables"), examples(QUESTIONS))
def test_a_question_has_one_answer_on_both_engines(google: Google, statement: str, variables: dict[str, Any]) -> None:
    """Google's reference implementation is asked, and DuckDB, with the same few rows in each table."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        query = f"select to_json(answer)::varchar from ({question('duckdb', statement, variables)}) as answer"
        expected = [json.loads(row) for (row,) in connection.execute(query).fetchall()]
    assert expected
    assert comparable(google.rows(question("bigquery", statement, variables))) == comparable(expected)


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in one order and one spelling, without the hashes, which each engine makes in its own way."""
    return sorted(
        json.dumps({name: _spelled(value) for name, value in row.items() if "content" not in name}, sort_keys=True)
        for row in rows
    )


def _spelled(value: Any) -> Any:
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[ T]", value):
        return datetime.fromisoformat(value).isoformat()
    return int(value) if isinstance(value, float) and value.is_integer() else value


NUMBERS = [
    "1e400",
    "-1E+400",
    "9" * 310,
    "2" + "0" * 308,
    "1.7976931348623159e308",
    "1e308",
    "1" * 309,
    "1e-400",
    "0.1",
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:24])
def test_the_contract_refuses_the_numbers_that_googles_json_refuses(google: Google, number: str) -> None:
    try:
        parse_json(number)
        refused = False
    except NumberRangeError:
        refused = True
    expression = f"to_json_string(parse_json('{number}', wide_number_mode => 'round'))"
    if refused:
        with pytest.raises(RefusedError):
            google.value(expression)
    else:
        assert google.value(expression)
