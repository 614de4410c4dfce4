"""Homes in which dbt has parsed the project already.

dbt uses an earlier parse only for the same connection, which for DuckDB is the path of its file. So every home of a
test process has the same path, a link to where the home really is, and no run parses the project again.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.support.warm import beside_python
from tracks_assets.defs.shared.dbt_manifest import ensure_manifest
from tracks_assets.settings import read_settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT


@dataclass(frozen=True)
class ParsedDbt:
    """dbt's parse of the project.

    Attributes:
        link: the path of every home, one at a time.
        state: what dbt keeps of a home in which it parsed the project.
    """

    link: Path
    state: Path

    def home_at(self, folder: Path) -> Path:
        """A home in ``folder``, which this makes: its path, good until the next home is made."""
        folder.mkdir(parents=True)
        shutil.copytree(self.state, folder / "dbt")
        return linked(self.link, folder)


def parse_once(folder: Path) -> ParsedDbt:
    """Parses the project.

    Args:
        folder: an empty one, kept while the homes are used.
    """
    (folder / "parsed").mkdir()
    home = linked(folder / "home", folder / "parsed")
    with beside_python():
        ensure_manifest(read_settings({"TRACKS_HOME": str(home)}), DBT_PROJECT)
    return ParsedDbt(home, folder / "parsed" / "dbt")


def linked(link: Path, folder: Path) -> Path:
    """``link``, which leads to ``folder`` from now on."""
    link.unlink(missing_ok=True)
    link.symlink_to(folder, target_is_directory=True)
    return link
