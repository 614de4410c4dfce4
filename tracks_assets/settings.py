"""Settings: the ``TRACKS_*`` environment variables, read here and nowhere else.

A wrong value raises ``SettingsError`` with one sentence that names the variable, the value and what is allowed.
"""

import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

PARTITION_FORMAT = "%Y-%m-%d-%H:%M"

EXPORT_START_FILE = "export_start"
"""A file in TRACKS_HOME with the default of TRACKS_EXPORT_START for this home, as ``make demo`` leaves it."""


EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""A moment before every event, for statements that take a cutover where none is set."""

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) ?(?P<unit>[MG]i?B)", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}
_LEAST_MEMORY = 256 * 10**6
_OWNER = re.compile(r"team:\w+|[\w.%+-]+@[\w.-]+\.[a-zA-Z]{2,}", re.ASCII)
_DATABASE = re.compile(r"[\w .-]+", re.ASCII)
_TAKEN = ("information_schema", "main", "memory", "pg_catalog", "posthog", "posthog_ops", "system", "temp")
"""Names of databases and schemas that every warehouse has, or that the project makes in it."""
_PROJECT = re.compile(r"(?:[a-z0-9][a-z0-9.-]*:)?[a-z][a-z0-9-]*[a-z0-9]")
"""A project's id; old ones have a domain before it, as in example.com:my-project."""


class SettingsError(ValueError):
    """A ``TRACKS_*`` variable has a value that is not allowed; the message is one sentence for its reader."""


class Settings(BaseModel):
    """The settings of a run. ``make generate`` writes docs/settings.md from the descriptions of the fields."""

    model_config = ConfigDict(frozen=True)

    engine: Literal["duckdb", "bigquery"] = Field(
        default="duckdb",
        description="The engine of the warehouse: `duckdb` or `bigquery`.",
    )
    home: Path = Field(
        description=(
            "The folder of this installation: the DuckDB file, dbt's artifacts, the alert database and the status page."
        ),
    )
    duckdb_path: Path = Field(description="The file of the DuckDB warehouse.")
    export_uri: str = Field(
        description="The export: a local path or `gs://bucket/prefix`. Events are under `events/{date}/{hour}/`.",
    )
    export_folder_hour: Literal["end", "start"] = Field(
        default="end",
        description="The hour in a folder's name is the `end` of its interval (PostHog's templates) or its `start`.",
    )
    legacy_uri: str = Field(
        description=(
            "Rows of the old pipeline, with the columns of `tracks`, under `{date}/{hour}/` (the start of the "
            "hour). If the folder does not exist, `backfill_tracks` is frozen and only observed."
        ),
    )
    cutover: datetime | None = Field(
        default=None,
        description=(
            "A UTC day such as `2026-03-04`. Not set, `tracks` takes every delivery. Set, it takes deliveries "
            "with `created_at` from that day on. Earlier ones are counted per hour, and `cutover_share` warns "
            "if they are more than half of an hour."
        ),
    )
    export_start: datetime = Field(
        description=(
            "The first export hour. A file `$TRACKS_HOME/export_start`, which the demo writes, replaces the default."
        ),
    )
    legacy_start: datetime = Field(description="The first legacy hour.")
    legacy_end: datetime = Field(description="The end of the legacy hours; this hour is excluded.")
    bq_project: str | None = Field(default=None, description="The Google Cloud project. Required on BigQuery.")
    bq_location: str = Field(
        default="US",
        description="The location of the datasets: a multi-region or a region such as `europe-west6`.",
    )
    bq_dataset_prefix: str = Field(default="", description="A prefix of each dataset's name, such as `staging_`.")
    bq_maximum_bytes_billed: int | None = Field(
        default=None,
        description="A statement that would be billed for more bytes is refused. It also applies to dbt's jobs.",
    )
    bq_retry_seconds: int = Field(
        default=120,
        description=(
            "For how long a call that fails for a temporary reason is repeated. dbt submits its statement for "
            "ten minutes, whatever this setting is."
        ),
    )
    bq_job_seconds: int = Field(default=3600, description="After how long BigQuery stops a job.")
    bq_priority: Literal["interactive", "batch"] = Field(
        default="interactive",
        description=(
            "`interactive` or `batch`. Statements that run in a session (repairs, legacy merges) are always "
            "interactive."
        ),
    )
    # These hold secrets, so they are left out of every representation.
    alert_urls: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description="Apprise URLs, separated by commas: the receivers of errors.",
    )
    alert_urls_warn: tuple[str, ...] = Field(
        default=(),
        repr=False,
        description="The receivers of warnings. Not set, they are the receivers of errors.",
    )
    alert_database: str = Field(
        default="",
        repr=False,
        description="Where incidents and messages are stored: a `sqlite://` or `postgresql://` URL.",
    )
    alert_reminder_hours: int = Field(
        default=24,
        description="After how many hours a reminder of an open incident is sent.",
    )
    show_values: bool = Field(default=False, description="`on` allows event values and addresses in alerts.")
    ui_url: str = Field(default="http://127.0.0.1:3000", description="The address of the Dagster UI, for links.")
    rejected_warn_percent: float = Field(
        default=0.1,
        description="Above this percentage of refused rows in an hour, the check `rejected_share` is yellow.",
    )
    rejected_error_percent: float = Field(default=1.0, description="Above this percentage, it is red.")
    memory_limit: str = Field(
        default="2GB",
        description=(
            "The memory limit of DuckDB: in the loader, in the transform for BigQuery and in dbt. At least `256MB`."
        ),
    )
    automation: bool = Field(default=False, description="`on` switches on the sensors and the schedules.")
    upload_inactivity_seconds: int = Field(
        default=1800,
        description="An hour without a manifest is complete when its files have not changed for this long.",
    )
    upload_min_objects: int = Field(
        default=1,
        description="An hour without a manifest that has fewer files is never complete.",
    )
    upload_previous_objects: Literal["trust", "watch"] = Field(
        default="trust",
        description=(
            "Files that exist at the first look. `trust`: unchanged since their modification time. `watch`: "
            "unchanged since the first look."
        ),
    )
    upload_allow_delete: bool = Field(
        default=True,
        description=(
            "`on`: a deletion before the load starts the waiting time again. `off`: the hour is late and waits "
            "until files arrive again."
        ),
    )
    upload_timeout_seconds: int = Field(
        default=3900,
        description="How long after the end of an hour its upload is late.",
    )
    upload_poke_seconds: int = Field(default=60, description="How often the sensor looks.")
    upload_watch_hours: int = Field(
        default=48,
        description="For how long after its end a loaded hour is watched for changes.",
    )
    step_retries: int = Field(default=2, description="How often a step that failed for a temporary reason is retried.")
    freshness_warn_minutes: int = Field(
        default=120,
        description=(
            "Above this age of the newest load, `raw_tracks` is stale: a warning, in Dagster and in `dbt source "
            "freshness`."
        ),
    )
    freshness_error_minutes: int = Field(default=240, description="Above this age, it is an error.")
    owners: tuple[str, ...] = Field(
        default=(),
        description="The owners of the assets in the UI: e-mail addresses or `team:NAME`, separated by commas.",
    )
    source_url: str | None = Field(
        default=None,
        description=(
            "The repository on GitHub or GitLab that the UI links the code of each asset to. Not set, it names "
            "files of the checkout."
        ),
    )
    source_branch: str = Field(default="main", description="The branch of these links.")
    keep_log_days: int = Field(
        default=30,
        description="After how many days the job `prune_runs` removes the log of a run.",
    )
    keep_run_days: int = Field(
        default=400,
        description="After how many days it removes the run itself, unless a partition needs it.",
    )
    anomaly_sensitivity: float = Field(
        default=3.0,
        description=(
            "The distance from the expected count to the limits of its range, in usual errors. A larger number "
            "gives fewer alarms."
        ),
    )
    anomaly_detection_delay_hours: int | None = Field(
        default=None,
        description="How many hours after its end a day is evaluated. Not set, it is learned from the deliveries.",
    )
    purchase_flow_events: tuple[str, ...] = Field(
        default=(),
        description="Names of events, separated by commas, that get an anomaly check of their own.",
    )

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs and events."""
        return self.home / "dagster"

    @property
    def takes_from(self) -> datetime:
        """The earliest ``created_at`` that tracks takes from deliveries; without a cutover, it takes every one."""
        return self.cutover or EARLIEST

    def child_environment(self) -> dict[str, str]:
        """The same settings as variables for a child process (dbt), paths made absolute."""
        variables = {
            "TRACKS_ENGINE": self.engine,
            "TRACKS_HOME": str(self.home),
            "TRACKS_DUCKDB_PATH": str(self.duckdb_path),
            "TRACKS_MEMORY_LIMIT": self.memory_limit,
            "TRACKS_CUTOVER": f"{self.cutover:%Y-%m-%d}" if self.cutover else "",
            "TRACKS_BQ_LOCATION": self.bq_location,
            "TRACKS_BQ_DATASET_PREFIX": self.bq_dataset_prefix,
            "TRACKS_BQ_RETRY_SECONDS": str(self.bq_retry_seconds),
            "TRACKS_BQ_JOB_SECONDS": str(self.bq_job_seconds),
            "TRACKS_BQ_PRIORITY": self.bq_priority,
            "TRACKS_FRESHNESS_WARN_MINUTES": str(self.freshness_warn_minutes),
            "TRACKS_FRESHNESS_ERROR_MINUTES": str(self.freshness_error_minutes),
        }
        if self.bq_maximum_bytes_billed is not None:
            variables["TRACKS_BQ_MAXIMUM_BYTES_BILLED"] = str(self.bq_maximum_bytes_billed)
        return variables | ({"TRACKS_BQ_PROJECT": self.bq_project} if self.bq_project else {})


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that ``environment`` (the process's own by default) gives, defaults filled in.

    Raises:
        SettingsError: a variable's value is not allowed, or one that another needs is missing.
    """
    reader = _Reader(os.environ if environment is None else environment)
    home = reader.read("TRACKS_HOME", ".tracks", _path)
    settings = Settings(
        engine=reader.read("TRACKS_ENGINE", "duckdb", _one_of("duckdb", "bigquery")),
        home=home,
        duckdb_path=reader.read("TRACKS_DUCKDB_PATH", str(home / "warehouse.duckdb"), _database_path),
        export_uri=reader.read("TRACKS_EXPORT_URI", str(home / "export"), _uri),
        export_folder_hour=reader.read("TRACKS_EXPORT_FOLDER_HOUR", "end", _one_of("end", "start")),
        legacy_uri=reader.read("TRACKS_LEGACY_URI", str(home / "legacy"), _uri),
        cutover=reader.read("TRACKS_CUTOVER", "", _optional_day),
        export_start=reader.read("TRACKS_EXPORT_START", _export_start(home), _hour),
        legacy_start=reader.read("TRACKS_LEGACY_START", "2025-05-01-00:00", _hour),
        legacy_end=reader.read("TRACKS_LEGACY_END", "2026-03-12-00:00", _hour),
        bq_project=reader.read("TRACKS_BQ_PROJECT", "", _project) or None,
        bq_location=reader.read("TRACKS_BQ_LOCATION", "US", _word),
        bq_dataset_prefix=reader.read("TRACKS_BQ_DATASET_PREFIX", "", _dataset_prefix),
        bq_maximum_bytes_billed=reader.read("TRACKS_BQ_MAXIMUM_BYTES_BILLED", "", _optional_count),
        bq_retry_seconds=reader.read("TRACKS_BQ_RETRY_SECONDS", "120", _seconds),
        bq_job_seconds=reader.read("TRACKS_BQ_JOB_SECONDS", "3600", _seconds),
        bq_priority=reader.read("TRACKS_BQ_PRIORITY", "interactive", _one_of("interactive", "batch")),
        alert_urls=reader.read("TRACKS_ALERT_URLS", "", _urls, is_secret=True),
        alert_urls_warn=reader.read("TRACKS_ALERT_URLS_WARN", "", _urls, is_secret=True),
        alert_database=reader.read("TRACKS_ALERT_DATABASE", f"sqlite:///{home}/alerts.db", _database, is_secret=True),
        alert_reminder_hours=reader.read("TRACKS_ALERT_REMINDER_HOURS", "24", _hours),
        show_values=reader.read("TRACKS_SHOW_VALUES", "off", _switch),
        ui_url=reader.read("TRACKS_UI_URL", "http://127.0.0.1:3000", _web_address),
        rejected_warn_percent=reader.read("TRACKS_REJECTED_WARN_PERCENT", "0.1", _percent),
        rejected_error_percent=reader.read("TRACKS_REJECTED_ERROR_PERCENT", "1", _percent),
        memory_limit=reader.read("TRACKS_MEMORY_LIMIT", "2GB", _memory),
        automation=reader.read("TRACKS_AUTOMATION", "off", _switch),
        upload_inactivity_seconds=reader.read("TRACKS_UPLOAD_INACTIVITY_SECONDS", "1800", _seconds),
        upload_min_objects=reader.read("TRACKS_UPLOAD_MIN_OBJECTS", "1", _from_to(1, 100_000, "files")),
        upload_previous_objects=reader.read("TRACKS_UPLOAD_PREVIOUS_OBJECTS", "trust", _one_of("trust", "watch")),
        upload_allow_delete=reader.read("TRACKS_UPLOAD_ALLOW_DELETE", "on", _switch),
        upload_timeout_seconds=reader.read("TRACKS_UPLOAD_TIMEOUT_SECONDS", "3900", _seconds),
        upload_poke_seconds=reader.read("TRACKS_UPLOAD_POKE_SECONDS", "60", _from_to(1, 3600, "seconds")),
        upload_watch_hours=reader.read("TRACKS_UPLOAD_WATCH_HOURS", "48", _from_to(1, 336, "hours")),
        step_retries=reader.read("TRACKS_STEP_RETRIES", "2", _from_to(0, 10, "retries")),
        freshness_warn_minutes=reader.read("TRACKS_FRESHNESS_WARN_MINUTES", "120", _from_to(1, 43_200, "minutes")),
        freshness_error_minutes=reader.read("TRACKS_FRESHNESS_ERROR_MINUTES", "240", _from_to(1, 43_200, "minutes")),
        owners=reader.read("TRACKS_OWNERS", "", _owners),
        source_url=reader.read("TRACKS_SOURCE_URL", "", _source_url),
        source_branch=reader.read("TRACKS_SOURCE_BRANCH", "main", str),
        keep_log_days=reader.read("TRACKS_KEEP_LOG_DAYS", "30", _from_to(1, 36_500, "days")),
        keep_run_days=reader.read("TRACKS_KEEP_RUN_DAYS", "400", _from_to(1, 36_500, "days")),
        anomaly_sensitivity=reader.read("TRACKS_ANOMALY_SENSITIVITY", "3", _sensitivity),
        anomaly_detection_delay_hours=reader.read("TRACKS_ANOMALY_DETECTION_DELAY_HOURS", "", _optional_hours),
        purchase_flow_events=reader.read("TRACKS_PURCHASE_FLOW_EVENTS", "", _names),
    )
    _check_together(settings)
    return settings


def _export_start(home: Path) -> str:
    """The first export hour where the environment names none: the home's own, or 2026-03-12-00:00."""
    file = home / EXPORT_START_FILE
    return file.read_text(encoding="utf-8").strip() if file.is_file() else "2026-03-12-00:00"


class _Reader:
    """Reads one variable at a time, so that a wrong one is named."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def read(self, name: str, default: str, parse: Callable[[str], Any], *, is_secret: bool = False) -> Any:
        value = self._environment.get(name, "").strip() or default
        try:
            return parse(value)
        except ValueError as error:
            shown = "set to a value that is not shown, because it may hold a secret" if is_secret else repr(value)
            raise SettingsError(f"{name} is {shown}, but it must be {error}.") from None


def _check_together(settings: Settings) -> None:
    if settings.engine == "bigquery" and settings.bq_project is None:
        raise SettingsError(
            "TRACKS_BQ_PROJECT is not set, but it must name the Google Cloud project when TRACKS_ENGINE is 'bigquery'."
        )
    if settings.legacy_end <= settings.legacy_start:
        raise SettingsError(
            f"TRACKS_LEGACY_END is {settings.legacy_end:{PARTITION_FORMAT}}, but it must be later than "
            f"TRACKS_LEGACY_START, {settings.legacy_start:{PARTITION_FORMAT}}."
        )
    if settings.freshness_error_minutes <= settings.freshness_warn_minutes:
        raise SettingsError(
            f"TRACKS_FRESHNESS_ERROR_MINUTES is {settings.freshness_error_minutes}, but it must be more than "
            f"TRACKS_FRESHNESS_WARN_MINUTES, {settings.freshness_warn_minutes}."
        )
    if settings.rejected_error_percent < settings.rejected_warn_percent:
        raise SettingsError(
            f"TRACKS_REJECTED_ERROR_PERCENT is {settings.rejected_error_percent:g}, but it must be no less than "
            f"TRACKS_REJECTED_WARN_PERCENT, {settings.rejected_warn_percent:g}."
        )
    if settings.keep_run_days < settings.keep_log_days:
        raise SettingsError(
            f"TRACKS_KEEP_RUN_DAYS is {settings.keep_run_days}, but it must be no less than TRACKS_KEEP_LOG_DAYS, "
            f"{settings.keep_log_days}."
        )


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in allowed:
            raise ValueError(" or ".join(repr(choice) for choice in allowed))
        return value

    return parse


def _path(value: str) -> Path:
    if "://" in value:
        raise ValueError("a local path")
    return Path(value).expanduser().absolute()


def _database_path(value: str) -> Path:
    # DuckDB takes what follows a question mark for options, and puts its log in another place.
    if "?" in value:
        raise ValueError("a local path without '?'")
    path = _path(value)
    # The file's name is the database's. dbt does not escape it, and DuckDB confuses it with a schema of the same name.
    if _DATABASE.fullmatch(path.name) is None:
        raise ValueError("a file name of letters, digits, spaces, '.', '_' and '-', such as warehouse.duckdb")
    if path.stem.lower() in _TAKEN:
        raise ValueError(
            f"a file of another name, such as warehouse.duckdb: the database has its own {path.stem.lower()}"
        )
    return path


def _uri(value: str) -> str:
    if value.startswith("gs://"):
        if not urlsplit(value).netloc:
            raise ValueError("a local path or gs://bucket/prefix")
        return value.rstrip("/")
    if "://" in value:
        raise ValueError("a local path or gs://bucket/prefix")
    return str(_path(value))


def _optional_day(value: str) -> datetime | None:
    if not value:
        return None
    try:
        # dbt's macros put the text into SQL, and engines know fewer spellings than Python.
        if not _DAY.fullmatch(value):
            raise ValueError(value)
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("a UTC day such as 2026-03-04") from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _hour(value: str) -> datetime:
    try:
        hour = datetime.strptime(value, PARTITION_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("a UTC hour such as 2026-03-12-00:00") from None
    if hour.minute:
        raise ValueError("a whole UTC hour such as 2026-03-12-00:00")
    return hour


def _percent(value: str) -> float:
    try:
        percent = float(value)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:  # noqa: PLR2004 (a percentage)
        raise ValueError("a percentage from 0 to 100 such as 0.1")
    return percent


def memory_bytes(size: str) -> int:
    """The bytes of a size of DuckDB's, such as "512MB", "1.5GB" or "2GiB".

    Raises:
        ValueError: it is not such a size.
    """
    found = _SIZE.fullmatch(size.strip())
    if found is None:
        raise ValueError(f"{size!r} is no size such as 512MB or 2GB")
    return int(float(found["number"]) * _UNITS[found["unit"].upper()])


def _memory(value: str) -> str:
    try:
        enough = memory_bytes(value) >= _LEAST_MEMORY
    except ValueError:
        enough = False
    if not enough:
        raise ValueError("a size of at least 256MB, such as 512MB or 2GB")
    return value.strip()


def _optional_count(value: str) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or int(value) == 0:
        raise ValueError("a number of bytes such as 1000000000000, or not set for no limit")
    return int(value)


def _seconds(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 86400:  # noqa: PLR2004 (a day)
        raise ValueError("a whole number of seconds from 1 to 86400")
    return int(value)


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError("'on' or 'off'")
    return value == "on"


def _from_to(least: int, most: int, unit: str) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise ValueError(f"a whole number of {unit} from {least} to {most}")
        return int(value)

    return parse


def _project(value: str) -> str:
    # It goes into statements, between backticks.
    if value and _PROJECT.fullmatch(value) is None:
        raise ValueError("the id of a Google Cloud project such as my-project")
    return value


def _word(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9-]+", value) is None:
        raise ValueError("a BigQuery location such as US, EU or europe-west6")
    return value


def _dataset_prefix(value: str) -> str:
    # It goes into statements, between backticks.
    if re.fullmatch(r"[A-Za-z0-9_]*", value) is None:
        raise ValueError("letters, digits and underscores only, such as staging_")
    return value


def _hours(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 168:  # noqa: PLR2004 (a week)
        raise ValueError("a whole number of hours from 1 to 168")
    return int(value)


def _database(value: str) -> str:
    if not re.match(r"(?:sqlite|postgresql)(?:\+\w+)?://", value):
        raise ValueError("a database URL such as sqlite:////path/alerts.db or postgresql://user:password@host/name")
    return value


def _web_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname or re.search(r"\s", value):
        raise ValueError("an address such as https://dagster.example.com")
    return value.rstrip("/")


def _urls(value: str) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in value.split(",") if url.strip())
    if any("://" not in url for url in urls):
        raise ValueError("Apprise URLs such as slack://..., separated by commas")
    return urls


def _owners(value: str) -> tuple[str, ...]:
    owners = tuple(owner.strip() for owner in value.split(",") if owner.strip())
    if not all(_OWNER.fullmatch(owner) for owner in owners):
        raise ValueError("e-mail addresses or names such as team:data, separated by commas")
    return owners


def _source_url(value: str) -> str | None:
    if value and not re.fullmatch(r"https://[^/]*(github|gitlab)[^/]*/\S+", value):
        raise ValueError("a repository on GitHub or GitLab such as https://github.com/us/tracks")
    return value.removesuffix(".git").rstrip("/") or None


def _sensitivity(value: str) -> float:
    try:
        sensitivity = float(value)
    except ValueError:
        sensitivity = 0.0
    if not 1 <= sensitivity <= 10:  # noqa: PLR2004 (below 1, most days are anomalies)
        raise ValueError("a number from 1 to 10 such as 3: the usual errors from the expected count to its limits")
    return sensitivity


def _optional_hours(value: str) -> int | None:
    if not value:
        return None
    if not value.isdecimal() or int(value) > 168:  # noqa: PLR2004 (a week)
        raise ValueError("a whole number of hours from 0 to 168, or not set to learn it from the deliveries")
    return int(value)


def _names(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
