"""``python -m tracks_assets.doctor``: one line for each check of settings, export and warehouse.

It creates and changes nothing. Exit codes: 0, no check failed; 1, one did.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import assert_never

from tracks_assets.doctor.bigquery_checks import check_bigquery
from tracks_assets.doctor.duckdb_checks import check_duckdb
from tracks_assets.doctor.export_checks import check_export
from tracks_assets.doctor.findings import Finding, exit_code, fail, ok, warn
from tracks_assets.settings import PARTITION_FORMAT, Settings, SettingsError, read_settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.transform.duckdb_errors import BUG
from tracks_assets.warehouse.connect import bigquery_target

LOCK_WAIT = 2.0
"""Seconds to wait for a process that holds the warehouse."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the findings and returns the exit code."""
    asked = _parser().parse_args(arguments)
    findings = []
    for finding in check(asked.hour, asked.lock_wait):
        findings.append(finding)
        # Each line is shown at once: the next check may take seconds.
        sys.stdout.write(f"{finding.line}\n")
        sys.stdout.flush()
    return exit_code(findings)


def check(hour: datetime | None, lock_wait: float) -> Iterator[Finding]:
    """Every check, in order; one that fails does not keep later ones from being made, where they can be.

    Args:
        hour: the start of the export hour to look at; None for the newest one.
        lock_wait: seconds to wait for a process that holds the warehouse.
    """
    try:
        settings = read_settings()
    except SettingsError as error:
        yield fail("settings", str(error))
        for name in ("export", "warehouse"):
            yield warn(name, "not checked, because the settings are wrong")
        return
    yield ok("settings", _settings_text(settings))
    export = Export(settings.export_uri, settings.export_folder_hour)
    yield from guarded("export", check_export(export, settings.export_start, hour))
    yield from guarded("warehouse", _check_warehouse(settings, lock_wait))


def _settings_text(settings: Settings) -> str:
    text = f"engine {settings.engine}, home {settings.home}, export {settings.export_uri}"
    # A cutover leaves events out of tracks, so it is shown where it is set.
    return f"{text}, events before {settings.cutover:%Y-%m-%d} are left out" if settings.cutover else text


def guarded(name: str, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The findings; an error that they do not explain is a finding as well, so that later checks are still made.

    Args:
        name: the name of the check that failed then.
        findings: the findings.
    """
    try:
        yield from findings
    except OSError as error:
        yield fail(name, f"{error.filename or 'a file'} cannot be used ({error.strerror or error})", _PERMISSIONS)
    except Exception as error:
        # A diagnosis ends with findings, whatever happens.
        yield fail(name, f"not checked ({type(error).__name__}: {error})", BUG)


_PERMISSIONS = "Give this user permission to read and write it, or set TRACKS_HOME to another folder."


def _check_warehouse(settings: Settings, lock_wait: float) -> Iterator[Finding]:
    match settings.engine:
        case "bigquery":
            return check_bigquery(bigquery_target(settings))
        case "duckdb":
            return check_duckdb(settings.duckdb_path, lock_wait, settings.memory_limit)
        case unknown:
            assert_never(unknown)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracks_assets.doctor",
        description="Checks settings, export and warehouse before a load. Creates and changes nothing.",
    )
    parser.add_argument(
        "--hour", metavar="HOUR", type=_hour, help="the export hour to look at, such as 2026-03-12-00:00 (the newest)"
    )
    parser.add_argument(
        "--lock-wait",
        metavar="SECONDS",
        type=float,
        default=LOCK_WAIT,
        help="how long to wait for a process that holds the warehouse (default: %(default)g)",
    )
    return parser


def _hour(text: str) -> datetime:
    try:
        hour = datetime.strptime(text, PARTITION_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        hour = None
    if hour is None or hour.minute:
        raise argparse.ArgumentTypeError(f"{text!r} is no UTC hour such as 2026-03-12-00:00")
    return hour


if __name__ == "__main__":
    sys.exit(main())
