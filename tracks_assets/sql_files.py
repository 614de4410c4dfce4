"""SQL lives in files: this reads one and fills its blanks.

The blanks are Jinja's, as in dbt, so that one linter reads all the project's SQL; a blank left open is an error.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)


def sql_text(value: str) -> str:
    """``value`` as a string literal of standard SQL."""
    return "'" + value.replace("'", "''") + "'"


_ENVIRONMENT.filters["sql_text"] = sql_text


@cache
def _template(path: Path) -> Template:
    return _ENVIRONMENT.from_string(path.read_text(encoding="utf-8"))


def render(path: Path, blanks: Mapping[str, Any] | None = None) -> str:
    """The statement in a file, its blanks filled.

    Raises:
        jinja2.UndefinedError: a blank is not in ``blanks``.
    """
    return _template(path).render(**(blanks or {}))
