"""``python -m tracks_assets.trace EVENT_ID``: the page on one event, on standard output.

Exit codes: 0, the id is known; 1, it was never seen (the page says so); 2, no page could be made (one sentence on
standard error says why).
"""

import argparse
import sys
from collections.abc import Sequence

from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import SettingsError, read_settings
from tracks_assets.trace.facts import EventIdError, check_event_id, fetch_trace
from tracks_assets.trace.page import page
from tracks_assets.warehouse.connect import LOCK_WAIT, existing_warehouse

KNOWN, NEVER_SEEN, NO_PAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the page and returns the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        event_id = check_event_id(asked.event_id)
        settings = read_settings()
        with existing_warehouse(settings, asked.lock_wait).opened() as warehouse:
            trace = fetch_trace(warehouse, event_id, settings.takes_from)
    except (EventIdError, SettingsError, WarehouseError) as error:
        sys.stderr.write(f"{error}\n")
        return NO_PAGE
    sys.stdout.write(page(trace))
    return KNOWN if trace.is_known else NEVER_SEEN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tracks_assets.trace", description="Everything known of one event, in order of time."
    )
    parser.add_argument("event_id", metavar="EVENT_ID", help="the event's id, as in posthog.tracks")
    parser.add_argument(
        "--lock-wait",
        metavar="SECONDS",
        type=float,
        default=LOCK_WAIT,
        help="how long to wait for another process to let go of the warehouse (default: %(default)g)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
