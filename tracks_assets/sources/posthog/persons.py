"""The persons of PostHog: which person each distinct_id belongs to, and that person's properties.

One row of a file is one mapping from a distinct_id to a person, as it was when the export ran. Its two versions say
which of two deliveries is newer.
"""

from tracks_assets.core.columns import Column, ColumnType, FileField, stamp
from tracks_assets.core.feed import Feed, Fields
from tracks_assets.core.tables import Table
from tracks_assets.sources.posthog.columns import REJECTED_COLUMNS, WINDOW_COLUMNS
from tracks_assets.sources.posthog.fields import INSERT_TIME_FIELDS

PERSON_KEY = ("team_id", "distinct_id")

PERSON_VERSIONS = ("person_distinct_id_version", "person_version")

PERSON_FIELDS = Fields(
    required=frozenset({*PERSON_KEY, *PERSON_VERSIONS, "person_id", "properties", "created_at"}),
    optional=frozenset({*INSERT_TIME_FIELDS, "is_deleted"}),
    never_null=(*PERSON_KEY, *PERSON_VERSIONS),
)


def _field(name: str, type_: ColumnType, description: str) -> Column:
    return Column(name, type_, FileField((name,)), description)


PERSON_COLUMNS: tuple[Column, ...] = (
    _field("team_id", ColumnType.INT64, "PostHog's project."),
    _field("distinct_id", ColumnType.STRING, "PostHog's distinct_id, the user_id of events."),
    _field("person_id", ColumnType.STRING, "The person that the distinct_id belongs to."),
    _field("properties", ColumnType.JSON, "The person's properties, as delivered."),
    _field("person_distinct_id_version", ColumnType.INT64, "Version of the mapping; the larger is newer."),
    _field("person_version", ColumnType.INT64, "Version of the person; of equal mappings, the larger is newer."),
    _field("created_at", ColumnType.TIMESTAMP, "When the person was created."),
    _field("is_deleted", ColumnType.BOOL, "Whether the mapping is deleted; null where its file lacks the field."),
    stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "Start of the loader run that brought the delivery."),
)

RAW_PERSON_COLUMNS: tuple[Column, ...] = (
    *PERSON_COLUMNS,
    Column(
        "person_inserted_at",
        ColumnType.TIMESTAMP,
        FileField(INSERT_TIME_FIELDS),
        "When PostHog stored the delivered row.",
    ),
    *WINDOW_COLUMNS,
)

RAW_PERSONS = Table(
    "raw_persons",
    RAW_PERSON_COLUMNS,
    "Every delivered mapping from a distinct_id to a person, typed, hour by hour, repeats included.",
    partitioned_by="window_start",
    clustered_by=("window_start",),
)
REJECTED_PERSONS = Table(
    "rejected_persons",
    REJECTED_COLUMNS,
    "Every delivered mapping that is refused, in full, with the reason.",
    partitioned_by="window_start",
)

PERSONS = Feed(
    "persons",
    "persons",
    PERSON_FIELDS,
    RAW_PERSONS,
    RAW_PERSON_COLUMNS,
    slice_column="window_start",
    rejected=REJECTED_PERSONS,
)
