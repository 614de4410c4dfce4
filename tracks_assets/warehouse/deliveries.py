"""The deliveries of one hour, judged by the contract and made into rows: in DuckDB, whatever the warehouse's engine is.

One transform means one behaviour. Where DuckDB is the warehouse, the rows go straight into its tables; where it is not,
they go into Parquet files, which the engine loads.
"""

from datetime import datetime

import duckdb

from tracks_assets.events.contract import Reason
from tracks_assets.events.transform import file_blanks, is_event_payload, tracks_sql, verdicts_sql, without_wildcards
from tracks_assets.export.errors import ExportError
from tracks_assets.export.inventory import ExportFile, HourInventory
from tracks_assets.export.legacy import WRITE_AGAIN
from tracks_assets.sql_files import sql_text
from tracks_assets.warehouse.base import HourLoad, WarehouseError
from tracks_assets.warehouse.statements import DUCKDB_STATEMENTS


def judge(connection: duckdb.DuckDBPyConnection, inventory: HourInventory) -> None:
    """Fills the temporary table rejected_rows with the rows that the contract refuses."""
    connection.execute(f"create or replace temporary table verdicts as {verdicts_sql(inventory)}")
    doubtful = connection.sql("select source_file, row_number, doubtful from verdicts where reason is null").fetchall()
    refused = [(name, number) for name, number, payload in doubtful if not is_event_payload(payload)]
    connection.execute(
        "create or replace temporary table rejected_rows as "
        "select source_file, row_number, reason from verdicts where reason is not null"
    )
    for name, number in refused:
        connection.execute("insert into rejected_rows values ($1, $2, $3)", [name, number, Reason.NOT_AN_OBJECT.value])


def accepted_rows(inventory: HourInventory, stamp: datetime) -> str:
    """The query of an hour's rows of raw_tracks, once ``judge`` has run."""
    stamps = {
        "bq_ingested_timestamp": _moment(stamp),
        "window_start": _moment(inventory.hour),
        "source_file": "source_file",
    }
    return tracks_sql(inventory, "rejected_rows", stamps)


def rejected_rows(inventory: HourInventory, stamp: datetime) -> str:
    """The query of an hour's rows of rejected_tracks, once ``judge`` has run."""
    moments = {"window_start": _moment(inventory.hour), "stamp": _moment(stamp)}
    return DUCKDB_STATEMENTS.text("rejected_rows", **moments, **file_blanks(inventory))


def legacy_rows(file: ExportFile) -> str:
    """The query of the rows of one file of the old pipeline; it fails on text that is no JSON."""
    return DUCKDB_STATEMENTS.text("legacy_rows", file=without_wildcards(file.path))


def legacy_error(file: ExportFile, error: duckdb.ConversionException) -> ExportError:
    """The error for a file of the old pipeline whose JSON is none."""
    malformed = str(error).strip().splitlines()[0].rstrip(".").partition(".  Input")[0]
    return ExportError(f"The file {file.name} holds text that is no JSON ({malformed}): {WRITE_AGAIN}.")


def checked_legacy_rows(connection: duckdb.DuckDBPyConnection, file: ExportFile) -> str:
    """``legacy_rows``, once it is known that all its JSON is some.

    Raises:
        ExportError: it is not.
    """
    try:
        connection.execute(f"select count(columns(*)) from ({legacy_rows(file)})").fetchall()
    except duckdb.ConversionException as error:
        raise legacy_error(file, error) from error
    return legacy_rows(file)


def _moment(moment: datetime) -> str:
    return f"{sql_text(moment.isoformat())}::timestamptz"


def check_accounted_for(load: HourLoad, inventory: HourInventory) -> HourLoad:
    """The load itself, if every row of its files was accepted or refused.

    Raises:
        WarehouseError: rows are missing.
    """
    if load.read != load.accepted + load.rejected:
        raise WarehouseError(
            f"The hour {load.hour:%Y-%m-%d-%H:%M} has {load.read} rows in its files, but {load.accepted} were accepted "
            f"and {load.rejected} rejected: the hour is as it was before; do its files in {inventory.folder} change "
            f"while they are read?"
        )
    return load
