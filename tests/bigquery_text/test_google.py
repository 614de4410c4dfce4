"""What only Google's analyzer can tell: that every statement passes it.

All tests that need the analyzer stand in this file, so that one worker starts it, and once.
"""

from typing import Any

import pytest

from tests.bigquery_text.examples import EXAMPLES, STATEMENTS
from tests.bigquery_text.google import Google, RefusedError


@pytest.mark.parametrize(
    ("statement", "blanks"), [(name, blanks) for name, examples in EXAMPLES.items() for blanks in examples], ids=str
)
def test_every_statement_passes_googles_analyzer(google: Google, statement: str, blanks: dict[str, Any]) -> None:
    google.check(STATEMENTS.text(statement, **blanks))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("select event_idd from `project.posthog.tracks`", "Unrecognized name: event_idd; Did you mean event_id?"),
        ("select 1 from `project.posthog.track`", "Table not found: `project.posthog.track`"),
        ("select rows from `project.posthog.duplicate_census`", "Unexpected keyword ROWS"),
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
