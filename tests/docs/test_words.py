"""The pages use the standard words: each word below has one that every reader knows."""

import re
from pathlib import Path

import pytest

from tests.docs.test_site import ROOT, WRITTEN

WORDS = {
    "anew": "again",
    "besides": "in addition",
    "blanks?": "variable",
    "judge[sd]?|judging": "validate, evaluate",
    "likewise": "also",
    "losers?|winners?": "row to remove, row to keep",
    "mend(s|ed|ing)?": "fix",
    "re-?dated": "moved in time",
    "stands?|standing|stood": "is stored, exists",
    "verdicts?": "result",
    "whoever": "any writer, everyone who",
}

CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def old_words(text: str) -> list[str]:
    """The words of a page that have a standard one; code is left out."""
    return [found[0] for found in re.finditer(rf"\b({'|'.join(WORDS)})\b", CODE.sub("", text), re.IGNORECASE)]


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_uses_the_standard_words(page: Path) -> None:
    assert not old_words(page.read_text(encoding="utf-8"))


def test_old_words_are_found_outside_of_code_only() -> None:
    text = "An id stands once.\n```sql\nselect verdict\n```\nWhoever writes `archived_times`\n- a re-dated row\n"

    assert old_words(text) == ["stands", "Whoever", "re-dated"]
