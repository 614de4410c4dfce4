"""What an engine can do, as data: code asks this, and never which engine it runs on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Capabilities:
    """The capabilities of an engine.

    Attributes:
        single_writer: only one process can write at a time, so no write lock is needed.
        time_travel: a table can be read as it was at an earlier moment.
        billed_jobs: the engine reports what its jobs cost.
        clone_snapshots: a snapshot holds all of a table, and costs nothing to take.
    """

    single_writer: bool = False
    time_travel: bool = False
    billed_jobs: bool = False
    clone_snapshots: bool = False
