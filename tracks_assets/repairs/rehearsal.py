"""A rehearsal of a repair: the real code runs, its statements are recorded and estimated, and nothing is changed.

So the statements that a dry run shows cannot differ from those that the repair runs.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import OPS_SCHEMA
from tracks_assets.quality.pages import Statement
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.base import Diagnosis, Warehouse
from tracks_assets.warehouse.capabilities import Capabilities
from tracks_assets.warehouse.repairing import RepairSupport
from tracks_assets.warehouse.results import HourLoad, Parameters, Row
from tracks_assets.warehouse.statements import Statements
from tracks_assets.warehouse.tables import TRACKS

_CREATED = re.compile(r"create (?:or replace )?(?:temp(?:orary)? )?table (\S+)", re.IGNORECASE)


class _Figures(dict[str, Any]):
    """A row whose figures are all 0: where nothing changes, every verification compares 0 with 0."""

    def __missing__(self, key: str) -> int:
        return 0


def rehearse(warehouse: Warehouse, touched: str, repair: Callable[[Warehouse], object]) -> tuple[Statement, ...]:
    """The statements of a repair that read or write rows of tracks, in order.

    Args:
        warehouse: the open warehouse.
        touched: a temporary table with the ids that the repair touches; it exists already.
        repair: the repair, from its snapshot to its publication.
    """
    rehearsal = Rehearsal(warehouse, touched)
    repair(rehearsal)
    return tuple(rehearsal.recorded)


@dataclass
class Rehearsal(Warehouse):
    """A warehouse that records what it is asked to run.

    Attributes:
        warehouse: the open warehouse whose texts and estimates are used.
        touched: a temporary table with the ids that the repair touches.
        recorded: what was recorded so far.
    """

    warehouse: Warehouse
    touched: str
    recorded: list[Statement] = field(default_factory=list)
    _repairs: list[Row] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)

    @property
    def capabilities(self) -> Capabilities:
        """See ``Warehouse.capabilities``."""
        return self.warehouse.capabilities

    @property
    def statements(self) -> Statements:
        """See ``Warehouse.statements``."""
        return self.warehouse.statements

    def _open(self) -> None:
        """The warehouse is open already."""

    def _close(self) -> None:
        """The caller that opened the warehouse closes it."""

    def _ensure_tables(self) -> None:
        """They exist."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """See ``Warehouse.transaction``: nothing is changed, so nothing is undone."""
        yield

    def _replace_slice(self, feed: Feed, local: HourInventory, stamp: Any, run_id: str | None) -> HourLoad:
        raise NotImplementedError("A repair loads no files.")

    def diagnose(self, error_text: str) -> Diagnosis:
        """See ``Warehouse.diagnose``."""
        return self.warehouse.diagnose(error_text)

    @property
    def repairing(self) -> RepairSupport:
        """See ``Warehouse.repairing``."""
        return self.warehouse.repairing.rehearsed(self)

    def fetch(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> list[Row]:
        """Records a statement; see ``Warehouse.fetch``. It knows the repair that is rehearsed, and no other row."""
        self._record(statement, parameters, variables)
        return list(self._repairs) if statement == "repairs" else [_Figures()]

    def execute(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """Records a statement; see ``Warehouse.execute``."""
        self._record(statement, parameters, variables)
        if statement == "insert_repair":
            self._repairs.append(dict(parameters or {}))
        if statement == "advance_repair":
            self._repairs[-1] |= dict(parameters or {})
        return 0

    def _record(self, name: str, parameters: Parameters | None, variables: dict[str, Any]) -> None:
        text = self.statements.text(name, **variables)
        if self._reads_tracks(text):
            self.recorded.append(Statement(name, text, self._estimate(name, parameters, variables)))
        self._made |= set(_CREATED.findall(text)) - {self.touched}

    def _reads_tracks(self, text: str) -> bool:
        """Whether a statement names tracks, its snapshot, or its rewritten copy."""
        tracks = self.statements.table(TRACKS)
        names = {str(tracks), *(str(self._qualified(row["snapshot"])) for row in self._repairs)}
        beside = re.escape(self.statements.qualified(OPS_SCHEMA, f"{TRACKS.name}_rewritten_").strip("`"))
        named = "|".join(rf"{re.escape(name)}(?!\w)" for name in sorted(names))
        return re.search(f"{named}|{beside}", text) is not None

    def _estimate(self, name: str, parameters: Parameters | None, variables: dict[str, Any]) -> int | None:
        """Bytes of tracks that a statement would read; None if it reads what only a statement before it creates.

        What does not exist yet is estimated by what does: a clone and a rewritten copy of tracks by tracks itself,
        the ids of a snapshot by the ids that the repair touches.
        """
        present = {variable: self._present(variable, value) for variable, value in variables.items()}
        text = self.statements.text(name, **present)
        if any(
            re.search(rf"(?<!\w){re.escape(made)}(?!\w)", text) for made in self._made - set(_CREATED.findall(text))
        ):
            return None
        return self.warehouse.repairing.estimate(name, parameters, **present)

    def _present(self, variable: str, value: object) -> object:
        if variable == "touched":
            return self.touched
        is_clone = self._is_snapshot(value) and self.capabilities.clone_snapshots
        beside = self.statements.qualified(OPS_SCHEMA, f"{TRACKS.name}_rewritten_").rstrip("`")
        return self.statements.table(TRACKS) if is_clone or str(value).startswith(beside) else value

    def _is_snapshot(self, value: object) -> bool:
        return any(str(value) == self._qualified(row["snapshot"]) for row in self._repairs)

    def _qualified(self, name: str) -> str:
        return self.statements.named(name)
