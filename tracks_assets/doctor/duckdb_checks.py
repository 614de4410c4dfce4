"""Checks of a DuckDB warehouse: its file, its tables, the disk and the memory."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from tracks_assets.core.errors import WarehouseError
from tracks_assets.doctor.findings import Finding, fail, ok, warn
from tracks_assets.setting_types import memory_bytes
from tracks_assets.warehouse.duckdb.inspection import DuckDbState, inspect_duckdb
from tracks_assets.warehouse.migration import NEXT_STEP
from tracks_assets.warehouse.tables import TABLES

WAREHOUSE, TABLE, DISK, MEMORY = "warehouse", "tables", "disk", "memory"

LEAST_FREE = 1_000_000_000
"""Bytes of free disk below which a warning is given: an hour of 400,000 events and its spill take some 500 MB."""


def check_duckdb(path: Path, lock_wait: float, memory_limit: str) -> Iterator[Finding]:
    """Checks a warehouse file without creating or changing it.

    Args:
        path: the file, which may not exist yet.
        lock_wait: seconds to wait for another process that holds it.
        memory_limit: the limit that DuckDB is given, such as ``1GB``.
    """
    folder = _existing(path.parent)
    if path.exists():
        yield from _check_file(path, lock_wait)
    else:
        yield from _missing(path, folder)
    yield disk_finding(shutil.disk_usage(folder).free, folder)
    yield memory_finding(memory_limit, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def _existing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(each for each in (folder, *folder.parents) if each.exists())


def _missing(path: Path, folder: Path) -> Iterator[Finding]:
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        yield ok(WAREHOUSE, f"{path} does not exist yet; the first load creates it")
    else:
        yield fail(
            WAREHOUSE,
            f"{path} cannot be created in {folder}",
            "Set TRACKS_HOME or TRACKS_DUCKDB_PATH to a folder that this user may write.",
        )
    yield ok(TABLE, "none yet; the first load creates them")


def _check_file(path: Path, lock_wait: float) -> Iterator[Finding]:
    try:
        state = inspect_duckdb(path, lock_wait)
    except WarehouseError as error:
        yield fail(WAREHOUSE, str(error))
        yield warn(TABLE, "not checked, because the warehouse cannot be opened")
        return
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        yield ok(WAREHOUSE, f"{path} opens, and no other process holds it")
    else:
        yield fail(
            WAREHOUSE,
            f"{path} opens, but this user may not write it and the log beside it",
            f"Give this user write permission on {path} and {path.parent}.",
        )
    yield from table_findings(state)


def table_findings(state: DuckDbState) -> Iterator[Finding]:
    """The findings for the tables of a warehouse that opens."""
    if state.former_tables:
        yield fail(TABLE, state.former_tables, NEXT_STEP)
        return
    for name, difference in state.differences.items():
        yield fail(
            TABLE,
            f"{name} does not fit: {difference}",
            "Change it with alter table, or set TRACKS_DUCKDB_PATH to another file.",
        )
    if not state.differences:
        rows = f"; posthog.tracks has {state.rows['posthog.tracks']:,} rows" if "posthog.tracks" in state.rows else ""
        missing = len(TABLES) - len(state.rows)
        created = f"; the first load creates the other {missing}" if missing else ""
        yield ok(TABLE, f"{len(state.rows)} of {len(TABLES)} tables exist, with the expected columns{rows}{created}")


def disk_finding(free: int, folder: Path) -> Finding:
    """The finding for the free space of a disk, in bytes."""
    found = f"{free / 1e9:,.1f} GB are free in {folder}"
    return ok(DISK, found) if free >= LEAST_FREE else warn(DISK, found, "Free disk space before a load.")


def memory_finding(limit: str, machine: int) -> Finding:
    """The finding for the memory limit, such as ``1GB``, on a machine with this many bytes of memory."""
    found = f"DuckDB may use {limit} of this machine's {machine / 1e9:,.1f} GB"
    if memory_bytes(limit) > machine:
        return fail(MEMORY, found, "Set TRACKS_MEMORY_LIMIT to less than the machine has.")
    return ok(MEMORY, found)
