"""The pages and the code use the standard words: each word below has one that every reader knows."""

import re
from pathlib import Path

import pytest

from tests import ROOT
from tests.docs.test_site import WRITTEN

WORDS = {
    "anew": "again",
    "besides": "in addition",
    "blanks": "variables",
    "judge[sd]?|judging": "validate, evaluate",
    "likewise": "also",
    "losers?|winners?": "row to remove, row to keep",
    "mend(s|ed|ing)?": "fix",
    "re-?dated": "moved in time",
    "stands?|standing|stood": "is stored, exists",
    "take_turn|takes its turn": "acquire_write_lock",
    "told|tells?": "reported, error text, shows",
    "verdicts?": "result",
    "whoever": "any writer, everyone who",
}

FORMER = {
    "tests/alerts/test_store.py",
    "tests/docs/test_words.py",
    "tests/integration/engines/test_migration.py",
    "tracks_assets/alerts/stored.py",
    "tracks_assets/warehouse/migration.py",
}
"""What has to name them: this list, and the names of an earlier release."""

CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def old_words(text: str, *, is_code: bool = False) -> list[str]:
    """The words of a text that have a standard one; the code in a page is left out."""
    searched = text if is_code else CODE.sub("", text)
    return [found[0] for found in re.finditer(rf"\b({'|'.join(WORDS)})\b", searched, re.IGNORECASE)]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_standard_words(page: Path) -> None:
    assert not old_words(page.read_text(encoding="utf-8"))


def identifiers_split(text: str) -> str:
    """The text with the words of each identifier apart: ``is_redated`` and ``RedatedRows`` both have two."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", text)


@pytest.mark.parametrize("folder", ["benchmarks", "dbt_project", "examples", "lint", "tests", "tracks_assets"])
def test_the_code_uses_the_standard_words(folder: str) -> None:
    files = [file for kind in ("py", "sql", "yml") for file in (ROOT / folder).rglob(f"*.{kind}")]
    found = {
        name: words
        for name, file in ((str(file.relative_to(ROOT)), file) for file in files)
        if name not in FORMER
        and "/target/" not in name
        and (words := old_words(identifiers_split(file.read_text(encoding="utf-8")), is_code=True))
    }
    assert not found


def test_old_words_are_found_outside_of_code_only() -> None:
    text = "An id stands once.\n```sql\nselect verdict\n```\nWhoever writes `archived_times`\n- a re-dated row\n"

    assert old_words(text) == ["stands", "Whoever", "re-dated"]
