"""The house rules that a reader relies on: one way for data, one place for each list and each default."""

import ast
import re
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Module:
    """A module of the package: its name without the package's, its text, its docstring and what it imports."""

    name: str
    text: str
    docstring: str | None
    imports: frozenset[str]

    @property
    def roots(self) -> set[str]:
        """The libraries and packages that it imports."""
        return {module.split(".")[0] for module in self.imports}


def _module(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    found |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return Module(_dotted(path), text, ast.get_docstring(tree), frozenset(found))


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return [_module(path) for path in sorted(PACKAGE.rglob("*.py"))]


def _place(dotted: str) -> int:
    return max(n for n, name in enumerate(ORDER) if dotted == name or dotted.startswith(f"{name}."))


def _runs_back(module: Module, imported: str) -> bool:
    own = imported.startswith("tracks_assets.")
    return own and _place(imported.removeprefix("tracks_assets.")) > _place(module.name)


def test_data_flows_one_way(modules: list[Module]) -> None:
    inner = [module for module in modules if module.name != "__init__"]
    wrong = [(each.name, imported) for each in inner for imported in each.imports if _runs_back(each, imported)]
    assert len(inner) > 100
    assert wrong == []


def test_the_package_knows_no_example(modules: list[Module]) -> None:
    assert [module.name for module in modules if "examples" in module.roots] == []


def test_only_defs_knows_dagster(modules: list[Module]) -> None:
    knows = [module.name for module in modules if any(root.startswith("dagster") for root in module.roots)]
    assert [name for name in knows if not name.startswith(("defs", "definitions"))] == []


def test_only_the_bigquery_engine_and_the_export_know_google(modules: list[Module]) -> None:
    knows = [module.name for module in modules if module.roots & {"google", "gcsfs"}]
    assert [name for name in knows if not name.startswith(("warehouse.bigquery", "storage"))] == []


def test_production_code_knows_no_emulator(modules: list[Module]) -> None:
    assert [module.name for module in modules if "emulator" in module.text.lower()] == []


def test_every_module_says_why_it_exists(modules: list[Module]) -> None:
    assert [module.name for module in modules if not module.docstring] == []


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
