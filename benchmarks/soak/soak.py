"""The soak itself: delivers hour after hour, runs what is due, kills some runs, and measures each."""

import os
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copy

import dagster as dg
import duckdb

from benchmarks.soak.account import Account, account_of
from benchmarks.soak.deliver import Delivered, deliver, deliver_again
from benchmarks.soak.drive import Driver, Due
from benchmarks.soak.process import Finished, run_dagster
from benchmarks.soak.promises import Pair, broken_promises
from tracks_assets.defs.run_history import Pruned, prune
from tracks_assets.settings import PARTITION_FORMAT, Settings, read_settings
from tracks_assets.warehouse.connect import warehouse_of

ROOT = Path(__file__).parents[2]
ASSETS = ("events_parquet", "raw_tracks", "tracks")

_KILLED_SHARE = 0.1
_KILLED_AGAIN_SHARE = 0.3
_TYPICAL_SECONDS = 8.0
_KEPT_DBT_CALLS = 21
_REPORT = "{number:>4} {range:<36} {seconds:6.1f} s {peak:5.0f} MB {kept:8.1f} MB kept{killed}"


@dataclass(frozen=True)
class Run:
    """A run that came to its end.

    Attributes:
        due: its hours.
        finished: what it took.
        kept_bytes: what the home keeps on disk after it, see ``kept_bytes``.
    """

    due: Due
    finished: Finished
    kept_bytes: int


@dataclass
class Soak:
    """A home in which hours are delivered and run.

    Attributes:
        home: TRACKS_HOME.
        driver: says what is due.
        chance: decides what is killed.
        say: takes a line of the report.
        runs: the runs that came to their end.
        killed: how many were killed before.
    """

    home: Path
    driver: Driver
    chance: random.Random
    say: Callable[[str], object] = lambda _: None
    runs: list[Run] = field(default_factory=list)
    killed: int = 0
    delivered: list[Delivered] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRACKS_", "DAGSTER_"))}
        return inherited | {"TRACKS_HOME": str(self.home), "DAGSTER_HOME": str(self.home / "dagster")}

    @property
    def settings(self) -> Settings:
        """Its settings."""
        return read_settings(self.environment)

    def prepare(self) -> Pair:
        """Makes the home, and the old damage: an event that is in tracks twice before its first delivery."""
        (self.home / "dagster").mkdir(parents=True)
        copy(ROOT / "dagster.yaml", self.home / "dagster" / "dagster.yaml")
        with warehouse_of(self.settings).opened():
            pass
        self.delivered.append(deliver(self.home / "export", 0, self.chance))
        event_id, event = min(self.account().events.items())
        pair = Pair(event_id, (datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)))
        with duckdb.connect(str(self.settings.duckdb_path)) as connection:
            for time in pair.times:
                connection.execute(
                    "insert into posthog.tracks (event_id, created_at, event_name, user_id) values ($1, $2, $3, $4)",
                    [event_id, time, event[0]["event"], event[0]["distinct_id"]],
                )
        return pair

    def account(self) -> Account:
        """What was delivered until now."""
        return account_of({each.hour: each.folder for each in self.delivered})

    def run_hours(self, hours: int, outage: range) -> None:
        """Delivers the hours and runs what is due after each; during the outage nothing runs."""
        for number in range(1, hours):
            self.delivered.append(deliver(self.home / "export", number, self.chance))
            if number in outage:
                continue
            if number % 23 == 22:  # noqa: PLR2004 (rarely, and never with a collision of the same hour)
                deliver_again(self.delivered[number // 2], self.chance)
            for due in self.driver.due(self.delivered):
                self.run(due)

    def run(self, due: Due) -> None:
        """Runs hours to their end, killed on the way now and then."""
        killed = 0
        while self.chance.random() < (_KILLED_AGAIN_SHARE if killed else _KILLED_SHARE):
            killed += self._killed(due)
        finished = self.command(due)
        if finished.code != 0:
            raise SoakError([f"the run of {_named(due)} failed; its output is in {self.log}"])
        self.driver.done(due)
        self.killed += killed
        self.runs.append(Run(due, finished, kept_bytes(self.home)))
        self.say(
            _REPORT.format(
                number=len(self.runs),
                range=_named(due),
                seconds=finished.seconds,
                peak=(finished.peak_bytes or 0) / 1e6,
                kept=self.runs[-1].kept_bytes / 1e6,
                killed=f", killed {killed} times before" if killed else "",
            )
        )

    def _killed(self, due: Due) -> bool:
        typical = statistics.median(run.finished.seconds for run in self.runs) if self.runs else _TYPICAL_SECONDS
        return self.command(due, kill_after=self.chance.uniform(0.1, typical)).code != 0

    def command(self, due: Due, kill_after: float | None = None) -> Finished:
        """Runs hours by the real command."""
        keys = [f"{hour:{PARTITION_FORMAT}}" for hour in (due.first, due.last)]
        hours = ["--partition", keys[0]] if due.first == due.last else ["--partition-range", "...".join(keys)]
        command = ["asset", "materialize", "-m", "tracks_assets.definitions", "--select", "group:hourly", *hours]
        return run_dagster(command, self.environment, self.log, kill_after)

    @property
    def kept_bytes(self) -> int:
        """What the home keeps on disk besides its data, now."""
        return kept_bytes(self.home)

    @property
    def log(self) -> Path:
        """What the commands print."""
        return self.home.with_name("soak.log")

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """The home's instance."""
        with dg.DagsterInstance.from_config(str(self.home / "dagster")) as instance:
            yield instance

    def prune_after(self, days: int) -> Pruned:
        """Removes old runs as if so many days had passed."""
        with self.instance() as instance:
            now = datetime.now(UTC) + timedelta(days=days)
            return prune(instance, now, self.settings.keep_log_days, self.settings.keep_run_days)

    def missing_partitions(self) -> list[str]:
        """Hours that Dagster does not show as materialized."""
        hours = {f"{each.hour:{PARTITION_FORMAT}}" for each in self.delivered}
        with self.instance() as instance:
            shown = {asset: instance.get_materialized_partitions(dg.AssetKey(["posthog", asset])) for asset in ASSETS}
        return [f"{asset} {hour}" for asset, found in shown.items() for hour in sorted(hours - found)]


class SoakError(Exception):
    """Promises that were broken, one a line."""

    def __init__(self, broken: Sequence[str]) -> None:
        super().__init__("\n".join(broken))


def _named(due: Due) -> str:
    first = f"{due.first:{PARTITION_FORMAT}}"
    return first if due.first == due.last else f"{first}...{due.last:{PARTITION_FORMAT}}"


def kept_bytes(home: Path) -> int:
    """What a home keeps on disk besides its data (warehouse, export) and the latest calls of dbt, which are bounded."""
    left_out = {home / "export", home / "dbt" / "runs"}
    return sum(
        path.stat().st_size
        for path in home.rglob("*")
        if path.is_file() and path.name.split(".")[0] != "warehouse" and left_out.isdisjoint(path.parents)
    )


def check(soak: Soak, pair: Pair) -> None:
    """Holds the home against the account.

    Raises:
        SoakError: a promise is broken.
    """
    account = soak.account()
    broken = broken_promises(soak.settings.duckdb_path, account, pair)
    broken += [f"Dagster does not show {missing} as materialized" for missing in soak.missing_partitions()]
    calls = len(list((soak.home / "dbt" / "runs").iterdir()))
    if calls > _KEPT_DBT_CALLS:
        broken.append(f"the artifacts of {calls} calls of dbt are kept, more than {_KEPT_DBT_CALLS}")
    if broken:
        raise SoakError(broken)
