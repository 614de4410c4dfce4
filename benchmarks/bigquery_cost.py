"""What an hour of the pipeline is billed on BigQuery, by the formula of its documentation: a model, not a measurement.

The formula ("On-demand query size calculation" in its documentation): a query or an INSERT is billed q', the columns
that it references in all partitions that it scans; an UPDATE, or a MERGE that may update, q' + t', where t' is the
full content of every partition that it updates. Loading and copying are free.

``python -m benchmarks.bigquery_cost`` prints the table of docs/operate/costs.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracks_assets.core.columns import Column, ColumnType
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.warehouse.tables import CONTENT_FINGERPRINTS, UNCHANGED_REDELIVERIES

ID_BYTES = 2 + 36
"""BigQuery counts 2 bytes and the UTF-8 of a STRING; an id is a UUID of 36 characters."""

NAME_BYTES = 2 + 12
"""An event's name of 12 characters."""

NAMED_SHARE = 0.001
"""The share of events that the marketing table counts: installs and subscriptions."""

FIXED_BYTES = {ColumnType.TIMESTAMP: 8, ColumnType.INT64: 8}

PLAN_READS = ("event_id", "created_at", "event_inserted_at", "bq_ingested_timestamp")
"""The columns of tracks that the plan of a merge reads, in every partition; tests hold them against its text."""

HOUR_READS = 4
"""How often the payloads of the hour itself are read: for fingerprints, rows, the INSERT and the UPDATE."""

NUMBERS_BYTES = 2 * FIXED_BYTES[ColumnType.INT64]
"""A key table of two numbers an event, one of its id and one of the stored content: the least that would do."""

TERABYTE, GIGABYTE = 10**12, 10**9
DOLLARS_PER_TEBIBYTE = 6.25
HOURS_A_MONTH = 730


@dataclass(frozen=True)
class Table:
    """A table of events, and what an hour brings.

    Attributes:
        rows: rows of tracks.
        size: bytes of tracks, as BigQuery bills them.
        rows_an_hour: deliveries of an hour.
        redeliveries: those of them whose event is in tracks already, on an older day.
        days: the days that hold those events.
    """

    rows: int = 3_100_000_000
    size: int = 7_200 * GIGABYTE
    rows_an_hour: int = 400_000
    redeliveries: int = 400
    days: int = 300

    @property
    def row_bytes(self) -> float:
        """Bytes of a row of tracks."""
        return self.size / self.rows

    @property
    def day_bytes(self) -> float:
        """Bytes of a day of tracks, which is a partition."""
        return 24 * self.rows_an_hour * self.row_bytes

    @property
    def hours(self) -> float:
        """Hours that tracks holds, were all alike."""
        return self.rows / self.rows_an_hour

    @property
    def hour_bytes(self) -> float:
        """Bytes of an hour of raw_tracks."""
        return self.rows_an_hour * self.row_bytes


@dataclass(frozen=True)
class Bill:
    """What one hour is billed: q' and t', in bytes."""

    read: float
    updated: float = 0

    @property
    def total(self) -> float:
        """All of it."""
        return self.read + self.updated

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(self.read + other.read, self.updated + other.updated)


def column_bytes(name: str) -> int:
    """Bytes of one value of a column of fixed size, or of an id."""
    (column,) = (column for column in RAW_TRACKS.columns if column.name == name)
    return value_bytes(column)


def value_bytes(column: Column) -> int:
    """Bytes of one value of a column of fixed size, or of an id."""
    return ID_BYTES if column.name == "event_id" else FIXED_BYTES[column.type]


def whole_bytes(columns: Sequence[Column]) -> int:
    """Bytes of one row of a table of such columns."""
    return sum(map(value_bytes, columns))


def keys_bytes(names: tuple[str, ...]) -> int:
    """Bytes of these columns of one row."""
    return sum(map(column_bytes, names))


def stock_merge(table: Table) -> Bill:
    """One MERGE on event_id that updates what it finds: every day that a re-delivery belongs to is billed in full."""
    return Bill(read=table.rows * column_bytes("event_id") + table.hour_bytes, updated=table.days * table.day_bytes)


def planned_merge(table: Table, changing: int) -> Bill:
    """The project's merge: a plan that reads keys and fingerprints, an INSERT, and an UPDATE of the days that change.

    A re-delivery changes a row if its content is another one, or if it is the original that came late; that a
    fingerprint shows whether a delivery repeats the stored content.

    Args:
        table: the table.
        changing: re-deliveries of the hour that change an event's content or time, each on a day of its own as long
            as there are days.
    """
    days = min(changing, table.days)
    keys_of_days = days * 24 * table.rows_an_hour * keys_bytes(("event_id", "created_at"))
    contents = table.rows * whole_bytes(CONTENT_FINGERPRINTS.columns)
    repeats = table.redeliveries * table.hours * whole_bytes(UNCHANGED_REDELIVERIES.columns)
    reads_of_the_hour = table.rows_an_hour * keys_bytes(PLAN_READS) + HOUR_READS * table.hour_bytes
    return Bill(
        read=table.rows * keys_bytes(PLAN_READS) + contents + repeats + reads_of_the_hour + keys_of_days,
        updated=days * table.day_bytes,
    )


def hour_load(table: Table) -> Bill:
    """What follows the load job, which is free: the hour's rows are put in their place, and those of its day looked at.

    An hour that is loaded again is also billed the day so far, because its rows are deleted.
    """
    looked_at = 24 * table.rows_an_hour * column_bytes("window_start")
    return Bill(read=table.hour_bytes + looked_at)


def unique_batch_check(table: Table) -> Bill:
    """The check unique_event_id, which rides with every hour: the ids of tracks, and those of the hour."""
    return Bill(read=(table.rows + table.rows_an_hour) * column_bytes("event_id"))


def whole_hour(table: Table) -> Bill:
    """All that an hour runs, where its re-deliveries repeat the stored content."""
    return hour_load(table) + planned_merge(table, changing=0) + unique_batch_check(table)


def key_table_merge(table: Table, key_bytes: int) -> Bill:
    """What a key table would read, partitioned by the hour that an id carries: a partition for each re-delivery.

    Args:
        table: the table.
        key_bytes: what the key table holds of an event.
    """
    share = (table.redeliveries + 1) / table.hours
    return Bill(read=table.rows * key_bytes * share + HOUR_READS * table.hour_bytes)


def name_query(table: Table) -> Bill:
    """A query of tracks that counts events by name."""
    return Bill(read=table.rows * NAME_BYTES)


def live_name_query(table: Table) -> Bill:
    """The same query of tracks_live, which compares ids, names, users and stamps with an hour that is not merged."""
    compared = keys_bytes(PLAN_READS) + NAME_BYTES + ID_BYTES
    return Bill(read=table.rows * compared + table.hour_bytes)


def marketing_rebuild(table: Table, named: float) -> Bill:
    """The marketing table, rebuilt: the events that it names, in full, where tracks is clustered by name.

    Args:
        table: the table.
        named: the share of events that it names; 1 is what it would read without the clustering.
    """
    return Bill(read=table.size * named)


def dollars(bill: Bill) -> float:
    """On demand, at the list price of the US."""
    return bill.total / 2**40 * DOLLARS_PER_TEBIBYTE


def line(what: str, bill: Bill, stock: Bill) -> str:
    """One line of the table."""
    return (
        f"{what:<46} {bill.total / GIGABYTE:>9,.1f} GB  {stock.total / bill.total:>7,.1f} x  "
        f"$ {dollars(bill):>6,.2f} an hour  $ {dollars(bill) * HOURS_A_MONTH:>9,.0f} a month"
    )


def query_line(what: str, bill: Bill) -> str:
    """One line on a query."""
    return f"{what:<46} {bill.total / GIGABYTE:>9,.1f} GB  $ {dollars(bill):>6,.2f} a query"


def report(table: Table) -> list[str]:
    """The whole table, with what it assumes."""
    stock = stock_merge(table)
    ours = [
        line(
            f"ours, {changing} of {table.redeliveries} re-deliveries change a row",
            planned_merge(table, changing),
            stock,
        )
        for changing in (0, 1, 4, 40, table.redeliveries)
    ]
    return [
        *assumptions(table),
        "",
        line("stock MERGE", stock, stock),
        *ours,
        line("load", hour_load(table), stock),
        line("check unique_event_id", unique_batch_check(table), stock),
        line("ours in all: load, merge (0 change), check", whole_hour(table), stock),
        line("a key table by the id's own hour", key_table_merge(table, keys_bytes(PLAN_READS)), stock),
        line("the same of 16 bytes an event", key_table_merge(table, NUMBERS_BYTES), stock),
        *NOT_BUILT,
        "",
        query_line("count by name, tracks", name_query(table)),
        query_line("count by name, tracks_live with an hour's tail", live_name_query(table)),
        line("rebuild of the marketing table", marketing_rebuild(table, NAMED_SHARE), stock),
        line("the same, were tracks not clustered by name", marketing_rebuild(table, 1), stock),
    ]


def assumptions(table: Table) -> list[str]:
    """What the figures rest on, all of it."""
    days = table.size / table.day_bytes
    return [
        "Assumed:",
        f"- {table.rows:,} rows of {table.row_bytes:,.0f} bytes ({table.size / TERABYTE:.1f} TB) "
        f"in {days:,.0f} equal days; ids of 36 characters, no null values",
        f"- {table.rows_an_hour:,} deliveries an hour, {table.redeliveries} of them of events on "
        f"{table.days} older days; those that change a row are on different days",
        "- content_fingerprints has every row of tracks; the other re-deliveries were recorded, hour by hour",
        "- a statement is billed once for each column that it names; temporary tables are billed too",
        f"- the payloads of the hour are read {HOUR_READS} times, those of others never: raw_tracks is clustered",
        "  by hour (without clustering, the day so far would be read twice)",
        "- a script variable prunes the partitions of an UPDATE",
        "- not included: updates on the day itself (one more day), and the minimum of 10 MB for a statement",
        f"- names of {NAME_BYTES - 2} characters and users of {ID_BYTES - 2}",
        f"- {NAMED_SHARE:.1%} of the events are installs or subscriptions",
        f"- ${DOLLARS_PER_TEBIBYTE} a TiB on demand, {HOURS_A_MONTH} hours a month",
    ]


NOT_BUILT = (
    "The last two lines are not built. With a key table, uniqueness depends on every writer of tracks updating it, and",
    "with 16 bytes also on no two ids having the same number. Today the ids are read from tracks itself.",
)


if __name__ == "__main__":
    print("\n".join(report(Table())))
