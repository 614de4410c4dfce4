"""dbt as an engineer calls it: a process of its own, on a warehouse of its own, without Dagster."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import warm
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse


@dataclass(frozen=True)
class BareDbt:
    """dbt on the warehouse below ``home``, with its artifacts there too."""

    home: Path
    project: Path = DBT_PROJECT

    @property
    def warehouse(self) -> DuckDbWarehouse:
        """The warehouse that dbt finds by TRACKS_HOME."""
        return DuckDbWarehouse(self.home / "warehouse.duckdb")

    @property
    def target(self) -> Path:
        """Where dbt leaves its artifacts."""
        return self.home / "target"

    def run(self, *arguments: str, **variables: str) -> list[dict[str, Any]]:
        """Runs ``dbt <arguments>`` to its end and returns its results, one for each model or test."""
        folders = ["--project-dir", str(self.project), "--profiles-dir", str(self.project)]
        folders += ["--target-path", str(self.target), "--log-path", str(self.target)]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "DBT_"))}
        done = subprocess.run(
            [warm.command("dbt"), "--no-use-colors", *arguments, *folders],
            env=inherited | {"TRACKS_HOME": str(self.home)} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        results: list[dict[str, Any]] = json.loads((self.target / "run_results.json").read_text())["results"]
        return results


def bare_dbt(home: Path) -> BareDbt:
    """dbt on a fresh warehouse, whose tables are there and empty."""
    dbt = BareDbt(home)
    with dbt.warehouse.opened():
        return dbt
