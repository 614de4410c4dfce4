"""The view tracks_live on every engine: what is loaded is shown at once, as the next merge will make it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.dbt_project.deliveries import FIRST_HOUR, Exported, raw_rows
from tests.integration.engines.engine import Engine, Row
from tests.integration.engines.test_merge import DAY, delivery, held, stored
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.tables import TRACKS_COLLISIONS, TRACKS_LIVE

MODEL = "posthog_tracks_live"


def deliver(engine: Engine, *export: Exported) -> None:
    """Puts deliveries where the loader would, loaded just now."""
    now = {"bq_ingested_timestamp": datetime.now(UTC)}
    engine.put(RAW_TRACKS, *(row | now for row in raw_rows(export)))


def shown(engine: Engine) -> list[Row]:
    """The rows of the view by id and time, without the loader's stamp."""
    rows = engine.rows(TRACKS_LIVE, but=["bq_ingested_timestamp"])
    return sorted(rows, key=lambda row: (row["event_id"], row["created_at"]))


def create_view(engine: Engine, **variables: str) -> None:
    """Creates the view as the asset does."""
    (result,) = engine.run_dbt("run", "--select", MODEL, **variables)
    assert result["status"] == "success", result["message"]


def test_what_is_loaded_is_shown_before_it_is_merged(engine: Engine) -> None:
    original, resent = delivery("resent", 0), delivery("resent", 1, moved=3 * DAY, inserted=60)
    first, late = delivery("late", 0, moved=2 * DAY, inserted=60), delivery("late", 1, inserted=1)
    newest, stale = delivery("stale", 0, inserted=60), delivery("stale", 1, moved=DAY, inserted=5)
    deliver(engine, *(Exported(0, each) for each in (original, first, newest)))
    create_view(engine)
    assert shown(engine) == [held(first), held(original), held(newest)]

    engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
    assert shown(engine) == stored(engine) == [held(first), held(original), held(newest)]

    deliver(engine, *(Exported(1, each) for each in (resent, late, stale, delivery("new", 0))))
    expected = [held(first, at=late), held(delivery("new", 0)), held(resent, at=original), held(newest)]
    assert shown(engine) == expected
    engine.merge(FIRST_HOUR + HOUR, FIRST_HOUR + 2 * HOUR)
    assert shown(engine) == stored(engine) == expected


def test_another_event_under_a_known_id_is_kept_apart(engine: Engine) -> None:
    """Also where it turns out to be the first: the stored event then makes room, as it will in tracks."""
    known, later, earlier = (
        delivery(event_id, content, inserted=inserted)
        for event_id, content, inserted in (("taken", 0, 30), ("taken", 1, 40), ("taken", 2, 10))
    )
    others = [replace(each, identity=1) for each in (later, earlier)]
    deliver(engine, Exported(0, known))
    engine.merge(FIRST_HOUR, FIRST_HOUR + HOUR)
    create_view(engine)
    deliver(engine, Exported(1, others[0]))
    assert shown(engine) == [held(known)]
    deliver(engine, Exported(2, others[1]))
    assert shown(engine) == [held(others[0], at=others[1])]
    engine.merge(FIRST_HOUR + HOUR, FIRST_HOUR + 3 * HOUR)
    assert shown(engine) == stored(engine) == [held(others[0], at=others[1])]
    assert len(engine.rows(TRACKS_COLLISIONS)) == 1


def test_a_bound_leaves_out_older_hours(engine: Engine) -> None:
    """TRACKS_LIVE_HOURS bounds what is read of raw_tracks; unset, every delivery counts."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    old, new = (raw_rows([Exported(0, delivery(name, 0))])[0] for name in ("old", "new"))
    engine.put(RAW_TRACKS, old | {"window_start": now - timedelta(hours=30)}, new | {"window_start": now - HOUR})
    create_view(engine)
    assert [row["event_id"] for row in shown(engine)] == ["new", "old"]
    create_view(engine, TRACKS_LIVE_HOURS="24")
    assert [row["event_id"] for row in shown(engine)] == ["new"]
