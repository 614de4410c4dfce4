"""The checks of person_distinct_ids on both engines, from stored rows to results."""

from datetime import timedelta

from tests.integration.engines.engine import Engine
from tests.integration.engines.persons import FIRST, Person, stored_row
from tracks_assets.defs.quality.checks import Batch
from tracks_assets.defs.quality.persons import PERSON_CHECKS
from tracks_assets.quality.checks import CheckResult
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS

GREEN = dict.fromkeys(PERSON_CHECKS, True)


def put(engine: Engine, *mappings: Person) -> None:
    """Adds mappings to those that are stored."""
    engine.put(PERSON_DISTINCT_IDS, *map(stored_row, mappings))


def results(engine: Engine, hours: int = 1, **variables: str) -> dict[str, CheckResult]:
    """The result of each check for the first hours, under further settings."""
    settings = read_settings({**engine.variables, "TRACKS_PERSON_DISTINCT_IDS_WARN": "2", **variables})
    batch = Batch(FIRST, FIRST + hours * HOUR, settings)
    with engine.opened() as warehouse:
        return {name: check.evaluate(warehouse, batch) for name, check in PERSON_CHECKS.items()}


def passed(found: dict[str, CheckResult]) -> dict[str, bool]:
    """Whether each check passed."""
    return {name: each.passed for name, each in found.items()}


def test_the_checks_of_persons(engine: Engine) -> None:
    empty = results(engine)
    assert passed(empty) == GREEN
    assert "raw_tracks has no deliveries" in empty["events_have_persons"].message.finding

    users = ["ann", "ann", "gone", "nobody", None]
    late = FIRST + HOUR + timedelta(minutes=1)
    engine.put(RAW_TRACKS, *({"event_id": "e", "user_id": user, "window_start": FIRST} for user in users))
    engine.put(RAW_TRACKS, *({"event_id": "e", "user_id": "nobody", "window_start": late} for _ in range(5)))
    put(engine, Person("ann", "a"), Person("ann's phone", "a"), Person("gone", "a", is_deleted=True))
    found = results(engine)
    assert found["events_have_persons"].figures == {"rows_delivered": 5, "rows_unmapped": 3, "unmapped_percent": 60}
    assert passed(found) == {**GREEN, "events_have_persons": False}, "3 of 5 are more than half"
    assert passed(results(engine, TRACKS_PERSON_UNMAPPED_WARN_PERCENT="60")) == GREEN
    assert results(engine, hours=2)["events_have_persons"].figures["rows_unmapped"] == 8

    put(engine, Person("ann's tablet", "a", is_deleted=None))
    crowded = results(engine, TRACKS_PERSON_UNMAPPED_WARN_PERCENT="60")["distinct_ids_per_person"]
    assert (crowded.passed, crowded.severity, crowded.examples) == (False, "WARN", ("a",))
    assert crowded.message.values == "a has 3."


def test_several_teams_need_a_setting(engine: Engine) -> None:
    put(engine, Person("ann", "a"), Person("ann", "b", team=2), Person("bob", "b", team=2))
    engine.put(RAW_TRACKS, {"event_id": "e", "user_id": "ann", "window_start": FIRST})
    unclear = results(engine)
    assert passed(unclear) == {**GREEN, "team_is_known": False, "events_have_persons": False}
    assert unclear["team_is_known"].severity == "ERROR"
    assert "2 with 2 mappings, 1 with 1 mapping." in unclear["team_is_known"].message.comparison
    for team in ("1", "2"):
        assert passed(results(engine, TRACKS_TEAM_ID=team)) == GREEN
    assert not results(engine, TRACKS_TEAM_ID="3")["team_is_known"].passed, "a team that is not there"

    put(engine, *(Person("x", "x", team=number) for number in range(4, 10)))
    assert passed(results(engine, TRACKS_TEAM_ID="9")) == {**GREEN, "events_have_persons": False}
    assert results(engine)["team_is_known"].figures == {"teams": 8}


def test_a_mapping_that_is_stored_twice_is_found_by_dagster_and_by_dbt(engine: Engine) -> None:
    put(engine, Person("ann", "a"), Person("ann", "b", team=2), Person("bob", "b", is_deleted=True))
    assert dbt_failures(engine) == 0
    put(engine, Person("ann", "another", is_deleted=True), Person("bob", "b"), Person("bob", "b"))
    red = results(engine, TRACKS_TEAM_ID="1")["one_row_per_distinct_id"]
    assert (red.passed, red.severity, red.figures) == (False, "ERROR", {"duplicate_mappings": 2})
    assert red.message.values == "bob of team 1 has 3 rows. ann of team 1 has 2 rows."
    assert dbt_failures(engine) == 2


def dbt_failures(engine: Engine) -> int:
    """The mappings that dbt's own test finds."""
    (result,) = engine.run_dbt("test", "--select", "one_row_per_distinct_id")
    assert result["status"] in ("pass", "fail"), result["message"]
    return int(result["failures"])
