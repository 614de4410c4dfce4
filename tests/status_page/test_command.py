"""The command: what it writes, and one sentence where it cannot."""

import csv
from pathlib import Path

import pytest

from tests.quality.checks.counted_rows import NOW
from tests.repairs.restore_times.moved_rows import uuid7
from tracks_assets.status import main
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse

pytestmark = pytest.mark.slow

ID = uuid7(NOW, 1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a warehouse in which one event was delivered twice, and without a record of Dagster's."""
    monkeypatch.setenv("TRACKS_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with DuckDbWarehouse(tmp_path / "warehouse.duckdb").opened() as warehouse:
        for hour in ("2026-06-12 05:", "2026-06-12 06:"):
            warehouse.connection.execute(
                "insert into posthog.raw_tracks (event_id, created_at, event_inserted_at, window_start, source_file) "
                f"values ('{ID}', '{hour}10:00Z', '{hour}11:00Z', '{hour}00:00Z', 'f')"
            )
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The sentence of a command that writes nothing."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_the_page_lies_in_the_home(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == (
        f"Unknown: No census has counted posthog.tracks yet. The page is {home / 'status.html'}.\n"
    )
    assert (home / "status.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_report_holds_the_hours_that_were_asked_for(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "report.csv"
    hours = ("--since", "2026-06-12-05:00", "--until", "2026-06-12-07:00")
    assert main(["redeliveries", "--out", str(file), *hours]) == 0
    assert capsys.readouterr().out == (
        f"{file} has 1 re-delivery of the export hours from 2026-06-12-05:00 to before 2026-06-12-07:00.\n"
    )
    with file.open(encoding="utf-8", newline="") as lines:
        (line,) = csv.DictReader(lines)
    assert (line["event_id"], line["restamped_seconds"]) == (ID, "600.0")
    assert main(["redeliveries", "--out", str(file), "--since", "2026-06-12-06:00", "--until", "2026-06-12-07:00"]) == 0
    assert len(file.read_text(encoding="utf-8").splitlines()) == 1, "the first delivery is out of sight"


def test_a_file_that_cannot_be_written_keeps_what_was_there(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "page.html").mkdir()
    text = refused(capsys, "--out", str(home / "page.html"))
    assert text == f"The file {home / 'page.html'} cannot be written (Is a directory). Name another file with --out.\n"
    assert sorted(path.name for path in home.iterdir()) == ["alerts.db", "page.html", "warehouse.duckdb"]


def test_without_a_warehouse_none_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKS_HOME", str(tmp_path / "nowhere"))
    assert "There is no warehouse" in refused(capsys)
    assert not (tmp_path / "nowhere").exists()


def test_a_wrong_setting_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TRACKS_OWNERS", "somebody")
    assert refused(capsys) == (
        "TRACKS_OWNERS is 'somebody', but it must be e-mail addresses or names such as team:data, separated by "
        "commas.\n"
    )


def test_an_hour_that_is_none_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["redeliveries", "--out", "x.csv", "--since", "yesterday"])
    assert "'yesterday' is not a UTC hour such as 2026-03-12-00:00" in capsys.readouterr().err
