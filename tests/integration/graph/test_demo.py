"""The home that `make demo` claims: it is made again, and nobody else's data is removed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from examples.demo.home import Demo, DemoError, DemoPlan, claim_home, demo_of, release_home
from examples.export_generator.deliveries import deliveries
from examples.export_generator.plan import slices
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

NOW = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)


def demo_at(home: Path, now: datetime = NOW) -> Demo:
    return demo_of({"TRACKS_HOME": str(home), "TRACKS_EXPORT_URI": "gs://not-the-demos"}, now, DemoPlan())


def test_a_demo_is_made_again_and_removes_nothing_of_others(tmp_path: Path) -> None:
    settings = demo_at(tmp_path).settings
    claim_home(settings)
    with DuckDbWarehouse(settings.duckdb_path).opened() as warehouse:
        warehouse.connection.execute("insert into posthog.raw_tracks (event_id) values ('of the demo')")
    release_home(settings)

    later = demo_at(tmp_path, NOW + timedelta(hours=5)).settings
    claim_home(later)
    assert not later.duckdb_path.exists(), "an earlier demo's warehouse is made again"

    with DuckDbWarehouse(later.duckdb_path).opened() as warehouse:
        warehouse.connection.execute("insert into posthog.raw_tracks (event_id) values ('mine')")
    with pytest.raises(DemoError, match="holds more than a finished demo"):
        claim_home(later)
    assert later.duckdb_path.exists()


def test_the_demo_leaves_a_foreign_warehouse_alone(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"not written by the demo")

    with pytest.raises(DemoError, match="holds more than a finished demo: name another folder"):
        claim_home(demo_at(tmp_path).settings)

    assert (tmp_path / "warehouse.duckdb").read_bytes() == b"not written by the demo"
    assert not (tmp_path / "export_start").exists()


def test_a_variable_wins_over_the_start_that_a_home_carries(tmp_path: Path) -> None:
    (tmp_path / "export_start").write_text("2026-09-01-07:00\n")
    home = {"TRACKS_HOME": str(tmp_path)}
    assert read_settings(home).export_start == datetime(2026, 9, 1, 7, tzinfo=UTC)
    named = read_settings(home | {"TRACKS_EXPORT_START": "2026-03-12-00:00"})
    assert named.export_start == datetime(2026, 3, 12, tzinfo=UTC)


def test_each_event_of_the_demo_is_delivered_within_a_day() -> None:
    """Otherwise the census finds a moved event, and the demo ends because its consumers are not built.

    With delays of up to three days, one re-delivery of this hour was too late.
    """
    demo = demo_at(Path("home"), datetime(2026, 11, 29, 10, 27, tzinfo=UTC))
    drawn = [deliveries(part, demo.events) for hour in demo.hours for part in slices(hour, demo.events)]
    latest = max(int((rows["timestamp"] // 1000 - rows["event_ms"]).max()) for rows in drawn)
    assert timedelta(0) < timedelta(milliseconds=latest) < timedelta(days=1)
