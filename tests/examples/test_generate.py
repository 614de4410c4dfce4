"""The example generator: an export in PostHog's format, the same for the same plan, with the disturbances asked for."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from examples.export_generator.generate import ExportPlan, HourWritten, main, redeliver, write_hour, write_hours
from tracks_assets.sources.posthog.layout import HOUR

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_HOUR = datetime(2026, 3, 12, 22, tzinfo=UTC)
pytestmark = pytest.mark.slow

PLAN = ExportPlan(
    seed=7,
    events_per_hour=2_000,
    files_per_hour=3,
    people=300,
    redelivery_share=0.01,
    repeat_share=0.01,
    edit_share=0.02,
    malformed_share=0.008,
    export_start=FIRST_HOUR,
)

Delivery = dict[str, Any]


@dataclass(frozen=True)
class Export:
    """Three hours as written, and the deliveries read back from their files."""

    root: Path
    written: list[HourWritten]
    hours: list[list[Delivery]]

    @property
    def deliveries(self) -> list[Delivery]:
        """All deliveries of the export."""
        return [delivery for hour in self.hours for delivery in hour]

    @cached_property
    def well_formed(self) -> list[Delivery]:
        """The deliveries that keep the contract of an event."""
        return [delivery for delivery in self.deliveries if is_well_formed(delivery)]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    """An export of three hours across midnight."""
    root = tmp_path_factory.mktemp("export")
    written = list(write_hours(root, FIRST_HOUR, 3, PLAN))
    return Export(root, written, [read(hour.files) for hour in written])


def read(files: tuple[Path, ...]) -> list[Delivery]:
    """The deliveries in the files, in order."""
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def is_well_formed(delivery: Delivery) -> bool:
    """Does the delivery keep the contract of an event?"""
    try:
        is_object = isinstance(json.loads(delivery["properties"]), dict)
    except ValueError:
        return False
    time = delivery["timestamp"]
    in_range = time is not None and datetime(2000, 1, 1, tzinfo=UTC) <= time < datetime(2100, 1, 1, tzinfo=UTC)
    return is_object and in_range and all(delivery[name] for name in ("uuid", "event", "distinct_id"))


def is_edit(delivery: Delivery) -> bool:
    """Do the properties differ from those that were sent first?"""
    return '"edited":true' in delivery["properties"]


def id_ms(event_id: str) -> int:
    """The Unix milliseconds in a UUIDv7."""
    return UUID(event_id).int >> 80


def contents(root: Path) -> dict[str, bytes]:
    """All files below ``root`` by name, with their bytes."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_folders_files_and_manifest_are_named_as_posthog_names_them(export: Export) -> None:
    """The folder is the interval's end, the parts count from 0, and the manifest lists their keys."""
    interval = "2026-03-12T23:00:00+00:00-2026-03-13T00:00:00+00:00"
    parts = [f"events/2026-03-13/00/{interval}-{part}.parquet.sz" for part in range(3)]
    manifest = f"events/2026-03-13/00/{interval}_manifest.json"

    assert sorted(path for path in contents(export.root) if "/2026-03-13/00/" in path) == [*parts, manifest]
    assert json.loads((export.root / manifest).read_text()) == {"files": parts}
    assert [path.relative_to(export.root).as_posix() for path in export.written[1].files] == parts


def test_one_file_an_hour_has_neither_a_part_number_nor_a_manifest(tmp_path: Path) -> None:
    """PostHog numbers parts and writes manifests only where a maximum file size is set."""
    write_hour(tmp_path, FIRST_HOUR, PLAN.model_copy(update={"files_per_hour": 1}))
    name = "events/2026-03-12/23/2026-03-12T22:00:00+00:00-2026-03-12T23:00:00+00:00.parquet.sz"
    assert list(contents(tmp_path)) == [name]


def test_an_hour_written_again_replaces_the_earlier_one(tmp_path: Path) -> None:
    """No part of a larger earlier run is left, and no manifest that lists one."""
    write_hour(tmp_path, FIRST_HOUR, PLAN)
    again = write_hour(tmp_path, FIRST_HOUR, PLAN.model_copy(update={"files_per_hour": 1}))
    assert [tmp_path / path for path in contents(tmp_path)] == list(again.files)


def test_the_files_have_posthogs_ten_fields_and_are_snappy_inside(export: Export) -> None:
    """Seven texts, three timestamps in microseconds UTC, compressed within the Parquet file."""
    texts = {"uuid", "event", "distinct_id", "person_id", "properties", "person_properties", "elements_chain"}
    times = {"timestamp", "created_at", "_inserted_at"}
    expected = {name: pa.string() for name in texts} | {name: pa.timestamp("us", tz="UTC") for name in times}

    for path in export.written[0].files:
        file = pq.ParquetFile(path)
        group = file.metadata.row_group(0)
        assert {field.name: field.type for field in file.schema_arrow} == expected
        assert {group.column(n).compression for n in range(group.num_columns)} == {"SNAPPY"}


def test_the_same_plan_gives_the_same_bytes_for_an_hour_written_alone_in_another_process(
    export: Export, tmp_path: Path
) -> None:
    """The third hour, written by the command line in a fresh interpreter, equals the one written after two others."""
    shares = ["--redelivery-share=0.01", "--repeat-share=0.01", "--edit-share=0.02", "--malformed-share=0.008"]
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "examples.export_generator.generate",
                "--out",
                str(tmp_path),
                "--hours=1",
                "--seed=7",
            ),
            *("--start=2026-03-13-00:00", "--export-start=2026-03-12-22:00", "--events-per-hour=2000"),
            *("--files-per-hour=3", "--people=300", *shares),
        ],
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "1"},
    )
    alone = contents(tmp_path)
    assert alone == {path: data for path, data in contents(export.root).items() if path in alone}
    assert len(alone) == 4


def test_another_seed_gives_other_events(export: Export, tmp_path: Path) -> None:
    """No id of one seed comes back under another."""
    other = write_hour(tmp_path, FIRST_HOUR, PLAN.model_copy(update={"seed": 8}))
    assert {row["uuid"] for row in read(other.files)} & {row["uuid"] for row in export.hours[0]} <= {None, ""}


def test_ids_are_uuid7_of_the_events_own_time(export: Export) -> None:
    """The id's milliseconds, ``$time`` and, unless re-stamped, ``timestamp`` are one and the same."""
    restamped = 0
    for row in export.well_formed:
        event_id = UUID(row["uuid"])
        assert (event_id.version, event_id.variant, str(event_id)) == (7, "specified in RFC 4122", row["uuid"])
        assert id_ms(row["uuid"]) == round(json.loads(row["properties"])["$time"] * 1000)
        restamped += id_ms(row["uuid"]) != (row["timestamp"] - EPOCH) // timedelta(milliseconds=1)
    assert restamped == sum(hour.redelivered for hour in export.written)


def test_every_delivery_arrives_within_its_hour_and_after_it_happened(export: Export) -> None:
    """PostHog's interval is [start, end) on insert time; nothing arrives before it happened."""
    for written, rows in zip(export.written, export.hours, strict=True):
        for row in rows:
            assert written.hour <= row["created_at"] <= row["_inserted_at"] < written.hour + HOUR
            assert not is_well_formed(row) or row["timestamp"] <= row["created_at"]
        assert [row["_inserted_at"] for row in rows] == sorted(row["_inserted_at"] for row in rows)


def test_arrivals_are_seconds_late_mostly_and_hours_late_now_and_then(export: Export) -> None:
    """The delays have a heavy tail."""
    delays = sorted(row["_inserted_at"] - row["timestamp"] for row in export.well_formed)
    assert timedelta(seconds=2) < delays[len(delays) // 2] < timedelta(seconds=15)
    assert delays[-1] > timedelta(hours=1)


def test_payloads_have_the_sizes_and_the_properties_of_an_apps_events(export: Export) -> None:
    """1.5 to 2.5 KB, 2.3 KB on average; no key twice; 20 to 60 flags of about 120."""
    rows = export.well_formed
    sizes = [len(row["properties"].encode()) for row in rows]
    assert min(sizes) >= 1500
    assert max(sizes) <= 2500
    assert 2200 <= sum(sizes) / len(sizes) <= 2350

    flags = set()
    for row in rows:
        pairs = json.loads(row["properties"], object_pairs_hook=list)
        own = {key.removeprefix("$feature/") for key, _ in pairs if key.startswith("$feature/")}
        assert len(dict(pairs)) == len(pairs)
        assert 20 <= len(own) <= 60
        assert set(dict(pairs)["$active_feature_flags"]) <= own
        flags |= own
    assert len(flags) == 120


def test_events_come_from_web_ios_and_android_with_a_long_tail_of_names(export: Export) -> None:
    """Some names are common and most are rare; each library sends what it can know."""
    rows = export.well_formed
    properties = [json.loads(row["properties"]) for row in rows]
    names = Counter(row["event"] for row in rows)

    assert len(names) > 120
    assert names["$screen"] + names["$pageview"] > 0.15 * len(rows)
    assert {each["$lib"] for each in properties} == {"web", "posthog-ios", "posthog-android", "posthog-react-native"}
    assert all(("$lib_rate_limit_remaining_tokens" in each) == (each["client"] == "web") for each in properties)
    assert 0 < sum("session_id" in each for each in properties) < len(rows) / 2
    assert {bool(row["elements_chain"]) for row in rows if row["event"] == "$autocapture"} == {True}
    assert any('\\"' in row["properties"] for row in rows)
    assert any(not row["properties"].isascii() for row in rows)


def test_a_session_belongs_to_one_person_and_starts_before_its_events(export: Export) -> None:
    """A session's id is a UUIDv7 too, at most half an hour older than the event."""
    people_of: dict[str, set[str]] = {}
    for row in export.well_formed:
        session = json.loads(row["properties"])["$session_id"]
        people_of.setdefault(session, set()).add(row["person_id"])
        assert 0 <= id_ms(row["uuid"]) - id_ms(session) < 30 * 60 * 1000
    assert {len(people) for people in people_of.values()} == {1}
    assert len(people_of) < len(export.deliveries) / 2


def test_the_shares_are_kept_to_the_delivery(export: Export) -> None:
    """Shares are counted on the new events and come on top of them."""
    for written, rows in zip(export.written, export.hours, strict=True):
        counts = (written.redelivered, written.repeats, written.edits, written.malformed)
        assert counts == (20, 20, 40, 16)
        assert written.rows == len(rows) == 2_000 + sum(counts)


def test_malformed_rows_are_those_that_break_the_contract(export: Export) -> None:
    """As many rows break it as are reported, in every way there is."""
    for written, rows in zip(export.written, export.hours, strict=True):
        broken = [row for row in rows if not is_well_formed(row)]
        assert len(broken) == written.malformed
        for name, values in {"uuid": {None, ""}, "event": {None, ""}, "distinct_id": {None, ""}}.items():
            assert {row[name] for row in broken} >= values
        assert {row["timestamp"].year if row["timestamp"] else None for row in broken} == {None, 1969, 2026, 2106}


def test_repeats_are_identical_in_every_field(export: Export) -> None:
    """A repeat is the same delivery twice in one hour."""
    for written, rows in zip(export.written, export.hours, strict=True):
        assert len(rows) - len({tuple(row.items()) for row in rows}) == written.repeats


def test_redeliveries_repeat_ids_of_earlier_hours_with_later_times(export: Export) -> None:
    """From the second hour on, they are real events of the export, unchanged but for their times."""
    first, second, third = ([row for row in hour if is_well_formed(row)] for hour in export.hours)
    originals = {row["uuid"]: row for row in first + second if not is_edit(row)}
    again = [row for row in third if row["uuid"] in originals and not is_edit(row)]
    assert len(again) == export.written[2].redelivered
    for row in again:
        original = originals[row["uuid"]]
        assert row["timestamp"] > original["timestamp"]
        assert row["_inserted_at"] > original["_inserted_at"]
        assert row["properties"] == original["properties"]


def test_the_first_hour_redelivers_events_from_months_before_the_export(export: Export) -> None:
    """Their originals were never exported; their ids show how old they are."""
    start_ms = FIRST_HOUR.timestamp() * 1000
    ages = [start_ms - id_ms(row["uuid"]) for row in export.hours[0] if is_well_formed(row)]
    months_old = [age for age in ages if age > timedelta(days=25) / timedelta(milliseconds=1)]
    assert len(months_old) == export.written[0].redelivered


def test_edits_change_the_properties_and_keep_the_time(export: Export) -> None:
    """Some edit events of their own hour, some those of an earlier one; all are inserted later."""
    originals = {row["uuid"]: row for row in reversed(export.deliveries) if not is_edit(row)}
    own_hour = 0
    for written, rows in zip(export.written, export.hours, strict=True):
        edits = [row for row in rows if is_edit(row)]
        assert len(edits) == written.edits
        for row in edits:
            original = originals[row["uuid"]]
            assert row["timestamp"] == original["timestamp"]
            assert row["_inserted_at"] > original["_inserted_at"]
            own_hour += original["_inserted_at"] >= written.hour
    assert own_hour == 40 + 20 + 20


def test_an_hour_of_many_slices_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However finely an hour is drawn, its events are distinct and its small shares are exact."""
    monkeypatch.setattr("examples.export_generator.plan.SLICE_EVENTS", 70)
    plan = PLAN.model_copy(update={"redelivery_share": 0.0, "edit_share": 0.0, "malformed_share": 0.001})
    written = write_hour(tmp_path, FIRST_HOUR, plan)
    rows = read(written.files)
    assert pq.ParquetFile(written.files[0]).num_row_groups == 10
    assert (written.malformed, written.repeats) == (2, 20)
    assert len({row["uuid"] for row in rows if is_well_formed(row)}) == 2_000


@pytest.mark.parametrize(("events", "files"), [(1, 1), (2, 2)])
def test_an_hour_may_be_tiny(tmp_path: Path, events: int, files: int) -> None:
    """Fewer events than files make fewer files, never an empty one."""
    plan = ExportPlan(events_per_hour=events, people=1, redelivery_share=0.1, repeat_share=0.1, edit_share=0.1)
    written = write_hour(tmp_path, FIRST_HOUR, plan)
    assert (written.rows, len(written.files)) == (events, files)


def test_redeliver_writes_exactly_the_old_ids_asked_for(export: Export, tmp_path: Path) -> None:
    """A fourth hour repeats 400 ids of all three: distinct, well-formed, later in both times."""
    hour = FIRST_HOUR + 3 * HOUR
    written = redeliver(tmp_path, hour, [FIRST_HOUR + n * HOUR for n in range(3)], 400, PLAN)
    rows = read(written.files)
    originals = {row["uuid"]: row for row in reversed(export.well_formed)}

    assert (written.rows, written.redelivered, written.malformed + written.repeats + written.edits) == (400, 400, 0)
    assert len({row["uuid"] for row in rows}) == len(rows) == 400
    for row in rows:
        assert is_well_formed(row)
        assert hour <= row["timestamp"] <= row["created_at"] <= row["_inserted_at"] < hour + HOUR
        assert row["timestamp"] > originals[row["uuid"]]["timestamp"]
    assert len({originals[row["uuid"]]["_inserted_at"].hour for row in rows}) == 3


def test_redeliver_takes_one_hour_whole(tmp_path: Path) -> None:
    """As many ids as the hour has events are all of them."""
    written = redeliver(tmp_path, FIRST_HOUR + HOUR, FIRST_HOUR, PLAN.events_per_hour, PLAN)
    assert len({row["uuid"] for row in read(written.files)}) == PLAN.events_per_hour


@pytest.mark.parametrize(
    ("hour", "of", "ids", "sentence"),
    [
        (FIRST_HOUR, [FIRST_HOUR], 1, "is not after all of"),
        (FIRST_HOUR, [], 1, "is not after all of"),
        (FIRST_HOUR + HOUR, [FIRST_HOUR], 2_001, "2001 ids were asked for, but the hours to repeat hold 1 to 2000"),
        (FIRST_HOUR + HOUR, [FIRST_HOUR], 0, "0 ids were asked for"),
        (FIRST_HOUR + HOUR / 2, [FIRST_HOUR], 1, "2026-03-12T22:30:00.00:00 is not"),
    ],
)
def test_redeliver_refuses_what_cannot_be(
    tmp_path: Path, hour: datetime, of: list[datetime], ids: int, sentence: str
) -> None:
    """It says what is wrong and writes nothing."""
    with pytest.raises(ValueError, match=sentence):
        redeliver(tmp_path, hour, of, ids, PLAN)
    assert contents(tmp_path) == {}


def test_an_hour_without_a_time_zone_is_refused(tmp_path: Path) -> None:
    """An export hour is UTC or it is not an export hour."""
    with pytest.raises(ValueError, match="whole hour in UTC"):
        write_hour(tmp_path, FIRST_HOUR.replace(tzinfo=None), PLAN)


def test_a_plan_has_bounds() -> None:
    """A share is a small number, and unknown fields are not swallowed."""
    with pytest.raises(ValidationError, match="redelivery_share"):
        ExportPlan(redelivery_share=float("nan"))
    with pytest.raises(ValidationError, match="reddelivery_share"):
        ExportPlan.model_validate({"reddelivery_share": 0.01})


def test_the_command_prints_a_line_an_hour_and_a_final_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written, and at which rate."""
    main(["--out", str(tmp_path), "--hours=2", "--events-per-hour=1000", "--people=50"])
    first, second, last = capsys.readouterr().out.splitlines()
    assert first.startswith("2026-03-12-00:00  1,002 rows in 4 files: 1 re-delivered, 1 repeats, 0 edits, 0 malformed")
    assert second.startswith("2026-03-12-01:00  1,002 rows")
    assert first.endswith("rows/s so far")
    assert last.startswith("2 hours, 2,004 rows in")
    assert (tmp_path / "events/2026-03-12/02").is_dir()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--hours=0", "Argument --hours: '0' is not a number of hours from 1 up.\n"),
        (
            "--start=2026-03-12",
            "Argument --start: '2026-03-12' is not a whole hour from 2001 to 2099 like 2026-03-12-00:00.\n",
        ),
        (
            "--start=2026-03-12-00:30",
            "Argument --start: '2026-03-12-00:30' is not a whole hour from 2001 to 2099 like 2026-03-12-00:00.\n",
        ),
        ("--seed=x", "Argument --seed: invalid int value: 'x'.\n"),
        (
            "--redelivery-share=2",
            "Argument --redelivery-share: 2.0 is wrong, input should be less than or equal to 0.1.\n",
        ),
        ("--files-per-hour=0", "Argument --files-per-hour: 0 is wrong, input should be greater than or equal to 1.\n"),
        (
            "--start=1999-01-01-00:00",
            "Argument --start: '1999-01-01-00:00' is not a whole hour from 2001 to 2099 like 2026-03-12-00:00.\n",
        ),
        ("--redeliver=1", "Unrecognized arguments: --redeliver=1.\n"),
    ],
)
def test_a_wrong_value_stops_the_command_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, sentence: str
) -> None:
    """No usage, no traceback, nothing written."""
    with pytest.raises(SystemExit) as stopped:
        main(["--out", str(tmp_path), option])
    assert stopped.value.code == 2
    assert capsys.readouterr().err == sentence
    assert contents(tmp_path) == {}


def test_a_root_that_cannot_be_written_to_stops_the_command_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where the root should be is named, without a traceback."""
    (tmp_path / "taken").touch()
    with pytest.raises(SystemExit):
        main(["--out", str(tmp_path / "taken"), "--people=1"])
    assert capsys.readouterr().err == f"Argument --out: {tmp_path / 'taken'} cannot be written to, Not a directory.\n"
