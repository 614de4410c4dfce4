"""The fields of PostHog's exported Parquet files.

Read from PostHog's batch-export model ``events``. Order is not promised, fields get added: files are read by name.
``transform.reading.check_fields`` checks every other field that the column list reads.
"""

from tracks_assets.core.feed import Fields

INSERT_TIME_FIELDS = ("_inserted_at", "inserted_at")
"""What the insert time is called; older exports have the second name, and exports of 2024 have none."""

EVENT_FIELDS = Fields(
    required=frozenset({"uuid", "event", "distinct_id", "person_id", "properties", "timestamp"}),
    optional=frozenset(INSERT_TIME_FIELDS),
    ignored=frozenset({"person_properties", "elements_chain", "created_at"}),
)
