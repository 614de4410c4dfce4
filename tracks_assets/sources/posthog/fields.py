"""The fields of PostHog's exported Parquet files: those that the contract reads, and those that were known.

Read from PostHog's batch-export model ``events``. Order is not promised, fields get added: files are read by name.
``transform.reading.check_fields`` checks every other field that the column list reads.
"""

TEXT_FIELDS = frozenset({"uuid", "event", "distinct_id", "person_id", "properties"})
TIME_FIELDS = frozenset({"timestamp", "_inserted_at", "inserted_at"})
READ_FIELDS = TEXT_FIELDS | TIME_FIELDS
KNOWN_FIELDS = READ_FIELDS | {"person_properties", "elements_chain", "created_at"}

INSERT_TIME_FIELDS = ("_inserted_at", "inserted_at")
"""What the insert time is called; older exports have the second name."""

REQUIRED_FIELDS = tuple(sorted(READ_FIELDS - set(INSERT_TIME_FIELDS)))
"""The fields that a file must have; exports of 2024 have no insert time."""
