"""What the UI's catalogue says of every asset beside its own definition: owners, tags, and the lines that define it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from tracks_assets.settings import Settings

ROOT = Path(__file__).parents[3]
"""The project's folder: paths in the repository begin here."""

_LAYERS = {
    "events_parquet": "export",
    "raw_tracks": "staging",
    "tracks": "core",
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
        file_path_mapping=dg.AnchorBasedFilePathMapping(ROOT / "pyproject.toml", "pyproject.toml"),
    )


def _described(spec: dg.AssetSpec, settings: Settings) -> dg.AssetSpec:
    schema, *_, name = spec.key.path
    layer = _LAYERS.get(name, spec.group_name or "")
    tags = {"source": schema.removesuffix("_ops"), "layer": layer, **spec.tags}
    return spec.replace_attributes(owners=settings.owners or spec.owners, tags=tags)
