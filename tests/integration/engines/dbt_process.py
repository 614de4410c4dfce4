"""dbt in a process that stays, so that a test pays for its start once: one call a line, as JSON, and one answer each.

Only tests start it: ``python -m tests.integration.engines.dbt_process``. What dbt itself says goes to standard error.
"""

import gc
import json
import os
import sys
from typing import TextIO

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from tests.support.warm import RARELY


def main(calls: TextIO, answers: TextIO) -> None:
    """Carries out calls until there are no more."""
    inherited = dict(os.environ)
    for line in calls:
        call = json.loads(line)
        os.environ.clear()
        os.environ.update(inherited | call["environment"])
        done = dbtRunner().invoke(call["arguments"])
        # DuckDB's adapter would keep its file for as long as the process lives, and others are to open it in between.
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
        answers.write(json.dumps({"exception": repr(done.exception) if done.exception else None}) + "\n")
        answers.flush()


if __name__ == "__main__":
    gc.set_threshold(*RARELY)
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        main(sys.stdin, answers)
