"""A feed: one kind of files from one source, described so that every engine loads it the same way."""

from dataclasses import dataclass

from pydantic import BaseModel

from tracks_assets.core.columns import Column
from tracks_assets.core.tables import Table


@dataclass(frozen=True)
class Feed:
    """One kind of files, and the table that holds their rows. A slice is one hour of it, replaced as a whole.

    Attributes:
        name: the feed in labels and messages.
        table: the table of accepted rows.
        columns: the columns that come from the files, each with its source; a table can have more of the load itself.
        slice_column: the column that says to which hour a row of the table belongs.
        contract: the model that accepts or refuses each row; None where every row must fit.
        rejected: the table of refused rows, with a column ``window_start``; None where no row is refused.
        is_logged: whether each load adds a row to ``load_log``.
    """

    name: str
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
