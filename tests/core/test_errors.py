"""Errors that the person on duty reads: their parts, and the texts of all places that raise one."""

import ast
import pickle
import re
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracks_assets
from tracks_assets.core.errors import ExportError, ReportedError, TransientWarehouseError

FINDING = "The folder f holds 'x' beside its Parquet files."
COMPARISON = "Rows could be missing."
NEXT_STEP = "Take it out of the folder."


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ReportedError(FINDING), FINDING),
        (ReportedError(FINDING, COMPARISON), f"{FINDING} {COMPARISON}"),
        (ReportedError(FINDING, next_step=NEXT_STEP), f"{FINDING} {NEXT_STEP}"),
        (ReportedError(FINDING, COMPARISON, NEXT_STEP), f"{FINDING} {COMPARISON} {NEXT_STEP}"),
    ],
)
def test_the_parts_are_joined_by_one_space(error: ReportedError, text: str) -> None:
    assert str(error) == text


@pytest.mark.parametrize("kind", [ExportError, TransientWarehouseError])
def test_an_error_crosses_processes(kind: type[ReportedError]) -> None:
    sent = pickle.loads(pickle.dumps(kind(FINDING, next_step=NEXT_STEP)))
    assert type(sent) is kind
    assert (sent.finding, sent.comparison, sent.next_step) == (FINDING, "", NEXT_STEP)


# The texts of all places that raise one

PACKAGE = Path(tracks_assets.__file__).parent
PARTS = ("finding", "comparison", "next_step")

Modules = dict[Path, ast.Module]
Literal = tuple[str, str, str]
"""A text with which an error is made: its place, its part, the text."""


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _reported_classes(modules: Modules) -> set[str]:
    """The base and every class that derives from it."""
    bases = {
        node.name: {_name(base) for base in node.bases}
        for module in modules.values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
    }
    found = {ReportedError.__name__}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def _text(node: ast.expr) -> str | None:
    """A literal text, with a word for each placeholder; None for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return None


def _calls(module: ast.Module, classes: set[str]) -> Iterator[ast.Call]:
    """The calls of the classes, and of a variable that is one of two of them."""
    chosen = {
        _name(node.targets[0])
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.IfExp)
        and {_name(node.value.body), _name(node.value.orelse)} <= classes
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _name(node.func) in classes | chosen:
            yield node


def _literals(modules: Modules) -> Iterator[Literal]:
    """The literal texts with which an error is made."""
    classes = _reported_classes(modules)
    for path, module in modules.items():
        for call in _calls(module, classes):
            given = dict(zip(PARTS, call.args, strict=False)) | {each.arg or "": each.value for each in call.keywords}
            for part, value in given.items():
                text = _text(value)
                if text is not None:
                    yield f"{path}:{call.lineno}", part, text


@pytest.fixture(scope="module")
def literals() -> list[Literal]:
    paths = PACKAGE.rglob("*.py")
    return list(_literals({path.relative_to(PACKAGE): ast.parse(path.read_text(encoding="utf-8")) for path in paths}))


@pytest.fixture(scope="module")
def findings(literals: list[Literal]) -> list[str]:
    return [text for _, part, text in literals if part == "finding"]


def test_every_part_is_found(literals: list[Literal], findings: list[str]) -> None:
    counted = Counter(part for _, part, _ in literals)
    assert set(counted) == set(PARTS)
    assert len(findings) > 100


def test_a_finding_is_one_sentence(literals: list[Literal]) -> None:
    wrong = [(place, text) for place, part, text in literals if part == "finding" and _sentences(text) != 1]
    assert wrong == []


def test_a_finding_holds_no_next_step(findings: list[str]) -> None:
    """What follows a colon or a semicolon, outside of parentheses, is a part of its own."""
    wrong = [text for text in findings if re.search(r"[:;] ", re.sub(r"\([^)]*\)", "", text))]
    assert wrong == []


def test_the_other_parts_are_sentences(literals: list[Literal]) -> None:
    wrong = [(place, text) for place, part, text in literals if part != "finding" and not _sentences(text)]
    assert wrong == []


def _sentences(text: str) -> int:
    """How many sentences a text has; 0 if one starts with a small letter, or the last one has no full stop."""
    sentences = re.split(r"(?<=[.!?]) ", text)
    are_complete = text.endswith(".") and not text.endswith("..")
    starts = sentences if _is_prose(text) else sentences[1:]
    return len(sentences) if are_complete and not any(each[0].islower() for each in starts) else 0


def _is_prose(text: str) -> bool:
    """Whether a text starts with a word; a finding may start with a name, such as ``posthog_ops.person_squashes``."""
    return not re.match(r"[a-z_]+\.[a-z_]+ |dbt |dedup_tracks ", text)


def test_a_finding_is_short(findings: list[str]) -> None:
    assert statistics.median(len(text.split()) for text in findings) <= 10


def test_a_sentence_is_recognized() -> None:
    assert _sentences("The file X is empty.") == 1
    assert _sentences("The file X is empty. Run it again.") == 2
    for wrong in ("the file X is empty.", "The file X is empty", "The file X is empty. run it again.", "Empty.."):
        assert _sentences(wrong) == 0
