"""The command ``python -m examples.demo``."""

import os
import sys
from datetime import UTC, datetime

from rich.console import Console

from examples.demo.home import DemoError, DemoPlan, demo_of
from examples.demo.run import run


def main() -> None:
    """Runs the demo; a failure ends it with one sentence."""
    try:
        run(demo_of(os.environ, datetime.now(UTC), DemoPlan()), Console())
    except DemoError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
