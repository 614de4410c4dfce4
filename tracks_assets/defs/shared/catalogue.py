"""What the UI's catalogue says of every asset beside its own definition: owners, tags, and the lines that define it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from tracks_assets.settings import Settings
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT, PACKAGE

_LAYERS = {
    "events_parquet": "export",
    "raw_tracks": "staging",
    "tracks": "core",
    "persons_parquet": "export",
    "raw_persons": "staging",
    "person_distinct_ids": "core",
    "tracks_by_person": "core",
    "tracks_live": "core",
    "mp_export_files": "export",
    "mp_master_event": "staging",
    "stg_mp_dedup_events": "staging",
    "mp_events": "core",
    "mp_rejected_events": "quality",
    "int_events_growth_union_events": "consumer",
    "installs_subscribers_by_channel_platform": "consumer",
    "backfill_tracks": "legacy",
    "tracks_legacy": "legacy",
    "duplicate_census": "quality",
    "daily_metrics": "quality",
    "status_page": "quality",
}
"""The layer of an asset, by the last part of its key; of any other, it is its group."""


def catalogued(assets: Sequence[dg.AssetsDefinition], settings: Settings) -> Sequence[Any]:
    """The assets with owners, tags and code references.

    References name files and lines of this checkout, which needs no git. With TRACKS_SOURCE_URL they are links to the
    repository.
    """
    described = dg.map_asset_specs(lambda spec: _described(spec, settings), assets)
    with_code = dg.with_source_code_references(described)
    if settings.source_url is None:
        return with_code
    return dg.link_code_references_to_git(
        with_code,
        git_url=settings.source_url,
        git_branch=settings.source_branch,
        file_path_mapping=RepositoryPaths(PACKAGE, DBT_PROJECT),
    )


@dataclass(frozen=True)
class RepositoryPaths(dg.FilePathMapping):
    """Where files of the package and of the dbt project are in the repository, from a checkout or from a wheel.

    Attributes:
        package: the folder of the package.
        dbt_project: the folder of the dbt project, which a wheel has inside the package.
    """

    package: Path
    dbt_project: Path

    def convert_to_source_control_path(self, local_path: Path) -> str:
        """The path from the root of the repository."""
        folder = self.dbt_project if local_path.is_relative_to(self.dbt_project) else self.package
        return local_path.relative_to(folder.parent).as_posix()


def _described(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    schema, *_, name = spec.key.path
    layer = _LAYERS.get(name, spec.group_name or "")
    tags = {"source": schema.removesuffix("_ops"), "layer": layer, **spec.tags}
    return spec.replace_attributes(owners=settings.owners or spec.owners, tags=tags)
