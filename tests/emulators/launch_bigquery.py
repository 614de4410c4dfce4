"""Starts bqemulator without DuckDB's spatial extension, which it would download: GEOGRAPHY is not used here.

Only tests start it: ``python -m tests.emulators.launch_bigquery start --rest-port PORT``.
"""

from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine


def _without_spatial(_: DuckDBEngine) -> None:
    """In place of a download."""


if __name__ == "__main__":
    setattr(DuckDBEngine, "_load_spatial", _without_spatial)  # noqa: B010 (mypy knows it for a method)
    main()
