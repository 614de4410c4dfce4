"""The names of the Parquet files that make one export hour, by its folder's listing and its manifest.

PostHog writes an hour as one file without a number. Where a maximum file size is set, it writes numbered parts and,
last of all, a manifest that names them. So numbered parts without a manifest are an export that is not finished.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fsspec import AbstractFileSystem

from tracks_assets.core.errors import ExportError
from tracks_assets.sources.posthog.layout import (
    FileName,
    file_name,
    hour_interval,
    is_manifest,
    is_parquet,
    manifest_name,
    parse_file_name,
    parse_manifest_name,
)
from tracks_assets.storage.errors import reaching
from tracks_assets.storage.filesystem import address
from tracks_assets.storage.folder import Folder, cause

EXPORT_AGAIN = "Let PostHog export the hour again."
AS_PARQUET = "Set the format of PostHog's export to Parquet and export the hour again."


@dataclass(frozen=True)
class HourFiles:
    """The names of an hour's Parquet files, and of its manifest if there is one."""

    names: tuple[str, ...]
    manifest: str | None = None


def find_files(filesystem: AbstractFileSystem, listing: Folder, hour: datetime, folder: str) -> HourFiles:
    """The files of an hour whose folder is not empty.

    Args:
        filesystem: where the folder lies.
        listing: the folder's entries.
        hour: the start of the hour.
        folder: the folder's name in messages.

    Raises:
        ExportError: the folder holds something else than Parquet files, the export is not finished, or a file or the
            manifest belongs to another hour.
    """
    manifest = _find_manifest(listing, hour, folder)
    if manifest is not None:
        names = _files_of_manifest(filesystem, listing, manifest, folder)
        _parse_names(names, hour, folder)
        return HourFiles(names, manifest)
    check_all_parquet(listing, folder, AS_PARQUET)
    _check_one_file(_parse_names(listing.files, hour, folder), hour, folder)
    return HourFiles(listing.files)


def check_all_parquet(listing: Folder, folder: str, remedy: str) -> None:
    """Checks that a folder holds Parquet files and nothing else: rows elsewhere would be missing.

    Raises:
        ExportError: it holds another file, or a folder.
    """
    others = [entry for entry in listing.entries if not is_parquet(entry)]
    if not others:
        return
    if others[0].endswith("/"):
        raise ExportError(
            f"The folder {folder} holds the folder {others[0]!r}.",
            "The files of an hour lie directly in the hour's folder.",
            "Move its files to the folders of their hours, or take it out of the folder.",
        )
    if len(others) == len(listing.entries):
        raise ExportError(f"The folder {folder} holds {others[0]!r}, but no Parquet file.", next_step=remedy)
    raise ExportError(
        f"The folder {folder} holds {others[0]!r} beside its Parquet files.",
        "Rows could be missing.",
        f"{remedy} If the Parquet files hold all rows of the hour, take {others[0]!r} out of the folder instead.",
    )


def _find_manifest(listing: Folder, hour: datetime, folder: str) -> str | None:
    manifests = [name for name in listing.files if is_manifest(name)]
    for name in manifests:
        interval = parse_manifest_name(name)
        if interval is None:
            raise ExportError(
                f"The manifest {folder}/{name} carries no interval in its name.",
                "It could be of another hour.",
                f"Give it the name {manifest_name(hour_interval(hour))}, or take it out of the folder.",
            )
        if interval != hour_interval(hour):
            raise ExportError(
                f"The manifest {folder}/{name} is of another hour.",
                f"This folder belongs to {hour_interval(hour)}.",
                "Move the manifest away, or set TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour names.",
            )
    if len(manifests) > 1:
        raise ExportError(
            f"The folder {folder} holds two manifests, {manifests[0]!r} and {manifests[1]!r}.",
            next_step="Take the older one out of the folder.",
        )
    return manifests[0] if manifests else None


def _files_of_manifest(filesystem: AbstractFileSystem, listing: Folder, manifest: str, folder: str) -> tuple[str, ...]:
    """Exactly the manifest's files: a retry with fewer parts leaves stale ones beside them."""
    path, location = f"{listing.path}/{manifest}", f"{folder}/{manifest}"
    try:
        with reaching(address(filesystem, path)):
            text = filesystem.cat_file(path)
        names = manifest_parts(text)
    except (ValueError, OSError) as error:
        raise ExportError(
            f"The manifest {location} cannot be read ({cause(error)}).", next_step=EXPORT_AGAIN
        ) from error
    others = [name for name in names if not is_parquet(name)]
    if others:
        raise ExportError(
            f"The manifest {location} names {others[0]!r}, which is no Parquet file.", next_step=AS_PARQUET
        )
    unlisted = [name for name in listing.files if is_parquet(name)]
    if unlisted and not names:
        raise ExportError(
            f"The manifest {location} names no file, but {unlisted[0]!r} is there.", next_step=EXPORT_AGAIN
        )
    return tuple(_named_file(name, listing, location) for name in names)


def _named_file(name: str, listing: Folder, manifest: str) -> str:
    """The file that a manifest names; its name may have lost its ``:`` and ``+`` on the way."""
    if name in listing.files:
        return name
    wanted = parse_file_name(name)
    alike = [file for file in listing.files if wanted is not None and parse_file_name(file) == wanted]
    if len(alike) != 1:
        raise ExportError(f"The manifest {manifest} names {name!r}, which is not there.", next_step=EXPORT_AGAIN)
    return alike[0]


def manifest_parts(text: bytes) -> list[str]:
    """The file names in a manifest; one that is named twice is still one file.

    Raises:
        ValueError: it is no manifest.
    """
    manifest = json.loads(text)
    keys = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError('it is not {"files": [names]}')
    return list(dict.fromkeys(key.rpartition("/")[2] for key in keys))


def _parse_names(names: Sequence[str], hour: datetime, folder: str) -> dict[str, FileName]:
    """The meaning of each name; every file must carry the hour's interval."""
    expected, parsed = hour_interval(hour), {}
    for name in names:
        meaning = parse_file_name(name)
        if meaning is None:
            raise ExportError(
                f"The file {folder}/{name} carries no interval in its name.",
                "It could be of another hour.",
                f"Give it the name that PostHog gave it, such as {file_name(expected)}, or take it out of the folder.",
            )
        if meaning.interval != expected:
            raise ExportError(
                f"The file {folder}/{name} carries the interval {meaning.interval}.",
                f"The hour being loaded is {expected}.",
                "Move the file to its own folder, or set TRACKS_EXPORT_FOLDER_HOUR to what the folder's hour names "
                "(the interval's end or its start).",
            )
        parsed[name] = meaning
    return parsed


def _check_one_file(parsed: dict[str, FileName], hour: datetime, folder: str) -> None:
    """Without a manifest, an hour is one file without a number."""
    parts = [name for name, meaning in parsed.items() if meaning.part is not None]
    if parts:
        raise ExportError(
            f"The file {folder}/{parts[0]} is one of several parts without a manifest.",
            "The export is not finished.",
            f"Wait for {manifest_name(hour_interval(hour))}, or let PostHog export the hour again.",
        )
    if len(parsed) > 1:
        first, second = list(parsed)[:2]
        raise ExportError(
            f"The folder {folder} holds the hour twice, as {first!r} and {second!r}.",
            next_step="Take the older file out of the folder.",
        )
