"""The pages that follow from the code are those that it gives today."""

import re

import pytest

from docs.generate import DOCS, PAGES
from tracks_assets.settings import Settings, variable
from tracks_assets.warehouse.tables import EVERY_TABLE, VIEWS


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run make generate"


def test_every_setting_has_a_description() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_every_setting_is_on_the_page_once() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", (DOCS / "settings.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(listed) == sorted(map(variable, Settings.model_fields))


def test_every_table_is_on_the_page() -> None:
    headings = re.findall(r"^## (.+)$", (DOCS / "tables.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(map(str, (*EVERY_TABLE, *VIEWS)))


@pytest.mark.parametrize("page", ["README.md", *(str(path.relative_to(DOCS.parent)) for path in DOCS.rglob("*.md"))])
def test_every_variable_that_a_page_names_is_a_setting(page: str) -> None:
    named = set(re.findall(r"\bTRACKS_[A-Z_]+[A-Z]\b", (DOCS.parent / page).read_text(encoding="utf-8")))

    assert not named - set(map(variable, Settings.model_fields)) - INTERNAL


INTERNAL = {"TRACKS_WINDOW_START", "TRACKS_WINDOW_END"}
"""Variables that the pipeline sets for dbt."""
