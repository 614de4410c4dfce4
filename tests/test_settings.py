"""Settings: every wrong value stops with one sentence, every right one is taken, and Dagster shows the sentence."""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.failures.sites import child
from tracks_assets.__main__ import main
from tracks_assets.settings import Settings, SettingsError, described_settings, read_settings

HOUR = "a UTC hour such as 2026-03-12-00:00"
LOCAL = "a local path"
URI = "a local path or gs://bucket/prefix"
PREFIX = "letters, digits and underscores only, such as staging_"
LOCATION = "a BigQuery location such as US, EU or europe-west6"
BYTES = "a number of bytes such as 1000000000000, or not set for no limit"
SECONDS = "a whole number of seconds from 1 to 86400"
DAYS = "a whole number of days from 1 to 36500"
PROJECT = "the id of a Google Cloud project such as my-project"
PERCENT = "a percentage from 0 to 100 such as 0.1"
HOURS = "a whole number of hours from 1 to 168"
SENSITIVITY = "a number from 1 to 10 such as 3: the usual errors from the expected count to its limits"
DELAY = "a whole number of hours from 0 to 168, or not set to learn it from the deliveries"

OWNERS = "e-mail addresses or names such as team:data, separated by commas"
SOURCE = "a repository on GitHub or GitLab such as https://github.com/us/tracks"
MEMORY = "a size of at least 256MB, such as 512MB or 2GB"
WRONG = [
    ("TRACKS_ENGINE", "mysql", "'duckdb' or 'bigquery'"),
    ("TRACKS_ENGINE", "DuckDB", "'duckdb' or 'bigquery'"),
    ("TRACKS_HOME", "gs://bucket/home", LOCAL),
    ("TRACKS_DUCKDB_PATH", "gs://bucket/warehouse.duckdb", LOCAL),
    ("TRACKS_EXPORT_URI", "s3://bucket/prefix", URI),
    ("TRACKS_EXPORT_URI", "gs://", URI),
    ("TRACKS_EXPORT_FOLDER_HOUR", "middle", "'end' or 'start'"),
    ("TRACKS_LEGACY_URI", "https://example.com/legacy", URI),
    ("TRACKS_CUTOVER", "2026-02-30", "a UTC day such as 2026-03-04"),
    ("TRACKS_CUTOVER", "2026-03-04-00:00", "a UTC day such as 2026-03-04"),
    ("TRACKS_CUTOVER", "20260312", "a UTC day such as 2026-03-04"),
    ("TRACKS_CUTOVER", "2026-W11-4", "a UTC day such as 2026-03-04"),
    ("TRACKS_CUTOVER", "2026-03-04T00:00:00+00:00", "a UTC day such as 2026-03-04"),
    ("TRACKS_EXPORT_START", "yesterday", HOUR),
    ("TRACKS_EXPORT_START", "2026-03-12", HOUR),
    ("TRACKS_EXPORT_START", "2026-03-12-00:30", "a whole UTC hour such as 2026-03-12-00:00"),
    ("TRACKS_LEGACY_START", "2026-13-01-00:00", HOUR),
    ("TRACKS_LEGACY_END", "2026-03-12-24:00", HOUR),
    ("TRACKS_BQ_PROJECT", "my project", PROJECT),
    ("TRACKS_BQ_LOCATION", "US; drop", LOCATION),
    ("TRACKS_BQ_DATASET_PREFIX", "my-prefix", PREFIX),
    ("TRACKS_BQ_MAXIMUM_BYTES_BILLED", "1TB", BYTES),
    ("TRACKS_BQ_MAXIMUM_BYTES_BILLED", "0", BYTES),
    ("TRACKS_BQ_RETRY_SECONDS", "0", SECONDS),
    ("TRACKS_BQ_RETRY_SECONDS", "2.5", SECONDS),
    ("TRACKS_BQ_JOB_SECONDS", "86401", SECONDS),
    ("TRACKS_BQ_PRIORITY", "low", "'interactive' or 'batch'"),
    ("TRACKS_REJECTED_WARN_PERCENT", "some", PERCENT),
    ("TRACKS_REJECTED_WARN_PERCENT", "-0.1", PERCENT),
    ("TRACKS_REJECTED_ERROR_PERCENT", "101", PERCENT),
    ("TRACKS_REJECTED_ERROR_PERCENT", "nan", PERCENT),
    ("TRACKS_MEMORY_LIMIT", "lots", MEMORY),
    ("TRACKS_MEMORY_LIMIT", "2", MEMORY),
    ("TRACKS_MEMORY_LIMIT", "80%", MEMORY),
    ("TRACKS_MEMORY_LIMIT", "2GB; drop", MEMORY),
    ("TRACKS_MEMORY_LIMIT", "-1GB", MEMORY),
    ("TRACKS_MEMORY_LIMIT", "64MB", MEMORY),
    ("TRACKS_AUTOMATION", "true", "'on' or 'off'"),
    ("TRACKS_UPLOAD_INACTIVITY_SECONDS", "0", SECONDS),
    ("TRACKS_UPLOAD_MIN_OBJECTS", "0", "a whole number of files from 1 to 100000"),
    ("TRACKS_UPLOAD_PREVIOUS_OBJECTS", "3", "'trust' or 'watch'"),
    ("TRACKS_UPLOAD_ALLOW_DELETE", "no", "'on' or 'off'"),
    ("TRACKS_UPLOAD_TIMEOUT_SECONDS", "65 minutes", SECONDS),
    ("TRACKS_UPLOAD_POKE_SECONDS", "3601", "a whole number of seconds from 1 to 3600"),
    ("TRACKS_UPLOAD_WATCH_HOURS", "337", "a whole number of hours from 1 to 336"),
    ("TRACKS_STEP_RETRIES", "-1", "a whole number of retries from 0 to 10"),
    ("TRACKS_FRESHNESS_WARN_MINUTES", "2h", "a whole number of minutes from 1 to 43200"),
    ("TRACKS_FRESHNESS_ERROR_MINUTES", "0", "a whole number of minutes from 1 to 43200"),
    ("TRACKS_OWNERS", "team:", OWNERS),
    ("TRACKS_OWNERS", "a@example.org, nobody", OWNERS),
    ("TRACKS_SOURCE_URL", "git@github.com:us/tracks", SOURCE),
    ("TRACKS_SOURCE_URL", "https://example.org/github", SOURCE),
    ("TRACKS_SOURCE_URL", "javascript:alert(1)//github.com/a", SOURCE),
    ("TRACKS_ALERT_REMINDER_HOURS", "0", HOURS),
    ("TRACKS_ALERT_REMINDER_HOURS", "169", HOURS),
    ("TRACKS_SHOW_VALUES", "yes", "'on' or 'off'"),
    ("TRACKS_AUTOMATION", "1", "'on' or 'off'"),
    ("TRACKS_UI_URL", "dagster.example.com", "an address such as https://dagster.example.com"),
    ("TRACKS_UI_URL", "javascript://x", "an address such as https://dagster.example.com"),
    ("TRACKS_KEEP_LOG_DAYS", "0", DAYS),
    ("TRACKS_KEEP_RUN_DAYS", "36501", DAYS),
    ("TRACKS_ANOMALY_SENSITIVITY", "0.5", SENSITIVITY),
    ("TRACKS_ANOMALY_SENSITIVITY", "high", SENSITIVITY),
    ("TRACKS_ANOMALY_SENSITIVITY", "nan", SENSITIVITY),
    ("TRACKS_ANOMALY_DETECTION_DELAY_HOURS", "-1", DELAY),
    ("TRACKS_ANOMALY_DETECTION_DELAY_HOURS", "1.5", DELAY),
    ("TRACKS_ANOMALY_DETECTION_DELAY_HOURS", "169", DELAY),
]

SECRET = [
    ("TRACKS_ALERT_URLS", "slack://token, nonsense", "Apprise URLs such as slack://..., separated by commas"),
    ("TRACKS_ALERT_URLS_WARN", "tokenonly", "Apprise URLs such as slack://..., separated by commas"),
    (
        "TRACKS_ALERT_DATABASE",
        "mysql://user:token@host/name",
        "a database URL such as sqlite:////path/alerts.db or postgresql://user:password@host/name",
    ),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert str(caught.value) == f"{name} is {value!r}, but it must be {allowed}."


@pytest.mark.parametrize(("name", "value", "allowed"), SECRET)
def test_a_wrong_value_that_may_hold_a_secret_is_not_shown(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert str(caught.value) == (
        f"{name} is set to a value that is not shown, because it may hold a secret, but it must be {allowed}."
    )


def test_every_wrong_value_has_a_line_of_its_own() -> None:
    variables = {"TRACKS_HOME": "gs://bucket/home", "TRACKS_ENGINE": "mysql", "TRACKS_ALERT_URLS": "sesame"}
    with pytest.raises(SettingsError) as caught:
        read_settings(variables)
    assert str(caught.value).splitlines() == [
        "TRACKS_ENGINE is 'mysql', but it must be 'duckdb' or 'bigquery'.",
        f"TRACKS_HOME is 'gs://bucket/home', but it must be {LOCAL}.",
        "TRACKS_ALERT_URLS is set to a value that is not shown, because it may hold a secret, but it must be "
        "Apprise URLs such as slack://..., separated by commas.",
    ]


def test_every_pair_in_the_wrong_order_has_a_line_of_its_own() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_ENGINE": "bigquery", "TRACKS_REJECTED_WARN_PERCENT": "2", "TRACKS_KEEP_RUN_DAYS": "29"})
    assert [line.split()[0] for line in str(caught.value).splitlines()] == [
        "TRACKS_BQ_PROJECT",
        "TRACKS_REJECTED_ERROR_PERCENT",
        "TRACKS_KEEP_RUN_DAYS",
    ]


def test_no_trace_of_an_error_shows_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    secret = uuid4().hex  # the trace shows this file's lines, too
    try:
        read_settings({"TRACKS_ALERT_URLS": secret, "TRACKS_ALERT_DATABASE": f"mysql://user:{secret}@host"})
    except SettingsError as error:
        traceback.print_exception(error)
        context = error.__context__
    shown = capsys.readouterr().err
    assert "TRACKS_ALERT_DATABASE" in shown
    assert secret not in shown + str(context) + repr(context)


def test_a_variable_that_is_no_setting_is_left_alone() -> None:
    variables = {"TRACKS_CODE_HOST": "code", "TRACKS_ENGIN": "mysql", "tracks_engine": "mysql", "HOME": "/"}
    assert read_settings(variables) == read_settings({})


def test_every_setting_is_described() -> None:
    described = described_settings()
    assert [each.variable for each in described] == [f"TRACKS_{name.upper()}" for name in Settings.model_fields]
    assert all(each.description.endswith(".") for each in described)


def test_a_described_default_is_what_an_unset_variable_means(tmp_path: Path) -> None:
    home = {"TRACKS_HOME": str(tmp_path)}
    defaults = {
        each.variable: (each.default or "").replace("$TRACKS_HOME", str(tmp_path)) for each in described_settings()
    }
    assert read_settings(defaults | home) == read_settings(home)
    assert "$" not in str(read_settings(defaults | home).model_dump())


def test_settings_show_no_secret() -> None:
    settings = read_settings(
        {
            "TRACKS_ALERT_URLS": "slack://sesame/b/c",
            "TRACKS_ALERT_URLS_WARN": "json://sesame@host",
            "TRACKS_ALERT_DATABASE": "postgresql://user:sesame@host/name",
        }
    )
    assert settings.alert_urls == ("slack://sesame/b/c",)
    assert "sesame" not in repr(settings) + str(settings)


def test_bigquery_needs_a_project() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_ENGINE": "bigquery"})
    assert str(caught.value) == (
        "TRACKS_BQ_PROJECT is not set, but it must name the Google Cloud project when TRACKS_ENGINE is 'bigquery'."
    )


def test_raw_tracks_is_warned_of_before_it_is_stale() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_FRESHNESS_WARN_MINUTES": "240"})
    assert str(caught.value) == (
        "TRACKS_FRESHNESS_ERROR_MINUTES is 240, but it must be more than TRACKS_FRESHNESS_WARN_MINUTES, 240."
    )


def test_an_hour_is_yellow_before_it_is_red() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_REJECTED_WARN_PERCENT": "2"})
    assert str(caught.value) == (
        "TRACKS_REJECTED_ERROR_PERCENT is 1, but it must be no less than TRACKS_REJECTED_WARN_PERCENT, 2."
    )


def test_a_run_is_kept_no_shorter_than_its_log() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_KEEP_LOG_DAYS": "60", "TRACKS_KEEP_RUN_DAYS": "59"})
    assert str(caught.value) == ("TRACKS_KEEP_RUN_DAYS is 59, but it must be no less than TRACKS_KEEP_LOG_DAYS, 60.")


@pytest.mark.parametrize("end", ["2025-05-01-00:00", "2025-04-30-23:00"])
def test_the_legacy_hours_end_after_they_start(end: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"TRACKS_LEGACY_END": end})
    assert str(caught.value) == (
        f"TRACKS_LEGACY_END is {end}, but it must be later than TRACKS_LEGACY_START, 2025-05-01-00:00."
    )


def test_every_variable_has_a_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the demo may have left an export start in this folder's .tracks
    home = Path.cwd() / ".tracks"
    assert read_settings({}) == Settings(
        engine="duckdb",
        home=home,
        duckdb_path=home / "warehouse.duckdb",
        export_uri=str(home / "export"),
        export_folder_hour="end",
        legacy_uri=str(home / "legacy"),
        cutover=None,
        export_start=datetime(2026, 3, 12, tzinfo=UTC),
        legacy_start=datetime(2025, 5, 1, tzinfo=UTC),
        legacy_end=datetime(2026, 3, 12, tzinfo=UTC),
        bq_project=None,
        bq_location="US",
        bq_dataset_prefix="",
        alert_urls=(),
        alert_database=f"sqlite:///{home}/alerts.db",
    )


RIGHT: list[tuple[str, str, str, Any]] = [
    ("TRACKS_ENGINE", "duckdb", "engine", "duckdb"),
    ("TRACKS_HOME", "/srv/tracks", "duckdb_path", Path("/srv/tracks/warehouse.duckdb")),
    ("TRACKS_HOME", "/srv/tracks", "export_uri", "/srv/tracks/export"),
    ("TRACKS_HOME", "~/tracks", "home", Path.home() / "tracks"),
    ("TRACKS_HOME", "  ", "home", Path.cwd() / ".tracks"),
    ("TRACKS_DUCKDB_PATH", "other.duckdb", "duckdb_path", Path.cwd() / "other.duckdb"),
    ("TRACKS_EXPORT_URI", "/data/a [b]*", "export_uri", "/data/a [b]*"),
    ("TRACKS_EXPORT_URI", "gs://bucket/prefix/", "export_uri", "gs://bucket/prefix"),
    ("TRACKS_EXPORT_FOLDER_HOUR", "start", "export_folder_hour", "start"),
    ("TRACKS_LEGACY_URI", "gs://bucket", "legacy_uri", "gs://bucket"),
    ("TRACKS_CUTOVER", "2024-02-29", "cutover", datetime(2024, 2, 29, tzinfo=UTC)),
    ("TRACKS_EXPORT_START", "2026-03-12-23:00", "export_start", datetime(2026, 3, 12, 23, tzinfo=UTC)),
    ("TRACKS_LEGACY_START", "2025-06-01-05:00", "legacy_start", datetime(2025, 6, 1, 5, tzinfo=UTC)),
    ("TRACKS_LEGACY_END", "2025-06-01-05:00", "legacy_end", datetime(2025, 6, 1, 5, tzinfo=UTC)),
    ("TRACKS_BQ_PROJECT", "my-project", "bq_project", "my-project"),
    ("TRACKS_BQ_LOCATION", "europe-west6", "bq_location", "europe-west6"),
    ("TRACKS_BQ_DATASET_PREFIX", "staging_2_", "bq_dataset_prefix", "staging_2_"),
    ("TRACKS_BQ_MAXIMUM_BYTES_BILLED", "1000000", "bq_maximum_bytes_billed", 1_000_000),
    ("TRACKS_BQ_RETRY_SECONDS", "1", "bq_retry_seconds", 1),
    ("TRACKS_BQ_JOB_SECONDS", "86400", "bq_job_seconds", 86_400),
    ("TRACKS_BQ_PRIORITY", "batch", "bq_priority", "batch"),
    ("TRACKS_REJECTED_ERROR_PERCENT", "2.5", "rejected_error_percent", 2.5),
    ("TRACKS_MEMORY_LIMIT", "", "memory_limit", "2GB"),
    ("TRACKS_OWNERS", "", "owners", ()),
    ("TRACKS_OWNERS", "team:data,a.b@example.org,", "owners", ("team:data", "a.b@example.org")),
    ("TRACKS_SOURCE_URL", "", "source_url", None),
    (
        "TRACKS_SOURCE_URL",
        "https://gitlab.example.org/us/tracks.git",
        "source_url",
        "https://gitlab.example.org/us/tracks",
    ),
    ("TRACKS_MEMORY_LIMIT", "512MB", "memory_limit", "512MB"),
    ("TRACKS_MEMORY_LIMIT", "1.5GiB", "memory_limit", "1.5GiB"),
    ("TRACKS_AUTOMATION", "on", "automation", True),
    ("TRACKS_UPLOAD_ALLOW_DELETE", "off", "upload_allow_delete", False),
    ("TRACKS_UPLOAD_PREVIOUS_OBJECTS", "watch", "upload_previous_objects", "watch"),
    ("TRACKS_STEP_RETRIES", "0", "step_retries", 0),
    ("TRACKS_KEEP_LOG_DAYS", "7", "keep_log_days", 7),
    ("TRACKS_KEEP_RUN_DAYS", "3650", "keep_run_days", 3_650),
    ("TRACKS_ANOMALY_SENSITIVITY", "2.5", "anomaly_sensitivity", 2.5),
    ("TRACKS_ANOMALY_DETECTION_DELAY_HOURS", "0", "anomaly_detection_delay_hours", 0),
    (
        "TRACKS_PURCHASE_FLOW_EVENTS",
        " purchase,, it's done ,purchase",
        "purchase_flow_events",
        ("purchase", "it's done"),
    ),
    ("TRACKS_ALERT_URLS", "slack://a/b, mailto://c@d.e,", "alert_urls", ("slack://a/b", "mailto://c@d.e")),
    ("TRACKS_ALERT_URLS_WARN", "json://a", "alert_urls_warn", ("json://a",)),
    ("TRACKS_ALERT_DATABASE", "postgresql+psycopg://a:b@c/d", "alert_database", "postgresql+psycopg://a:b@c/d"),
    ("TRACKS_ALERT_REMINDER_HOURS", "168", "alert_reminder_hours", 168),
    ("TRACKS_SHOW_VALUES", "on", "show_values", True),
    ("TRACKS_AUTOMATION", "on", "automation", True),
    ("TRACKS_UI_URL", "https://dagster.example.com/", "ui_url", "https://dagster.example.com"),
]


@pytest.mark.parametrize(("name", "value", "field", "taken"), RIGHT)
def test_a_right_value_is_taken(name: str, value: str, field: str, taken: Any) -> None:
    assert getattr(read_settings({name: value}), field) == taken


def test_bigquery_with_a_project_is_taken() -> None:
    settings = read_settings({"TRACKS_ENGINE": "bigquery", "TRACKS_BQ_PROJECT": "my-project"})
    assert (settings.engine, settings.bq_project) == ("bigquery", "my-project")


@pytest.mark.thorough
@pytest.mark.slow
def test_dagster_shows_the_sentence(tmp_path: Path) -> None:
    # A home each: two commands that make one instance's database at the same moment get in each other's way.
    homes = [tmp_path / "validate", tmp_path / "materialize"]
    for home in homes:
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    dagster = str(Path(sys.executable).with_name("dagster"))
    module = ["-m", "tracks_assets.definitions"]
    validate = [dagster, "definitions", "validate", *module]
    materialize = [dagster, "asset", "materialize", *module, "--select", "*", "--partition", "2026-03-12-00:00"]
    environments = [
        os.environ | {"TRACKS_HOME": str(home), "DAGSTER_HOME": str(home), "TRACKS_CUTOVER": "soon"} for home in homes
    ]
    with child(validate, environments[0]) as one, child(materialize, environments[1]) as other:
        text = [process.communicate(timeout=900)[0] for process in (one, other)]
    sentence = "SettingsError: TRACKS_CUTOVER is 'soon', but it must be a UTC day such as 2026-03-04.\n"
    assert [text.count(sentence) for text in text] == [1, 1]
    assert [one.returncode, other.returncode] == [1, 1]
    assert not list(tmp_path.rglob("warehouse.duckdb"))


def test_dbt_is_given_the_memory_limit() -> None:
    assert read_settings({"TRACKS_MEMORY_LIMIT": "700MB"}).child_environment()["TRACKS_MEMORY_LIMIT"] == "700MB"


def test_the_command_before_the_ui_says_what_is_on_or_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for value, code, text in (
        ("on", 0, "Automation is on (TRACKS_AUTOMATION; docs/automation.md).\n"),
        ("yes", 2, "TRACKS_AUTOMATION is 'yes', but it must be 'on' or 'off'.\n"),
    ):
        monkeypatch.setenv("TRACKS_AUTOMATION", value)
        assert main() == code
        found = capsys.readouterr()
        assert text in (found.out, found.err)
