"""The site builds without a warning, and what names a page, a file or a module of the project names one that exists."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests import ROOT

FOLDERS = ("tracks_assets", "examples", "dbt_project", "deploy", "benchmarks", "docs", "lint", ".github")
READ = {".py", ".md", ".sql", ".yml", ".yaml", ".toml", ".example", ""}
WRITTEN = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]

PAGE = re.compile(r"(?<![\w/.-])docs/[\w./-]+\.md(?:#[\w-]+)?")
"""How code and pages outside of docs/ name a page."""

LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
FILE = re.compile(r"`((?:tracks_assets|examples|dbt_project|deploy|benchmarks|tests|docs|lint)/[\w./-]*)`")
MODULE = re.compile(r"python -m ((?:tracks_assets|examples|benchmarks|docs)[\w.]*)")


def _texts() -> Iterator[Path]:
    """The files of the project that people and programs read; tests name pages that do not exist."""
    for folder in FOLDERS:
        yield from (path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in READ)
    yield from (path for path in ROOT.iterdir() if path.is_file() and path.suffix in READ - {""} | {".md"})
    yield ROOT / "Makefile"


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as the site has them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading.lower())) for heading in headings}


def _leads_somewhere(target: str, folder: Path) -> bool:
    path, _, anchor = target.partition("#")
    page = (folder / path).resolve()
    return page.exists() and (not anchor or anchor in _anchors(page))


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """With ``strict``, a page that is in no menu and a link or an anchor that leads nowhere are errors."""
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        check=False,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )

    assert built.returncode == 0, built.stderr
    assert (tmp_path / "decisions" / "index.html").exists()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_outside_of_the_site_lead_somewhere(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text(encoding="utf-8"))

    assert links
    assert not [link for link in links if not _leads_somewhere(link, ROOT)]


def test_code_names_pages_that_exist() -> None:
    named = {(found, path) for path in _texts() for found in PAGE.findall(path.read_text(encoding="utf-8"))}

    assert len(named) > 20
    assert not [(found, str(path)) for found, path in named if not _leads_somewhere(found, ROOT)]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_files_and_modules_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert not [name for name in FILE.findall(text) if not (ROOT / name).exists()]
    assert not [name for name in MODULE.findall(text) if find_spec(name) is None]
