"""Folders that are not as PostHog writes them: an error with a sentence, and no row changes; and hidden companions."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from examples.export_generator.generate import write_hour
from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import file_name, hour_interval, manifest_name

from .sites import FIRST, PLAN, SECOND, Site

FOLDER = "events/2026-03-12/01"
INTERVAL = hour_interval(FIRST)
NAME = f"{INTERVAL}.parquet.sz"
MANIFEST = manifest_name(INTERVAL)
AS_PARQUET = "Set the format of PostHog's export to Parquet and export the hour again."
AGAIN = "Let PostHog export the hour again."
TEMPLATE = "Set the key prefix of PostHog's export to 'events/{year}-{month}-{day}/{hour}', or move the files."
MANGLED = str(INTERVAL).replace(":", "%3A").replace("+", "%2B")
NEXT_MANGLED = str(hour_interval(SECOND)).replace(":", " ")

Damage = Callable[[Site], object]


def put(site: Site, name: str) -> None:
    """Puts a file into the hour's folder, below folders that are missing."""
    file = site.hour_folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}\n")


def only(name: str) -> Damage:
    """The hour's folder holds one file and no other."""

    def damage(site: Site) -> None:
        shutil.rmtree(site.hour_folder)
        put(site, name)

    return damage


def beside(name: str) -> Damage:
    """The hour's folder holds one more file."""
    return lambda site: put(site, name)


def copies(*names: str) -> Damage:
    """The hour's folder holds copies of its file under other names only."""

    def damage(site: Site) -> None:
        content = site.file.read_bytes()
        site.file.unlink()
        for name in names:
            (site.hour_folder / name).write_bytes(content)

    return damage


def parts(*numbers: int | None) -> Damage:
    return copies(*(file_name(INTERVAL, number) for number in numbers))


def manifest_of_another_format(site: Site) -> None:
    put(site, f"{INTERVAL}-0.jsonl.gz")
    site.manifest.write_text(json.dumps({"files": [f"{FOLDER}/{INTERVAL}-0.jsonl.gz"]}))


def two_manifests(site: Site) -> None:
    for name in (MANIFEST, f"{MANGLED}_manifest.json"):
        (site.hour_folder / name).write_text(json.dumps({"files": [site.file.name]}))


def no_parquet(name: str) -> str:
    return f"The folder {FOLDER} holds {name!r}, but no Parquet file. {AS_PARQUET}"


def mixed(name: str) -> str:
    return (
        f"The folder {FOLDER} holds {name!r} beside its Parquet files. Rows could be missing. {AS_PARQUET} If the "
        f"Parquet files hold all rows of the hour, take {name!r} out of the folder instead."
    )


DEEPER = (
    f"The folder {FOLDER} holds the folder 'deeper/'. The files of an hour lie directly in the hour's folder. Move "
    f"its files to the folders of their hours, or take it out of the folder."
)


def unfinished(number: int) -> str:
    return (
        f"The file {FOLDER}/{file_name(INTERVAL, number)} is one of several parts without a manifest. The export is "
        f"not finished. Wait for {MANIFEST}, or let PostHog export the hour again."
    )


def nameless(name: str) -> str:
    return (
        f"The file {FOLDER}/{name} carries no interval in its name. It could be of another hour. Give it the name "
        f"that PostHog gave it, such as {NAME}, or take it out of the folder."
    )


def other_hour(name: str) -> str:
    return (
        f"The file {FOLDER}/{name} carries the interval {hour_interval(SECOND)}. The hour being loaded is "
        f"{INTERVAL}. Move the file to its own folder, or set TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour "
        f"names (the interval's end or its start)."
    )


def twice(first: str, second: str) -> str:
    return (
        f"The folder {FOLDER} holds the hour twice, as {first!r} and {second!r}. Take the older file out of the folder."
    )


BAD_FOLDERS: dict[str, tuple[Damage, str]] = {
    "only JSON Lines": (only(f"{INTERVAL}.jsonl"), no_parquet(f"{INTERVAL}.jsonl")),
    "only compressed JSON Lines": (only(f"{INTERVAL}.jsonl.gz"), no_parquet(f"{INTERVAL}.jsonl.gz")),
    "only CSV": (only("events.csv"), no_parquet("events.csv")),
    "only an unfinished copy": (only(f"{NAME}.tmp"), no_parquet(f"{NAME}.tmp")),
    "only a deeper folder": (only(f"deeper/{NAME}"), DEEPER),
    "a deeper folder beside": (beside(f"deeper/{NAME}"), DEEPER),
    "JSON Lines beside": (beside(f"{INTERVAL}.jsonl"), mixed(f"{INTERVAL}.jsonl")),
    "an unfinished copy beside": (beside(f"{NAME}.crc"), mixed(f"{NAME}.crc")),
    "a manifest of JSON Lines": (
        manifest_of_another_format,
        f"The manifest {FOLDER}/{MANIFEST} names '{INTERVAL}-0.jsonl.gz', which is no Parquet file. {AS_PARQUET}",
    ),
    "two manifests": (
        two_manifests,
        f"The folder {FOLDER} holds two manifests, '{MANGLED}_manifest.json' and '{MANIFEST}'. Take the older one out "
        f"of the folder.",
    ),
    "a manifest without an interval": (
        beside("x_manifest.json"),
        f"The manifest {FOLDER}/x_manifest.json carries no interval in its name. It could be of another hour. Give "
        f"it the name {MANIFEST}, or take it out of the folder.",
    ),
    "a part is missing": (parts(0, 2), unfinished(0)),
    "the first part is missing": (parts(1), unfinished(1)),
    "one part": (parts(0), unfinished(0)),
    "parts without a manifest": (parts(0, 1), unfinished(0)),
    "a part beside the file": (parts(None, 3), unfinished(3)),
    "the hour in two codecs": (copies(NAME, f"{INTERVAL}.parquet.zst"), twice(NAME, f"{INTERVAL}.parquet.zst")),
    "the hour in two spellings": (copies(NAME, f"{MANGLED}.parquet"), twice(f"{MANGLED}.parquet", NAME)),
    "no interval": (copies("part-0.parquet"), nameless("part-0.parquet")),
    "a download's second copy": (copies(f"{INTERVAL} (1).parquet"), nameless(f"{INTERVAL} (1).parquet")),
    "another hour without colons": (copies(f"{NEXT_MANGLED}.parquet.sz"), other_hour(f"{NEXT_MANGLED}.parquet.sz")),
}


@pytest.mark.parametrize(("damage", "message"), BAD_FOLDERS.values(), ids=BAD_FOLDERS)
def test_a_bad_folder_is_named_and_nothing_changes(site: Site, damage: Damage, message: str) -> None:
    before = site.contents()
    damage(site)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == message
    assert site.contents() == before


def hidden_companions(site: Site) -> None:
    for name in (f"._{NAME}", f".{NAME}.crc", "_SUCCESS", f"._{MANIFEST}", ".DS_Store", f"_temporary/0/{NAME}"):
        put(site, name)


def test_hidden_companions_are_ignored(site: Site) -> None:
    before = site.contents()
    hidden_companions(site)
    site.load()
    assert site.contents() == before


def test_an_hour_with_hidden_companions_only_has_no_files(site: Site) -> None:
    site.file.unlink()
    hidden_companions(site)
    assert Export(str(site.export)).inventory(FIRST).files == ()


@pytest.mark.parametrize("mangle", [(":", " "), (":", "%3A"), (":", "_"), (":", "-"), ("+", " "), ("+", "%2B")])
def test_a_name_that_lost_its_colons_is_loaded(site: Site, mangle: tuple[str, str]) -> None:
    rows = len(site.contents()["posthog.raw_tracks"])
    copies(str(INTERVAL).replace(*mangle) + ".parquet.sz")(site)
    loaded = site.load()
    assert loaded.accepted > 0
    assert len(site.contents()["posthog.raw_tracks"]) == rows


def test_a_manifest_finds_its_files_by_names_that_lost_their_colons(site: Site) -> None:
    written = write_hour(site.export, FIRST, PLAN.model_copy(update={"files_per_hour": 2}))
    site.load()
    before = site.contents()
    for file in (*written.files, site.manifest):
        file.rename(file.with_name(file.name.replace(":", "%3A").replace("+", "%2B")))
    site.load()
    inventory = Export(str(site.export)).inventory(FIRST)
    assert inventory.manifest == f"{MANGLED}_manifest.json"
    assert len(inventory.files) == 2
    sources = [row[:-1] for row in site.contents()["posthog.raw_tracks"]]
    assert sources == [row[:-1] for row in before["posthog.raw_tracks"]]


def test_two_files_that_spell_a_field_differently_are_named(site: Site) -> None:
    before = site.contents()
    content = pq.ParquetFile(site.file).read()
    for part, name in enumerate(("team", "Team")):
        pq.write_table(content.append_column(name, content["event"]), site.hour_folder / file_name(INTERVAL, part))
    names = [file_name(INTERVAL, part) for part in (0, 1)]
    site.manifest.write_text(json.dumps({"files": names}))
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The file {FOLDER}/{names[0]} has the field 'team', but the file {FOLDER}/{names[1]} has 'Team'. The names "
        f"differ only in case. {AGAIN}"
    )
    assert site.contents() == before


def test_the_root_is_the_events_folder_itself(site: Site) -> None:
    with pytest.raises(ExportError) as caught:
        Export(str(site.export / "events")).inventory(FIRST)
    assert str(caught.value) == (
        f"The export root {site.export}/events has no folder 'events'. It holds '2026-03-12/02' itself. Set "
        f"TRACKS_EXPORT_URI to its parent {site.export}."
    )


def test_the_days_lie_in_a_folder_of_another_name(site: Site) -> None:
    (site.export / "events").rename(site.export / "posthog")
    with pytest.raises(ExportError) as caught:
        Export(str(site.export / "posthog")).inventory(FIRST)
    assert str(caught.value) == (
        f"The export root {site.export}/posthog has no folder 'events'. It holds '2026-03-12/02' itself. {TEMPLATE}"
    )


def test_a_root_without_events_shows_what_it_holds(site: Site) -> None:
    before = site.contents()
    shutil.rmtree(site.export / "events")
    for shown, make in (("nothing", "a"), ("'a/'", "b"), ("'a/', 'b/'", "c"), ("'a/', 'b/', 'c/'", "d")):
        with pytest.raises(ExportError) as caught:
            site.load()
        assert str(caught.value) == (
            f"The export root {site.export} has no folder 'events'. It holds {shown}. Set TRACKS_EXPORT_URI to the "
            f"folder or bucket prefix that holds the export's 'events' folder, or wait for the first hour of a new "
            f"export."
        )
        (site.export / make).mkdir()
    with pytest.raises(ExportError, match="'a/', 'b/', 'c/' and 1 more"):
        site.load()
    assert site.contents() == before


def by_year(events: Path) -> str:
    return f"2026/03/12/01/{NAME}"


def without_hours(events: Path) -> str:
    return f"2026-03-12/{NAME}"


def without_folders(events: Path) -> str:
    return NAME


def named_by_key(events: Path) -> str:
    return f"date=2026-03-12/hour=01/{NAME}"


@pytest.mark.parametrize("layout", [by_year, without_hours, without_folders, named_by_key])
def test_another_layout_is_shown(site: Site, layout: Callable[[Path], str]) -> None:
    before = site.contents()
    events = site.export / "events"
    content = site.file.read_bytes()
    shutil.rmtree(events)
    file = events / layout(events)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The export root {site.export} has no folder events/{{date}}/{{hour}}. It holds "
        f"'events/{layout(events)}' instead of, for instance, events/2026-03-12/01. {TEMPLATE}"
    )
    assert site.contents() == before


@pytest.mark.parametrize("stray", [f"1/{NAME}", NAME])
def test_a_day_with_something_else_than_hours_is_no_empty_hour(site: Site, stray: str) -> None:
    before = site.contents()
    content = site.file.read_bytes()
    shutil.rmtree(site.hour_folder)
    file = site.hour_folder.parent / stray
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    with pytest.raises(ExportError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The folder events/2026-03-12 holds '{stray}', which is in no folder of an hour. An hour could look empty. "
        f"{TEMPLATE}"
    )
    assert site.contents() == before


def test_an_events_folder_without_anything_has_empty_hours(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    export = Export(str(tmp_path))
    assert export.inventory(FIRST).files == ()
    assert export.check_layout() is None


def test_the_newest_folder_is_found_and_links_are_followed(site: Site) -> None:
    assert Export(str(site.export)).check_layout() == SECOND
    linked = site.folder / "linked" / "events"
    linked.mkdir(parents=True)
    (linked / "2026-03-12").symlink_to(site.hour_folder.parent)
    assert Export(str(linked.parent)).check_layout() == SECOND
    assert len(Export(str(linked.parent)).inventory(FIRST).files) == 1


def no_files(site: Site) -> str:
    shutil.rmtree(site.hour_folder)
    return "no files"


def an_empty_manifest(site: Site) -> str:
    site.file.unlink()
    site.manifest.write_text('{"files": []}')
    return "no files"


def a_file_without_rows(site: Site) -> str:
    pq.write_table(pq.ParquetFile(site.file).read().slice(0, 0), site.file)
    return "only files without rows"


@pytest.mark.parametrize("lose", [no_files, an_empty_manifest, a_file_without_rows])
def test_an_hour_with_rows_is_emptied_only_if_the_run_allows_it(site: Site, lose: Callable[[Site], str]) -> None:
    before = site.contents()
    counts = [
        len([row for row in before[f"posthog.{name}"] if FIRST in row]) for name in ("raw_tracks", "rejected_tracks")
    ]
    found = lose(site)
    with pytest.raises(WarehouseError) as caught:
        site.load()
    assert str(caught.value) == (
        f"The hour 2026-03-12-00:00 has stored rows ({counts[0]} in posthog.raw_tracks and {counts[1]} in "
        f"posthog.rejected_tracks), but {FOLDER} holds {found}. Nothing was changed. Put the files back and run the "
        f"hour again. To empty the hour, run posthog.raw_tracks with allow_emptying: true in its run config (ops: "
        f"posthog__raw_tracks: config)."
    )
    assert site.contents() == before

    load = site.load(allow_emptying=True)

    assert (load.read, load.accepted, load.rejected) == (0, 0, 0)
    after = site.contents()
    for name in ("posthog.raw_tracks", "posthog.rejected_tracks"):
        assert after[name] == [row for row in before[name] if SECOND in row]
    assert after["posthog.tracks"] == before["posthog.tracks"]
    assert site.load() == load, "an hour without rows has nothing to lose"
