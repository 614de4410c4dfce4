"""An example export, as PostHog would write it: for the demo, the tests of scale and the benchmarks.

Nobody's events can be shipped with a project, and recorded ones are too few to show re-deliveries, edits and broken
rows among millions. An hour follows from its plan alone, so any hour can be written again, alone and in any order.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Any, NoReturn, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from examples.export_generator.deliveries import Kind, Rows, deliveries, old_deliveries
from examples.export_generator.people import People, people
from examples.export_generator.persons import PERSONS_SCHEMA, Change, exported_mappings
from examples.export_generator.plan import SLICE_EVENTS, ExportPlan, slices
from examples.export_generator.properties import SCHEMA, record_batch
from tracks_assets.sources.posthog.layout import (
    HOUR,
    Interval,
    file_name,
    hour_folder,
    hour_interval,
    manifest_name,
    parse_file_name,
)
from tracks_assets.sources.posthog.persons import PERSONS

__all__ = [
    "ExportPlan",
    "HourWritten",
    "PersonsWritten",
    "main",
    "redeliver",
    "write_hour",
    "write_hours",
    "write_persons",
]

T = TypeVar("T")

HOUR_FORMAT = "%Y-%m-%d-%H:%M"

# Outside these, late events and old ids would leave the time range that an event may have.
_YEARS = range(2001, 2100)

# Files are written side by side: drawing, joining and compressing all leave the interpreter's lock.
_WRITERS = 2

# Near-unique columns: a dictionary would be built, outgrown and thrown away.
# (Any, for the stubs know only True and False here.)
_REPETITIVE: Any = [name for name in SCHEMA.names if name not in {"uuid", "properties", "timestamp", "_inserted_at"}]


@dataclass(frozen=True)
class HourWritten:
    """What was written for an export hour; ``rows`` counts all deliveries, the others say which were not new."""

    hour: datetime
    files: tuple[Path, ...]
    rows: int
    malformed: int
    redelivered: int
    repeats: int
    edits: int


def write_hour(root: Path, hour: datetime, plan: ExportPlan) -> HourWritten:
    """Write the export hour that starts at ``hour`` below ``root``, in place of what was there for that hour.

    Raises:
        ValueError: if ``hour`` is not a whole hour in UTC from 2001 to 2099.
    """
    _check_hour(hour)
    parts = list(slices(hour, plan))
    files = [(deliveries(part, plan) for part in file) for file in _dealt(parts, plan.files_per_hour)]
    return _write(root, hour, files, plan)


def write_hours(root: Path, first_hour: datetime, hours: int, plan: ExportPlan) -> Iterator[HourWritten]:
    """Write ``hours`` export hours one after another; each is written when its result is asked for.

    Raises:
        ValueError: if an hour is not a whole hour in UTC from 2001 to 2099.
    """
    return (write_hour(root, first_hour + n * HOUR, plan) for n in range(hours))


def redeliver(root: Path, hour: datetime, of: datetime | Sequence[datetime], ids: int, plan: ExportPlan) -> HourWritten:
    """Write an hour that holds nothing but ``ids`` old events of the hours ``of``, each with a re-stamped timestamp.

    The ids are distinct and those of well-formed events. ``plan`` must be the one that wrote the hours ``of``.

    Raises:
        ValueError: if an hour is not a whole hour in UTC from 2001 to 2099, if one of ``of`` is not before
            ``hour``, or if they hold fewer than ``ids`` events.
    """
    old_hours = [of] if isinstance(of, datetime) else list(of)
    for each in [hour, *old_hours]:
        _check_hour(each)
    rows = old_deliveries(hour, old_hours, ids, plan)
    groups = np.array_split(rows, max(plan.files_per_hour, -(-ids // SLICE_EVENTS)))
    return _write(root, hour, _dealt([group for group in groups if len(group)], plan.files_per_hour), plan)


@dataclass(frozen=True)
class PersonsWritten:
    """What was written for an export hour of persons; an hour without changes has no file."""

    hour: datetime
    file: Path | None
    rows: int
    merged: int
    edited: int
    deleted: int
    reused: int


def write_persons(root: Path, hour: datetime, plan: ExportPlan) -> PersonsWritten:
    """Write an export hour of the persons of the plan's events below ``root``, in place of what was there for it.

    The first hour of the export has everybody with a profile, the later ones those that changed.

    Raises:
        ValueError: if ``hour`` is not a whole hour in UTC from 2001 to 2099.
    """
    _check_hour(hour)
    folder, interval = root / hour_folder(hour, folder=PERSONS.folder), hour_interval(hour)
    _clear(folder, interval)
    mappings = exported_mappings(hour, plan)
    file = folder / file_name(interval) if mappings else None
    if file is not None:
        rows = [mapping.row(hour, number) for number, mapping in enumerate(mappings)]
        with _appearing_whole(file) as unfinished:
            pq.write_table(pa.Table.from_pylist(rows, PERSONS_SCHEMA), unfinished, compression="snappy")
    counts = Counter(mapping.change for mapping in mappings)
    of_kind = (counts[each] for each in (Change.MERGED, Change.EDITED, Change.DELETED, Change.REUSED))
    return PersonsWritten(hour, file, len(mappings), *of_kind)


def _check_hour(hour: datetime) -> None:
    is_whole = hour.utcoffset() == timedelta(0) and hour.replace(minute=0, second=0, microsecond=0) == hour
    if not is_whole or hour.year not in _YEARS:
        raise ValueError(f"An export hour is a whole hour in UTC from 2001 to 2099, and {hour.isoformat()} is not.")


def _dealt(items: list[T], files: int) -> list[list[T]]:
    files = min(files, len(items))
    return [items[len(items) * n // files : len(items) * (n + 1) // files] for n in range(files)]


def _write(root: Path, hour: datetime, files: Sequence[Iterable[Rows]], plan: ExportPlan) -> HourWritten:
    folder, interval = root / hour_folder(hour), hour_interval(hour)
    _clear(folder, interval)
    in_parts = plan.files_per_hour > 1
    paths = tuple(folder / file_name(interval, part if in_parts else None) for part in range(len(files)))
    everybody = people(plan.seed, plan.people)
    with ThreadPoolExecutor(_WRITERS) as writers:
        counts = sum(writers.map(_write_file, paths, files, repeat(everybody)), start=np.zeros(len(Kind), np.int64))
    if in_parts:
        keys = [path.relative_to(root).as_posix() for path in paths]
        with _appearing_whole(folder / manifest_name(interval)) as manifest:
            manifest.write_text(json.dumps({"files": keys}))
    return HourWritten(
        hour=hour,
        files=paths,
        rows=int(counts.sum()),
        malformed=int(counts[Kind.MALFORMED]),
        redelivered=int(counts[Kind.REDELIVERY]),
        repeats=int(counts[Kind.REPEAT]),
        edits=int(counts[Kind.EDIT]),
    )


def _write_file(path: Path, groups: Iterable[Rows], everybody: People) -> NDArray[np.int64]:
    """Write one row group for each of ``groups``, so that no more is held in memory; gives the rows of each kind."""
    counts = np.zeros(len(Kind), np.int64)
    with (
        _appearing_whole(path) as unfinished,
        pq.ParquetWriter(unfinished, SCHEMA, compression="snappy", use_dictionary=_REPETITIVE) as writer,
    ):
        for rows in groups:
            writer.write_batch(record_batch(rows, everybody))
            counts += np.bincount(rows["kind"], minlength=len(Kind))
    return counts


def _clear(folder: Path, interval: Interval) -> None:
    """Make way for an hour: the manifest goes first, so that it never promises files that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / manifest_name(interval)).unlink(missing_ok=True)
    for old in folder.iterdir():
        name = parse_file_name(old.name)
        if name is not None and name.interval == interval:
            old.unlink()


@contextmanager
def _appearing_whole(path: Path) -> Iterator[Path]:
    """A hidden name to write to, which every reader ignores; it becomes ``path`` when all is written."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


class _Parser(argparse.ArgumentParser):
    """Answers a wrong value in one sentence, without the usage around it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message[:1].upper()}{message[1:]}.\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m examples.export_generator.generate",
        description="Write an example export as PostHog lays it out, one folder an hour. The same options give the "
        "same bytes, and an hour does not depend on which others are written.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--out", type=Path, required=True, default=argparse.SUPPRESS, help="the export's root; events/ is made below it"
    )
    parser.add_argument("--start", type=_hour, default="2026-03-12-00:00", help="first hour to write, UTC")
    parser.add_argument("--hours", type=_positive, default=8, help="how many hours to write")
    parser.add_argument("--persons", action="store_true", help="write the persons of the events too, below persons/")
    for name, field in ExportPlan.model_fields.items():
        if name != "export_start":
            parser.add_argument(_option(name), type=type(field.default), default=field.default, help=field.description)
    parser.add_argument(
        "--export-start",
        type=_hour,
        help="first hour of the whole export, where --start adds to one; hours re-deliver events from here on "
        "(default: --start)",
        default=argparse.SUPPRESS,
    )
    return parser


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def _hour(text: str) -> datetime:
    try:
        hour = datetime.strptime(text, HOUR_FORMAT).replace(tzinfo=UTC)
        _check_hour(hour)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole hour from 2001 to 2099 like 2026-03-12-00:00"
        ) from None
    return hour


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of hours from 1 up")
    return int(text)


def _plan(parser: argparse.ArgumentParser, options: dict[str, Any]) -> ExportPlan:
    try:
        return ExportPlan(**options)
    except ValidationError as error:
        wrong = error.errors()[0]
        field = str(wrong["loc"][0])
        parser.error(
            f"argument {_option(field)}: {wrong['input']} is wrong, {wrong['msg'][0].lower()}{wrong['msg'][1:]}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Write an export as the command line asks, and print what was written and how fast."""
    parser = _parser()
    options = vars(parser.parse_args(arguments))
    root, start, hours = options.pop("out"), options.pop("start"), options.pop("hours")
    with_persons = options.pop("persons")
    plan = _plan(parser, {"export_start": start} | options)
    began = perf_counter()
    rows = 0
    try:
        for written in write_hours(root, start, hours, plan):
            rows += written.rows
            print(_line(written, rows / (perf_counter() - began)), flush=True)
            if with_persons:
                print(_persons_line(write_persons(root, written.hour, plan)), flush=True)
    except OSError as error:
        parser.error(f"argument --out: {root} cannot be written to, {error.strerror}")
    except ValueError as error:
        parser.error(str(error).removesuffix("."))
    print(f"{hours} hours, {rows:,} rows in {perf_counter() - began:.1f} s below {root}")


def _line(written: HourWritten, rate: float) -> str:
    return (
        f"{written.hour:{HOUR_FORMAT}}  {written.rows:,} rows in {len(written.files)} files: "
        f"{written.redelivered} re-delivered, {written.repeats} repeats, {written.edits} edits, "
        f"{written.malformed} malformed; {rate:,.0f} rows/s so far"
    )


def _persons_line(written: PersonsWritten) -> str:
    return (
        f"{written.hour:{HOUR_FORMAT}}  {written.rows:,} persons: {written.merged} merged, {written.edited} edited, "
        f"{written.deleted} deleted, {written.reused} created again"
    )


if __name__ == "__main__":
    main()
