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
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

import tracks_assets.setting_types as kind

DAY_FORMAT = "%Y-%m-%d"

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
        default: the text that an unset variable means, or how it follows from the settings above; None for none.
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
    """The settings of a run. A default is the text that an unset variable means, and is read as it would be."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, enable_decoding=False, frozen=True, hide_input_in_errors=True)

    engine: Literal["duckdb", "bigquery"] = _setting("duckdb", "The engine of the warehouse: `duckdb` or `bigquery`.")
    home: kind.LocalPath = _setting(
        ".tracks",
        "The folder of this installation: the DuckDB file, dbt's artifacts, the alert database and the status page.",
    )
    duckdb_path: kind.DatabasePath = _setting(_in_home("{home}/warehouse.duckdb"), "The file of the DuckDB warehouse.")
    export_uri: kind.Uri = _setting(
        _in_home("{home}/export"),
        "The export: a local path or `gs://bucket/prefix`. Events are under `events/{date}/{hour}/`.",
    )
    export_folder_hour: Literal["end", "start"] = _setting(
        "end", "The hour in a folder's name is the `end` of its interval (PostHog's templates) or its `start`."
    )
    legacy_uri: kind.Uri = _setting(
        _in_home("{home}/legacy"),
        "Rows of the old pipeline, with the columns of `tracks`, under `{date}/{hour}/` (the start "
        "of the hour). If the folder does not exist, `backfill_tracks` is frozen and only observed.",
    )
    cutover: kind.Day | None = _setting(
        None,
        "A UTC day such as `2026-03-04`. Not set, `tracks` takes every delivery. Set, it takes "
        "deliveries with `created_at` from that day on. Earlier ones are counted per hour, and "
        "`cutover_share` warns if they are more than half of an hour.",
    )
    mixpanel_uri: kind.Uri = _setting(
        _in_home("{home}/mixpanel"),
        "Mixpanel's export: a local path or `gs://bucket/prefix`. The files of a day are under "
        "`mp_master_event/{YYYY}/{MM}/{DD}/`. If that folder does not exist, the assets of the group `mixpanel` "
        "cannot run.",
    )
    mixpanel_start: kind.Day = _setting("2025-01-01", "The first day of Mixpanel's export.")
    mixpanel_key: Literal["insert_id_time", "event_time_distinct_id_insert_id"] = _setting(
        "insert_id_time",
        "What makes two deliveries of Mixpanel's one event: the insert id and the time, or with them the event's name "
        "and its distinct_id (`event_time_distinct_id_insert_id`), as Mixpanel itself does. Choose before the first "
        "load: rows that are stored keep their ids.",
    )
    mixpanel_lookback_days: Annotated[int, kind.whole("days", 1, 3650)] = _setting(
        "3",
        "How many of the last days the schedule `mixpanel_every_day` looks at again, and how many days before the "
        "newest load a bare `dbt build` merges again. That goes by the time of loading, so no event is too late; a run "
        "merges its days, whatever their age.",
    )
    memory_limit: kind.Memory = _setting(
        MEMORY_LIMIT,
        "The memory limit of DuckDB: in the loader, in the transform for BigQuery and in dbt. At least `256MB`.",
    )
    export_start: Hour = _setting(
        _export_start,
        "The first export hour. A file `$TRACKS_HOME/export_start`, which the demo writes, replaces the default.",
    )
    legacy_start: Hour = _setting("2025-05-01-00:00", "The first legacy hour.")
    legacy_end: Hour = _setting("2026-03-12-00:00", "The end of the legacy hours; this hour is excluded.")
    bq_project: kind.ProjectId | None = _setting(None, "The Google Cloud project. Required on BigQuery.")
    bq_location: kind.Location = _setting(
        "US", "The location of the datasets: a multi-region or a region such as `europe-west6`."
    )
    bq_dataset_prefix: kind.DatasetPrefix = _setting("", "A prefix of each dataset's name, such as `staging_`.")
    bq_maximum_bytes_billed: kind.Bytes | None = _setting(
        None, "A statement that would be billed for more bytes is refused. It also applies to dbt's jobs."
    )
    bq_retry_seconds: kind.Seconds = _setting(
        "120",
        "For how long a call that fails for a temporary reason is repeated. dbt submits its "
        "statement for ten minutes, whatever this setting is.",
    )
    bq_job_seconds: kind.Seconds = _setting("3600", "After how long BigQuery stops a job.")
    bq_priority: Literal["interactive", "batch"] = _setting(
        "interactive",
        "`interactive` or `batch`. Statements that run in a session (repairs, legacy merges) are always interactive.",
    )
    rejected_warn_percent: kind.Percent = _setting(
        "0.1", "Above this percentage of refused rows in an hour, the check `rejected_share` is yellow."
    )
    rejected_error_percent: kind.Percent = _setting("1", "Above this percentage, it is red.")
    live_hours: Annotated[int, kind.whole("hours", 1, 87_600, ", or unset for all")] | None = _setting(
        None,
        "How many export hours before now the view `tracks_live` looks for deliveries that are not merged yet. Not "
        "set, it looks at all of them, which BigQuery bills at every query.",
    )
    team_id: kind.TeamId | None = _setting(
        None,
        "The PostHog project whose persons the events belong to. Not set, it is the only one that "
        "`person_distinct_ids` has. If that has several, no mapping is used and the check `team_is_known` is red.",
    )
    person_distinct_ids_warn: Annotated[int, kind.whole("distinct_ids", 1, 1_000_000)] = _setting(
        "100", "Above this number of distinct_ids of one person, the check `distinct_ids_per_person` is yellow."
    )
    person_unmapped_warn_percent: kind.Percent = _setting(
        "50",
        "Above this percentage of events whose user has no current person, the check `events_have_persons` is "
        "yellow. PostHog exports no person for anonymous events.",
    )
    automation: kind.Switch = _setting("off", "`on` switches on the sensors and the schedules.")
    upload_inactivity_seconds: kind.Seconds = _setting(
        "1800", "An hour without a manifest is complete when its files have not changed for this long."
    )
    upload_min_objects: Annotated[int, kind.whole("files", 1, 100_000)] = _setting(
        "1", "An hour without a manifest that has fewer files is never complete."
    )
    upload_previous_objects: Literal["trust", "watch"] = _setting(
        "trust",
        "Files that exist at the first look. `trust`: unchanged since their modification time. "
        "`watch`: unchanged since the first look.",
    )
    upload_allow_delete: kind.Switch = _setting(
        "on",
        "`on`: a deletion before the load starts the waiting time again. `off`: the hour is late "
        "and waits until files arrive again.",
    )
    upload_timeout_seconds: kind.Seconds = _setting("3900", "How long after the end of an hour its upload is late.")
    upload_poke_seconds: Annotated[int, kind.whole("seconds", 1, 3600)] = _setting("60", "How often the sensor looks.")
    upload_watch_hours: Annotated[int, kind.whole("hours", 1, 336)] = _setting(
        "48", "For how long after its end a loaded hour is watched for changes."
    )
    freshness_warn_minutes: kind.Minutes = _setting(
        "120",
        "Above this age of the newest load, `raw_tracks` is stale: a warning, in Dagster and in "
        "`dbt source freshness`.",
    )
    freshness_error_minutes: kind.Minutes = _setting("240", "Above this age, it is an error.")
    step_retries: Annotated[int, kind.whole("retries", 0, 10)] = _setting(
        "2", "How often a step that failed for a temporary reason is retried."
    )
    owners: kind.Owners = _setting(
        "", "The owners of the assets in the UI: e-mail addresses or `team:NAME`, separated by commas."
    )
    source_url: kind.SourceUrl | None = _setting(
        None,
        "The repository on GitHub or GitLab that the UI links the code of each asset to. Not set, "
        "it names files of the checkout.",
    )
    source_branch: str = _setting("main", "The branch of these links.")
    alert_urls: kind.AlertUrls = _setting(
        "", "Apprise URLs, separated by commas: the receivers of errors.", is_secret=True
    )
    alert_urls_warn: kind.AlertUrls = _setting(
        "", "The receivers of warnings. Not set, they are the receivers of errors.", is_secret=True
    )
    alert_database: kind.DatabaseUrl = _setting(
        _in_home("sqlite:///{home}/alerts.db"),
        "Where incidents and messages are stored: a `sqlite://` or `postgresql://` URL.",
        is_secret=True,
    )
    alert_reminder_hours: Annotated[int, kind.whole("hours", 1, 168)] = _setting(
        "24", "After how many hours a reminder of an open incident is sent."
    )
    show_values: kind.Switch = _setting("off", "`on` allows event values and addresses in alerts.")
    ui_url: kind.WebAddress = _setting("http://127.0.0.1:3000", "The address of the Dagster UI, for links.")
    keep_log_days: kind.Days = _setting("30", "After how many days the job `prune_runs` removes the log of a run.")
    keep_run_days: kind.Days = _setting("400", "After how many days it removes a run, unless a partition needs it.")
    anomaly_sensitivity: kind.Sensitivity = _setting(
        "3",
        "The distance from the expected count to the limits of its range, in usual errors. A larger "
        "number gives fewer alarms.",
    )
    anomaly_detection_delay_hours: kind.DelayHours | None = _setting(
        None, "How many hours after its end a day is evaluated. Not set, it is learned from the deliveries."
    )
    purchase_flow_events: kind.Names = _setting(
        "", "Names of events, separated by commas, that get an anomaly check of their own."
    )

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps its runs and events."""
        return self.home / "dagster"

    @property
    def names_mixpanel(self) -> bool:
        """Whether TRACKS_MIXPANEL_URI is set: somebody expects an export to be there."""
        return "mixpanel_uri" in self.model_fields_set

    @property
    def takes_from(self) -> datetime:
        """The earliest ``created_at`` that tracks takes from deliveries; without a cutover, it takes every one."""
        return self.cutover or EARLIEST

    def child_environment(self) -> dict[str, str]:
        """The settings that dbt reads, as variables for its process: paths are absolute, and what is unset is empty."""
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
    *("engine", "home", "duckdb_path", "memory_limit", "cutover", "live_hours", "team_id"),
    *("freshness_warn_minutes", "freshness_error_minutes", "mixpanel_key", "mixpanel_lookback_days"),
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
    """One setting for the documentation; the default is the text that an unset variable means, or None."""

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


class _Variables(PydanticBaseSettingsSource):
    """The variables of a mapping, each as its text; an empty one is not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self._environment = environment

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[str, str, bool]:  # noqa: ARG002 (the library's)
        return self._environment.get(variable(field_name), "").strip(), field_name, False

    def __call__(self) -> dict[str, Any]:
        texts = (self.get_field_value(field, name) for name, field in Settings.model_fields.items())
        return {name: text for text, name, _ in texts if text}


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
