"""What is known of the uploads of export hours: the data that ``export_complete.decide`` works on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

from tracks_assets.settings import Settings


@dataclass(frozen=True)
class Rules:
    """When an upload counts as complete; the names are those of Airflow's GCSUploadSessionCompleteSensor.

    Attributes:
        inactivity_period: for how long a listing must not change.
        min_objects: how many files it must have at least.
        trust_modified: whether files that are there at the first look count as quiet since they were written; else
            they count as quiet since that look (Airflow's ``previous_objects``).
        allow_delete: whether deleted files are tolerated; else the hour is reported and waits.
        timeout: how long after an hour's end its upload is late.
        watched: how long after an hour's end its files are watched for changes, once it is loaded.
    """

    inactivity_period: timedelta = timedelta(minutes=30)
    min_objects: int = 1
    trust_modified: bool = True
    allow_delete: bool = True
    timeout: timedelta = timedelta(minutes=65)
    watched: timedelta = timedelta(hours=48)

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rules that the settings state."""
        return cls(
            inactivity_period=timedelta(seconds=settings.upload_inactivity_seconds),
            min_objects=settings.upload_min_objects,
            trust_modified=settings.upload_previous_objects == "trust",
            allow_delete=settings.upload_allow_delete,
            timeout=timedelta(seconds=settings.upload_timeout_seconds),
            watched=timedelta(hours=settings.upload_watch_hours),
        )


@dataclass(frozen=True)
class Seen:
    """A listing in short.

    Attributes:
        files: how many files it has.
        digest: a hash of their names, sizes and modification times; empty without files.
        newest: when the newest was written, in milliseconds of Unix time.
    """

    files: int = 0
    digest: str = ""
    newest: int = 0

    def has_news(self, before: "Seen") -> bool:
        """Whether something arrived or changed since ``before``, and not only disappeared.

        A deletion lowers the number of files and leaves the newest one as it was.
        """
        if self.digest == before.digest:
            return False
        return self.files >= before.files or self.newest > before.newest


NOTHING = Seen()


class Progress(Enum):
    """What an upload says of itself."""

    FINISHED = auto()
    """Its manifest is there, and every part that it names."""
    UNFINISHED = auto()
    """A manifest or a part is missing."""
    UNKNOWN = auto()
    """Only time shows."""


@dataclass(frozen=True)
class Listing:
    """What one look at an hour's folder found."""

    seen: Seen
    progress: Progress = Progress.UNKNOWN


@dataclass(frozen=True)
class HourState:
    """What is remembered of one hour that is open or watched.

    Attributes:
        since: the listing has been as it is since then.
        seen: the listing at the last look.
        loaded: the listing that was loaded last; None before the first load.
        asked: the listing that the requested run loads; None while none is requested.
        request: the key of that run.
        failures: how often in a row a run failed for a reason that passes.
        not_before: no run is requested earlier, because one failed.
        held: the digest of a listing that cannot be loaded: nothing is requested until the files change.
        most: the longest range in which the hour is loaded; 0 without a bound.
        is_late: whether its lateness has been reported.
        lost_files: whether files disappeared in a way that is not tolerated.
    """

    since: datetime
    seen: Seen = NOTHING
    loaded: Seen | None = None
    asked: Seen | None = None
    request: str | None = None
    failures: int = 0
    not_before: datetime | None = None
    held: str | None = None
    most: int = 0
    is_late: bool = False
    lost_files: bool = False


@dataclass(frozen=True)
class State:
    """What the sensor remembers between two looks.

    Attributes:
        until: hours before it are done, unless they are in ``hours``.
        late_until: hours without a state before it have been reported as late.
        is_alarmed: whether the last evaluation found that an upload is late.
        requests: how many runs have been requested.
        checked: the last look.
        hours: the hours that are open or watched, in order.
    """

    until: datetime
    late_until: datetime
    checked: datetime
    is_alarmed: bool = False
    requests: int = 0
    hours: Mapping[datetime, HourState] = field(default_factory=dict)


class Outcome(Enum):
    """How far a requested run came."""

    RUNNING = auto()
    LOADED = auto()
    FAILED_PASSING = auto()
    """For a reason that passes, or without any, as when it was killed."""
    FAILED = auto()
    """For a reason that stays, such as its data."""
    CANCELED = auto()
    MISSING = auto()
    """There is no such run."""


@dataclass(frozen=True)
class Result:
    """The outcome of a requested run, and when it was requested or, if it has ended, ended."""

    outcome: Outcome
    at: datetime
    hours: int = 1


@dataclass(frozen=True)
class Facts:
    """What one look found, beside the clock.

    Attributes:
        newest: the newest export hour with files; None without any.
        listings: the hours that have files, of those that were looked at.
        results: the outcome of each run that the state waits for, by its key.
        busy: hours that any unfinished run works on.
        by_hand: hours that another run loaded since the last look, with the start of that run.
        already: hours that the state does not know yet and that have been loaded, with the time of the load.
    """

    newest: datetime | None = None
    listings: Mapping[datetime, Listing] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)
    busy: frozenset[datetime] = frozenset()
    by_hand: Mapping[datetime, datetime] = field(default_factory=dict)
    already: Mapping[datetime, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One run that loads adjoining hours.

    Attributes:
        key: the run's own key: two requests with one key are one run.
        first: the first hour.
        last: the last hour.
    """

    key: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Lateness:
    """The hours whose upload is late.

    Attributes:
        hours: how many there are.
        first: the oldest late hour.
        last: the newest late hour.
        reason: why the oldest one is not complete, as a sentence; empty if unknown.
    """

    hours: int = 0
    first: datetime | None = None
    last: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Decision:
    """What follows from a look: the next state, the runs to start, and what to report.

    Attributes:
        state: the next state.
        requests: the runs to start, the oldest hours first.
        lateness: the hours that are late now.
        is_reported: whether to report them: an hour is late that was not, or none is late any more.
        notes: lines for the log.
        waiting: the hours that are looked at and not complete yet.
    """

    state: State
    requests: tuple[Request, ...] = ()
    lateness: Lateness = Lateness()
    is_reported: bool = False
    notes: tuple[str, ...] = ()
    waiting: tuple[datetime, ...] = ()
