"""A simulated export with runs that load it: what ``decide`` is asked in production, without Dagster or files."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from tracks_assets.quality.uploads.cursor import read_cursor, write_cursor
from tracks_assets.quality.uploads.export_complete import HOURS_A_RUN, begin, decide, hours_to_admit
from tracks_assets.quality.uploads.state import (
    NOTHING,
    Decision,
    Facts,
    Lateness,
    Listing,
    Outcome,
    Progress,
    Request,
    Result,
    Rules,
    Seen,
    State,
)
from tracks_assets.sources.posthog.layout import HOUR

START = datetime(2026, 3, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Folder:
    """An hour's files: the time of each one's last write by its name; and the parts that its manifest names, if any."""

    files: dict[str, datetime] = field(default_factory=dict)
    parts: frozenset[str] | None = None
    touched: datetime | None = None
    was_seen: bool = False

    @property
    def seen(self) -> Seen:
        if not self.files:
            return NOTHING
        text = repr(sorted(self.files.items()))
        return Seen(
            len(self.files),
            blake2b(text.encode(), digest_size=6).hexdigest(),
            int(max(self.files.values()).timestamp() * 1000),
        )

    @property
    def progress(self) -> Progress:
        if self.parts is None:
            return Progress.UNKNOWN
        return Progress.FINISHED if self.parts <= self.files.keys() else Progress.UNFINISHED

    @property
    def items(self) -> set[tuple[str, datetime]]:
        return set(self.files.items())


@dataclass
class Run:
    request: Request
    hours: list[datetime]
    ends: datetime
    found: dict[datetime, set[tuple[str, datetime]]]
    seen: dict[datetime, Seen]
    outcome: Outcome = Outcome.RUNNING


@dataclass
class World:
    """The export, the runs, and every property that must hold of each decision.

    Attributes:
        rules: the rules of the sensor.
        bad: files that no load takes.
    """

    rules: Rules = field(default_factory=Rules)
    start: datetime = START
    now: datetime = START
    folders: dict[datetime, Folder] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    loaded: dict[datetime, set[tuple[str, datetime]]] = field(default_factory=dict)
    refused: dict[datetime, Seen] = field(default_factory=dict)
    cursor: str | None = None
    evaluations: list[Lateness] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    bad: set[str] = field(default_factory=set)
    already: dict[datetime, datetime] = field(default_factory=dict)

    def folder(self, hour: datetime) -> Folder:
        return self.folders.setdefault(hour, Folder())

    def write(self, hour: datetime, name: str) -> None:
        self.folder(hour).files[name] = self.now
        self.folder(hour).touched = self.now

    def delete(self, hour: datetime, name: str) -> None:
        self.folder(hour).files.pop(name, None)

    @property
    def state(self) -> State:
        with_files = [hour for hour, folder in self.folders.items() if folder.files and hour >= self.start]
        return read_cursor(self.cursor) if self.cursor else begin(self.start, min(with_files, default=None), self.now)

    @property
    def newest(self) -> datetime | None:
        return max((hour for hour, folder in self.folders.items() if folder.files), default=None)

    def look(self) -> Decision:
        """One look of the sensor; each request becomes a run, and what must hold of a decision is checked."""
        state = self.state
        admitted = hours_to_admit(state, self.newest, self.now)
        looked_at = {*state.hours, *admitted}
        keys = {entry.request for entry in state.hours.values() if entry.request is not None}
        facts = Facts(
            newest=self.newest,
            listings={
                hour: Listing(folder.seen, folder.progress)
                for hour, folder in self.folders.items()
                if folder.files and hour in looked_at
            },
            results={key: Result(self.runs[key].outcome, self.runs[key].ends) for key in keys if key in self.runs},
            busy=frozenset(hour for run in self.runs.values() if run.outcome is Outcome.RUNNING for hour in run.hours),
            already={hour: self.already[hour] for hour in admitted if hour in self.already},
        )
        decision = decide(state, facts, self.rules, self.now)
        for hour in facts.listings:
            self.folder(hour).was_seen = True
        for request in decision.requests:
            self._check(request)
            self.start_run(request)
        if decision.is_reported:
            self.evaluations.append(decision.lateness)
        self.cursor = write_cursor(decision.state)
        assert write_cursor(read_cursor(self.cursor)) == self.cursor
        return decision

    def start_run(self, request: Request, minutes: int = 5) -> None:
        count = (request.last - request.first) // HOUR + 1
        hours = [request.first + HOUR * number for number in range(count)]
        self.requests.append(request)
        found = {hour: self.folder(hour).items for hour in hours}
        seen = {hour: self.folder(hour).seen for hour in hours}
        self.runs[request.key] = Run(request, hours, self.now + MINUTE * minutes, found, seen)

    def pass_time(self, minutes: float, passing: bool = False) -> None:
        """Lets time pass; runs that are due end, and load what is there by then."""
        self.now += MINUTE * minutes
        for run in self.runs.values():
            if run.outcome is Outcome.RUNNING and run.ends <= self.now:
                self._end(run, passing)

    def _end(self, run: Run, passing: bool) -> None:
        if passing:
            run.outcome = Outcome.FAILED_PASSING
        elif any(name in self.bad for hour in run.hours for name in self.folder(hour).files):
            run.outcome = Outcome.FAILED
            if len(run.hours) == 1:
                # Whether the run met what came since the request is not known, so that counts as new.
                self.refused[run.hours[0]] = run.seen[run.hours[0]]
        else:
            run.outcome = Outcome.LOADED
            for hour in run.hours:
                # What came since the request may be loaded as well; that it was is not known, so it counts as new.
                self.loaded[hour] = run.found[hour]

    def _check(self, request: Request) -> None:
        assert request.key not in self.runs, "one key is one run"
        assert request.first <= request.last
        hours = [request.first + HOUR * number for number in range((request.last - request.first) // HOUR + 1)]
        assert len(hours) <= HOURS_A_RUN
        for hour in hours:
            assert hour + HOUR <= self.now, "the hour has ended"
            running = [run for run in self.runs.values() if run.outcome is Outcome.RUNNING and hour in run.hours]
            assert not running, "one run at a time"
            self._check_complete(hour)
            if hour in self.loaded:
                assert self.folder(hour).items - self.loaded[hour], "something is new, not only gone"
            if hour in self.refused:
                assert self.folder(hour).seen != self.refused[hour], "its files have changed since they were refused"

    def _check_complete(self, hour: datetime) -> None:
        folder = self.folder(hour)
        if not folder.files:
            assert self.newest is not None
            assert self.newest > hour
            assert self.now >= hour + HOUR + self.rules.timeout
            assert not folder.was_seen, "an hour that lost its files is not empty"
            return
        assert folder.progress is not Progress.UNFINISHED
        if folder.progress is Progress.UNKNOWN:
            assert len(folder.files) >= self.rules.min_objects
        if folder.progress is Progress.UNKNOWN or hour in self.loaded:
            assert folder.touched is not None
            assert self.now - folder.touched >= self.rules.inactivity_period
