"""The house rules that a reader relies on: one way for data, one place for each list and each default."""

import ast
import re
from pathlib import Path

import pytest

from tracks_assets.core.columns import FileField
from tracks_assets.core.tables import Table
from tracks_assets.settings import described_settings, read_settings
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.sources.posthog.fields import EVENT_FIELDS
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT, MODELS, properties_file, properties_text
from tracks_assets.warehouse.tables import EVERY_TABLE

PACKAGE = Path(__file__).parents[1] / "tracks_assets"

# A package may import from those before it, and from itself.
ORDER = [
    *("setting_types", "settings", "__main__", "core", "storage", "sources", "transform", "warehouse", "quality"),
    *("repairs", "trace", "alerts", "migrate", "doctor", "status_page", "defs", "definitions", "status"),
]


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return found | {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}


def _place(dotted: str) -> int:
    return max(n for n, name in enumerate(ORDER) if dotted == name or dotted.startswith(f"{name}."))


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", _modules(), ids=_dotted)
def test_data_flows_one_way(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    own = _place(_dotted(path))
    for module in _imports(path):
        assert not module.startswith("examples"), f"{_dotted(path)} imports {module}"
        if module.startswith("tracks_assets."):
            assert _place(module.removeprefix("tracks_assets.")) <= own, f"{_dotted(path)} imports {module}"


@pytest.mark.parametrize("path", _modules(), ids=_dotted)
def test_only_defs_knows_dagster(path: Path) -> None:
    knows = any(module.split(".")[0].startswith("dagster") for module in _imports(path))

    assert not knows or _dotted(path).startswith(("defs", "definitions"))


@pytest.mark.parametrize("path", _modules(), ids=_dotted)
def test_only_the_bigquery_engine_and_the_export_know_google(path: Path) -> None:
    knows = any(module.split(".")[0] in ("google", "gcsfs") for module in _imports(path))

    assert not knows or _dotted(path).startswith(("warehouse.bigquery", "storage"))


@pytest.mark.parametrize("path", _modules(), ids=_dotted)
def test_production_code_knows_no_emulator(path: Path) -> None:
    assert "emulator" not in path.read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("path", _modules(), ids=_dotted)
def test_every_module_says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


@pytest.mark.parametrize(("model", "table"), MODELS.items())
def test_dbt_describes_the_column_list(model: str, table: Table) -> None:
    assert properties_file(model).read_text() == properties_text(model, table), "run make generate"


def test_a_bare_dbt_has_the_same_defaults_as_the_settings() -> None:
    """dbt cannot ask the settings for their defaults: this holds each of its own to them, and it must have each."""
    files = [path for pattern in ("*.yml", "m*/**/*.yml", "m*/**/*.sql") for path in DBT_PROJECT.glob(pattern)]
    reads = re.compile(r"""env_var\(["']{1,2}(TRACKS_\w+)["']{1,2}(?:,\s+(?=('[^']*'|env_var)))?""")
    settings = {each.variable: f"'{each.default or ''}'" for each in described_settings()}
    found = {pair for path in files for pair in reads.findall(path.read_text()) if pair[0] in settings}
    handed_on = {variable: settings[variable] for variable in read_settings({}).child_environment()}
    of_home = {"TRACKS_HOME": "'../.tracks'", "TRACKS_DUCKDB_PATH": "env_var"}

    assert found == set((handed_on | of_home).items())


def test_a_bare_dbt_finds_the_warehouse_of_the_settings() -> None:
    settings = {each.variable: each.default for each in described_settings()}
    home = f"env_var('TRACKS_HOME', '../{settings['TRACKS_HOME']}')"

    profiles = (DBT_PROJECT / "profiles.yml").read_text()
    assert f"env_var('TRACKS_DUCKDB_PATH', {home} ~ '/warehouse.duckdb')" in profiles
    assert settings["TRACKS_DUCKDB_PATH"] == "$TRACKS_HOME/warehouse.duckdb"


def test_tracks_cannot_be_rebuilt_by_a_flag() -> None:
    assert "full_refresh=false" in (DBT_PROJECT / "models" / "marts" / "posthog_tracks.sql").read_text()


def test_tables_have_descriptions_and_unique_columns() -> None:
    for table in EVERY_TABLE:
        names = [column.name for column in table.columns]
        assert len(names) == len(set(names))
        assert all(column.description.endswith(".") for column in table.columns)


def test_the_column_list_takes_every_field_that_is_read_from_files() -> None:
    taken = {name for column in TRACK_COLUMNS if isinstance(column.source, FileField) for name in column.source.names}

    assert taken >= EVENT_FIELDS.read


def test_the_lock_names_no_address() -> None:
    root = PACKAGE.parent
    assert not re.search(r"://|--index-url|--find-links", (root / "requirements.lock").read_text())
