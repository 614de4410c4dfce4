"""Tables of earlier releases that have another name or schema now, and how their rows come to today's tables.

A warehouse that still has one is refused: today's tables would be empty beside it, and the pipeline would forget what
it knows. ``python -m tracks_assets.migrate`` moves the rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tracks_assets.core.tables import SCHEMA, Table
from tracks_assets.warehouse.tables import (
    ARCHIVED_DUPLICATES,
    ARCHIVED_TIMES,
    CONTENT_FINGERPRINTS,
    DUPLICATE_CENSUS,
    TRACKS_REPAIRS,
    UNCHANGED_REDELIVERIES,
)


@dataclass(frozen=True)
class Move:
    """A table that lay in the schema ``posthog`` before.

    Attributes:
        former: its name there.
        table: the table that takes its rows.
        former_values: for each column that had another name or value, the expression over the row ``former``.
    """

    former: str
    table: Table
    former_values: Mapping[str, str] = field(default_factory=dict)

    def expressions(self) -> list[str]:
        """One expression over the row ``former`` for each of today's columns, in order."""
        return [self.former_values.get(column.name, f"former.{column.name}") for column in self.table.columns]


@dataclass(frozen=True)
class Moved:
    """What a move did: the former table, the table that has its rows now, and how many they are."""

    former: str
    table: Table
    rows: int


MOVES = (
    Move("tracks_contents", CONTENT_FINGERPRINTS),
    Move(
        "tracks_redelivered",
        UNCHANGED_REDELIVERIES,
        {
            "stored_inserted_at": "former.standing_inserted_at",
            "stored_ingested_timestamp": "former.standing_ingested_timestamp",
        },
    ),
    Move("duplicate_census", DUPLICATE_CENSUS, {"moved_rows": "former.redated_rows"}),
    Move(
        "tracks_duplicates",
        ARCHIVED_DUPLICATES,
        {
            "kept_created_at": "former.winner_created_at",
            "kept_bq_ingested_timestamp": "former.winner_bq_ingested_timestamp",
        },
    ),
    Move("tracks_redated", ARCHIVED_TIMES),
    # Snapshots stay where they are until they expire, so each repair records where its own is.
    Move("tracks_repairs", TRACKS_REPAIRS, {"snapshot": f"concat('{SCHEMA}', '.', former.snapshot)"}),
)

NEXT_STEP = "Stop every process that writes to it, then run python -m tracks_assets.migrate."

FORMER_LOCKS = ("raw_tracks_turn", "backfill_tracks_turn", "tracks_turn")
"""They hold nothing, so they are dropped."""


def pending_moves(stored: Collection[str]) -> list[Move]:
    """The moves whose former table is among the names of the tables that the schema ``posthog`` has."""
    return [move for move in MOVES if move.former in stored]


def former_tables(stored: Collection[str]) -> str | None:
    """The finding that a warehouse with these tables in the schema ``posthog`` cannot be used yet; None if it can."""
    names = ", ".join(f"{SCHEMA}.{move.former}" for move in pending_moves(stored))
    return f"the warehouse has tables of an earlier release ({names})" if names else None


def report(moved: Sequence[Moved]) -> list[str]:
    """One line for each table that was moved."""
    if not moved:
        return ["Nothing to do: the warehouse has no table of an earlier release."]
    return [f"{SCHEMA}.{each.former} -> {each.table}: {each.rows:,} rows" for each in moved]
