"""SQL lives in files: this reads one and fills in its variables.

The variables are Jinja's, as in dbt, so that one linter reads all the project's SQL; one without a value is an error.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, pass_context
from jinja2.runtime import Context

# SQL is not HTML: what must be quoted is quoted by sql_text.
_ENVIRONMENT = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701
_ENVIRONMENT.add_extension("jinja2.ext.do")


def sql_text(value: str) -> str:
    """``value`` as a string literal of standard SQL."""
    return "'" + value.replace("'", "''") + "'"


def sql_texts(values: Iterable[str]) -> str:
    """``values`` as string literals, with commas between."""
    return ", ".join(map(sql_text, values))


def moment_sql(moment: datetime) -> str:
    """A moment as DuckDB's SQL."""
    return f"{sql_text(moment.isoformat())}::timestamptz"


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


@dataclass(frozen=True)
class _Adapter:
    """dbt's ``adapter``, as far as macros need it that dbt and the package share."""

    engine: str

    @pass_context
    def dispatch(self, context: Context, name: str) -> Any:
        """The engine's own macro for a name."""
        return context.vars[f"{self.engine}__{name}"]


@cache
def dialect_macros(folder: Path, engine: str) -> Any:
    """The macros that the files of a folder define, as attributes; ``adapter.dispatch`` finds those of ``engine``."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.sql")))
    return _ENVIRONMENT.from_string(text, globals={"adapter": _Adapter(engine)}).module


def render(path: Path, variables: Mapping[str, Any] | None = None) -> str:
    """The statement in a file, its variables filled in.

    Raises:
        jinja2.UndefinedError: a variable is not in ``variables``.
    """
    return _template(path).render(**(variables or {}))
