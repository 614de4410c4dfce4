"""``python -m tracks_assets.migrate``: moves a warehouse of an earlier release to today's tables.

Killed half-way, it is run again. Exit codes: 0, every table is where it belongs; 1, it failed, and says why.
"""

import sys

from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import SettingsError, read_settings
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.migration import report


def main() -> int:
    """Moves the rows, prints a line for each table, and returns the exit code."""
    try:
        moved = warehouse_of(read_settings()).migrate()
    except (SettingsError, WarehouseError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in report(moved)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
