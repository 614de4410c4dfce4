"""Plain results as Dagster metadata; every number is a number, so that the UI plots it."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from tracks_assets.core.feed import Feed
from tracks_assets.core.tables import Table
from tracks_assets.defs.shared.merge_report import MergeCounts
from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.message import Message
from tracks_assets.quality.several_checks import Evaluated
from tracks_assets.sources.posthog.inventory import unknown_fields
from tracks_assets.storage.inventory import HourInventory
from tracks_assets.warehouse.backfill import LegacyHour
from tracks_assets.warehouse.results import HourCost, HourLoad, LegacyMerge

Metadata = Mapping[str, Any]


def table_key(table: Table) -> dg.AssetKey:
    """The asset key of a table."""
    return dg.AssetKey([table.schema, table.name])


def table_metadata(table: Table) -> dict[str, Any]:
    """A table's name and columns, for the asset's own page."""
    columns = [dg.TableColumn(column.name, column.type.value, column.description) for column in table.columns]
    return {"dagster/table_name": str(table), "dagster/column_schema": dg.TableSchema(columns=columns)}


def column_lineage(table: Table, upstream: Table, *others: tuple[Table, str]) -> dict[str, Any]:
    """Which column of the upstream table each column comes from: the one of its name.

    Args:
        table: the table.
        upstream: the table that it is made of.
        others: columns of other tables, of which the column of that name is made as well.
    """
    deps = {name: [dg.TableColumnDep(table_key(upstream), name)] for name in _shared_columns(table, upstream)}
    for other, name in others:
        deps[name].append(dg.TableColumnDep(table_key(other), name))
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=deps)}


def column_sources(table: Table, upstream: Table, *others: tuple[Table, str]) -> dict[str, Any]:
    """The same for people: the open-source UI shows ``dagster/column_lineage`` nowhere."""
    sources = {name: [f"{upstream}.{name}"] for name in _shared_columns(table, upstream)}
    for other, name in others:
        sources[name].append(f"{other}.{name}")
    lines = [f"| {name} | {', '.join(found)} |" for name, found in sources.items()]
    text = "\n".join(["| column | comes from |", "| --- | --- |", *lines])
    return {"column_sources": dg.MetadataValue.md(text)}


def _shared_columns(table: Table, upstream: Table) -> list[str]:
    names = {column.name for column in upstream.columns}
    return [column.name for column in table.columns if column.name in names]


def inventory_metadata(inventory: HourInventory, feed: Feed) -> Metadata:
    """What an hour's files are; where they must be read to be counted, nobody knows the rows yet."""
    unknown = unknown_fields(inventory, feed)
    return {
        "files": len(inventory.files),
        "bytes": inventory.size,
        **({} if inventory.reader else {"dagster/partition_row_count": inventory.rows}),
        "unknown_fields": len(unknown),
        "unknown_field_names": ", ".join(unknown) or "none",
        "manifest": inventory.manifest or "none",
        "folder": inventory.folder,
    }


def load_metadata(load: HourLoad, seconds: float) -> Metadata:
    """What loading an hour did."""
    return {
        "rows_read": load.read,
        "rows_accepted": load.accepted,
        "rows_rejected": load.rejected,
        "rows_repaired": load.repaired,
        "values_not_fitting": load.unfitting,
        "dagster/partition_row_count": load.accepted,
        "seconds": seconds,
    }


def skipped_metadata(rows: int) -> Metadata:
    """What is known of an hour or day that was not loaded again."""
    return {"skipped": True, "rows_read": rows}


def merge_metadata(counts: MergeCounts, seconds: float, cost: HourCost) -> Metadata:
    """What merging an hour did; the seconds are those of the merge in full, the bill is the hour's share of it."""
    billed = {"bytes_billed": cost.bytes_billed, "slot_ms": cost.slot_ms}
    return {
        **{name: number for name, number in billed.items() if number is not None},
        "rows_inserted": counts.inserted,
        "rows_updated": counts.updated,
        "rows_unchanged": counts.unchanged,
        "rows_collided": counts.collided,
        "rows_before_cutover": counts.before_cutover,
        "seconds": seconds,
    }


def check_result(name: str, asset: dg.AssetKey, result: CheckResult) -> dg.AssetCheckResult:
    """A result as Dagster's UI and alerts take it."""
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=asset,
        passed=result.passed,
        severity=dg.AssetCheckSeverity[result.severity],
        description=result.message.text,
        metadata=result_metadata(result),
    )


def result_metadata(result: CheckResult) -> dict[str, Any]:
    """The figures of a result, the ids to look at and, of a failure, the parts of its message."""
    # One id a line, whatever characters a sender put into it.
    ids = "\n".join(example.replace("\n", " ") for example in result.examples)
    parts = {} if result.passed else message_metadata(result.message)
    return {**result.figures, **parts, **({"example_ids": ids} if ids else {})}


def message_metadata(message: Message) -> dict[str, str]:
    """The parts of a message that an alert shows, as far as there are any; event values are none of them."""
    runbook = message.runbook.value if message.runbook else ""
    parts = {
        "finding": message.finding,
        "comparison": message.comparison,
        "next_step": message.next_step,
        "runbook": runbook,
    }
    return {name: text for name, text in parts.items() if text}


def check_results(asset: dg.AssetKey, evaluated: Evaluated) -> Iterator[dg.AssetCheckResult]:
    """Every result there is; what could not be computed is raised by ``Evaluated.raise_errors``, not passed."""
    for name, result in evaluated.results.items():
        yield check_result(name, asset, result)


def legacy_hour_metadata(hour: LegacyHour) -> Metadata:
    """What an hour of the frozen table holds, and whether it was loaded or only observed."""
    numbers = {
        "files": hour.files,
        "rows": hour.rows,
        "distinct_ids": hour.distinct_ids,
        "dagster/partition_row_count": hour.rows,
        "treatment": hour.treatment.value,
    }
    span = {"oldest_created_at": hour.oldest, "newest_created_at": hour.newest}
    return numbers | {name: dg.MetadataValue.timestamp(moment) for name, moment in span.items() if moment}


def legacy_merge_metadata(merge: LegacyMerge, hours: int) -> Metadata:
    """What a window of legacy hours brought to tracks; the window is the whole range of a run."""
    return {
        "window_hours": hours,
        "window_rows": merge.rows,
        "rows_inserted": merge.inserted,
        "rows_already_stored": merge.already_stored,
        "rows_skipped_repeated": merge.repeated,
        "rows_skipped_collided": merge.collided,
        "rows_skipped_null_id": merge.null_ids,
    }
