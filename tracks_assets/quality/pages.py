"""How the pages of all jobs say the same things: sizes, tables, statements, and that there is no room."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracks_assets.quality.message import Message
from tracks_assets.warehouse.results import Row

_UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"))


@dataclass(frozen=True)
class Statement:
    """A statement of a plan, as it would be sent, and the bytes it would read of tracks (None: not known)."""

    name: str
    text: str
    scanned_bytes: int | None


def size_text(size: int) -> str:
    """Bytes as people read them."""
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit), _UNITS[-1])
    return f"{size / unit:,.1f} {name}"


def scanned_by(statements: Iterable[Statement]) -> int:
    """Bytes that statements would read of tracks."""
    return sum(statement.scanned_bytes or 0 for statement in statements)


def statement_lines(statement: Statement) -> Sequence[str]:
    """A statement with what it reads."""
    read = "" if statement.scanned_bytes is None else f" (reads {size_text(statement.scanned_bytes)} of tracks)"
    return (f"{statement.name}{read}:", "```sql", statement.text.strip(), "```", "")


def table_lines(rows: Sequence[Row], columns: Sequence[str]) -> list[str]:
    """Some columns of rows as the lines of a Markdown table."""
    head = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return head + [f"| {' | '.join(_cell(row[name]) for name in columns)} |" for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        is_day = (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0)
        return f"{value:%Y-%m-%d}" if is_day else str(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def cost_refusal(job: str, statements: Iterable[Statement], limit: int | None) -> Message | None:
    """Why a repair would be stopped on its way for what it reads; None where it would not.

    Args:
        job: the repairing job.
        statements: its statements.
        limit: the most bytes that one of them may read; None for no limit.
    """
    dearest = max(statements, key=lambda statement: statement.scanned_bytes or 0)
    if limit is None or (dearest.scanned_bytes or 0) <= limit:
        return None
    return Message(
        f"{job} refuses, because its statement {dearest.name} reads {size_text(dearest.scanned_bytes or 0)}.",
        f"TRACKS_BQ_MAXIMUM_BYTES_BILLED allows a statement {size_text(limit)}.",
        "Raise it for this job, then run it again.",
    )


def space_refusal(job: str, needs: str, needed: int, free: int | None) -> Message | None:
    """Why there is no room for a repair; None where there is.

    Args:
        job: the repairing job.
        needs: what needs the room, with its verb.
        needed: bytes.
        free: bytes; None where the engine knows no limit.
    """
    if free is None or needed <= free:
        return None
    return Message(
        f"{job} refuses, because {needs} about {needed / 1e6:,.0f} MB.",
        f"Where the warehouse lies, {free / 1e6:,.0f} MB are free.",
        "Make room, then run it again.",
    )
