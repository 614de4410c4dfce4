"""dbt in a process that stays, so that a test pays for its start once: one call a line, as JSON, and one answer each.

Only tests start it: ``python -m tests.integration.engines.dbt_process``. What dbt itself says goes to standard error.
"""

import gc
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO
from unittest.mock import patch

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.run import RunResult, RunResultOutput
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.config.profile import Profile

from tests.support.warm import RARELY

TARGET_TYPE = "TESTED_TARGET_TYPE"
"""The variable that gives models and macros another ``target.type`` than the adapter's."""


@contextmanager
def _target_type(name: str | None) -> Iterator[None]:
    given = Profile.to_target_dict

    def renamed(profile: Profile) -> dict[str, Any]:
        return given(profile) | ({"type": name} if name else {})

    with patch.object(Profile, "to_target_dict", renamed):
        yield


def _results(done: dbtRunnerResult) -> list[dict[str, Any]]:
    """What tests ask of each result, as in dbt's run_results.json."""
    results = getattr(done.result, "results", ())
    return [
        {"unique_id": _name(each), "status": each.status, "message": each.message, "failures": each.failures}
        for each in results
    ]


def _name(result: RunResult | RunResultOutput) -> str:
    # dbt gives the result of an operation as its artifact has it, and the others with their node.
    return result.unique_id if isinstance(result, RunResultOutput) else result.node.unique_id


def main(calls: TextIO, answers: TextIO) -> None:
    """Carries out calls until there are no more."""
    inherited = dict(os.environ)
    for line in calls:
        call = json.loads(line)
        os.environ.clear()
        os.environ.update(inherited | call["environment"])
        with _target_type(call["environment"].get(TARGET_TYPE)):
            done = dbtRunner().invoke(call["arguments"])
        # DuckDB's adapter would keep its file for as long as the process lives, and others are to open it in between.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        exception = repr(done.exception) if done.exception else None
        answers.write(json.dumps({"exception": exception, "results": _results(done)}) + "\n")
        answers.flush()


if __name__ == "__main__":
    gc.set_threshold(*RARELY)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        main(sys.stdin, answers)
