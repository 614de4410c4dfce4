"""The doctor of a laptop's home: each kind of trouble is one line with its fix, and nothing is created or changed."""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from examples.export_generator.generate import write_hour
from tests.integration.failures.sites import FIRST, PLAN, Site, child, holding, merge_first_hour
from tracks_assets.doctor.__main__ import guarded, main
from tracks_assets.doctor.duckdb_checks import disk_finding, memory_finding
from tracks_assets.doctor.findings import Finding, Status, exit_code, fail, ok, warn
from tracks_assets.sources.posthog.layout import HOUR, file_name, hour_interval

Shown = pytest.CaptureFixture[str]
COMMAND = [sys.executable, "-m", "tracks_assets.doctor"]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A home with one export hour, loaded and merged. Copy it; do not touch it."""
    site = Site(tmp_path_factory.mktemp("healthy"))
    write_hour(site.export, FIRST, PLAN)
    site.load()
    merge_first_hour(site.warehouse)
    return site


@pytest.fixture
def home(healthy: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A home that the test may break, which the settings name."""
    shutil.copytree(healthy.folder, tmp_path / "home")
    for name in [name for name in os.environ if name.startswith("TRACKS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TRACKS_HOME", str(tmp_path / "home"))
    return Site(tmp_path / "home")


def files_of(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, with its time and content."""
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in folder.rglob("*") if file.is_file()}


def run(shown: Shown, *arguments: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """The exit code, and for each check its lines as (status, text)."""
    code = main(arguments)
    lines: dict[str, list[tuple[str, str]]] = {}
    for line in shown.readouterr().out.splitlines():
        status, check, text = line.split(maxsplit=2)
        lines.setdefault(check, []).append((status, text))
    return code, lines


def failed(shown: Shown, check: str, *arguments: str) -> str:
    """The text of the only line that fails, which is of a check."""
    code, lines = run(shown, *arguments)
    failures = [(name, text) for name, each in lines.items() for status, text in each if status == "fail"]
    assert code == 1
    assert [name for name, _ in failures] == [check]
    return failures[0][1]


@pytest.mark.slow
def test_the_command_on_a_healthy_home(home: Site) -> None:
    before = files_of(home.folder)
    with child(COMMAND, dict(os.environ)) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    lines = out.splitlines()
    assert [line.split()[1] for line in lines] == [
        "settings",
        "export",
        "hour",
        "warehouse",
        "tables",
        "disk",
        "memory",
    ]
    assert {line[:4].strip() for line in lines} <= {"ok", "warn"}
    assert lines[0] == f"ok    settings    engine duckdb, home {home.folder}, export {home.export}"
    assert lines[1] == f"ok    export      {home.export} has hours, the newest is 2026-03-12-00:00"
    assert lines[2].startswith("ok    hour        2026-03-12-00:00 has 1 file, ")
    assert lines[3] == f"ok    warehouse   {home.warehouse} opens, and no other process holds it"
    assert files_of(home.folder) == before


@pytest.mark.slow
def test_the_command_says_a_wrong_setting_in_one_line(home: Site) -> None:
    with child(COMMAND, os.environ | {"TRACKS_ENGINE": "mysql"}) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert out.splitlines() == [
        "fail  settings    TRACKS_ENGINE is 'mysql', but it must be 'duckdb' or 'bigquery'.",
        "warn  export      not checked, because the settings are wrong",
        "warn  warehouse   not checked, because the settings are wrong",
    ]


def test_a_home_before_the_first_load_stays_as_it_is(home: Site, capsys: Shown) -> None:
    home.warehouse.unlink()
    before = files_of(home.folder)
    code, lines = run(capsys)
    assert code == 0
    assert lines["warehouse"] == [("ok", f"{home.warehouse} does not exist yet; the first load creates it")]
    assert files_of(home.folder) == before


def test_a_home_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("TRACKS_HOME", str(tmp_path / "nowhere" / "home"))
    text = failed(capsys, "export")
    assert text.startswith(f"The export root {tmp_path}/nowhere/home/export does not exist")
    assert list(tmp_path.iterdir()) == []


def test_an_hour_folder_with_another_format(home: Site, capsys: Shown) -> None:
    home.file.rename(home.file.with_name("events.jsonl"))
    text = failed(capsys, "hour")
    assert text.startswith("2026-03-12-00:00: ")
    assert "events.jsonl" in text
    assert "Parquet" in text


def test_an_export_that_ends_before_the_first_partition(
    home: Site, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("TRACKS_EXPORT_START", "2026-03-12-01:00")
    text = failed(capsys, "export")
    assert text.endswith(
        "the newest is 2026-03-12-00:00, before TRACKS_EXPORT_START (2026-03-12-01:00). Set TRACKS_EXPORT_START to the "
        "first hour of the export."
    )


def test_a_cutover_is_shown(home: Site, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("TRACKS_CUTOVER", "2026-03-04")
    _, lines = run(capsys)
    assert lines["settings"][0][1].endswith(", events before 2026-03-04 are left out")


def test_a_root_that_is_the_events_folder_itself(home: Site, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("TRACKS_EXPORT_URI", str(home.export / "events"))
    text = failed(capsys, "export")
    assert text.startswith(f"The export root {home.export}/events has no folder 'events'")


def test_a_root_with_another_layout(home: Site, capsys: Shown) -> None:
    other = home.export / "events" / "2026" / "03" / "12" / "01"
    other.parent.mkdir(parents=True)
    home.hour_folder.rename(other)
    (home.export / "events" / "2026-03-12").rmdir()
    text = failed(capsys, "export")
    assert "2026" in text
    assert "events/2026-03-12/01" in text


def test_an_hour_that_is_not_finished(home: Site, capsys: Shown) -> None:
    home.file.rename(home.hour_folder / file_name(hour_interval(FIRST), 1))
    text = failed(capsys, "hour")
    assert "is one of several parts without a manifest. The export is not finished." in text


def test_an_hour_that_is_torn(home: Site, capsys: Shown) -> None:
    content = bytearray(home.file.read_bytes())
    content[4:2_000] = bytes(1_996)
    home.file.write_bytes(content)
    text = failed(capsys, "hour")
    assert "cannot be read as Parquet" in text


def test_an_hour_that_is_named(home: Site, capsys: Shown) -> None:
    write_hour(home.export, FIRST + HOUR, PLAN)
    _, lines = run(capsys, "--hour", "2026-03-12-00:00")
    assert lines["export"][0][1].endswith("the newest is 2026-03-12-01:00")
    assert lines["hour"][0][1].startswith("2026-03-12-00:00 has 1 file")
    with pytest.raises(SystemExit):
        main(["--hour", "2026-03-12"])
    assert "'2026-03-12' is no UTC hour such as 2026-03-12-00:00" in capsys.readouterr().err


def test_a_warehouse_that_another_process_holds(home: Site, capsys: Shown) -> None:
    with holding(home.warehouse) as holder:
        began = time.monotonic()
        text = failed(capsys, "warehouse", "--lock-wait", "0.3")
        waited = time.monotonic() - began
    assert text.startswith(f"The warehouse {home.warehouse} is held by process {holder.pid} (")
    assert waited < 60


def test_a_foreign_file_as_warehouse(home: Site, capsys: Shown) -> None:
    home.warehouse.write_text("not a database\n" * 1_000)
    text = failed(capsys, "warehouse")
    assert text.endswith("Set TRACKS_DUCKDB_PATH to a DuckDB file, or to a new file in a folder that exists.")
    assert home.warehouse.read_text() == "not a database\n" * 1_000


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ("drop column locale", "it has no column locale"),
        ("alter column locale type integer using 1", "its column locale is INTEGER and not VARCHAR"),
        ("add column ours varchar", "it has a column ours that the pipeline would lose"),
    ],
)
def test_a_table_with_other_columns(home: Site, capsys: Shown, change: str, difference: str) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(f"alter table posthog.tracks {change}")
    text = failed(capsys, "tables")
    assert text == (
        f"posthog.tracks does not fit: {difference}. Change it with alter table, or set TRACKS_DUCKDB_PATH to another "
        f"file."
    )


def test_a_warehouse_that_cannot_be_created(home: Site, monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("TRACKS_DUCKDB_PATH", f"{home.file}/warehouse.duckdb")
    text = failed(capsys, "warehouse")
    assert text.startswith(f"{home.file}/warehouse.duckdb cannot be created in {home.file}. Set TRACKS_HOME or")


def test_an_error_that_no_check_explains_is_a_finding() -> None:
    def broken(error: Exception) -> Iterator[Finding]:
        yield ok("export", "fine")
        raise error

    found = list(guarded("export", broken(KeyError("x"))))
    assert [each.status for each in found] == [Status.OK, Status.FAIL]
    assert found[1].fix == "This is a bug in tracks_assets; please report it with this message."
    (_, denied) = guarded("warehouse", broken(PermissionError(13, "Permission denied", "/data")))
    assert denied.found == "/data cannot be used (Permission denied)"


def test_a_line_has_the_status_the_check_the_finding_and_the_fix() -> None:
    assert fail("disk", "it is\nfull.", "Free it.").line == "fail  disk        it is full. Free it."
    assert exit_code([ok("a", "b"), warn("a", "b")]) == 0
    assert exit_code([ok("a", "b"), fail("a", "b")]) == 1


def test_disk_and_memory() -> None:
    assert disk_finding(2 * 10**9, Path("/d")).status is Status.OK
    assert disk_finding(9 * 10**8, Path("/d")) == warn(
        "disk", "0.9 GB are free in /d", "Free disk space before a load."
    )
    assert memory_finding("1GB", 8 * 10**9).status is Status.OK
    assert memory_finding("16GB", 8 * 10**9).status is Status.FAIL
