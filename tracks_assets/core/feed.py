"""A feed: one kind of files from one source, described so that every engine loads it the same way."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from tracks_assets.core.columns import Column
from tracks_assets.core.tables import Table


@dataclass(frozen=True)
class Fields:
    """The fields of a feed's files, as its source documents them.

    Attributes:
        required: a file without one of them is refused.
        optional: fields that are read where a file has them.
        ignored: fields that the source is known to write and nothing reads.
        never_null: required fields of which every row must have a value; where a feed has a contract, that decides.
        refusal: a text field in which the source's own reader gives the reason to refuse a row; null where it takes it.
    """

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    never_null: tuple[str, ...] = ()
    refusal: str | None = None

    @property
    def read(self) -> frozenset[str]:
        """The fields that have a fixed type."""
        return self.required | self.optional

    @property
    def known(self) -> frozenset[str]:
        """Every field that was known when this was written; another one is a hint that the source grew."""
        return self.read | self.ignored


@dataclass(frozen=True)
class Feed:
    """One kind of files, and the table that holds their rows. A slice is one hour or day of it, replaced in full.

    Attributes:
        name: the feed in labels and messages.
        folder: its folder below the export's root.
        fields: the fields of its files.
        table: the table of accepted rows.
        columns: the columns that come from the files, each with its source; a table can have more of the load itself.
        slice_column: the column that says to which slice a row of the table belongs.
        slice_length: how long a slice is: an hour or a day.
        contract: the model that accepts or refuses each row; without one, a row is refused if its JSON is broken or
            a field that is never null is null.
        rejected: the table of refused rows, with a column ``window_start``; None where a row to refuse is an error.
        log: the table to which each load adds a row; None where loads are not logged.
    """

    name: str
    folder: str
    fields: Fields
    table: Table
    columns: tuple[Column, ...]
    slice_column: str
    contract: type[BaseModel] | None = None
    rejected: Table | None = None
    log: Table | None = None
    slice_length: timedelta = timedelta(hours=1)

    @property
    def unit(self) -> str:
        """What messages call a slice: ``hour`` or ``day``."""
        return "hour" if self.slice_length == timedelta(hours=1) else "day"

    @property
    def slices(self) -> tuple[tuple[Table, str], ...]:
        """The tables that hold rows of a slice, each with the column that names the slice."""
        refused = ((self.rejected, "window_start"),) if self.rejected else ()
        return ((self.table, self.slice_column), *refused)
