"""The columns of a table that exists, compared with those of the project, whatever the engine."""

from collections.abc import Mapping

from tracks_assets.core.columns import ColumnType
from tracks_assets.core.tables import Table


def column_difference(
    found: Mapping[str, str], table: Table, types: Mapping[ColumnType, str] | None = None
) -> str | None:
    """The first difference of a table's columns, in a few words; None where there is none.

    Args:
        found: the type of each column that exists, as the engine names it.
        table: the table of the project.
        types: the engine's names of types; BigQuery's by default.
    """
    for column in table.columns:
        wanted = types[column.type] if types else column.type.value
        if column.name not in found:
            return f"it has no column {column.name}"
        if found[column.name] != wanted:
            return f"its column {column.name} is {found[column.name]} and not {wanted}"
    known = {column.name for column in table.columns}
    unknown = [name for name in found if name not in known]
    return f"it has a column {unknown[0]} that the pipeline would lose" if unknown else None
