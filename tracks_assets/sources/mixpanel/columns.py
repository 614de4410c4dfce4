"""The columns of Mixpanel's events: as they are delivered, and as ``mp_events`` holds them.

``READ_FIELDS`` is what the reader makes of either form of a file; the columns of ``mp_master_event`` read them. What
``mp_events`` has beyond that is a property, which dbt's staging model takes from ``properties``.
"""

from tracks_assets.core.columns import Column, ColumnType, FileField, stamp
from tracks_assets.core.feed import Fields

READ_FIELDS = Fields(
    required=frozenset({"event", "time", "distinct_id", "insert_id", "processed_at", "properties"}),
    refusal="refusal",
)
"""The fields of a file that the reader wrote, and the reason for which it refuses a row."""

LINE_FIELD = "line"
"""The line of a refused row, as delivered."""


def _field(name: str, type_: ColumnType, field: str, description: str) -> Column:
    return Column(name, type_, FileField((field,)), description)


_INSERT_ID = _field(
    "mp_insert_id", ColumnType.STRING, "insert_id", "Mixpanel's $insert_id; null where the event has none."
)
_TIME = _field("time", ColumnType.TIMESTAMP, "time", "When the event happened.")
_NAME = _field("event_name", ColumnType.STRING, "event", "What happened, for instance App Open.")
_DISTINCT_ID = _field("distinct_id", ColumnType.STRING, "distinct_id", "Mixpanel's distinct_id of who did it.")
_PROPERTIES = _field("properties", ColumnType.JSON, "properties", "All properties of the event, as delivered.")
_PROCESSED = _field(
    "processed_at",
    ColumnType.TIMESTAMP,
    "processed_at",
    "When Mixpanel processed the delivery (mp_processing_time_ms); orders the deliveries of one event.",
)
_LOADED = stamp(
    "bq_ingested_timestamp",
    ColumnType.TIMESTAMP,
    "Start of the loader run that brought the delivery; one stamp per run, not an insert time.",
)

DELIVERY_COLUMNS: tuple[Column, ...] = (
    stamp("window_start", ColumnType.TIMESTAMP, "The day (its start, UTC) whose folder holds the delivery."),
    stamp("source_file", ColumnType.STRING, "The file that holds the delivery."),
    stamp("row_number", ColumnType.INT64, "The row's number in its file, from 0; empty lines are not counted."),
)

MASTER_EVENT_COLUMNS: tuple[Column, ...] = (
    *(_INSERT_ID, _TIME, _NAME, _DISTINCT_ID, _PROPERTIES, _PROCESSED, _LOADED),
    *DELIVERY_COLUMNS,
)


def _property(name: str, description: str) -> Column:
    return stamp(name, ColumnType.STRING, description)


PROPERTY_COLUMNS: tuple[Column, ...] = (
    _property("mp_lib", "The library that sent the event."),
    _property("device_os", "Operating system of the device."),
    _property("app_version", "Version of the app."),
    _property("city", "City, from the address."),
    _property("country", "Country code, from the address."),
    _property("utm_source", "utm_source of the link that led here."),
    _property("utm_medium", "utm_medium of that link."),
    _property("utm_campaign", "utm_campaign of that link."),
)
"""The properties that are columns of their own; dbt's macro ``mixpanel_properties`` has their keys."""

DEDUP_ID = stamp(
    "dedup_id",
    ColumnType.STRING,
    "With the time, what makes an event: its insert id, or more of it (TRACKS_MIXPANEL_KEY). An event without an "
    "insert id has one of its own, of its name, distinct_id, file and row number.",
)

EVENT_COLUMNS: tuple[Column, ...] = (
    *(DEDUP_ID, _INSERT_ID, _TIME, _NAME),
    stamp(
        "customer_id",
        ColumnType.STRING,
        "Who did it: the property $user_id if the event has one, and else its distinct_id; null if both are empty.",
    ),
    _DISTINCT_ID,
    *PROPERTY_COLUMNS,
    *(_PROPERTIES, _PROCESSED, _LOADED),
)

EVENT_KEY = (DEDUP_ID.name, _TIME.name)
"""What is unique in mp_events."""
