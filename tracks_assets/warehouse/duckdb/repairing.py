"""Repairs on DuckDB: one transaction of the only writer rewrites, publishes and records."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tracks_assets.warehouse.repairing import RepairSupport, Rewritten, StatementRunner
from tracks_assets.warehouse.results import Parameters, content_sum
from tracks_assets.warehouse.tables import TRACKS


@dataclass(frozen=True)
class DuckDbRepairs(RepairSupport):
    """The role of an open DuckDB warehouse that repairs.

    Attributes:
        warehouse: what runs the statements.
        path: its file.
        explain: the plan of a statement as JSON, by its name, parameters and variables.
    """

    warehouse: StatementRunner
    path: Path
    explain: Callable[[str, Parameters | None, Mapping[str, Any]], str]

    def rehearsed(self, recorder: StatementRunner) -> RepairSupport:
        """See ``RepairSupport.rehearsed``: all that it does is statements."""
        return replace(self, warehouse=recorder)

    def estimate(self, statement: str, parameters: Parameters | None = None, /, **variables: Any) -> int:
        """See ``RepairSupport.estimate``: the blocks, in the file, of the columns that the statement reads."""
        explained = self.explain(statement, parameters, variables)
        return sum(self._stored_bytes(table, columns) for table, columns in scans_in_plan(json.loads(explained)))

    def _stored_bytes(self, table: str, columns: Sequence[str]) -> int:
        (stored,) = self.warehouse.fetch("stored_blocks", {"table": table, "columns": list(columns)})
        (size,) = self.warehouse.fetch("database_size")
        return int(stored["blocks"]) * int(size["block_size"])

    def free_bytes(self) -> int | None:
        """See ``RepairSupport.free_bytes``: free space on the disk and in the file."""
        (size,) = self.warehouse.fetch("database_size")
        return shutil.disk_usage(self.path.parent).free + int(size["free_blocks"]) * int(size["block_size"])

    def take_snapshot(self, snapshot: str, touched: str, expires_at: datetime) -> None:  # noqa: ARG002 (none expires)
        """See ``RepairSupport.take_snapshot``."""
        self.warehouse.execute("snapshot_tracks", snapshot=self.warehouse.statements.named(snapshot), touched=touched)

    def drop_snapshot(self, snapshot: str) -> None:
        """See ``RepairSupport.drop_snapshot``."""
        self.warehouse.execute("drop_snapshot", snapshot=self.warehouse.statements.named(snapshot))

    def has_snapshot(self, snapshot: str) -> bool:
        """See ``RepairSupport.has_snapshot``."""
        (found,) = self.warehouse.fetch("table_exists", dict(zip(("schema", "name"), snapshot.split("."), strict=True)))
        return bool(found["tables"])

    @contextmanager
    def deduplicated(self, snapshot: str) -> Iterator[Rewritten]:
        """See ``RepairSupport.deduplicated``: rows are deleted in a transaction that nobody else sees."""
        with self.warehouse.transaction():
            self.warehouse.execute("find_rows_to_remove", touched=snapshot)
            self.warehouse.execute("delete_rows_to_remove")
            (removed,) = self.warehouse.fetch("removed_content")
            yield Rewritten(str(TRACKS), removed["all_rows"], content_sum(removed["content"]))

    @contextmanager
    def publication(self, rewritten: Rewritten, name: str) -> Iterator[None]:  # noqa: ARG002 (tracks itself is rewritten)
        """See ``RepairSupport.publication``: the commit of ``deduplicated`` publishes."""
        yield

    def was_published(self, name: str) -> bool:  # noqa: ARG002 (what is published is recorded in the same transaction)
        """See ``RepairSupport.was_published``: publishing and recording are one transaction."""
        return False


def scans_in_plan(plan: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """The tables that a query plan of DuckDB reads, each with the columns read of it."""
    scans: list[tuple[str, list[str]]] = []
    for node in plan:
        about = node.get("extra_info", {})
        if "Table" in about:
            read = about.get("Projections", [])
            scans.append((about["Table"], [read] if isinstance(read, str) else list(read)))
        scans += scans_in_plan(node.get("children", []))
    return scans
