"""A home that the demo filled, the UI on it, and a browser."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console

from examples.demo.home import Demo, DemoPlan, demo_of
from examples.demo.run import run
from tests import ROOT
from tests.integration.graph.conftest import Home
from tests.integration.graph.test_ui import Ui, serving
from tests.support import warm
from tests.support.warm.parsed import ParsedDbt

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
"""Without them, Chromium wants another user than root, and looks for its maker's hosts."""

PATIENCE = 180_000
"""Milliseconds: a loaded machine is slow, and that is no failure."""


SMALL = DemoPlan(
    hours=2,
    events_per_hour=500,
    redelivered=40,
    incident_rows=2_000,
    mixpanel_days=3,
    mixpanel_events=500,
    mixpanel_duplicate_share=0.02,
)


@dataclass(frozen=True)
class ShownDemo:
    """A demo that ran to its end.

    Attributes:
        demo: its settings and its size.
        printed: all that it printed.
    """

    demo: Demo
    printed: str


@pytest.fixture(scope="module")
def shown_demo(tmp_path_factory: pytest.TempPathFactory, parsed_dbt: ParsedDbt) -> ShownDemo:
    """The real commands of ``make demo``, with few events, unless pictures are taken."""
    path = parsed_dbt.home_at(tmp_path_factory.mktemp("browser") / "home")
    (path / "dagster").mkdir()
    shutil.copy(ROOT / "dagster.yaml", path / "dagster")
    plan = DemoPlan() if "TRACKS_SCREENSHOTS" in os.environ else SMALL
    demo = demo_of({"TRACKS_HOME": str(path), "TRACKS_EXPORT_URI": "gs://not-the-demos"}, datetime.now(UTC), plan)
    console = Console(width=120, record=True, file=StringIO())
    with warm.beside_python():
        run(demo, console)
    return ShownDemo(demo, console.export_text())


@pytest.fixture(scope="module")
def home(shown_demo: ShownDemo) -> Home:
    """The home that the demo left."""
    return Home(shown_demo.demo.settings.home)


@pytest.fixture(scope="module")
def ui(home: Home) -> Iterator[Ui]:
    """The UI on that home."""
    with serving(home, home.path / "ui.log", "dagster", "dev", "--workspace", "workspace.yaml") as asked:
        yield asked


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser; without one, the tests fail: they are never skipped."""
    assert CHROMIUM, "Chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window of its own for each test."""
    window = browser.new_page(viewport={"width": 1500, "height": 950})
    window.set_default_timeout(PATIENCE)
    yield window
    window.close()


@pytest.fixture
def shot(page: Page, tmp_path: Path) -> Callable[[str], Path]:
    """Takes a picture of the window; ``make screenshots`` puts them into the docs."""
    folder = Path(os.environ.get("TRACKS_SCREENSHOTS", tmp_path))

    def take(name: str) -> Path:
        page.wait_for_timeout(1_000)
        path = folder / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take
