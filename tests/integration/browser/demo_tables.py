"""Compares the output of the demo with the home that it left and with the files that it generated."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from examples.demo.home import Demo
from examples.export_generator.persons import Change, Mapping, exported_mappings
from examples.mixpanel_generator.generate import write_day
from tracks_assets.definitions import build_definitions
from tracks_assets.defs.posthog.tracks import TRACKS_KEY
from tracks_assets.defs.quality.census import CENSUS_KEY
from tracks_assets.defs.shared.partitions import export_hours, partition_key
from tracks_assets.settings import read_settings
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.sources.posthog.layout import HOUR, hour_folder
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS, TRACKS


def check_tables(demo: Demo, printed: str, again: Path) -> None:
    """Every table of the demo; ``again`` is an empty folder."""
    assert cells(printed, "excess rows") == ["0"]
    assert cells(printed, "exported events that moved in time") == ["0"]
    assert cells(printed, "unique_event_id_all") == ["FAILED", "passed"]
    assert cells(printed, "created_at_kept") == ["passed", "passed"]
    check_live(demo, printed)
    check_persons(demo, printed)
    check_mixpanel(demo, printed, again)
    check_consumers(demo, printed)


def check_home(demo: Demo, instance: dg.DagsterInstance) -> None:
    """The hours are the latest ones; the census is green and was red once; tracks names its own table."""
    here = read_settings({"TRACKS_HOME": str(demo.settings.home)})
    hours = export_hours(here).get_partition_keys(current_time=demo.hours[-1] + HOUR)
    assert hours == [partition_key(hour) for hour in demo.hours]
    assert instance.get_materialized_partitions(TRACKS_KEY) == set(hours)

    unique = dg.AssetCheckKey(CENSUS_KEY, "unique_event_id_all")
    history = instance.event_log_storage.get_asset_check_execution_history(unique, limit=5)
    assert [each.status.value for each in history] == ["SUCCEEDED", "FAILED"]
    latest = instance.get_latest_materialization_event(CENSUS_KEY)
    assert latest is not None
    assert latest.run_id == history[0].run_id
    spec = build_definitions(here).resolve_asset_graph().get(TRACKS_KEY)
    assert str(spec.metadata["dagster/table_name"]).endswith("warehouse.posthog.tracks")


def check_live(demo: Demo, printed: str) -> None:
    """Before the merge tracks_live has the newest hour's new events, and the content that the merge gives tracks."""
    files = [events_of(demo, hour) for hour in demo.hours]
    new = set(files[-1]) - set().union(*files[:-1])
    tables = [row for row in rows(printed) if row[1:2] in (["tracks"], ["tracks_live"])]
    (before, live), (after, live_after) = (tables[:2], tables[2:])
    assert number(live[2]) - number(before[2]) == len(new) > 0
    assert live[2:] == after[2:] == live_after[2:] != before[2:]


def check_persons(demo: Demo, printed: str) -> None:
    """The figures are those of the mappings that were exported, the newest of each distinct_id."""
    newest: dict[str, Mapping] = {}
    for mapping in (each for hour in demo.loaded_hours for each in exported_mappings(hour, demo.persons)):
        newest[mapping.distinct_id] = mapping
    persons = {each.distinct_id: each.person_id for each in newest.values() if each.change is not Change.DELETED}
    events = {event: found for hour in demo.hours for event, found in events_of(demo, hour).items()}
    others = [event for event, (user, person) in events.items() if persons.get(user, person) != person]

    assert cells(printed, "mappings of a distinct_id") == [f"{len(newest):,}"] * 2
    assert cells(printed, "of these, deleted") == [f"{len(newest) - len(persons):,}"] * 2
    assert len(newest) > len(persons)
    assert cells(printed, "events with another person in tracks_by_person") == [f"{len(others):,}", "0"]
    assert cells(printed, "events that a squash gave another person") == ["0", f"{len(others):,}"]
    assert others


def check_mixpanel(demo: Demo, printed: str, again: Path) -> None:
    """The figures of the days are those that their generator gives."""
    for which, day in enumerate(demo.days):
        written = write_day(again, demo.mixpanel, which)
        delivered, inserted, duplicates, rate, late, rejected = cells(printed, f"{day:%Y-%m-%d}")
        assert int(delivered) == written.deliveries
        assert int(inserted) == written.deliveries - written.duplicates
        assert int(duplicates) == written.duplicates > 0
        assert rate == f"{written.duplicates / written.deliveries:.2%}"
        assert int(late) == written.late
        assert rejected == f"{written.duplicates} duplicate"
    with DuckDbWarehouse(demo.settings.duckdb_path).opened() as warehouse:
        stored = warehouse.count_rows(MP_EVENTS)
    found = [cells(printed, f"{day:%Y-%m-%d}")[1] for day in demo.days]
    assert sum(map(number, found)) == stored > 0


def check_consumers(demo: Demo, printed: str) -> None:
    """The models hold every event of both systems; nobody installs more often than there are users."""
    with DuckDbWarehouse(demo.settings.duckdb_path).opened() as warehouse:
        tracks, mixpanel = warehouse.count_rows(TRACKS), warehouse.count_rows(MP_EVENTS)
    (events,) = cells(printed, str(GROWTH_EVENTS))
    assert events == f"{tracks:,} events of PostHog, {mixpanel:,} of Mixpanel"
    (counted,) = cells(printed, str(INSTALLS_SUBSCRIBERS))
    assert number(counted.split()[0]) > 0


def events_of(demo: Demo, hour: datetime) -> dict[str, tuple[str, str]]:
    """The user and the person of each event that an hour delivers, by its id."""
    tables = [pq.read_table(file) for file in (demo.export / hour_folder(hour)).glob("*.parquet*")]
    names = ("uuid", "distinct_id", "person_id")
    columns = (pa.concat_tables(tables).column(name).to_pylist() for name in names)
    return {event: (user, person) for event, user, person in zip(*columns, strict=True)}


def rows(text: str) -> list[list[str]]:
    lines = (line for line in text.splitlines() if line.startswith("│"))
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def cells(text: str, name: str) -> list[str]:
    return next(row[1:] for row in rows(text) if row[0] == name)
