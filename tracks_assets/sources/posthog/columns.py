"""The columns of tracks and of its deliveries, written once.

The Arrow schemas, the DDL of every engine, dbt's column documentation, the extraction and the tests follow from
``TRACK_COLUMNS``. To add a column, add a line here (docs/extend/column.md has the steps).
"""

from collections.abc import Sequence

from tracks_assets.core.columns import Column, ColumnType, Family, FileField, Property, Stamp
from tracks_assets.sources.posthog.fields import INSERT_TIME_FIELDS
from tracks_assets.sources.posthog.legacy import FieldType

TRACK_COLUMNS: tuple[Column, ...] = (
    Column("event_id", ColumnType.STRING, FileField(("uuid",)), "The event's id, as delivered. Unique in tracks."),
    Column(
        "created_at",
        ColumnType.TIMESTAMP,
        FileField(("timestamp",)),
        "When the event happened. A re-delivery never moves it.",
    ),
    Column("event_name", ColumnType.STRING, FileField(("event",)), "What happened, for instance $pageview."),
    Column("user_id", ColumnType.STRING, FileField(("distinct_id",)), "PostHog's distinct_id of who did it."),
    Column("person_id", ColumnType.STRING, FileField(("person_id",)), "PostHog's person, as resolved at ingestion."),
    Column(
        "session_id", ColumnType.STRING, Property(("session_id", "$session_id")), "The session the event belongs to."
    ),
    Column(
        "active_feature_flags",
        ColumnType.JSON,
        Property(("$active_feature_flags",)),
        "The feature flags that were on, a JSON array of names.",
    ),
    Column(
        "feature_flags_values",
        ColumnType.JSON,
        Family("$feature/", cut_prefix=True),
        "Every feature flag's value, a JSON object from flag to value.",
    ),
    Column(
        "lib_values",
        ColumnType.JSON,
        Family("$lib", cut_prefix=False),
        "Every property of the sending library, a JSON object of the $lib keys.",
    ),
    Column("device_model", ColumnType.STRING, Property(("$device_model",)), "Model of the device."),
    Column("device_type", ColumnType.STRING, Property(("$device_type",)), "Kind of device, for instance Mobile."),
    Column("device_os", ColumnType.STRING, Property(("$os",)), "Operating system of the device."),
    Column("ip_address", ColumnType.STRING, Property(("$ip",)), "Address the event was sent from."),
    Column("client", ColumnType.STRING, Property(("client",)), "The app that sent the event, as it names itself."),
    Column("geoip_city_name", ColumnType.STRING, Property(("$geoip_city_name",)), "City, from the address."),
    Column(
        "geoip_continent_name", ColumnType.STRING, Property(("$geoip_continent_name",)), "Continent, from the address."
    ),
    Column("geoip_country_name", ColumnType.STRING, Property(("$geoip_country_name",)), "Country, from the address."),
    Column("geoip_time_zone", ColumnType.STRING, Property(("$geoip_time_zone",)), "Time zone, from the address."),
    Column("app_version", ColumnType.STRING, Property(("$app_version", "app_version")), "Version of the app."),
    Column("locale", ColumnType.STRING, Property(("$locale", "locale")), "Language and region of the app."),
    Column("event_payload", ColumnType.JSON, FileField(("properties",)), "All properties of the event, as delivered."),
    Column(
        "bq_ingested_timestamp",
        ColumnType.TIMESTAMP,
        Stamp(),
        "Start of the loader run that brought the delivery; one stamp per run, not an insert time.",
    ),
    Column(
        "event_inserted_at",
        ColumnType.TIMESTAMP,
        FileField(INSERT_TIME_FIELDS),
        "When PostHog stored the delivery; orders the deliveries of one event.",
    ),
)

WINDOW_COLUMNS: tuple[Column, ...] = (
    Column("window_start", ColumnType.TIMESTAMP, Stamp(), "The export hour (its start) that delivered the row."),
    Column("source_file", ColumnType.STRING, Stamp(), "The export file that delivered the row."),
)

RAW_TRACK_COLUMNS: tuple[Column, ...] = TRACK_COLUMNS + WINDOW_COLUMNS

REJECTED_COLUMNS: tuple[Column, ...] = (
    *WINDOW_COLUMNS,
    Column("row_number", ColumnType.INT64, Stamp(), "The row's number in its file, from 0."),
    Column("reason", ColumnType.STRING, Stamp(), "Why the contract refuses the row."),
    Column("raw", ColumnType.JSON, Stamp(), "The delivered row, in full."),
    Column("rejected_at", ColumnType.TIMESTAMP, Stamp(), "Start of the loader run that refused the row."),
)


def legacy_fields(columns: Sequence[Column] = TRACK_COLUMNS) -> dict[str, FieldType]:
    """The columns of tracks as a file of the old pipeline must hold them; JSON comes as text."""
    return {column.name: _LEGACY_TYPES.get(column.type, "other") for column in columns}


_LEGACY_TYPES: dict[ColumnType, FieldType] = {
    ColumnType.STRING: "text",
    ColumnType.JSON: "text",
    ColumnType.TIMESTAMP: "time",
}
