"""dbt's description of models and their columns, written from the column lists (``make generate``)."""

from pathlib import Path
from typing import Any

import yaml

from tracks_assets.core.tables import Table
from tracks_assets.sources.mixpanel.tables import MP_EVENTS, MP_REJECTED_EVENTS, OWN_KEY, STG_MP_DEDUP_EVENTS
from tracks_assets.sources.posthog.persons import PERSON_KEY
from tracks_assets.warehouse.tables import (
    GROWTH_EVENTS,
    INSTALLS_SUBSCRIBERS,
    PERSON_DISTINCT_IDS,
    TRACKS,
    TRACKS_BY_PERSON,
    TRACKS_LIVE,
)

PACKAGE = Path(__file__).parents[1]


def find_dbt_project(package: Path) -> Path:
    """The dbt project of a package: inside it as a wheel installs it, beside it in a checkout."""
    inside = package / "dbt_project"
    return inside if inside.is_dir() else package.parent / "dbt_project"


DBT_PROJECT = find_dbt_project(PACKAGE)

MODELS = {
    "posthog_tracks": TRACKS,
    "posthog_person_distinct_ids": PERSON_DISTINCT_IDS,
    "posthog_tracks_by_person": TRACKS_BY_PERSON,
    "posthog_tracks_live": TRACKS_LIVE,
    "stg_mp_dedup_events": STG_MP_DEDUP_EVENTS,
    "mp_events": MP_EVENTS,
    "mp_rejected_events": MP_REJECTED_EVENTS,
    GROWTH_EVENTS.name: GROWTH_EVENTS,
    INSTALLS_SUBSCRIBERS.name: INSTALLS_SUBSCRIBERS,
}
"""The models that are described, each with its table."""

_SINCE_CUTOVER = (
    "{{ \"created_at >= '\" ~ env_var('TRACKS_CUTOVER', '') ~ \"T00:00:00+00:00'\" "
    "if env_var('TRACKS_CUTOVER', '') else 'true' }}"
)

PLATFORMS = ("web", "ios", "android", "server", "other")
"""The platforms that dbt's macro ``platform`` knows."""


def _not_null(name: str) -> dict[str, Any]:
    return {"not_null": {"name": name, "config": {"severity": "error"}}}


def _is_platform(name: str) -> dict[str, Any]:
    arguments = {"values": list(PLATFORMS)}
    return {"accepted_values": {"name": name, "arguments": arguments, "config": {"severity": "error"}}}


def _one_row_per(name: str, *key: str, where: str | None = None) -> dict[str, Any]:
    config = {"severity": "error"} | ({"where": where} if where else {})
    return {"one_row_per": {"name": name, "arguments": {"key": list(key)}, "config": config}}


COLUMN_TESTS: dict[Table, dict[str, list[dict[str, Any]]]] = {
    TRACKS: {
        # Where a cutover is set, a pool of known duplicates may lie before it, which other checks watch.
        "event_id": [
            {"unique": {"name": "unique_event_id_all", "config": {"severity": "error", "where": _SINCE_CUTOVER}}},
            _not_null("event_id_not_null"),
        ],
        "created_at": [_not_null("created_at_not_null")],
    },
    GROWTH_EVENTS: {
        "event_id": [_not_null("growth_event_id_not_null")],
        "event_name": [_not_null("growth_event_name_not_null")],
        "time": [_not_null("growth_time_not_null")],
        "platform": [_not_null("growth_platform_not_null"), _is_platform("growth_platform_is_known")],
    },
    INSTALLS_SUBSCRIBERS: {
        "day": [_not_null("marketing_day_not_null")],
        "channel": [_not_null("marketing_channel_not_null")],
        "platform": [_not_null("marketing_platform_not_null"), _is_platform("marketing_platform_is_known")],
    },
}
"""dbt's tests of single columns, by table and column."""

MODEL_TESTS: dict[Table, list[dict[str, Any]]] = {
    PERSON_DISTINCT_IDS: [_one_row_per("one_row_per_distinct_id", *PERSON_KEY)],
    MP_EVENTS: [
        _one_row_per("mp_one_row_per_key", "dedup_id", "time"),
        # A run with another TRACKS_MIXPANEL_KEY writes each event once more, under another dedup_id.
        _one_row_per("mp_one_row_per_event", *OWN_KEY, where="mp_insert_id is not null"),
    ],
    GROWTH_EVENTS: [_one_row_per("growth_one_row_per_event", "source", "event_id", "time")],
    INSTALLS_SUBSCRIBERS: [_one_row_per("marketing_one_row_per_cell", "day", "channel", "platform")],
}
"""dbt's tests of several columns, by table."""

_HEADER = "# Written by `make generate`: change the column list, not this file.\n"


def properties_text(model: str, table: Table) -> str:
    """The dbt properties file of a model: the table's description, its columns, their descriptions and tests."""
    of_columns = COLUMN_TESTS.get(table, {})
    columns: list[dict[str, Any]] = [
        {"name": column.name, "data_type": column.type.value.lower(), "description": column.description}
        | ({"data_tests": of_columns[column.name]} if column.name in of_columns else {})
        for column in table.columns
    ]
    tests = {"data_tests": MODEL_TESTS[table]} if table in MODEL_TESTS else {}
    content = {"models": [{"name": model, "description": table.description, **tests, "columns": columns}]}
    return _HEADER + yaml.safe_dump(content, sort_keys=False, width=120, allow_unicode=True)


def properties_file(model: str) -> Path:
    """The properties file of a model, beside the model."""
    (file,) = (DBT_PROJECT / "models").rglob(f"{model}.sql")
    return file.with_suffix(".yml")


def main() -> None:
    """Writes the files."""
    for model, table in MODELS.items():
        properties_file(model).write_text(properties_text(model, table), encoding="utf-8")


if __name__ == "__main__":
    main()
