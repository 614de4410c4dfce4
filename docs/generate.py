"""Writes the pages of the docs that follow from the code: ``make generate`` after changing a setting or a table."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tracks_assets.core.columns import Column, Family, FileField, Property
from tracks_assets.core.tables import OPS_SCHEMA, SCHEMA, Table
from tracks_assets.settings import Described, described_settings, variable
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.warehouse.tables import EVERY_TABLE, TRACKS, VIEWS

DOCS = Path(__file__).parent

HEADER = "<!-- Written by `make generate`: change {source}, not this file. -->\n"
NONE = "none"


class Group(NamedTuple):
    """Settings that belong together: a heading, the page that explains them, and how their names begin."""

    title: str
    page: str
    prefixes: tuple[str, ...]


GROUPS = (
    Group("BigQuery", "operate/bigquery.md", ("bq_",)),
    Group("Automation", "automation.md", ("automation", "upload_", "step_retries", "freshness_")),
    Group("Checks", "runbooks.md", ("rejected_",)),
    Group("Persons", "persons.md", ("team_id", "person_")),
    Group("Anomalies", "anomalies.md", ("anomaly_", "purchase_flow_events")),
    Group("Alerts", "alerts.md", ("alert_", "show_values", "ui_url")),
    Group("History of runs", "operate/production.md", ("keep_",)),
    Group("Catalogue", "status.md", ("owners", "source_")),
)
GENERAL = Group("General", "quickstart.md", ())


def settings_page() -> str:
    """Every setting with its default and meaning."""
    parts = [
        HEADER.format(source="tracks_assets/settings.py"),
        "# Settings\n",
        "All settings are environment variables, read when a process starts. If a value is not allowed, the process "
        "does not start. The error names the variable, the value and what is allowed.\n",
    ]
    for group in (GENERAL, *GROUPS):
        rows = [_row(each) for each in described_settings() if _group(each.variable) == group]
        parts += [f"## {group.title}\n", f"Explained in [{Path(group.page).stem}]({group.page}).\n"]
        parts.append(_table(("variable", "default", "meaning"), rows))
    return "\n".join(parts)


def _group(named: str) -> Group:
    return next((group for group in GROUPS if named.startswith(tuple(map(variable, group.prefixes)))), GENERAL)


def _row(setting: Described) -> tuple[str, str, str]:
    default = NONE if setting.default is None else f"`{setting.default}`"
    return f"`{setting.variable}`", default, setting.description


def tables_page() -> str:
    """Every table with its columns."""
    parts = [
        HEADER.format(source="the column list and the table list"),
        "# Tables\n",
        f"Analysts read the schema `{SCHEMA}`. The pipeline keeps its own records in `{OPS_SCHEMA}`. Types have the "
        "names of BigQuery. Partitioning and clustering apply to BigQuery only.\n",
    ]
    for table in sorted((*EVERY_TABLE, *VIEWS), key=lambda table: (table != TRACKS, table.schema)):
        parts += [f"## {table}\n", f"{table.description}\n", *_layout(table), *_columns(table)]
    return "\n".join(parts)


def _layout(table: Table) -> Iterable[str]:
    if table.partitioned_by:
        yield f"Partitioned by day of `{table.partitioned_by}`.\n"
    if table.clustered_by:
        yield f"Clustered by {', '.join(f'`{name}`' for name in table.clustered_by)}.\n"


def _columns(table: Table) -> Iterable[str]:
    """The columns of a table; those of tracks are listed once."""
    columns = table.columns
    if table != TRACKS and columns[: len(TRACK_COLUMNS)] == TRACK_COLUMNS:
        yield f"The columns of [{TRACKS}](#{f'{TRACKS}'.replace('.', '')}), in this order.\n"
        columns = columns[len(TRACK_COLUMNS) :]
    if columns:
        rows = [(f"`{column.name}`", column.type.value, column.description, _source(column)) for column in columns]
        width = 4 if any(source for *_, source in rows) else 3
        yield _table(("column", "type", "meaning", "from")[:width], [row[:width] for row in rows])


def _source(column: Column) -> str:
    """Where the value of a column comes from; empty if the pipeline sets it."""
    match column.source:
        case FileField(names):
            return f"field {_either(names)}"
        case Property(keys):
            return f"property {_either(keys)}"
        case Family(prefix):
            return f"properties that start with `{prefix}`"
    return ""


def _either(names: Sequence[str]) -> str:
    return ", else ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


PAGES: dict[str, Callable[[], str]] = {"settings.md": settings_page, "tables.md": tables_page}
"""The pages by name."""


def main() -> None:
    """Writes the pages."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
