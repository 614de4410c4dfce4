"""The view tracks_by_person on both engines: the rows of tracks, each with the person that its user belongs to now."""

from typing import Any

import pytest

from tests.integration.engines.engine import Engine, Row
from tests.integration.engines.persons import FIRST, Person, stored_row
from tracks_assets.defs.posthog.persons import VIEW_MODEL
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS, TRACKS_BY_PERSON

EVENTS: list[Row] = [
    {"event_id": "1", "user_id": "mapped", "person_id": "then"},
    {"event_id": "2", "user_id": "mapped", "person_id": None, "event_payload": '{"a": [1, null]}'},
    {"event_id": "3", "user_id": "merged", "person_id": "before the merge"},
    {"event_id": "4", "user_id": "deleted", "person_id": "then"},
    {"event_id": "5", "user_id": "absent", "person_id": "then"},
    {"event_id": "6", "user_id": "old export", "person_id": "then"},
    {"event_id": "7", "user_id": None, "person_id": "nobody"},
    {"event_id": "8", "user_id": "deleted", "person_id": None},
    # An event that is stored twice is damage of tracks, which the view shows as it is.
    {"event_id": "1", "user_id": "mapped", "person_id": "then"},
]
MAPPINGS = [
    Person("mapped", "ann"),
    Person("merged", "ann", 2),
    Person("deleted", "bob", 100, is_deleted=True),
    Person("old export", "cat", is_deleted=None),
    Person("no event", "dan"),
]
OTHER_TEAM = [Person("mapped", "other", team=2), Person("absent", "other", team=2)]

BY_TEAM_1 = {"1": "ann", "2": "ann", "3": "ann", "4": "then", "5": "then", "6": "cat", "7": "nobody", "8": None}
AS_INGESTED = {event["event_id"]: event["person_id"] for event in EVENTS}


def fill(engine: Engine, *mappings: Person) -> None:
    """Puts the events and mappings into their tables, and makes the view."""
    engine.query("delete from posthog.tracks where true")
    engine.query("delete from posthog.person_distinct_ids where true")
    engine.put(TRACKS, *({"created_at": FIRST, "event_name": "e", **event} for event in EVENTS))
    if mappings:
        engine.put(PERSON_DISTINCT_IDS, *map(stored_row, mappings))


def make_view(engine: Engine, team: str = "") -> None:
    """Makes the view as the asset does."""
    (result,) = engine.run_dbt("run", "--select", VIEW_MODEL, TRACKS_TEAM_ID=team)
    assert result["status"] == "success", result["message"]


def persons(engine: Engine) -> dict[Any, Any]:
    """The person of each event; the view has the rows of tracks, but for their person."""
    rows: list[Row] = engine.rows(TRACKS_BY_PERSON)
    but = ("person_id",)
    assert engine.rows(TRACKS_BY_PERSON, but) == engine.rows(TRACKS, but)
    assert len(rows) == len(EVENTS)
    found: dict[Any, Any] = {}
    for row in rows:
        assert found.setdefault(row["event_id"], row["person_id"]) == row["person_id"]
    return found


def test_each_event_has_its_current_person_and_no_event_is_lost_or_multiplied(engine: Engine) -> None:
    fill(engine)
    make_view(engine)
    assert persons(engine) == AS_INGESTED, "without mappings"

    fill(engine, *MAPPINGS)
    assert persons(engine) == BY_TEAM_1, "the view follows the table without being made again"

    fill(engine, *MAPPINGS, *OTHER_TEAM)
    assert persons(engine) == AS_INGESTED, "two teams, and none is named"
    make_view(engine, team="1")
    assert persons(engine) == BY_TEAM_1
    make_view(engine, team="2")
    assert persons(engine) == {**AS_INGESTED, "1": "other", "2": "other", "5": "other"}
    make_view(engine, team="3")
    assert persons(engine) == AS_INGESTED, "a team without mappings"

    fill(engine, *MAPPINGS, Person("mapped", "twice"))
    make_view(engine)
    assert persons(engine) == {**BY_TEAM_1, "1": "then", "2": None}, "a mapping that is stored twice"


@pytest.mark.parametrize("team", ["all", "0", "1 or true"])
def test_a_team_that_is_no_number_stops_dbt(on_duckdb: Engine, team: str) -> None:
    (result,) = on_duckdb.run_dbt("run", "--select", VIEW_MODEL, TRACKS_TEAM_ID=team)
    assert f"TRACKS_TEAM_ID is '{team}', but it must be the number of a PostHog project" in result["message"]
