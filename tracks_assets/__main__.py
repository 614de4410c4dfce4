"""``python -m tracks_assets``: reads the settings and reports whether automation is on; ``make ui`` runs it first.

Exit codes: 0, the settings can be read; 2, one of them is wrong.
"""

import sys

from tracks_assets.settings import SettingsError, read_settings


def main() -> int:
    """Reports the state of the automation; returns the exit code."""
    try:
        automation = "on" if read_settings().automation else "off"
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"Automation is {automation} (TRACKS_AUTOMATION; docs/automation.md).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
