"""Causes of DuckDB's errors, and the next step for each: only a full disk asks for space, and a bug is called a bug.

An error is classified by its class first. Its words decide only where one class covers several causes, and where only
the text is known because dbt reported it.
"""

import errno
import re
from enum import Enum, auto
from pathlib import Path

import duckdb

from tracks_assets.core.errors import TransientWarehouseError, WarehouseError

BUG = "This is a bug in tracks_assets; please report it with this message."


class Cause(Enum):
    """Causes that ask for different next steps."""

    HELD = auto()
    DISK_FULL = auto()
    FILE_SIZE_LIMIT = auto()
    OUT_OF_MEMORY = auto()
    CONFLICT = auto()
    NO_PERMISSION = auto()
    DAMAGED = auto()
    NOT_A_WAREHOUSE = auto()
    OTHER_VERSION = auto()
    INTERRUPTED = auto()
    FILE_ACCESS = auto()
    BUG = auto()
    UNKNOWN = auto()


PASSING = frozenset({Cause.HELD, Cause.DISK_FULL, Cause.CONFLICT, Cause.INTERRUPTED})
"""Causes that pass without a change of the data or the code; a full disk passes once somebody frees space."""

_LOCK = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")

_BUG_CLASSES = (
    duckdb.ProgrammingError,
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.InternalError,
    duckdb.NotSupportedError,
    duckdb.DependencyException,
    duckdb.PermissionException,
    duckdb.SequenceException,
)
"""Classes that no disk, memory or other process can cause. The contract refuses bad values before a statement runs."""

_BUG_NAMES = re.compile(
    r"(?:Parser|Syntax|Binder|Catalog|INTERNAL|Not implemented|Invalid Input|Invalid type|Conversion|Out of Range|"
    r"Mismatch Type|Constraint|Dependency|Permission|Sequence|Compilation|Parsing)$"
)
"""The same classes as messages spell them, and the names of dbt's errors in a model's own text."""

_NAME = re.compile(r"\b(?!(?:Database|Runtime) )(?P<name>(?:Out of |Not |Invalid |Mismatch )?[A-Za-z]+) Error\b")
"""The name of an error; dbt puts "Database Error" and "Runtime Error" before the engine's own."""

_WORDS = (
    (_LOCK.pattern, Cause.HELD),
    (r"No space left on device|Disk quota exceeded|failed to offload", Cause.DISK_FULL),
    (r"File too large", Cause.FILE_SIZE_LIMIT),
    (r"Out of Memory Error|failed to (?:allocate|pin)|could not allocate|bad_alloc", Cause.OUT_OF_MEMORY),
    (r"conflict", Cause.CONFLICT),
    (r"Permission denied|Operation not permitted|Read-only file system|read-only mode", Cause.NO_PERMISSION),
    (r"not a valid DuckDB database|Is a directory|Not a directory|No such file", Cause.NOT_A_WAREHOUSE),
    (r"version number|newer version of DuckDB|older version of DuckDB", Cause.OTHER_VERSION),
    (r"corrupt|checksum|Serialization Error|deserialize", Cause.DAMAGED),
    (r"INTERRUPT", Cause.INTERRUPTED),
    (r"IO Error|Input/output error|Could not (?:read|write|open|sync)", Cause.FILE_ACCESS),
)

_ERRNO = {
    errno.ENOSPC: Cause.DISK_FULL,
    errno.EDQUOT: Cause.DISK_FULL,
    errno.EFBIG: Cause.FILE_SIZE_LIMIT,
    errno.EACCES: Cause.NO_PERMISSION,
    errno.EPERM: Cause.NO_PERMISSION,
    errno.EROFS: Cause.NO_PERMISSION,
    errno.ENOENT: Cause.NOT_A_WAREHOUSE,
    errno.ENOTDIR: Cause.NOT_A_WAREHOUSE,
    errno.EISDIR: Cause.NOT_A_WAREHOUSE,
    errno.EEXIST: Cause.NOT_A_WAREHOUSE,
}


def cause_of(error: Exception) -> Cause:
    """The cause of an error that DuckDB, or the operating system for it, raised."""
    if isinstance(error, OSError):
        return _ERRNO.get(error.errno or 0, Cause.FILE_ACCESS)
    if isinstance(error, _BUG_CLASSES):
        return _of_statement(str(error))
    return _of_words(str(error))


def cause_in(text: str) -> Cause:
    """The cause of an error of which only the text is known, for instance from dbt."""
    name = _NAME.search(text)
    if name and _BUG_NAMES.match(name["name"]):
        return _of_statement(text)
    # A process that was killed says nothing, and dbt has errors of its own: neither is a bug in a statement.
    return _of_words(text, Cause.UNKNOWN if name is None else Cause.BUG)


def _of_statement(text: str) -> Cause:
    # DuckDB has no class of its own for a statement that writes to a database opened to be read.
    return Cause.NO_PERMISSION if "read-only mode" in text else Cause.BUG


def _of_words(text: str, default: Cause = Cause.BUG) -> Cause:
    return next((cause for words, cause in _WORDS if re.search(words, text, re.IGNORECASE)), default)


def is_held(error: Exception) -> bool:
    """Whether another process holds the database file."""
    return _LOCK.search(str(error)) is not None


def holder_in(text: str) -> str:
    """The process that holds the database file, as an error names it: ``process 7 (/usr/bin/python3)``."""
    holder = _LOCK.search(text)
    return f"process {holder['pid']} ({holder['program']})" if holder else "another process"


def next_step(cause: Cause, text: str, folder: str) -> str:
    """The sentence with the next step.

    Args:
        cause: the cause of the error.
        text: the error's own text, which may name the process that holds the file.
        folder: the folder whose disk must have room, with the setting that moves it if there is one.
    """
    if cause is Cause.HELD:
        return f"Wait for {holder_in(text)} to finish, then run again."
    return _NEXT_STEPS[cause].format(folder=folder)


_NEXT_STEPS = {
    Cause.DISK_FULL: "Free disk space in {folder}, then run again.",
    Cause.FILE_SIZE_LIMIT: "Raise the limit on the size of files (ulimit -f) for {folder}, then run again.",
    Cause.OUT_OF_MEMORY: "Raise TRACKS_MEMORY_LIMIT, then run again.",
    Cause.CONFLICT: "Run again: another writer changed the same rows, so this one changed nothing.",
    Cause.NO_PERMISSION: "Give this user write permission on {folder} and its files, or set TRACKS_DUCKDB_PATH to "
    "another file.",
    Cause.DAMAGED: "Restore the file from a backup, or set TRACKS_DUCKDB_PATH to a new file and load the hours again.",
    Cause.NOT_A_WAREHOUSE: "Set TRACKS_DUCKDB_PATH to a DuckDB file, or to a new file in a folder that exists.",
    Cause.OTHER_VERSION: "Open it with the version of DuckDB that wrote it, or set TRACKS_DUCKDB_PATH to a new file.",
    Cause.INTERRUPTED: "Run again: it was interrupted.",
    Cause.FILE_ACCESS: "Check the disk of {folder}, then run again.",
    Cause.BUG: BUG,
    Cause.UNKNOWN: "Look at the log of this run, remove the cause, then run again.",
}


def first_line(error: Exception) -> str:
    """The first line of an error's text, without its full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def warehouse_error(finding: str, error: Exception, folder: Path | str, comparison: str = "") -> WarehouseError:
    """The error to raise for one of DuckDB's, with DuckDB's own words.

    Args:
        finding: what failed, without a full stop.
        error: DuckDB's error.
        folder: see ``next_step``.
        comparison: the sentence with what is unchanged.
    """
    cause = cause_of(error)
    kind = TransientWarehouseError if cause in PASSING else WarehouseError
    return kind(f"{finding} ({first_line(error)}).", comparison, next_step(cause, str(error), str(folder)))


def opening_error(path: Path, waited: float, error: Exception) -> WarehouseError:
    """The error for a warehouse file that cannot be opened; it names the process that holds it, if one does.

    Args:
        path: the file.
        waited: seconds for which another process was waited for.
        error: the cause.
    """
    if is_held(error):
        return TransientWarehouseError(
            f"The warehouse {path} is held by {holder_in(str(error))}.",
            f"That process did not finish within {waited:g} seconds.",
            "Wait for it to finish, then run again.",
        )
    return warehouse_error(f"The warehouse {path} cannot be opened", error, path.parent)


def shape_refusal(path: Path, table: str, difference: str) -> WarehouseError:
    """The error for a table that exists with other columns than the project's."""
    return WarehouseError(
        f"The table {table} of the warehouse {path} does not fit.",
        f"{difference[0].upper()}{difference[1:]}.",
        "Change it with alter table, or set TRACKS_DUCKDB_PATH to another file.",
    )
