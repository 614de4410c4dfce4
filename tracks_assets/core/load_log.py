"""The logs of loads: one row for each load of a slice, written in the load's own transaction."""

from tracks_assets.core.columns import Column, ColumnType, stamp
from tracks_assets.core.tables import OPS_SCHEMA, Table


def cost_columns(work: str) -> tuple[Column, ...]:
    """What some work took, which is known only after its commit."""
    return (
        stamp("milliseconds", ColumnType.INT64, f"How long {work} took; null until the run has recorded it."),
        stamp("bytes_billed", ColumnType.INT64, f"Bytes billed for {work}; null on an engine that bills nothing."),
        stamp("slot_ms", ColumnType.INT64, f"Slot milliseconds of {work}; null on an engine that bills nothing."),
    )


def load_columns(window: str, unit: str, accepted: str, rejected: str) -> tuple[Column, ...]:
    """The columns of a log of loads.

    Args:
        window: what window_start names.
        unit: what a slice is called: "hour" or "day".
        accepted: the table of accepted rows.
        rejected: the table of refused rows.
    """
    return (
        stamp("window_start", ColumnType.TIMESTAMP, f"{window} that was loaded."),
        stamp("bq_ingested_timestamp", ColumnType.TIMESTAMP, "The stamp of the loader run."),
        stamp("run_id", ColumnType.STRING, "The Dagster run that loaded it; null if there was none."),
        stamp("files", ColumnType.INT64, f"Files of the {unit}."),
        stamp("bytes", ColumnType.INT64, "Their size."),
        stamp("rows_read", ColumnType.INT64, "Rows in the files."),
        stamp("rows_accepted", ColumnType.INT64, f"Rows that went into {accepted}."),
        stamp("rows_rejected", ColumnType.INT64, f"Rows that went into {rejected}."),
        stamp("rows_repaired", ColumnType.INT64, "Accepted rows in which half a surrogate pair was replaced."),
        stamp("values_not_fitting", ColumnType.INT64, "Values that did not fit their column's type, and are null."),
        *cost_columns(f"the load of the {unit}"),
    )


LOAD_LOG = Table(
    "load_log",
    load_columns("The export hour (its start)", "hour", "raw_tracks", "rejected_tracks"),
    "One row for each load of an export hour, written in the load's transaction. The newest row of an hour counts.",
    partitioned_by="window_start",
    schema=OPS_SCHEMA,
)
