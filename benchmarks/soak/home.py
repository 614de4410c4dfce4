"""A home for the soak: its environment, its services, its commands, and what it keeps on disk."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from benchmarks.soak.process import run_dagster
from benchmarks.soak.processes import children, kill_now
from tests.integration.deploy.services import Services
from tracks_assets.defs.posthog.export_sensor import SENSOR
from tracks_assets.defs.shared.run_history import Pruned, prune
from tracks_assets.settings import PARTITION_FORMAT, Settings, read_settings

ROOT = Path(__file__).parents[2]
ASSETS = ("events_parquet", "raw_tracks", "tracks")
SERVICES = ("code", "daemon")

_QUICKER: dict[str, Any] = {
    "run_coordinator": {
        "module": "dagster.core.run_coordinator",
        "class": "QueuedRunCoordinator",
        "config": {"dequeue_interval_seconds": 1},
    },
}
"""Settings in dagster.yaml that shorten the waiting: the interval of the queue, 5 seconds by default."""

_START_TIMEOUT_SECONDS = 60


@dataclass
class Home:
    """A home of its own.

    Attributes:
        path: TRACKS_HOME.
        start: its first export hour.
        variables: variables beside those that it needs.
    """

    path: Path
    start: datetime
    variables: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.services = Services(self.environment, self.path.parent)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands and services: the sensor looks as often as Dagster lets it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "DAGSTER_"))}
        own = {
            "TRACKS_HOME": str(self.path),
            "DAGSTER_HOME": str(self.path / "dagster"),
            "TRACKS_EXPORT_START": f"{self.start:{PARTITION_FORMAT}}",
            "TRACKS_UPLOAD_POKE_SECONDS": "1",
            # A changed hour is loaded again when its files are quiet.
            "TRACKS_UPLOAD_INACTIVITY_SECONDS": "1",
            "TRACKS_UPLOAD_WATCH_HOURS": "336",
        }
        return inherited | own | dict(self.variables)

    @property
    def settings(self) -> Settings:
        """Its settings."""
        return read_settings(self.environment)

    @property
    def log(self) -> Path:
        """The output of its commands; that of its services is beside it."""
        return self.path.parent / "commands.log"

    def make(self) -> None:
        """Makes the folders, with Dagster's settings as make leaves them, but for what would only wait."""
        (self.path / "dagster").mkdir(parents=True)
        settings = yaml.safe_load((ROOT / "dagster.yaml").read_text()) | _QUICKER
        settings["run_monitoring"]["start_timeout_seconds"] = _START_TIMEOUT_SECONDS
        (self.path / "dagster" / "dagster.yaml").write_text(yaml.safe_dump(settings))

    def start_services(self) -> None:
        """Starts the code server and the daemon, by the commands of their units."""
        for name in SERVICES:
            self.services.start(name)

    def switch_on(self) -> None:
        """Switches the sensor on, which stays so; it needs the code server."""
        address = {"TRACKS_CODE_HOST": "127.0.0.1", "TRACKS_CODE_PORT": str(self.services.code_port)}
        command = ["sensor", "start", SENSOR, "--workspace", str(ROOT / "deploy" / "workspace.yaml")]
        if run_dagster(command, self.environment | address, self.log) != 0:
            raise RuntimeError(f"The sensor was not switched on; see {self.log}.")

    def kill_services(self) -> None:
        """Kill -9 for the daemon, the code server and every run, as a power cut does."""
        running = [self.services.processes[name].pid for name in SERVICES if name in self.services.processes]
        started = [pid for each in running for pid in children(each)]
        for name in reversed(SERVICES):
            if name in self.services.processes:
                self.services.kill(name)
        kill_now(started)

    def materialize(self, first: datetime, last: datetime) -> int:
        """Runs hours by hand, with the command; returns its exit code."""
        keys = "...".join(f"{hour:{PARTITION_FORMAT}}" for hour in (first, last))
        return self.command(["asset", "materialize", "--select", "group:hourly", "--partition-range", keys])

    def command(self, arguments: Sequence[str], kill_after: float | None = None) -> int:
        """Runs a command of dagster's on the project; returns its exit code."""
        code = ["--module-name", "tracks_assets.definitions"]
        return run_dagster([*arguments, *code], self.environment, self.log, kill_after)

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Dagster's instance."""
        with dg.DagsterInstance.from_config(str(self.path / "dagster")) as instance:
            yield instance

    def prune_after(self, days: int) -> Pruned:
        """Removes old runs as if so many days had passed."""
        with self.instance() as instance:
            now = datetime.now(UTC) + timedelta(days=days)
            return prune(instance, now, self.settings.keep_log_days, self.settings.keep_run_days)

    def missing_partitions(self, hours: Sequence[datetime]) -> list[str]:
        """Those of the hours that Dagster does not show as materialized, by asset."""
        keys = {f"{hour:{PARTITION_FORMAT}}" for hour in hours}
        with self.instance() as instance:
            shown = {asset: instance.get_materialized_partitions(dg.AssetKey(["posthog", asset])) for asset in ASSETS}
        return [f"{asset} {key}" for asset, found in shown.items() for key in sorted(keys - found)]

    @property
    def kept_bytes(self) -> int:
        """Bytes that it keeps on disk in addition to its data (warehouse, export) and what is bounded.

        Bounded are the latest calls of dbt, the ticks (dagster.yaml limits how long they are kept) and SQLite's
        write-ahead logs, which are first written back.
        """
        dagster = self.path / "dagster"
        for database in (dagster / "history").rglob("*.db"):
            if database.with_name(f"{database.name}-wal").exists():
                _write_back(database)
        left_out = {self.path / "export", self.path / "dbt" / "runs", dagster / "schedules"}
        return sum(
            path.stat().st_size
            for path in self.path.rglob("*")
            if path.is_file()
            and not path.name.startswith(self.settings.duckdb_path.stem)
            and not path.name.endswith(("-wal", "-shm"))
            and left_out.isdisjoint(path.parents)
        )

    @property
    def tick_bytes(self) -> int:
        """Bytes of the ticks, which Dagster keeps for the days that dagster.yaml names."""
        return sum(path.stat().st_size for path in (self.path / "dagster" / "schedules").rglob("*") if path.is_file())


def _write_back(database: Path) -> None:
    with closing(sqlite3.connect(database, timeout=30)) as connection:
        connection.execute("pragma wal_checkpoint(passive)")
