"""`make demo`, with few events: it runs the real commands, twice, and shows what must be zero as zero."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tracks_assets.demo import __main__ as demo


def _run(home: Path) -> str:
    console = Console(width=120, record=True, file=StringIO())
    demo.run(demo.demo_settings({"TRACKS_HOME": str(home), "TRACKS_EXPORT_URI": "gs://not-the-demos"}), console)
    return console.export_text()


def test_the_demo_runs_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HOURS", 2)
    monkeypatch.setattr(demo, "EVENTS_AN_HOUR", 500)
    monkeypatch.setattr(demo, "REDELIVERED", 40)
    monkeypatch.setattr(demo, "INCIDENT_ROWS", 2_000)

    first, second = _run(tmp_path), _run(tmp_path)

    for text in (first, second):
        assert "│ excess rows               │     0 │" in text
        assert "│ events that moved in time │     0 │" in text
        assert _row(text, "unique_event_id") == ["FAILED", "passed"]
        assert _row(text, "no_collisions") == ["passed", "passed"]
    assert "0 events inserted, 0 updated, 40 unchanged" in first
    assert "2 hours merged" in second
    assert _row(second, "all")[2] == "0", "a second run inserts nothing"


def _row(text: str, name: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"│ {name} "))
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_the_demo_leaves_a_foreign_warehouse_alone(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"somebody's")

    with pytest.raises(demo.DemoError, match="holds a warehouse that the demo did not write"):
        demo.claim_home(tmp_path)

    assert (tmp_path / "warehouse.duckdb").read_bytes() == b"somebody's"
