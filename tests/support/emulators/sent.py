"""The statements that a test run sent to BigQuery, as the emulator remembers them.

A run that is given a folder by ``FOLDER`` leaves them there, and ``tests/integration/sent`` reads them: a statement
that no test sends does not ship.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from tests.support.emulators.servers import PROJECT, Server

FOLDER = "TRACKS_TESTS_SENT"
"""The environment variable that names the folder."""

_OWN_ID = re.compile(r"^tracks_(?P<statement>[a-z0-9_]+)_[0-9a-f-]{36}$")
_LABELS = re.compile(r'^\s*/\* (?P<labels>\{"pipeline": "tracks".*?\}) \*/', re.DOTALL)


@dataclass(frozen=True)
class Sent:
    """A statement of the project's: its name (or dbt's node) and its text."""

    name: str
    is_dbt: bool
    text: str


def sent_to(server: Server) -> Iterator[Sent]:
    """Every statement of the project's that a BigQuery was sent since it was started."""
    client = bigquery.Client(
        PROJECT,
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": server.address},
    )
    for job in client.list_jobs(page_size=100_000):
        found = _sent(str(job.job_id), getattr(job, "query", None) or "")
        if found:
            yield found
    client.close()  # type: ignore[no-untyped-call]


def _sent(job_id: str, text: str) -> Sent | None:
    own, dbt = _OWN_ID.match(job_id), _LABELS.match(text)
    if own:
        return Sent(own["statement"], is_dbt=False, text=text)
    if dbt:
        return Sent(json.loads(dbt["labels"])["asset"], is_dbt=True, text=text[dbt.end() :].strip())
    return None


def keep(server: Server, name: str) -> None:
    """Writes what a BigQuery was sent to a file of that name, each text once, if the run was given a folder."""
    if FOLDER not in os.environ:
        return
    folder = Path(os.environ[FOLDER])
    folder.mkdir(parents=True, exist_ok=True)
    lines = sorted({json.dumps(asdict(sent)) for sent in sent_to(server)})
    (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def kept(folder: Path) -> list[Sent]:
    """Everything that a run kept."""
    files = sorted(folder.glob("*.jsonl"))
    return [Sent(**json.loads(line)) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
