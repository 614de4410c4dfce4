"""BigQuery's client gives up a silent server: it fails where a new version of the library sends calls another way."""

import socket
from pathlib import Path

import pytest
import requests
from google.api_core.retry import Retry

from tests.support.emulators.credentials import token_server, write_service_account
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.bigquery import jobs as bigquery_jobs
from tracks_assets.warehouse.connect import bigquery_target
from tracks_assets.warehouse.statements import bigquery_statements


def test_every_call_goes_through_the_session_that_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library offers no public way to set a default for all calls, and waits for ever without one."""
    monkeypatch.setattr(bigquery_jobs, "SILENCE", 0.2)
    jobs = bigquery_jobs.Jobs(
        bigquery_target(read_settings({"TRACKS_BQ_PROJECT": "tests"})), bigquery_statements("tests"), {}
    )
    with socket.create_server(("127.0.0.1", 0)) as silent, token_server() as tokens:
        write_service_account(tmp_path / "key.json", "tests", tokens)
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", f"http://127.0.0.1:{silent.getsockname()[1]}")
        jobs.open()
        assert isinstance(jobs.client._http, requests.Session)
        with pytest.raises(requests.exceptions.ReadTimeout):
            jobs.client.get_dataset("posthog", retry=Retry(timeout=0.1))
        jobs.close()
