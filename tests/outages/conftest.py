"""A BigQuery of a test module's own, which may be killed and started again, behind a proxy that makes outages."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from examples.export_generator.generate import write_hour
from examples.export_generator.plan import ExportPlan
from tests.support.emulators.credentials import token_server, write_service_account
from tests.support.emulators.proxy import Fate, Proxy, Request, proxy_to
from tests.support.emulators.servers import PROJECT, Server, bigquery_server
from tracks_assets.settings import read_settings
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.bigquery.engine import BigQueryWarehouse
from tracks_assets.warehouse.bigquery.target import BigQueryTarget
from tracks_assets.warehouse.connect import bigquery_target

HOUR = datetime(2026, 3, 12, tzinfo=UTC)
FIRST_LOAD = datetime(2026, 3, 12, 1, 30, tzinfo=UTC)
SECOND_LOAD = datetime(2026, 3, 12, 2, 30, tzinfo=UTC)


@dataclass
class Outages:
    """BigQuery behind a proxy.

    Attributes:
        server: the emulator, which keeps its data on disk.
        proxy: the proxy before it.
        prefix: the datasets' prefix, a new one for each test.
    """

    server: Server
    proxy: Proxy
    prefix: str

    def target(self, **values: object) -> BigQueryTarget:
        """Where the datasets of the test are; calls that fail are repeated for two seconds only."""
        variables = {
            "TRACKS_BQ_PROJECT": PROJECT,
            "TRACKS_BQ_DATASET_PREFIX": self.prefix,
            "TRACKS_BQ_RETRY_SECONDS": "2",
            "TRACKS_BQ_JOB_SECONDS": "20",
        }
        return replace(bigquery_target(read_settings(variables)), **values)  # type: ignore[arg-type]

    def warehouse(self, **values: object) -> BigQueryWarehouse:
        """The warehouse of the test, not yet opened."""
        return BigQueryWarehouse(self.target(**values))

    def on(self, words: str, fate: Fate = None, is_fatal: bool = False) -> None:
        """Sets what becomes of the next request whose body or path holds some words; all others pass.

        Args:
            words: what to look for.
            fate: what becomes of it.
            is_fatal: the emulator is killed with it.
        """

        def fault(request: Request) -> Fate:
            if words.encode() not in request.body and words not in request.path:
                return None
            if is_fatal:
                self.server.kill()
                return "cut"
            return fate

        self.proxy.fault = fault

    def end(self) -> None:
        """The outage is over: the emulator runs, and every request passes."""
        self.proxy.fault = lambda _: None
        if self.server.process is None:
            self.server.start()


@pytest.fixture(scope="session")
def own_bigquery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Proxy, Path]]:
    """The emulator, its proxy and the key of a service account."""
    folder = tmp_path_factory.mktemp("outages")
    server = bigquery_server(folder)
    server.variables = {
        **server.variables,
        "BQEMU_PERSISTENCE_MODE": "persistent",
        "BQEMU_DATA_DIR": str(folder / "data"),
    }
    key = folder / "key.json"
    with ExitStack() as stack:
        write_service_account(key, PROJECT, stack.enter_context(token_server()))
        stack.callback(server.kill)
        server.start()
        yield server, stack.enter_context(proxy_to(server.port)), key


@pytest.fixture
def outages(own_bigquery: tuple[Server, Proxy, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Outages]:
    """BigQuery with fresh datasets; what a test breaks is fixed after it."""
    server, proxy, key = own_bigquery
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", proxy.address)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    found = Outages(server, proxy, f"t{uuid4().hex[:8]}_")
    yield found
    found.end()


@pytest.fixture
def delivered(tmp_path: Path) -> HourInventory:
    """An export hour of 200 events, with a few that the contract refuses."""
    write_hour(tmp_path / "export", HOUR, ExportPlan(events_per_hour=200, people=20, malformed_share=0.02))
    return Export(str(tmp_path / "export")).inventory(HOUR)
