"""Calls of dbt, all to one process of it."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests import ROOT
from tests.dbt_project.merge_text import MergeText
from tests.support import warm
from tests.support.warm.parsed import linked
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT


@dataclass(frozen=True)
class Dbt:
    """dbt, running; what it says and its artifacts lie in ``folder``, those of each engine apart.

    dbt uses an earlier parse only for the same connection, which for DuckDB is the path of its file. So dbt finds every
    home by the same link.

    Attributes:
        written: the merges that it wrote, by engine and cutover, each with the prefix of the datasets in it.
    """

    folder: Path
    calls: IO[str]
    answers: IO[str]
    written: dict[tuple[str, str], tuple[MergeText, str]] = field(default_factory=dict)

    def target(self, engine: str) -> Path:
        """dbt's target folder for an engine."""
        return self.folder / engine

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[dict[str, Any]]:
        """Runs ``dbt <arguments>`` to its end and returns its results, one for each model or test.

        dbt does not write its JSON artifacts: they would take as long as a model.
        """
        target = self.target(environment["TRACKS_ENGINE"])
        folders = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
        folders += ["--target-path", str(target), "--log-path", str(target)]
        call = {
            "arguments": ["--no-use-colors", "--no-write-json", *arguments, *folders],
            "environment": self._in_one_home(environment),
        }
        self.calls.write(json.dumps(call) + "\n")
        self.calls.flush()
        answer = json.loads(self.answers.readline() or '{"exception": "dbt\'s process has ended"}')
        assert answer["exception"] is None, f"{answer['exception']}; see {self.folder}"
        results: list[dict[str, Any]] = answer["results"]
        return results

    def _in_one_home(self, environment: Mapping[str, str]) -> dict[str, str]:
        home = environment["TRACKS_HOME"]
        link = linked(self.folder / "home", Path(home))
        paths = {name: environment[name].replace(home, str(link)) for name in ("TRACKS_HOME", "TRACKS_DUCKDB_PATH")}
        return {**environment, **paths}


@contextmanager
def dbt_process(folder: Path) -> Iterator[Dbt]:
    """dbt, for a ``with`` block."""
    with (
        (folder / "text.log").open("w") as text,
        subprocess.Popen(
            [warm.command("python"), "-m", "tests.integration.engines.dbt_process"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=text,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield Dbt(folder, process.stdin, process.stdout)
        process.stdin.close()
