"""SQL lives in files: this reads one and fills its blanks.

The blanks are Jinja's, as in dbt, so that one linter reads all the project's SQL; a blank left open is an error.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

# SQL is not HTML: what must be quoted is quoted by sql_text.
_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701


def sql_text(value: str) -> str:
    """``value`` as a string literal of standard SQL."""
    return "'" + value.replace("'", "''") + "'"


def sql_texts(values: Iterable[str]) -> str:
    """``values`` as string literals, with commas between."""
    return ", ".join(map(sql_text, values))


def parameter(name: str) -> str:
    """A query parameter, as DuckDB marks it."""
    return f"${name}"


_ENVIRONMENT.filters |= {"sql_text": sql_text, "sql_texts": sql_texts}
_ENVIRONMENT.globals["parameter"] = parameter


@cache
def _template(path: Path) -> Template:
    return _ENVIRONMENT.from_string(path.read_text(encoding="utf-8"))


def macros(path: Path) -> Any:
    """The macros that a file defines, as attributes."""
    return _template(path).module


def render(path: Path, blanks: Mapping[str, Any] | None = None) -> str:
    """The statement in a file, its blanks filled.

    Raises:
        jinja2.UndefinedError: a blank is not in ``blanks``.
    """
    return _template(path).render(**(blanks or {}))
