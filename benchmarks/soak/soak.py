"""The soak itself: delivers hour after hour to the sensor, kills some of its runs, and measures the others."""

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

import duckdb

from benchmarks.soak.account import Account, account_of
from benchmarks.soak.deliver import Delivered, Deliveries
from benchmarks.soak.home import Home
from benchmarks.soak.processes import Kill, RunProcess, RunProcesses, children, kill_now
from benchmarks.soak.promises import Pair, broken_promises
from benchmarks.soak.runs import Ended, SensorRuns
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.warehouse.connect import warehouse_of

_KILLED_AGAIN_SHARE = 0.2
_KILLS = {Kill.RUN: 4, Kill.TREE: 4, Kill.ALL: 2}
"""The share of each kind of kill."""

_TYPICAL_SECONDS = 10.0
_STARTING_SECONDS = 6.0
"""Seconds until Dagster counts a process as started."""

_LOOK_SECONDS = 0.25
_LOOKS_A_READ = 4
_PATIENCE_SECONDS = 1800.0
_KEPT_DBT_CALLS = 21
_REPORT = "{number:>4} {hours:<36} {seconds:6.1f} s {cpu:6.1f} s CPU {peak:5.0f} MB {kept:8.1f} MB kept"


@dataclass(frozen=True)
class Run:
    """A run that loaded its hours.

    Attributes:
        ended: Dagster's record of it.
        peak_bytes: the largest resident memory of its process, or of one that it started.
        cpu_seconds: the processor time of its process, and of those that it started.
        kept_bytes: what the home keeps on disk after it, see ``Home.kept_bytes``.
    """

    ended: Ended
    peak_bytes: int
    cpu_seconds: float
    kept_bytes: int


@dataclass
class Soak:
    """A home in which hours are delivered, and loaded by the sensor under Dagster's daemon.

    Attributes:
        home: the home.
        chance: decides what is killed, and when.
        killed_share: the share of the runs that are killed.
        say: prints a line of the report.
        delivered: the hours that were delivered.
        runs: the runs that loaded their hours.
        killed: the runs that were killed.
        kills: when something was killed, in seconds of Unix time.
        failed: runs that failed without that.
    """

    home: Home
    chance: random.Random
    killed_share: float = 0.1
    report: Callable[[str], object] = lambda _: None
    delivered: list[Delivered] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    killed: list[Ended] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _wanted: dict[datetime, float] = field(default_factory=dict)
    _processes: RunProcesses = field(default_factory=RunProcesses)
    _may_kill_again: bool = True
    _records: SensorRuns = field(init=False)

    def __post_init__(self) -> None:
        self._deliveries = Deliveries(self.home.path / "export", self.home.start, self.chance)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.home.kill_services()

    def prepare(self) -> Pair:
        """Makes the home, and the old damage: an event that is in tracks twice before its first delivery."""
        self.home.make()
        with warehouse_of(self.home.settings).opened():
            pass
        self.deliver(0)
        event_id, event = min(self.account().events.items())
        pair = Pair(event_id, (datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC)))
        with duckdb.connect(str(self.home.settings.duckdb_path)) as connection:
            for moment in pair.times:
                connection.execute(
                    "insert into posthog.tracks (event_id, created_at, event_name, user_id) values ($1, $2, $3, $4)",
                    [event_id, moment, event[0]["event"], event[0]["distinct_id"]],
                )
        return pair

    def account(self) -> Account:
        """The deliveries until now."""
        return account_of({each.hour: each.folder for each in self.delivered})

    def deliver(self, number: int) -> None:
        """Delivers the hour of a number."""
        self.delivered.append(self._deliveries.deliver(number))
        self._wanted[self.delivered[-1].hour] = time.time()

    def deliver_again(self, number: int) -> None:
        """Delivers an hour that was delivered before, with a change."""
        self._deliveries.deliver_again(self.delivered[number])
        self._wanted[self.delivered[number].hour] = time.time()

    def run_hours(self, hours: int, outage: range, again: Mapping[int, int]) -> None:
        """Delivers hours, each when the run of the one before has ended; returns when all are loaded.

        Args:
            hours: how many there are at the end.
            outage: during these, nothing runs.
            again: with which hour an earlier one is delivered again, changed.
        """
        self.home.start_services()
        self.home.switch_on()
        with self.home.instance() as instance:
            self._records = SensorRuns(instance)
            self._wait(self._has_ended(0))
            for number in range(1, hours):
                self._may_kill_again = number < hours // 2
                self._run_hour(number, outage, again)
            self._wait(lambda: not self._wanted and not self._records.under_way())
        self.home.kill_services()

    def _run_hour(self, number: int, outage: range, again: Mapping[int, int]) -> None:
        if number == outage.start:
            # The repetition of an earlier hour may be under way.
            self.kills.append(time.time())
            self.home.kill_services()
        self.deliver(number)
        if number in again:
            self.deliver_again(again[number])
        if number in outage:
            return
        if number == outage.stop:
            self.home.start_services()
        self._wait(self._has_ended(number))

    def _has_ended(self, number: int) -> Callable[[], bool]:
        hour = self.delivered[number].hour
        since = self._wanted[hour]
        return lambda: any(hour in run.hours and run.created >= since for run in self._records.ended.values())

    def _wait(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not is_done():
            if time.monotonic() > deadline:
                raise SoakError([f"nothing has loaded {len(self._wanted)} hours for {_PATIENCE_SECONDS:g} seconds"])
            for _ in range(_LOOKS_A_READ):
                self._look()
                time.sleep(_LOOK_SECONDS)
            for ended in self._records.newly_ended():
                self._note(ended)

    def _look(self) -> None:
        for process in self._processes.look(self.home.services.processes["code"].pid):
            if process.kill_at == 0:
                self._choose(process)
            if process.kill is not None and process.kill_at <= time.time():
                self._kill(process)

    def _choose(self, process: RunProcess) -> None:
        """Decides whether a run's process is killed, how and when."""
        again = self._records.under_way() & {hour for run in self.killed for hour in run.hours}
        share = (_KILLED_AGAIN_SHARE if self._may_kill_again else 0.0) if again else 1.0
        typical = statistics.median([run.ended.seconds for run in self.runs] or [_TYPICAL_SECONDS]) + _STARTING_SECONDS
        process.kill_at = time.time() + self.chance.uniform(0.1, typical)
        if self.chance.random() < share * self.killed_share:
            (process.kill,) = self.chance.choices([*_KILLS], [*_KILLS.values()])

    def _kill(self, process: RunProcess) -> None:
        kill, process.kill = process.kill, None
        self.kills.append(time.time())
        self.report(f"     kill -9 for {kill.value if kill else ''}")
        if kill is Kill.ALL:
            self.home.kill_services()
            self.home.start_services()
        else:
            kill_now([process.pid, *(children(process.pid) if kill is Kill.TREE else [])])

    def _note(self, ended: Ended) -> None:
        """Takes down a run that has ended."""
        if not ended.is_loaded:
            if not any(ended.created <= kill <= ended.ended for kill in self.kills):
                self.failed.append(f"the run {ended.run_id} of {ended.named} failed, and was not killed")
            self.killed.append(ended)
            self.report(f"     {ended.named} failed")
            return
        self._wanted = {
            hour: since for hour, since in self._wanted.items() if hour not in ended.hours or since > ended.started
        }
        process = self._processes.seen.get(ended.pid or 0) or RunProcess(0, ended.started)
        self.runs.append(Run(ended, process.peak_bytes, process.cpu_seconds, self.home.kept_bytes))
        self.report(_line(len(self.runs), self.runs[-1]))


def _line(number: int, run: Run) -> str:
    return _REPORT.format(
        number=number,
        hours=run.ended.named,
        seconds=run.ended.seconds,
        cpu=run.cpu_seconds,
        peak=run.peak_bytes / 1e6,
        kept=run.kept_bytes / 1e6,
    )


class SoakError(Exception):
    """Promises that were broken, one a line."""

    def __init__(self, broken: Sequence[str]) -> None:
        super().__init__("\n".join(broken))


def start_of(hours: int) -> datetime:
    """The first of so many hours, of which the last has just ended."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - hours * HOUR


def check(soak: Soak, pair: Pair) -> None:
    """Holds the home against the account.

    Raises:
        SoakError: a promise is broken.
    """
    broken = broken_promises(soak.home.settings.duckdb_path, soak.account(), pair)
    missing = soak.home.missing_partitions([each.hour for each in soak.delivered])
    broken += [f"Dagster does not show {each} as materialized" for each in missing]
    calls = len(list((soak.home.path / "dbt" / "runs").iterdir()))
    if calls > _KEPT_DBT_CALLS:
        broken.append(f"the artifacts of {calls} calls of dbt are kept, more than {_KEPT_DBT_CALLS}")
    if broken:
        raise SoakError(broken)
