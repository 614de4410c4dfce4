"""``python -m tracks_assets.status``: writes the status page; ``.. redeliveries``: PostHog's re-deliveries as CSV.

Exit codes: 0, the file is written; 2, it is not (one sentence on standard error says why).
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracks_assets.core.errors import WarehouseError
from tracks_assets.defs.quality.status import PAGE_FILE, recorded, write_page
from tracks_assets.settings import PARTITION_FORMAT, Settings, SettingsError, read_settings
from tracks_assets.status_page.redeliveries import LOOKBACK, every_redelivery, window, write_csv
from tracks_assets.status_page.write import OutputError, replaced
from tracks_assets.warehouse.connect import LOCK_WAIT, existing_warehouse

WRITTEN, NOT_WRITTEN = 0, 2

_REPORT_DAYS = 7


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes what was asked for, and returns the exit code."""
    asked = _parser().parse_args(arguments)
    now = datetime.now(UTC)
    try:
        settings = read_settings()
        if asked.command == "redeliveries":
            message = _write_redeliveries(settings, asked, now)
        else:
            message = _write_page(settings, asked, now)
    except (SettingsError, WarehouseError, OutputError) as error:
        sys.stderr.write(f"{error}\n")
        return NOT_WRITTEN
    sys.stdout.write(f"{message}\n")
    return WRITTEN


def _write_page(settings: Settings, asked: argparse.Namespace, now: datetime) -> str:
    path = asked.page or settings.home / PAGE_FILE
    with existing_warehouse(settings, asked.lock_wait).opened() as warehouse, recorded(settings) as instance:
        state = write_page(warehouse, settings, path, now, instance)
    return f"{state.condition}: {state.sentence} The page is {path}."


def _write_redeliveries(settings: Settings, asked: argparse.Namespace, now: datetime) -> str:
    end = asked.until or now.replace(minute=0, second=0, microsecond=0)
    start = asked.since or end - timedelta(days=_REPORT_DAYS)
    looked_at = window(start, end, timedelta(days=asked.lookback_days))
    with existing_warehouse(settings, asked.lock_wait).opened() as warehouse, replaced(asked.out) as file:
        number = write_csv(file, every_redelivery(warehouse, looked_at))
    hours = f"from {start:{PARTITION_FORMAT}} to before {end:{PARTITION_FORMAT}}"
    found = "1 re-delivery" if number == 1 else f"{number:,} re-deliveries"
    return f"{asked.out} has {found} of the export hours {hours}."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracks_assets.status", description="The state of posthog.tracks as one HTML file."
    )
    parser.add_argument(
        "--out", dest="page", metavar="FILE", type=Path, help=f"the file to write (default: $TRACKS_HOME/{PAGE_FILE})"
    )
    _add_lock_wait(parser)
    report = parser.add_subparsers(dest="command").add_parser(
        "redeliveries",
        help="write what PostHog exported again as CSV",
        description="Every delivery of an event that had been exported before, one line each, as CSV.",
    )
    report.add_argument("--out", metavar="FILE", type=Path, required=True, help="the file to write")
    report.add_argument(
        "--since", metavar="HOUR", type=_hour, help=f"the first export hour (default: {_REPORT_DAYS} days ago)"
    )
    report.add_argument("--until", metavar="HOUR", type=_hour, help="the hour after the last one (default: now)")
    report.add_argument(
        "--lookback-days",
        metavar="DAYS",
        type=int,
        default=LOOKBACK.days,
        help="how far before the first hour stored times are looked for (default: %(default)d)",
    )
    _add_lock_wait(report)
    return parser


def _add_lock_wait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lock-wait",
        metavar="SECONDS",
        type=float,
        default=LOCK_WAIT,
        help="how long to wait for another process to close the warehouse (default: %(default)g)",
    )


def _hour(text: str) -> datetime:
    try:
        return datetime.strptime(text, PARTITION_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a UTC hour such as 2026-03-12-00:00") from None


if __name__ == "__main__":
    sys.exit(main())
