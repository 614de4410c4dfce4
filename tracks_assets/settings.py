"""Settings: the ``TRACKS_*`` environment variables, read here and nowhere else.

Each is one field of ``Settings``, the only place that has its default and its description. A wrong value raises
``SettingsError`` with one sentence that names the variable, the value and what is allowed.
"""

import operator
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

import tracks_assets.setting_types as kind

PARTITION_FORMAT = "%Y-%m-%d-%H:%M"

EXPORT_START_FILE = "export_start"
"""A file in TRACKS_HOME with the default of TRACKS_EXPORT_START for this home, as ``make demo`` leaves it."""

EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""A moment before every event, for statements that take a cutover where none is set."""

MEMORY_LIMIT = "2GB"
"""The default of TRACKS_MEMORY_LIMIT, also for a warehouse that is opened without settings."""

_PREFIX = "TRACKS_"


class SettingsError(ValueError):
    """``TRACKS_*`` variables have values that are not allowed; the message has one sentence a line for each."""


def _hour(value: str) -> datetime:
    try:
        hour = datetime.strptime(value, PARTITION_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("a UTC hour such as 2026-03-12-00:00") from None
    if hour.minute:
        raise ValueError("a whole UTC hour such as 2026-03-12-00:00")
    return hour


Hour = Annotated[datetime, kind.parsed(_hour)]


def _setting(
    default: str | Callable[[dict[str, Any]], str] | None, description: str, *, is_secret: bool = False
) -> Any:
    """A field of ``Settings``.

    Args:
        default: the text that an unset variable stands for, or how it follows from the settings above; None for none.
        description: the sentence in the table of the settings.
        is_secret: whether the value is left out of every representation and message.
    """
    if callable(default):
        return Field(default_factory=default, description=description, repr=not is_secret)
    return Field(default, description=description, repr=not is_secret)


def _in_home(form: str) -> Callable[[dict[str, Any]], str]:
    return lambda above: form.format(home=above["home"])


def _export_start(above: dict[str, Any]) -> str:
    file = Path(above["home"]) / EXPORT_START_FILE
    return file.read_text(encoding="utf-8").strip() if file.is_file() else "2026-03-12-00:00"


class Settings(BaseSettings):
    """The settings of a run. A default is the text that an unset variable stands for, and is read as it would be."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, enable_decoding=False, frozen=True, hide_input_in_errors=True)

    engine: Literal["duckdb", "bigquery"] = _setting("duckdb", "`duckdb` or `bigquery`.")
    home: kind.LocalPath = _setting(".tracks", "Where the embedded default keeps everything.")
    duckdb_path: kind.DatabasePath = _setting(_in_home("{home}/warehouse.duckdb"), "The warehouse's file.")
    export_uri: kind.Uri = _setting(
        _in_home("{home}/export"), "Local path or `gs://bucket/prefix`; events are under `events/{date}/{hour}/`."
    )
    export_folder_hour: Literal["end", "start"] = _setting(
        "end", "What a folder's hour names: the interval's `end` (PostHog's templates) or its `start`."
    )
    legacy_uri: kind.Uri = _setting(
        _in_home("{home}/legacy"),
        "Rows of the old pipeline, with the columns of `tracks`, under `{date}/{hour}/` (the hour's start). If it does "
        "not exist, `backfill_tracks` is frozen and only observed.",
    )
    cutover: kind.Day | None = _setting(
        None,
        "Unset: `tracks` takes every delivery. Set to a UTC day: it takes deliveries with `created_at` from that day "
        "on; the others are counted per hour (`rows_before_cutover`), and `cutover_share` warns if they are more than "
        "half of an hour.",
    )
    memory_limit: kind.Memory = _setting(
        MEMORY_LIMIT, "The memory of DuckDB: in the loader, in the transform for BigQuery and in dbt."
    )
    export_start: Hour = _setting(
        _export_start,
        f"The first export hour. A file `$TRACKS_HOME/{EXPORT_START_FILE}`, as the demo leaves it, is the default of "
        "that home.",
    )
    legacy_start: Hour = _setting("2025-05-01-00:00", "The first legacy hour.")
    legacy_end: Hour = _setting("2026-03-12-00:00", "The end of the legacy hours, itself excluded.")
    bq_project: kind.ProjectId | None = _setting(None, "The Google Cloud project; needed for BigQuery.")
    bq_location: kind.Location = _setting("US", "Where BigQuery's datasets are, such as `US` or `europe-west6`.")
    bq_dataset_prefix: kind.DatasetPrefix = _setting("", "Goes before each BigQuery dataset's name.")
    bq_maximum_bytes_billed: kind.Bytes | None = _setting(
        None, "A statement that would be billed for more bytes is refused; for the pipeline's own and dbt's jobs."
    )
    bq_retry_seconds: kind.Seconds = _setting(
        "120",
        "How long a call that fails for a passing reason is repeated. dbt sends its statement for ten minutes, "
        "whatever this is.",
    )
    bq_job_seconds: kind.Seconds = _setting("3600", "After how long BigQuery stops a job.")
    bq_priority: Literal["interactive", "batch"] = _setting(
        "interactive",
        "`interactive` or `batch`. What runs in a session (repairs, legacy merges) is always interactive.",
    )
    rejected_warn_percent: kind.Percent = _setting(
        "0.1", "The share of refused rows above which the check `rejected_share` of an hour warns."
    )
    rejected_error_percent: kind.Percent = _setting("1", "The share of refused rows above which it fails.")
    automation: kind.Switch = _setting("off", "`on` switches on the sensors and the schedules.")
    upload_inactivity_seconds: kind.Seconds = _setting(
        "1800", "An upload is complete if nothing has changed in its folder for so long."
    )
    upload_min_objects: Annotated[int, kind.whole("files", 1, 100_000)] = _setting(
        "1", "Fewer files are never a complete upload, unless a manifest lists them."
    )
    upload_previous_objects: Literal["trust", "watch"] = _setting(
        "trust",
        "Files that are there at the first look. `trust`: quiet since their modification time, so that a backlog is "
        "loaded at once. `watch`: quiet since the first look, for folders filled by a tool that keeps old times.",
    )
    upload_allow_delete: kind.Switch = _setting(
        "on",
        "`on`: a deletion before the load starts the wait again. `off`: the hour is reported as late and waits until "
        "files arrive again.",
    )
    upload_timeout_seconds: kind.Seconds = _setting(
        "3900", "When an incomplete upload is reported as late; the sensor goes on watching it."
    )
    upload_poke_seconds: Annotated[int, kind.whole("seconds", 1, 3600)] = _setting(
        "60", "How often the sensor looks at the export."
    )
    upload_watch_hours: Annotated[int, kind.whole("hours", 1, 336)] = _setting(
        "48", "How long after its end a loaded hour is watched."
    )
    freshness_warn_minutes: kind.Minutes = _setting(
        "120", "The age of the newest load above which `raw_tracks` is late, in Dagster and `dbt source freshness`."
    )
    freshness_error_minutes: kind.Minutes = _setting("240", "The age above which `raw_tracks` is stale.")
    step_retries: Annotated[int, kind.whole("retries", 0, 10)] = _setting(
        "2", "How often a step that failed for a passing reason is tried again."
    )
    owners: kind.Owners = _setting(
        "", "The owners of the assets in the UI: e-mail addresses or `team:NAME`, separated by commas."
    )
    source_url: kind.SourceUrl | None = _setting(
        None,
        "The repository on GitHub or GitLab that the UI links each asset's code to. Unset: it names files of the "
        "checkout.",
    )
    source_branch: str = _setting("main", "The branch of that repository.")
    alert_urls: kind.AlertUrls = _setting("", "Apprise URLs, separated by commas, for errors.", is_secret=True)
    alert_urls_warn: kind.AlertUrls = _setting(
        "", "Apprise URLs for warnings. Unset: those for errors.", is_secret=True
    )
    alert_database: kind.DatabaseUrl = _setting(
        _in_home("sqlite:///{home}/alerts.db"),
        "Where incidents and messages are kept; it must outlive a restart.",
        is_secret=True,
    )
    alert_reminder_hours: Annotated[int, kind.whole("hours", 1, 168)] = _setting(
        "24", "After how many hours a reminder of an open incident is sent."
    )
    show_values: kind.Switch = _setting("off", "`on` lets alerts hold event values and addresses.")
    ui_url: kind.WebAddress = _setting("http://127.0.0.1:3000", "The address of Dagster's UI, for links.")
    keep_log_days: kind.Days = _setting("30", "After how many days the job `prune_runs` removes a run's log.")
    keep_run_days: kind.Days = _setting("400", "After how many days it removes a run that no partition needs.")
    anomaly_sensitivity: kind.Sensitivity = _setting(
        "3", "Usual errors from the expected count to the limits of its range: larger, fewer alarms."
    )
    anomaly_detection_delay_hours: kind.DelayHours | None = _setting(
        None, "Hours after a day's end from which on it is evaluated. Unset: learned from the deliveries."
    )
    purchase_flow_events: kind.Names = _setting(
        "", "Event names, separated by commas, that have an anomaly check of their own."
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
        """The settings that dbt reads, as variables for its process: paths are absolute, and what is unset is blank."""
        values = {name: getattr(self, name) for name in _READ_BY_DBT}
        values["cutover"] = f"{self.cutover:%Y-%m-%d}" if self.cutover else None
        return {variable(name): "" if value is None else str(value) for name, value in values.items()}

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        wrong = [_NO_PROJECT] if self.engine == "bigquery" and self.bq_project is None else []
        wrong += [text for rule in _ORDERED if (text := _disorder(self, *rule))]
        if wrong:
            raise ValueError("\n".join(wrong))
        return self


_READ_BY_DBT = (
    *("engine", "home", "duckdb_path", "memory_limit", "cutover", "freshness_warn_minutes", "freshness_error_minutes"),
    *("bq_project", "bq_location", "bq_dataset_prefix", "bq_maximum_bytes_billed", "bq_retry_seconds"),
    *("bq_job_seconds", "bq_priority"),
)

_NO_PROJECT = (
    "TRACKS_BQ_PROJECT is not set, but it must name the Google Cloud project when TRACKS_ENGINE is 'bigquery'."
)

_ORDERED: tuple[tuple[str, Callable[[Any, Any], bool], str, str], ...] = (
    ("legacy_end", operator.gt, "later than", "legacy_start"),
    ("freshness_error_minutes", operator.gt, "more than", "freshness_warn_minutes"),
    ("rejected_error_percent", operator.ge, "no less than", "rejected_warn_percent"),
    ("keep_run_days", operator.ge, "no less than", "keep_log_days"),
)
"""Pairs of settings of which the first must be larger than the second, and how a message says it."""


def _disorder(settings: Settings, larger: str, holds: Callable[[Any, Any], bool], than: str, smaller: str) -> str:
    """The sentence about a pair that is in the wrong order; nothing if it is not."""
    values = getattr(settings, larger), getattr(settings, smaller)
    if holds(*values):
        return ""
    first, second = (f"{value:{PARTITION_FORMAT if isinstance(value, datetime) else 'g'}}" for value in values)
    return f"{variable(larger)} is {first}, but it must be {than} {variable(smaller)}, {second}."


class Described(NamedTuple):
    """One setting for the documentation; the default is the text that an unset variable stands for, or None."""

    variable: str
    default: str | None
    description: str


def described_settings() -> list[Described]:
    """Every setting in the order of the class, for the table of the settings."""
    home = {"home": Path(f"${variable('home')}")}
    return [
        Described(
            variable(name),
            field.get_default(call_default_factory=True, validated_data=home) or None,
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{_PREFIX}{name.upper()}"


class _Variables(EnvSettingsSource):
    """The variables of a mapping; a blank one is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(Settings)
        given = {name: environment.get(name, "").strip() for name in map(variable, Settings.model_fields)}
        self.env_vars = {name.lower(): value for name, value in given.items() if value}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings that ``environment`` (the process's own by default) gives, defaults filled in.

    Raises:
        SettingsError: values are not allowed, or one that another needs is missing.
    """
    variables = _Variables(os.environ if environment is None else environment)
    try:
        return Settings(_build_sources=((variables,), {}))
    except ValidationError as error:
        # What follows from a home that is wrong itself is no error of its own.
        wrong = [each for each in error.errors() if each["type"] != "default_factory_not_called"]
        raise SettingsError("\n".join(map(_sentence, wrong))) from None


def _sentence(error: Mapping[str, Any]) -> str:
    context = error["ctx"]
    allowed = context.get("expected") or context["error"]
    if not error["loc"]:
        return str(allowed)
    name = str(error["loc"][0])
    is_secret = not Settings.model_fields[name].repr
    shown = "set to a value that is not shown, because it may hold a secret" if is_secret else repr(error["input"])
    return f"{variable(name)} is {shown}, but it must be {allowed}."
