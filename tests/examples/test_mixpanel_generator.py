"""The generator of Mixpanel's export: the shares of a plan, both forms alike, and the same files every time."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from examples.mixpanel_generator.generate import MixpanelPlan, write_day, write_days
from tracks_assets.sources.mixpanel.inventory import REMEDY, MixpanelExport
from tracks_assets.sources.mixpanel.layout import DAY
from tracks_assets.sources.mixpanel.read import read_file

pytestmark = pytest.mark.slow

PLAN = MixpanelPlan(datetime(2026, 3, 1, tzinfo=UTC), events_per_day=4_000, most_days_late=3)


def rows(root: Path, number: int) -> list[dict[str, object]]:
    """The rows of a day as the reader makes them."""
    (file,) = MixpanelExport(str(root)).inventory(PLAN.first + number * DAY).files
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        return [row for batch in read_file(connection, file, REMEDY) for row in batch.to_pylist()]


@pytest.mark.thorough
def test_a_plan_is_kept(tmp_path: Path) -> None:
    """Over 25 days: 0.11 % of the events twice, 1 % late, and each delivery is an event with a time."""
    written = write_days(tmp_path, PLAN, 25)
    events = 25 * PLAN.events_per_day
    duplicates, late = (sum(getattr(day, name) for day in written) for name in ("duplicates", "late"))
    assert 0.0007 < duplicates / events < 0.0015
    assert 0.005 < late / events < 0.015
    read = [rows(tmp_path, number) for number in range(25)]
    assert [len(each) for each in read] == [day.deliveries for day in written]
    every = [row for each in read for row in each]
    assert not [row for row in every if row["refusal"]]
    ids = [(row["insert_id"], row["time"]) for row in every if row["insert_id"]]
    assert len(ids) - len(set(ids)) == duplicates
    assert sum(row["insert_id"] is None for row in every) > 0


def test_both_forms_hold_the_same_events(tmp_path: Path) -> None:
    write_day(tmp_path / "lines", PLAN, 2, "lines")
    write_day(tmp_path / "parquet", PLAN, 2, "parquet")
    lines, parquet = (rows(tmp_path / form, 2) for form in ("lines", "parquet"))
    names = ("event", "time", "distinct_id", "insert_id", "processed_at")
    assert [[row[name] for name in names] for row in lines] == [[row[name] for name in names] for row in parquet]


def test_a_day_is_the_same_every_time(tmp_path: Path) -> None:
    first, again = (write_day(tmp_path / name, PLAN, 7) for name in ("first", "again"))
    assert first.file.read_bytes() == again.file.read_bytes()
    assert write_day(tmp_path / "other", replace(PLAN, seed=1), 7).file.read_bytes() != (first.file.read_bytes())
