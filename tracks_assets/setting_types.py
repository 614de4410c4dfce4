"""How the text of a ``TRACKS_*`` variable is read, one type for each kind of value.

A parser raises ``ValueError`` with what is allowed; ``settings.py`` puts the variable and its value before that.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[MG]i?B)", re.IGNORECASE | re.ASCII)
_UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
_LEAST_MEMORY = 256 * 10**6
_DATABASE_NAME = re.compile(r"[\w .-]+", re.ASCII)
_RESERVED = frozenset({
    *("information_schema", "main", "memory", "pg_catalog", "system", "temp"),
    *("growth", "marketing", "mixpanel", "posthog", "posthog_ops"),
})  # fmt: skip
"""Names of databases and schemas that every warehouse has, or that the project makes in it."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parsed(parse: Callable[[str], Any]) -> BeforeValidator:
    """A field's parser for text; a value that has the field's type already is taken as it is."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _matching(pattern: str, allowed: str) -> BeforeValidator:
    def parse(value: str) -> str:
        if re.fullmatch(pattern, value, re.ASCII) is None:
            raise ValueError(allowed)
        return value

    return parsed(parse)


def whole(unit: str, least: int, most: int, if_unset: str = "") -> BeforeValidator:
    """A whole number of a unit, from ``least`` to ``most``; ``if_unset`` is what else is allowed."""

    def parse(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"a whole number of {unit} from {least} to {most}{if_unset}")
        return int(value)

    return parsed(parse)


def _number(least: float, most: float, allowed: str) -> BeforeValidator:
    def parse(value: str) -> float:
        with suppress(ValueError):
            if least <= float(value) <= most:
                return float(value)
        raise ValueError(allowed)

    return parsed(parse)


def _separated(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _list_of(pattern: str, allowed: str) -> BeforeValidator:
    def parse(value: str) -> tuple[str, ...]:
        parts = _separated(value)
        if not all(re.fullmatch(pattern, part, re.ASCII | re.DOTALL) for part in parts):
            raise ValueError(f"{allowed}, separated by commas")
        return parts

    return parsed(parse)


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError("'on' or 'off'")
    return value == "on"


def _path(value: str) -> Path:
    if "://" in value:
        raise ValueError("a local path")
    return Path(value).expanduser().absolute()


def _database_path(value: str) -> Path:
    # DuckDB takes what follows a question mark for options, and puts its log in another place.
    if "?" in value:
        raise ValueError("a local path without '?'")
    path = _path(value)
    # The file's name is the database's. dbt does not escape it, and DuckDB confuses it with a schema of the same name.
    if _DATABASE_NAME.fullmatch(path.name) is None:
        raise ValueError("a file name of letters, digits, spaces, '.', '_' and '-', such as warehouse.duckdb")
    if path.stem.lower() in _RESERVED:
        raise ValueError(
            f"a file of another name, such as warehouse.duckdb: the database has its own {path.stem.lower()}"
        )
    return path


def _uri(value: str) -> str:
    is_bucket = value.startswith("gs://")
    if "://" in value and not (is_bucket and urlsplit(value).netloc):
        raise ValueError("a local path or gs://bucket/prefix")
    return value.rstrip("/") if is_bucket else str(_path(value))


def _day(value: str) -> datetime:
    # dbt's macros put the text into SQL, and engines know fewer spellings than Python.
    if _DAY.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value).replace(tzinfo=UTC)
    raise ValueError("a UTC day such as 2026-03-04")


def memory_bytes(size: str) -> int:
    """The bytes of a size of DuckDB's, such as "512MB", "1.5GB" or "2GiB".

    Raises:
        ValueError: it is not such a size.
    """
    found = _SIZE.fullmatch(size.strip())
    if found is None:
        raise ValueError(f"{size!r} is no size such as 512MB or 4GB")
    return int(float(found["number"]) * _UNITS[found["unit"].upper()])


def _memory(value: str) -> str:
    if _SIZE.fullmatch(value) is None or memory_bytes(value) < _LEAST_MEMORY:
        raise ValueError("a size of at least 256MB, such as 512MB or 2GB")
    return value


def _web_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname or re.search(r"\s", value):
        raise ValueError("an address such as https://dagster.example.com")
    return value.rstrip("/")


def _source_url(value: str) -> str:
    if not re.fullmatch(r"https://[^/]*(github|gitlab)[^/]*/\S+", value):
        raise ValueError("a repository on GitHub or GitLab such as https://github.com/us/tracks")
    return value.removesuffix(".git").rstrip("/")


Switch = Annotated[bool, parsed(_switch)]
LocalPath = Annotated[Path, parsed(_path)]
DatabasePath = Annotated[Path, parsed(_database_path)]
Uri = Annotated[str, parsed(_uri)]
WebAddress = Annotated[str, parsed(_web_address)]
SourceUrl = Annotated[str, parsed(_source_url)]
Day = Annotated[datetime, parsed(_day)]
Seconds = Annotated[int, whole("seconds", 1, 86_400)]
Minutes = Annotated[int, whole("minutes", 1, 43_200)]
Days = Annotated[int, whole("days", 1, 36_500)]
Memory = Annotated[str, parsed(_memory)]
Bytes = Annotated[int, _matching("0*[1-9][0-9]*", "a number of bytes such as 1000000000000, or not set for no limit")]
Percent = Annotated[float, _number(0, 100, "a percentage from 0 to 100 such as 0.1")]
Sensitivity = Annotated[
    float, _number(1, 10, "a number from 1 to 10 such as 3: the usual errors from the expected count to its limits")
]
TeamId = Annotated[int, _matching("[1-9][0-9]{0,17}", "the number of a PostHog project such as 12345")]
DelayHours = Annotated[int, whole("hours", 0, 168, ", or not set to learn it from the deliveries")]
# Old ids have a domain before them, as in example.com:my-project. Ids and prefixes go between backticks in statements.
ProjectId = Annotated[
    str,
    _matching(
        "(?:[a-z0-9][a-z0-9.-]*:)?[a-z][a-z0-9-]*[a-z0-9]", "the id of a Google Cloud project such as my-project"
    ),
]
DatasetPrefix = Annotated[str, _matching("[A-Za-z0-9_]*", "letters, digits and underscores only, such as staging_")]
Location = Annotated[str, _matching("[A-Za-z0-9-]+", "a BigQuery location such as US, EU or europe-west6")]
DatabaseUrl = Annotated[
    str,
    _matching(
        r"(?:sqlite|postgresql)(?:\+\w+)?://.*",
        "a database URL such as sqlite:////path/alerts.db or postgresql://user:password@host/name",
    ),
]
AlertUrls = Annotated[tuple[str, ...], _list_of(".*://.*", "Apprise URLs such as slack://...")]
Owners = Annotated[
    tuple[str, ...],
    _list_of(r"team:\w+|[\w.%+-]+@[\w.-]+\.[a-zA-Z]{2,}", "e-mail addresses or names such as team:data"),
]
Names = Annotated[tuple[str, ...], parsed(lambda value: tuple(dict.fromkeys(_separated(value))))]
