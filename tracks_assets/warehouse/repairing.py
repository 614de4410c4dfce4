"""The role of an engine that can repair tracks: estimates, snapshots, and publication of a rewritten table."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tracks_assets.warehouse.results import Parameters, Row
from tracks_assets.warehouse.statements import Statements


class StatementRunner(Protocol):
    """What runs the statements of a repair: an open warehouse, or the recorder of a dry run."""

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """See ``Warehouse.fetch``."""

    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``Warehouse.execute``."""

    def transaction(self) -> AbstractContextManager[None]:
        """See ``Warehouse.transaction``."""


@dataclass(frozen=True)
class Obstacle:
    """A property of a table or its dataset under which a repair would lose something.

    Attributes:
        table: the table or dataset, as people name it.
        found: the finding, without a subject: ``has row access policies (eu_only)``.
        fix: the sentence with the next step.
        loses_rows: whether rows disappear or are hidden even without a repair.
    """

    table: str
    found: str
    fix: str
    loses_rows: bool = False

    def __str__(self) -> str:
        return f"{self.table} {self.found}"


@dataclass(frozen=True)
class Rewritten:
    """Tracks without its duplicate rows, not yet published.

    Attributes:
        table: the qualified name of the table to verify.
        removed_rows: rows of tracks that it lacks.
        removed_content: the sum of the hashes of those rows.
        read_at: the version of tracks that was read: when it was last modified; None where nobody else can write.
    """

    table: str
    removed_rows: int
    removed_content: int
    read_at: datetime | None = None


class RepairSupport(ABC):
    """What a repair needs of an engine beyond statements and transactions."""

    @abstractmethod
    def rehearsed(self, recorder: StatementRunner) -> "RepairSupport":
        """The same role for a dry run: it sends its statements to ``recorder``, and does nothing else."""

    def obstacles(self) -> tuple[Obstacle, ...]:
        """Properties of tracks and of a repair's own tables that a repair would lose; reads no row.

        An engine without such properties has none.

        Raises:
            WarehouseError: the engine failed.
        """
        return ()

    @abstractmethod
    def estimate(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """Bytes that a statement would read, as the engine stores or bills them; runs nothing."""

    @property
    def byte_limit(self) -> int | None:
        """The most bytes that one statement may read; None where there is no such limit."""
        return None

    def free_bytes(self) -> int | None:
        """Bytes that the warehouse can still grow by; None where the engine knows no limit."""
        return None

    @abstractmethod
    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:
        """Keeps, in the table ``snapshot``, at least all rows that a repair is going to touch.

        Args:
            snapshot: the table that holds it from now on, as ``schema.name``.
            touched: a table of the ids (event_id) that the repair is going to touch.
            expires_at: until when it is kept; an engine without expiring tables leaves that to ``drop_snapshot``.
        """

    @abstractmethod
    def drop_snapshot(self, snapshot: str) -> None:
        """Removes a snapshot (``schema.name``), and what a killed rewrite left of it, if it is there."""

    @abstractmethod
    def has_snapshot(self, snapshot: str) -> bool:
        """Whether a snapshot (``schema.name``) is there."""

    @abstractmethod
    def deduplicated(self, snapshot: str) -> AbstractContextManager[Rewritten]:
        """Makes tracks with one row of each event, to be verified and then published in ``publication``.

        If the ``with`` block raises before it has published, tracks is as it was.

        Args:
            snapshot: the qualified name of a snapshot that holds at least all rows of all duplicated ids.
        """

    @abstractmethod
    def publication(self, rewritten: Rewritten, name: str) -> AbstractContextManager[None]:
        """Holds the write lock of tracks for checks in the ``with`` block; at its end, publishes in one step.

        Args:
            rewritten: what to publish.
            name: a name of its own, by which ``was_published`` finds the publication.

        Raises:
            WarehouseError: somebody else changed tracks since it was rewritten; nothing is published.
        """

    @abstractmethod
    def was_published(self, name: str) -> bool:
        """Whether the publication of that name was done; the process may have died before it recorded that."""
