"""A feed: one kind of files from one source, described so that every engine loads it the same way."""

from dataclasses import dataclass

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
    """

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    never_null: tuple[str, ...] = ()

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
    """One kind of files, and the table that holds their rows. A slice is one hour of it, replaced in full.

    Attributes:
        name: the feed in labels and messages.
        folder: its folder below the export's root.
        fields: the fields of its files.
        table: the table of accepted rows.
        columns: the columns that come from the files, each with its source; a table can have more of the load itself.
        slice_column: the column that says to which hour a row of the table belongs.
        contract: the model that accepts or refuses each row; without one, a row is refused if its JSON is broken or
            a field that is never null is null.
        rejected: the table of refused rows, with a column ``window_start``; None where a row to refuse is an error.
        is_logged: whether each load adds a row to ``load_log``.
    """

    name: str
    folder: str
    fields: Fields
    table: Table
    columns: tuple[Column, ...]
    slice_column: str
    contract: type[BaseModel] | None = None
    rejected: Table | None = None
    is_logged: bool = False

    @property
    def slices(self) -> tuple[tuple[Table, str], ...]:
        """The tables that hold rows of a slice, each with the column that names the hour."""
        refused = ((self.rejected, "window_start"),) if self.rejected else ()
        return ((self.table, self.slice_column), *refused)
