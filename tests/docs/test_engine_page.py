"""The page on a new engine names what the interface requires: its members, its statements, its tests."""

import ast
import inspect
import re

from docs.generate import DOCS
from tests.integration.engines import conftest
from tracks_assets import settings
from tracks_assets.warehouse import base
from tracks_assets.warehouse.statements import SQL

PAGE = (DOCS / "extend" / "engine.md").read_text(encoding="utf-8")


def _named(start: str, end: str) -> set[str]:
    """The names between two texts of the page."""
    _, _, rest = PAGE.partition(start)
    return set(re.findall(r"`(\w+)`", rest.partition(end)[0]))


def _statements(folder: str) -> set[str]:
    return {path.stem for path in (SQL / folder).glob("*.sql")}


def _statements_of_base() -> set[str]:
    """The statements that the members run which an engine inherits."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(base))) if isinstance(node, ast.Call) and node.args]
    names = [call.args[0] for call in calls if ast.unparse(call.func) in ("self.fetch", "self.execute")]
    return {ast.literal_eval(name) for name in names}


def test_the_required_members_are_those_of_the_interface() -> None:
    assert _named("These members are required:", "The rest has defaults") == base.Warehouse.__abstractmethods__


def test_the_statements_to_write_are_those_that_the_engines_do_not_share() -> None:
    named = _named("as in `sql/duckdb/`:", "The others there")

    assert named <= _statements("duckdb") - _statements("both")
    assert {"count_rows", "find_duplicates"} <= _statements_of_base()
    assert _statements_of_base() - _statements("both") <= named


def test_the_names_in_the_code_exist() -> None:
    for module, names in ((conftest, ("ENGINES", "ALL_ENGINES", "FIXTURES")), (settings, ("_READ_BY_DBT",))):
        assert all(f"`{name}`" in PAGE and hasattr(module, name) for name in names)
