"""Inputs that would give wrong or missing rows, through the real assets: the run fails, and no row changes."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import write_hours
from examples.export_generator.plan import ExportPlan
from tests.integration.graph.conftest import Home
from tests.integration.legacy.sites import table
from tracks_assets.defs.posthog.hourly import hourly_assets
from tracks_assets.defs.posthog.legacy import legacy_assets
from tracks_assets.defs.shared.resources import resources
from tracks_assets.sources.posthog.feeds import BACKFILL_TRACKS, RAW_TRACKS, REJECTED_TRACKS
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_interval
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT

START = datetime(2026, 3, 12, tzinfo=UTC)
INTERVAL = hour_interval(START)
PARTITION = "2026-03-12-00:00"
LEGACY = datetime(2026, 3, 1, tzinfo=UTC)
LEGACY_PARTITION = "2026-03-01-00:00"
PLAN = ExportPlan(events_per_hour=100, people=20, malformed_share=0.02, files_per_hour=1)


def run(home: Home, asset: str, partition: str, **config: Any) -> str | None:
    """Materializes an asset and what it is made of; returns the messages of the failed step, or None."""
    settings = home.settings
    assets = [*hourly_assets(settings), *legacy_assets(settings)]
    files = ', key:"posthog/events_parquet"' if asset == "raw_tracks" else ""
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            assets,
            selection=f'key:"posthog/{asset}"{files}'.replace(", ", " or "),
            partition_key=partition,
            resources=resources(settings, DBT_PROJECT),
            run_config={"ops": {f"posthog__{asset}": {"config": config}}} if config else {},
            instance=instance,
            raise_on_error=False,
        )
    if result.success:
        return None
    (failure,) = (event.step_failure_data for event in result.get_step_failure_events())
    assert failure.error is not None
    assert failure.error.cause is not None
    return str(failure.error.cause.message)


def contents(home: Home) -> list[list[tuple[Any, ...]]]:
    with home.warehouse().opened() as warehouse:
        return [
            warehouse.connection.execute(f"select * from {table} order by all").fetchall()
            for table in (RAW_TRACKS, REJECTED_TRACKS, BACKFILL_TRACKS)
        ]


def only(name: str) -> Callable[[Path], object]:
    """Leaves one file of some other kind in a folder."""

    def damage(folder: Path) -> None:
        for file in folder.iterdir():
            file.unlink()
        (folder / name).write_text("{}\n")

    return damage


def rename(*names: str) -> Callable[[Path], object]:
    """Leaves copies of the folder's file under other names."""

    def damage(folder: Path) -> None:
        (file,) = folder.iterdir()
        for name in names:
            shutil.copy(file, folder / name)
        file.unlink()

    return damage


def lift(folder: Path) -> None:
    """Lays the export out by year."""
    content = next(folder.iterdir())
    moved = folder.parents[1] / "2026" / "03" / "12" / "01"
    moved.mkdir(parents=True)
    content.rename(moved / content.name)
    for day in folder.parents[1].glob("2026-*"):
        shutil.rmtree(day)


EXPORTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "JSON Lines": (only(f"{INTERVAL}.jsonl"), "but no Parquet file. Set the format"),
    "CSV": (only("events.csv"), "but no Parquet file. Set the format"),
    "another layout": (
        lift,
        "has no folder events/{date}/{hour}. It holds 'events/2026/03/12",
    ),
    "expired files": (shutil.rmtree, "has stored rows (100 in posthog.raw_tracks and 2 in posthog.rejected_tracks)"),
    "a part is missing": (rename(file_name(INTERVAL, 0), file_name(INTERVAL, 2)), "The export is not finished."),
    "no first part": (rename(file_name(INTERVAL, 1)), "The export is not finished."),
    "another hour": (
        rename(str(hour_interval(START + HOUR)).replace(":", " ") + ".parquet.sz"),
        f"carries the interval {hour_interval(START + HOUR)}. The hour being loaded is {INTERVAL}.",
    ),
    "no interval": (rename("part-0.parquet"), "carries no interval in its name"),
}


def test_a_bad_export_fails_the_run_and_changes_nothing(home: Home) -> None:
    list(write_hours(home.path / "export", START, 2, PLAN))
    assert run(home, "raw_tracks", PARTITION) is None
    before = contents(home)
    kept, export = home.path / "kept", home.path / "export"
    shutil.copytree(export, kept)

    for name, (damage, sentence) in EXPORTS.items():
        damage(export / "events" / "2026-03-12" / "01")
        text = run(home, "raw_tracks", PARTITION)
        assert text is not None, name
        assert sentence in text, name
        assert contents(home) == before, name
        shutil.rmtree(export)
        shutil.copytree(kept, export)

    # The stamp of the run is all that a good run changes.
    hidden = export / "events" / "2026-03-12" / "01"
    (hidden / "._x.parquet.sz").write_text("x")
    (hidden / ".x.crc").write_text("x")
    assert run(home, "raw_tracks", PARTITION) is None
    assert [len(rows) for rows in contents(home)] == [len(rows) for rows in before]


def test_a_root_that_is_the_events_folder_fails_the_run(new_home: Callable[..., Home], tmp_path: Path) -> None:
    home = new_home(TRACKS_EXPORT_URI=str(tmp_path / "export" / "events"))
    list(write_hours(tmp_path / "export", START, 1, PLAN))

    text = run(home, "raw_tracks", PARTITION)

    assert text is not None
    assert f"Set TRACKS_EXPORT_URI to its parent {tmp_path / 'export'}." in text


def test_a_legacy_hour_keeps_its_rows_until_the_run_allows_to_empty_it(home: Home) -> None:
    folder = home.path / "legacy" / "2026-03-01" / "00"
    folder.mkdir(parents=True)
    pq.write_table(table({"event_id": "a", "created_at": LEGACY}), folder / "rows.parquet")
    assert run(home, "backfill_tracks", LEGACY_PARTITION) is None
    before = contents(home)
    assert [len(rows) for rows in before] == [0, 0, 1]

    pq.write_table(table(), folder / "rows.parquet")
    assert "(1 in posthog.backfill_tracks)" in str(run(home, "backfill_tracks", LEGACY_PARTITION))
    assert contents(home) == before
    only("rows.jsonl")(folder)
    assert "holds 'rows.jsonl', but no Parquet file" in str(run(home, "backfill_tracks", LEGACY_PARTITION))
    assert contents(home) == before
    (folder / "rows.jsonl").unlink()
    assert run(home, "backfill_tracks", LEGACY_PARTITION) is None
    assert contents(home) == before

    assert run(home, "backfill_tracks", LEGACY_PARTITION, allow_emptying=True) is None
    assert [len(rows) for rows in contents(home)] == [0, 0, 0]


@pytest.mark.thorough
def test_the_command_line_empties_an_hour_that_a_run_refused(home: Home) -> None:
    list(write_hours(home.path / "export", START, 2, PLAN))
    assert run(home, "raw_tracks", PARTITION) is None
    shutil.rmtree(home.path / "export" / "events" / "2026-03-12" / "01")
    assert "The hour 2026-03-12-00:00 has stored rows" in str(run(home, "raw_tracks", PARTITION))

    emptied = home.dagster(
        *("asset", "materialize", "-m", "tracks_assets.definitions", "--partition", PARTITION),
        *("--select", 'key:"posthog/events_parquet" or key:"posthog/raw_tracks"'),
        *("--config-json", json.dumps({"ops": {"posthog__raw_tracks": {"config": {"allow_emptying": True}}}})),
    )

    assert emptied.returncode == 0, emptied.stdout + emptied.stderr
    assert [len(rows) for rows in contents(home)] == [0, 0, 0]
    assert home.metadata("events_parquet", PARTITION)["files"] == 0, "an hour without files is an inventory too"
