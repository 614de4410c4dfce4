"""Runs models of the dbt project for a benchmark, on a warehouse of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tracks_assets.defs.shared.dbt_manifest import dbt_executable
from tracks_assets.defs.shared.dbt_results import results_of
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT


def run_models(home: Path, models: str, variables: Mapping[str, str] | None = None) -> float:
    """Runs the models on the warehouse in ``home``; gives the seconds that they took, without dbt's own start.

    Raises:
        subprocess.CalledProcessError: a model failed.
    """
    target = str(home / "target")
    folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    folders += ["--target-path", target, "--log-path", target]
    subprocess.run(
        [dbt_executable(), "--quiet", "run", "--select", *models.split(), *folders],
        env=os.environ | {"TRACKS_HOME": str(home)} | dict(variables or {}),
        check=True,
        stdout=sys.stderr,
    )
    results = results_of(home / "target" / "run_results.json").values()
    return sum(float(result["execution_time"]) for result in results)
