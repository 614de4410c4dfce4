"""The typed rows of one hour of a feed: what every engine loads, made by DuckDB on the machine that runs the load."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import duckdb

from tracks_assets.core.columns import field_types
from tracks_assets.core.errors import ExportError
from tracks_assets.core.feed import Feed
from tracks_assets.storage.inventory import HourInventory, find_unreadable
from tracks_assets.transform.deliveries import ARROW_TYPES, validated
from tracks_assets.transform.plain_rows import plain_rows
from tracks_assets.transform.reading import find_unfitting


class TypedRows(Protocol):
    """The rows of an hour's files, as queries of the DuckDB that transforms them; each query can be run once."""

    @property
    def repaired(self) -> int:
        """Accepted rows in which half a surrogate pair is replaced by U+FFFD."""

    @property
    def unfitting(self) -> int:
        """Values of accepted rows that do not fit their column's type, and are null."""

    def accepted_rows(self, stamp: datetime) -> str:
        """The query of the rows of the feed's table; ``stamp`` is the start of the loader run."""

    def rejected_rows(self, stamp: datetime) -> str:
        """The query of the rows of the feed's table of refused rows."""


@contextmanager
def typed_rows(
    feed: Feed, connection: duckdb.DuckDBPyConnection, inventory: HourInventory, memory_limit: str
) -> Iterator[TypedRows]:
    """The rows of an hour's files, for the length of a ``with`` block.

    Args:
        feed: whose files they are.
        connection: the DuckDB that transforms them.
        inventory: the hour's files, on local disk.
        memory_limit: the limit of that DuckDB, for instance "2GB".

    Raises:
        ExportError: a file lacks a required field or cannot be read to its end, a field has another type than its
            column or a value outside it, or a text is not JSON that every engine can hold.
    """
    _check_required(feed, inventory)
    try:
        if feed.contract is None:
            with plain_rows(feed, connection, inventory, memory_limit) as plain:
                yield plain
        else:
            with validated(connection, inventory, memory_limit, feed.columns) as deliveries:
                yield deliveries
    except duckdb.Error as error:
        # DuckDB reports a stream that failed, and not which file is the cause.
        found = find_unreadable(inventory) or _find_unfitting(feed, inventory)
        if found is None:
            raise
        raise found from error


def _check_required(feed: Feed, inventory: HourInventory) -> None:
    for file in inventory.files:
        missing = sorted(feed.fields.required - file.fields)
        if missing:
            raise ExportError(
                f"The file {file.name} has no field {missing[0]}.",
                f"Each file of {feed.name} has it.",
                inventory.remedy,
            )


def _find_unfitting(feed: Feed, inventory: HourInventory) -> ExportError | None:
    fields = {name: ARROW_TYPES[type_] for name, type_ in field_types(feed.columns).items()}
    found = (find_unfitting(file, fields, inventory.remedy) for file in inventory.files)
    return next((error for error in found if error), None)
