"""A home that the demo filled, the UI on it, and a browser."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import ROOT
from tests.integration.graph.conftest import Home
from tests.integration.graph.test_ui import Ui, serving
from tracks_assets.settings import EXPORT_START_FILE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
"""Without them, Chromium wants another user than root, and looks for its maker's hosts."""

PATIENCE = 180_000
"""Milliseconds: a loaded machine is slow, and that is no failure."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home as ``make demo`` leaves it."""
    path = tmp_path_factory.mktemp("browser") / "home"
    (path / "dagster").mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", path / "dagster")
    home = Home(path)
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo"],
        cwd=ROOT,
        env=home.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    assert (path / EXPORT_START_FILE).exists()
    return home


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
